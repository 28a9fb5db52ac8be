"""What a session costs, and why: lines, trace and sentences."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from .facts import instant_to_json
from .periods import Period
from .policy import Policy
from .tariff import Dimension, Restrictions
from .terms import Month
from .wording import line_sentence


@dataclass(frozen=True, slots=True)
class Line:
    """A priced line.

    :param dimension: what the price is for; MIN_PRICE and MAX_PRICE are the adjustments to the bounds of the
        tariff
    :param element: index in the tariff of the element that gave the price; of an adjustment: of the line it
        belongs to
    :param posts_to: the dimension whose price component (in ``element``) says where the amount is posted
    :param quantity: kWh (3 decimals), h (6 decimals) or 1 session
    :param unit: ``kWh``, ``h`` or ``session``
    :param unit_price: currency per unit
    :param amount: rounded to the currency's minor unit, from exact volumes (not from the rounded hours)
    :param rounded_up: the part of ``quantity`` that a step size added
    :param start, end: first and last instant at which the price was in force and used, aware UTC
    :param free: what was used at this price and cost nothing, beside ``quantity``: free kWh, minutes or a quota
    :param belongs_to: of an adjustment: the dimension of the line that it changes
    :param reason: English, for the trace; :meth:`sentence` is for people
    """

    dimension: Dimension
    element: int
    posts_to: Dimension
    quantity: Decimal
    unit: str
    unit_price: Decimal
    amount: Decimal
    rounded_up: Decimal
    currency: str
    start: datetime
    end: datetime
    restrictions: Restrictions
    reason: str
    free: Decimal = Decimal(0)
    belongs_to: Dimension | None = None

    @property
    def counts_for(self) -> Dimension:
        """What the amount is charged for: of an adjustment, that of the line that it belongs to."""
        return self.belongs_to or self.dimension

    def sentence(self, lang: str = "en") -> str:
        """The line as a sentence for a customer.

        :param lang: ``en`` or ``de``; a locale such as ``de_AT`` means its language, others are written in
            English
        """
        return line_sentence(self, lang)

    def to_json(self) -> dict[str, Any]:
        return {
            "dimension": self.dimension.value,
            "element": self.element,
            "posts_to": self.posts_to.value,
            "quantity": format(self.quantity, "f"),
            "unit": self.unit,
            "unit_price": format(self.unit_price, "f"),
            "amount": format(self.amount, "f"),
            "rounded_up": format(self.rounded_up, "f"),
            "free": format(self.free, "f"),
            "start": instant_to_json(self.start),
            "end": instant_to_json(self.end),
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Rating:
    """A priced session. The amounts of the lines always add up to the total.

    :param total: gross when ``tax_included``, else net
    :param flags: what a person may want to know: ``linear_energy``, ``readings_disagree`` (see ``curve``),
        ``unpriced_energy``, ``unpriced_time``, ``unpriced_parking_time`` (the tariff has such a price, but
        not for some of the volume of this session), ``spot_fallback`` (the market had no price for some of the
        energy), ``below_threshold`` (free, because the session is so small)
    :param month: what the customer has used and paid in the month with this session
    """

    tariff_id: str
    currency: str
    tax_included: bool
    lines: tuple[Line, ...]
    total: Decimal
    flags: tuple[str, ...]
    periods: tuple[Period, ...]
    policy: Policy
    month: Month = field(default_factory=Month)

    def to_json(self) -> dict[str, Any]:
        """The trace: everything needed to follow the calculation by hand."""
        return {
            "tariff": self.tariff_id,
            "currency": self.currency,
            "tax_included": self.tax_included,
            "total": format(self.total, "f"),
            "flags": list(self.flags),
            "lines": [line.to_json() for line in self.lines],
            "periods": [_period_to_json(period) for period in self.periods],
            "policy": self.policy.to_json(),
        }


def _period_to_json(period: Period) -> dict[str, Any]:
    return {
        "start": instant_to_json(period.start),
        "end": instant_to_json(period.end),
        "activity": period.activity.value,
        "energy_kwh": format(period.energy_kwh, "f"),
        "prices": [
            {
                "dimension": price.dimension.value,
                "element": price.element,
                "price": format(price.price, "f"),
                "step_size": price.step_size,
            }
            for price in period.prices
        ],
    }
