"""Prices a session: periods to volumes, volumes to lines, lines to a total.

Step sizes follow OCPI 2.2.1, mod_tariffs, "step_size": once per session for ENERGY, and once for TIME and
PARKING_TIME together: when parking is priced only the parking time is rounded up, else the charging time. The
size is that of the component that was in force last, and what is added is charged at its price.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction

from .curve import EnergyCurve
from .exact import HOUR, SECOND, round_half_up
from .facts import SessionFacts
from .idle import billable_idle, idle_since
from .periods import ENERGY_DIGITS, ActivePrice, Period, periods_on_curve
from .policy import FlatFees, Policy, StepSize
from .reservation import reservation_parts
from .result import Line, Rating
from .tariff import METERED, Dimension, Restrictions, Tariff
from .terms import Month, SpotSeries
from .wording import describe

HOUR_DIGITS = 6
WH_PER_KWH = 1000


@dataclass(slots=True)
class _Bucket:
    """What one component of one element is charged for. ``volume`` counts Wh, microseconds or sessions.

    ``free`` is the part of what was used that costs nothing and is not in ``volume``.
    """

    price: ActivePrice
    start: datetime
    end: datetime
    dimension: Dimension
    volume: int = 0
    rounded_up: int = 0
    free: int = 0

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


def rate(
    tariff: Tariff,
    facts: SessionFacts,
    *,
    policy: Policy | None = None,
    month: Month | None = None,
    spot: SpotSeries | None = None,
) -> Rating:
    """Prices a session. Pure and deterministic: equal arguments give equal results.

    There is one line for each price that was used, however often it came and went, so that rounding to the
    minor unit happens once per price. The start fee (FLAT) is charged once per session: the first one in
    force. Then come, each as a line of its own: the idle fee, caps of prices, the bounds of the session's price
    and the caps of the month, in this order.

    :param policy: how questions are decided that OCPI leaves open; None is ``Policy()``
    :param month: what the customer has used and paid in this month, for quotas and caps; None is nothing
    :param spot: market prices, for components that follow them
    """
    policy = policy or Policy()
    month = month or Month()
    curve = EnergyCurve(facts)
    periods = periods_on_curve(facts, tariff, curve, policy, spot)
    lines: list[Line] = []
    flags = [*curve.flags, *_unpriced(periods, tariff), *_fallbacks(periods, tariff, spot)]
    if _is_too_small(tariff, facts):
        flags.append("below_threshold")
    else:
        buckets = _fill_buckets(periods, tariff, facts, month, policy)
        if policy.step_size is StepSize.OCPI:
            _round_up_steps(periods, buckets)
        lines += _reservation_lines(tariff, facts, policy)
        lines += [_line(bucket, tariff) for bucket in _in_order(buckets.values())]
        lines += _idle_lines(tariff, facts, periods)
        lines += _caps(lines, tariff, facts)
        lines += _adjustments(lines, tariff, facts)
        lines += _month_caps(lines, tariff, facts, month)
    return Rating(
        tariff_id=tariff.id,
        currency=tariff.currency,
        tax_included=tariff.tax_included,
        lines=tuple(lines),
        total=_total(lines, tariff),
        flags=tuple(flags),
        periods=periods,
        policy=policy,
        month=_next_month(month, lines, facts),
    )


_Key = tuple[Dimension, int, Decimal]
_Buckets = dict[_Key, _Bucket]


def _is_too_small(tariff: Tariff, facts: SessionFacts) -> bool:
    """Whether the session is under a threshold, so that it is free (F42)."""
    if facts.reservation_expired:
        return False
    return facts.energy_kwh < tariff.free_below_kwh or facts.end - facts.start < timedelta(
        seconds=tariff.free_below_seconds
    )


# --- volumes --------------------------------------------------------------------------------------


def _fill_buckets(
    periods: Iterable[Period], tariff: Tariff, facts: SessionFacts, month: Month, policy: Policy
) -> _Buckets:
    buckets: _Buckets = {}
    if facts.reservation_expired:
        return buckets
    free = {
        Dimension.ENERGY: _free_energy(tariff, month),
        Dimension.TIME: tariff.free_seconds * SECOND,
    }
    flat_elements: set[int] = set()
    for period in periods:
        for price in period.prices:
            if price.dimension in METERED:
                volume = period.volume(price.dimension)
            else:
                volume = _flat_volume(price, flat_elements, tariff, facts, policy)
            if volume:
                key = price.dimension, price.element, price.price
                bucket = buckets.setdefault(key, _Bucket(price, period.start, period.end, price.dimension))
                without = min(free.get(price.dimension, 0), volume)
                if without:
                    free[price.dimension] -= without
                bucket.volume += volume - without
                bucket.free += without
                bucket.end = period.end
    return buckets


def _free_energy(tariff: Tariff, month: Month) -> int:
    """Wh that cost nothing: of each session, and what is left of the month's quota."""
    left = max(tariff.quota_kwh - month.energy_kwh, Decimal(0))
    return int(((tariff.free_kwh + left) * WH_PER_KWH).to_integral_value(ROUND_FLOOR))


