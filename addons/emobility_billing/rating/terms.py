"""What our tariffs can say and OCPI's cannot. `export` says what an OCPI tariff loses of it."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Decimal
from enum import StrEnum

from .errors import FactsError, TariffError


class Grace(StrEnum):
    """What a grace time means for a car that stays longer."""

    DEDUCTED = "deducted"
    """The first minutes are free."""
    RETROACTIVE = "retroactive"
    """Who stays longer pays from the first minute."""


@dataclass(frozen=True, slots=True)
class IdleFee:
    """A fee for blocking the connector after charging has ended (FAILURES F33, F43).

    It counts the time from the last charging until the cable is out. A pause by the station or by smart charging
    is not part of it, and neither is a pause of the car after which it charges on.

    :param price: per hour
    :param grace: seconds
    :param cap: the most that a session pays for it
    :param free_from, free_until: local times of day between which it does not count, over midnight or not
    """

    price: Decimal
    grace: int = 0
    grace_mode: Grace = Grace.DEDUCTED
    cap: Decimal | None = None
    free_from: time | None = None
    free_until: time | None = None

    def __post_init__(self) -> None:
        _check_amount(self.price, "The price of the idle fee")
        if self.cap is not None:
            _check_amount(self.cap, "The cap of the idle fee")
        if self.grace < 0:
            raise TariffError("A grace time is 0 or more.")
        if (self.free_from is None) != (self.free_until is None):
            raise TariffError("A window without idle fee needs both of its times.")


@dataclass(frozen=True, slots=True)
class SpotPrice:
    """How the price of energy follows a market.

    price = market price x ``factor`` + ``markup``, not less than ``floor`` and not more than ``cap``; the price of
    the component itself is the fallback for times at which the series has no price.

    :param markup: per kWh, also negative
    """

    markup: Decimal = Decimal(0)
    factor: Decimal = Decimal(1)
    floor: Decimal = Decimal(0)
    cap: Decimal | None = None

    def __post_init__(self) -> None:
        _check_amount(self.floor, "The floor of a spot price")
        if not self.markup.is_finite() or not self.factor.is_finite():
            raise TariffError("The mark-up and the factor of a spot price are numbers.")
        if self.cap is not None and self.cap < self.floor:
            raise TariffError("The floor of a spot price is above its cap.")

    def at(self, market: Decimal) -> Decimal:
        """The price of a kWh at a market price."""
        price = max(market * self.factor + self.markup, self.floor)
        return price if self.cap is None else min(price, self.cap)


@dataclass(frozen=True, slots=True)
class SpotSeries:
    """Market prices per kWh, each from its instant until the next one.

    :param steps: (aware instant, price) in order of time; None as a price is a time without one
    """

    steps: tuple[tuple[datetime, Decimal | None], ...]

    def __post_init__(self) -> None:
        instants = [at for at, _price in self.steps]
        if any(at.utcoffset() is None for at in instants) or instants != sorted(set(instants)):
            raise FactsError("A price series needs instants with a time zone, in order and each once.")

    def at(self, instant: datetime) -> Decimal | None:
        index = bisect_right(self.steps, instant, key=lambda step: step[0])
        return self.steps[index - 1][1] if index else None


@dataclass(frozen=True, slots=True)
class Month:
    """What a customer has already used and paid in the month of a session, by the contract's time zone.

    The engine does not read it anywhere: the caller hands it in, and takes the next one from the rating.

    :param energy_kwh: that counts against a monthly quota
    :param charged: sums by what they were charged for (a dimension's name)
    """

    energy_kwh: Decimal = Decimal(0)
    charged: Mapping[str, Decimal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.energy_kwh.is_finite() or self.energy_kwh < 0:
            raise FactsError("The energy of a month is 0 or more.")


def _check_amount(amount: Decimal, name: str) -> None:
    if not amount.is_finite() or amount < 0:
        raise TariffError(f"{name} is 0 or more.")
