"""Prices a session: periods to volumes, volumes to lines, lines to a total.

Step sizes follow OCPI 2.2.1, mod_tariffs, "step_size": once per session for ENERGY, and once for TIME and
PARKING_TIME together: when parking is priced only the parking time is rounded up, else the charging time. The
size is that of the component that was in force last, and what is added is charged at its price.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from .curve import EnergyCurve
from .exact import HOUR, SECOND, round_half_up
from .facts import SessionFacts
from .periods import ENERGY_DIGITS, ActivePrice, Period, periods_on_curve
from .policy import Policy, StepSize
from .result import Line, Rating
from .tariff import METERED, Dimension, Restrictions, Tariff
from .wording import describe

HOUR_DIGITS = 6
WH_PER_KWH = 1000


@dataclass(slots=True)
class _Bucket:
    """What one component of one element is charged for. ``volume`` counts Wh, microseconds or sessions."""

    price: ActivePrice
    start: datetime
    end: datetime
    volume: int = 0
    rounded_up: int = 0

    @property
    def per_unit(self) -> int:
        """How many units of volume the price is for."""
        if self.price.dimension is Dimension.ENERGY:
            return WH_PER_KWH
        return HOUR if self.price.dimension in METERED else 1

    @property
    def unit(self) -> str:
        if self.price.dimension is Dimension.ENERGY:
            return "kWh"
        return "h" if self.price.dimension in METERED else "session"

    def quantity(self, volume: int) -> Decimal:
        digits = {"kWh": ENERGY_DIGITS, "h": HOUR_DIGITS, "session": 0}[self.unit]
        return round_half_up(Fraction(volume, self.per_unit), digits)


def rate(tariff: Tariff, facts: SessionFacts, *, policy: Policy | None = None) -> Rating:
    """Prices a session. Pure and deterministic: equal arguments give equal results.

    There is one line for each price that was used, however often it came and went, so that rounding to the
    minor unit happens once per price. The start fee (FLAT) is charged once per session: the first one in
    force.

    :param policy: how questions are decided that OCPI leaves open; None is ``Policy()``
    """
    policy = policy or Policy()
    curve = EnergyCurve(facts)
    periods = periods_on_curve(facts, tariff, curve, policy)
    buckets = _fill_buckets(periods)
    if policy.step_size is StepSize.OCPI:
        _round_up_steps(periods, buckets)
    lines = [_line(bucket, tariff) for bucket in _in_order(buckets.values())]
    lines += _adjustments(lines, tariff, facts)
    return Rating(
        tariff_id=tariff.id,
        currency=tariff.currency,
        tax_included=tariff.tax_included,
        lines=tuple(lines),
        total=_total(lines, tariff),
        flags=(*curve.flags, *_unpriced(periods, tariff)),
        periods=periods,
        policy=policy,
    )


_Buckets = dict[tuple[Dimension, int], _Bucket]


def _fill_buckets(periods: Iterable[Period]) -> _Buckets:
    buckets: _Buckets = {}
    has_start_fee = False
    for period in periods:
        for price in period.prices:
            if price.dimension in METERED:
                volume = period.volume(price.dimension)
            else:
                volume = 0 if has_start_fee else 1
                has_start_fee = True
            if volume:
                key = price.dimension, price.element
                bucket = buckets.setdefault(key, _Bucket(price, period.start, period.end))
                bucket.volume += volume
                bucket.end = period.end
    return buckets


def _round_up_steps(periods: Iterable[Period], buckets: _Buckets) -> None:
    used = {dimension for dimension, _element in buckets}
    clock = Dimension.PARKING_TIME if Dimension.PARKING_TIME in used else Dimension.TIME
    for dimension, step_unit in ((Dimension.ENERGY, 1), (clock, SECOND)):
        last = _last_price(periods, dimension)
        if last is None or last.step_size == 0:
            continue
        total = sum(bucket.volume for key, bucket in buckets.items() if key[0] is dimension)
        bucket = buckets[dimension, last.element]
        bucket.rounded_up = -total % (last.step_size * step_unit)
        bucket.volume += bucket.rounded_up


def _last_price(periods: Iterable[Period], dimension: Dimension) -> ActivePrice | None:
    """The component of the dimension that was in force last while there was something to charge."""
    last = None
    for period in periods:
        price = period.price(dimension)
        if price is not None and period.volume(dimension):
            last = price
    return last


def _in_order(buckets: Iterable[_Bucket]) -> list[_Bucket]:
    order = (Dimension.FLAT, *METERED)
    return sorted(buckets, key=lambda b: (order.index(b.price.dimension), b.start, b.price.element))


def _line(bucket: _Bucket, tariff: Tariff) -> Line:
    price = bucket.price
    restrictions = tariff.elements[price.element].restrictions
    conditions = describe(restrictions)
    reason = f"element {price.element + 1}" + (f" ({conditions})" if conditions else "")
    if bucket.rounded_up:
        reason += f", rounded up to step_size {price.step_size}"
    return Line(
        dimension=price.dimension,
        element=price.element,
        posts_to=price.dimension,
        quantity=bucket.quantity(bucket.volume),
        unit=bucket.unit,
        unit_price=price.price,
        amount=round_half_up(Fraction(bucket.volume, bucket.per_unit) * Fraction(price.price), tariff.digits),
        rounded_up=bucket.quantity(bucket.rounded_up),
        currency=tariff.currency,
        start=bucket.start,
        end=bucket.end,
        restrictions=restrictions,
        reason=reason,
    )


def _total(lines: Iterable[Line], tariff: Tariff) -> Decimal:
    return sum((line.amount for line in lines), Decimal(0).scaleb(-tariff.digits))


def _adjustments(lines: list[Line], tariff: Tariff, facts: SessionFacts) -> list[Line]:
    """A line that lifts the total to the lowest price of a session, or lowers it to the highest."""
    total = _total(lines, tariff)
    if tariff.min_price is not None and total < tariff.min_price:
        return [_adjustment(Dimension.MIN_PRICE, tariff.min_price, lines, tariff, facts)]
    if tariff.max_price is not None and total > tariff.max_price:
        return [_adjustment(Dimension.MAX_PRICE, tariff.max_price, lines, tariff, facts)]
    return []


def _adjustment(
    dimension: Dimension, bound: Decimal, lines: list[Line], tariff: Tariff, facts: SessionFacts
) -> Line:
    """It posts where the largest line posts; without lines where the first price of the tariff posts."""
    largest = max(lines, key=lambda line: line.amount, default=None)
    if largest is not None:
        element, posts_to = largest.element, largest.posts_to
    else:
        element = next(index for index, each in enumerate(tariff.elements) if each.components)
        posts_to = tariff.elements[element].components[0].dimension
    amount = round_half_up(Fraction(bound), tariff.digits) - _total(lines, tariff)
    name = "min_price" if dimension is Dimension.MIN_PRICE else "max_price"
    return Line(
        dimension=dimension,
        element=element,
        posts_to=posts_to,
        quantity=Decimal(1),
        unit="session",
        unit_price=amount,
        amount=amount,
        rounded_up=Decimal(0),
        currency=tariff.currency,
        start=facts.start,
        end=facts.released,
        restrictions=Restrictions(),
        reason=f"{name} {bound} of the tariff",
    )


def _unpriced(periods: Iterable[Period], tariff: Tariff) -> tuple[str, ...]:
    """Dimensions that the tariff prices, but not for all of the volume of this session."""
    gaps = {
        dimension
        for period in periods
        for dimension in METERED
        if period.volume(dimension) and period.price(dimension) is None and tariff.has_price_for(dimension)
    }
    return tuple(f"unpriced_{dimension.value.lower()}" for dimension in METERED if dimension in gaps)