def _flat_volume(
    price: ActivePrice, done: set[int], tariff: Tariff, facts: SessionFacts, policy: Policy
) -> int:
    component = tariff.elements[price.element].component(Dimension.FLAT)
    if component is not None and component.needs_energy and not facts.energy_kwh:
        return 0
    if price.element in done or done and policy.flat_fees is FlatFees.FIRST:
        return 0
    done.add(price.element)
    return 1


def _round_up_steps(periods: Iterable[Period], buckets: _Buckets) -> None:
    used = {key[0] for key, bucket in buckets.items() if bucket.volume}
    clock = Dimension.PARKING_TIME if Dimension.PARKING_TIME in used else Dimension.TIME
    for dimension, step_unit in ((Dimension.ENERGY, 1), (clock, SECOND)):
        last = _last_price(periods, dimension, buckets)
        if last is None or last.step_size == 0:
            continue
        total = sum(bucket.volume for key, bucket in buckets.items() if key[0] is dimension)
        bucket = buckets[dimension, last.element, last.price]
        bucket.rounded_up = -total % (last.step_size * step_unit)
        bucket.volume += bucket.rounded_up


def _last_price(periods: Iterable[Period], dimension: Dimension, buckets: _Buckets) -> ActivePrice | None:
    """The component of the dimension that was in force last while there was something to charge."""
    last = None
    for period in periods:
        price = period.price(dimension)
        bucket = buckets.get((dimension, price.element, price.price)) if price is not None else None
        if bucket is not None and bucket.volume and period.volume(dimension):
            last = price
    return last


def _reservation_lines(tariff: Tariff, facts: SessionFacts, policy: Policy) -> list[Line]:
    """The time of a reservation, rounded up by itself, and its fees."""
    buckets: dict[tuple[Dimension, int], _Bucket] = {}
    for part in reservation_parts(tariff, facts, policy):
        bucket = buckets.setdefault(
            (part.dimension, part.price.element), _Bucket(part.price, part.start, part.end, part.dimension)
        )
        bucket.volume += part.volume
        bucket.end = part.end
    times = [bucket for bucket in buckets.values() if bucket.dimension is Dimension.RESERVATION_TIME]
    if times and policy.step_size is StepSize.OCPI and times[-1].price.step_size:
        times[-1].rounded_up = -sum(bucket.volume for bucket in times) % (times[-1].price.step_size * SECOND)
        times[-1].volume += times[-1].rounded_up
    return [_line(bucket, tariff) for bucket in _in_order(buckets.values())]


# --- lines ----------------------------------------------------------------------------------------


def _in_order(buckets: Iterable[_Bucket]) -> list[_Bucket]:
    order = tuple(Dimension)
    reservations = (Dimension.RESERVATION_FLAT, Dimension.RESERVATION_TIME)
    return sorted(
        buckets,
        key=lambda b: (b.dimension not in reservations, order.index(b.dimension), b.start, b.price.element),
    )


def _line(bucket: _Bucket, tariff: Tariff) -> Line:
    price = bucket.price
    restrictions = tariff.elements[price.element].restrictions
    conditions = describe(restrictions)
    reason = f"element {price.element + 1}" + (f" ({conditions})" if conditions else "")
    component = tariff.elements[price.element].component(price.dimension)
    if component is not None and component.spot is not None:
        reason += ", market price" if component.price != price.price else ", market price or its fallback"
    if bucket.free:
        reason += f", {bucket.quantity(bucket.free)} {bucket.unit} free"
    if bucket.rounded_up:
        reason += f", rounded up to step_size {price.step_size}"
    return Line(
        dimension=bucket.dimension,
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
        free=bucket.quantity(bucket.free),
    )


def _total(lines: Iterable[Line], tariff: Tariff) -> Decimal:
    return sum((line.amount for line in lines), Decimal(0).scaleb(-tariff.digits))


def _idle_lines(tariff: Tariff, facts: SessionFacts, periods: tuple[Period, ...]) -> list[Line]:
    fee = tariff.idle
    since = idle_since(periods) if fee is not None else None
    if fee is None or since is None or facts.reservation_expired:
        return []
    volume = billable_idle(fee, facts, since)
    if not volume:
        return []
    element, posts_to = _place_of(tariff, Dimension.PARKING_TIME)
    reason = f"idle fee, after {fee.grace} s of grace ({fee.grace_mode.value})"
    if fee.free_from is not None and fee.free_until is not None:
        reason += f", not from {fee.free_from:%H:%M} to {fee.free_until:%H:%M}"
    return [
        Line(
            dimension=Dimension.IDLE,
            element=element,
            posts_to=posts_to,
            quantity=round_half_up(Fraction(volume, HOUR), HOUR_DIGITS),
            unit="h",
            unit_price=fee.price,
            amount=round_half_up(Fraction(volume, HOUR) * Fraction(fee.price), tariff.digits),
            rounded_up=Decimal(0),
            currency=tariff.currency,
            start=since,
            end=facts.released,
            restrictions=Restrictions(),
            reason=reason,
        )
    ]


def _place_of(tariff: Tariff, wanted: Dimension) -> tuple[int, Dimension]:
    """The element and dimension whose component says where an amount without one posts: of the wanted dimension,
    else the first one of the tariff."""
    places = [
        (index, component.dimension)
        for index, element in enumerate(tariff.elements)
        for component in element.components
    ]
    return next((place for place in places if place[1] is wanted), places[0])


# --- bounds ---------------------------------------------------------------------------------------


def _caps(lines: list[Line], tariff: Tariff, facts: SessionFacts) -> list[Line]:
    """What caps of single prices and of the idle fee take away again."""
    caps: list[Line] = []
    paid: dict[tuple[int, Dimension], Decimal] = {}
    for line in lines:
        cap = _cap_of(line, tariff)
        if cap is None:
            continue
        key = line.element, line.dimension
        before = paid.get(key, Decimal(0))
        paid[key] = before + line.amount
        limit = round_half_up(Fraction(cap), tariff.digits)
        over = max(paid[key] - limit, Decimal(0)) - max(before - limit, Decimal(0))
        if over:
            reason = f"at most {cap} per session for {line.dimension.value}"
            caps.append(_added(Dimension.CAP, -over, line, tariff, facts, reason))
    return caps


def _cap_of(line: Line, tariff: Tariff) -> Decimal | None:
    if line.dimension is Dimension.IDLE:
        return tariff.idle.cap if tariff.idle is not None else None
    component = tariff.elements[line.element].component(line.posts_to)
    return component.cap if component is not None else None


def _adjustments(lines: list[Line], tariff: Tariff, facts: SessionFacts) -> list[Line]:
    """A line that lifts the total to the lowest price of a session, or lowers it to the highest."""
    total = _total(lines, tariff)
    if tariff.min_price is not None and total < tariff.min_price:
        dimension, bound, name = Dimension.MIN_PRICE, tariff.min_price, "min_price"
    elif tariff.max_price is not None and total > tariff.max_price:
        dimension, bound, name = Dimension.MAX_PRICE, tariff.max_price, "max_price"
    else:
        return []
    amount = round_half_up(Fraction(bound), tariff.digits) - total
    return [_added(dimension, amount, _largest(lines), tariff, facts, f"{name} {bound} of the tariff")]


def _month_caps(lines: list[Line], tariff: Tariff, facts: SessionFacts, month: Month) -> list[Line]:
    """What the caps of the month take away: this session pays at most what is left of them."""
    added: list[Line] = []
    for dimension, cap in tariff.month_caps:
        relevant = [line for line in (*lines, *added) if dimension is None or line.counts_for is dimension]
        spent = sum(
            (amount for name, amount in month.charged.items() if dimension is None or name == dimension.value),
            Decimal(0),
        )
        left = round_half_up(max(Fraction(cap) - Fraction(spent), Fraction(0)), tariff.digits)
        name = "everything" if dimension is None else dimension.value
        reason = f"at most {cap} per month for {name}"
        added += _taken_away(_total(relevant, tariff) - left, relevant, reason, tariff, facts)
    return added


def _taken_away(over: Decimal, lines: list[Line], reason: str, tariff: Tariff, facts: SessionFacts) -> Iterator[Line]:
    """Lines that take an amount away from what is charged for most, and then from the next, so that nothing is
    charged for less than 0."""
    charged = _sums(lines)
    for name in sorted(charged, key=lambda name: -charged[name]):
        amount = min(over, charged[name])
        if amount > 0:
            over -= amount
            base = _largest([line for line in lines if line.counts_for.value == name])
            yield _added(Dimension.MONTH_CAP, -amount, base, tariff, facts, reason)


def _sums(lines: Iterable[Line]) -> dict[str, Decimal]:
    """What is charged for each dimension."""
    charged: dict[str, Decimal] = {}
    for line in lines:
        charged[line.counts_for.value] = charged.get(line.counts_for.value, Decimal(0)) + line.amount
    return charged


def _largest(lines: list[Line]) -> Line | None:
    return max(lines, key=lambda line: line.amount, default=None)


def _added(
    dimension: Dimension, amount: Decimal, base: Line | None, tariff: Tariff, facts: SessionFacts, reason: str
) -> Line:
    """A line that changes the total. It posts where the line does that it belongs to; without one, where the first
    price of the tariff posts."""
    if base is not None:
        element, posts_to, counts_for = base.element, base.posts_to, base.counts_for
    else:
        element = next(index for index, each in enumerate(tariff.elements) if each.components)
        posts_to = counts_for = tariff.elements[element].components[0].dimension
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
        reason=reason,
        belongs_to=counts_for,
    )


def _next_month(month: Month, lines: list[Line], facts: SessionFacts) -> Month:
    charged = dict(month.charged)
    for name, amount in _sums(lines).items():
        charged[name] = charged.get(name, Decimal(0)) + amount
    return Month(month.energy_kwh + facts.energy_kwh, charged)


# --- flags ----------------------------------------------------------------------------------------


def _unpriced(periods: Iterable[Period], tariff: Tariff) -> tuple[str, ...]:
    """Dimensions that the tariff prices, but not for all of the volume of this session."""
    gaps = {
        dimension
        for period in periods
        for dimension in METERED
        if period.volume(dimension) and period.price(dimension) is None and tariff.has_price_for(dimension)
    }
    return tuple(f"unpriced_{dimension.value.lower()}" for dimension in METERED if dimension in gaps)


def _fallbacks(periods: Iterable[Period], tariff: Tariff, spot: SpotSeries | None) -> tuple[str, ...]:
    """Whether energy that should follow the market was priced by the fallback."""
    for period in periods:
        price = period.price(Dimension.ENERGY)
        if price is not None and period.volume(Dimension.ENERGY):
            component = tariff.elements[price.element].component(Dimension.ENERGY)
            follows = component is not None and component.spot is not None
            if follows and (spot is None or spot.at(period.start) is None):
                return ("spot_fallback",)
    return ()
