"""Cuts a session into periods in which every price is constant."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

from .clock import local_restrictions_hold, wall_clock_instants
from .curve import EnergyCurve
from .errors import FactsError
from .exact import SECOND, instant_after, microseconds, round_half_up
from .facts import ChargingState, SessionFacts
from .policy import Policy, Unmeasured
from .tariff import METERED, Dimension, PriceComponent, Restrictions, Tariff
from .terms import SpotSeries

ENERGY_DIGITS = 3
"""Energy is billed in Wh, the resolution of the display of a billing meter."""


class Activity(StrEnum):
    """What the driver may be charged for by the hour."""

    CHARGING = "charging"
    PARKING = "parking"
    WAITING = "waiting"
    """Neither: the station withholds energy, or charging has not begun."""


@dataclass(frozen=True, slots=True)
class ActivePrice:
    """A price component in force. ``element`` is the index of its element in the tariff."""

    dimension: Dimension
    element: int
    price: Decimal
    step_size: int


@dataclass(frozen=True, slots=True)
class Period:
    """From ``start`` to ``end`` (aware UTC) every price is constant. The energies of all periods add up to
    the energy of the session in Wh."""

    start: datetime
    end: datetime
    activity: Activity
    energy_kwh: Decimal
    prices: tuple[ActivePrice, ...]

    def price(self, dimension: Dimension) -> ActivePrice | None:
        return next((price for price in self.prices if price.dimension is dimension), None)

    @property
    def duration(self) -> int:
        """Microseconds."""
        return microseconds(self.end - self.start)

    def volume(self, dimension: Dimension) -> int:
        """What a metered dimension counts in this period: Wh or microseconds."""
        if dimension is Dimension.ENERGY:
            return int(self.energy_kwh.scaleb(ENERGY_DIGITS))
        wanted = Activity.CHARGING if dimension is Dimension.TIME else Activity.PARKING
        return self.duration if self.activity is wanted else 0


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A time of one activity, in offsets. ``parked`` is the parking time before it."""

    begin: int
    finish: int
    activity: Activity
    parked: int


@dataclass(frozen=True, slots=True)
class _Slice:
    """A period before it is merged with equal neighbours."""

    begin: Fraction
    finish: Fraction
    activity: Activity
    prices: tuple[ActivePrice, ...]


def build_periods(
    facts: SessionFacts, tariff: Tariff, *, policy: Policy | None = None, spot: SpotSeries | None = None
) -> tuple[Period, ...]:
    """The periods of a session, in order and without gaps, from its start until the cable is out.

    There is a boundary exactly where a price or the activity changes and nowhere else. A session without
    duration is one period.

    :param spot: market prices, for components that follow them
    """
    return periods_on_curve(facts, tariff, EnergyCurve(facts), policy or Policy(), spot)


def periods_on_curve(
    facts: SessionFacts, tariff: Tariff, curve: EnergyCurve, policy: Policy, spot: SpotSeries | None = None
) -> tuple[Period, ...]:
    """As :func:`build_periods`, with the energy curve that the caller already has."""
    return _Cutter(facts, tariff, curve, policy, spot).periods()


class _Cutter:
    """Holds what all steps of the cutting need."""

    def __init__(
        self, facts: SessionFacts, tariff: Tariff, curve: EnergyCurve, policy: Policy, spot: SpotSeries | None
    ) -> None:
        self.facts = facts
        self.tariff = tariff
        self.curve = curve
        self.policy = policy
        self.spot = spot
        self.zone = facts.zone
        self.end = microseconds(facts.end - facts.start)
        self.released = microseconds(facts.released - facts.start)
        self.stretches = tuple(self._stretches())
        self.restrictions = tuple(element.restrictions for element in tariff.elements)
        self.has_local_rules = any(restriction.wall_times for restriction in self.restrictions)

    def periods(self) -> tuple[Period, ...]:
        slices = _merge(self._slices())
        return tuple(self._period(piece) for piece in slices)

    # Activities

    def _stretches(self) -> Iterator[_Stretch]:
        """Activities from the start until the cable is out. After the end everything is parking."""
        changes: list[tuple[int, Activity]] = [(0, Activity.CHARGING)]
        has_charged = self._charges_unreported()
        for change in self.facts.states:
            has_charged = has_charged or change.state is ChargingState.CHARGING
            offset = microseconds(change.at - self.facts.start)
            if offset < self.end:
                changes.append((max(offset, 0), self._activity(change.state, has_charged)))
        changes += [(self.end, Activity.PARKING), (self.released, Activity.PARKING)]
        parked = 0
        for (begin, activity), (finish, _next) in pairwise(changes):
            if finish > begin:
                yield _Stretch(begin, finish, activity, parked)
                parked += finish - begin if activity is Activity.PARKING else 0

    def _charges_unreported(self) -> bool:
        """Whether the car charged before the first state although no state ever says so."""
        states = self.facts.states
        if any(change.state is ChargingState.CHARGING for change in states):
            return False
        return bool(states) and states[0].at > self.facts.start

    def _activity(self, state: ChargingState, has_charged: bool) -> Activity:
        """A cable that is in before the first charging is not parking, unless the car itself refuses."""
        if state is ChargingState.CHARGING:
            return Activity.CHARGING
        if state is ChargingState.SUSPENDED_EVSE:
            return Activity.CHARGING if self.policy.suspended_evse_is_charging else Activity.WAITING
        if state is ChargingState.SUSPENDED_EV:
            return Activity.PARKING if self.policy.suspended_ev_is_parking else Activity.CHARGING
        return Activity.PARKING if has_charged else Activity.WAITING

    # Cuts

    def _slices(self) -> Iterator[_Slice]:
        """Slices between all instants at which anything might change."""
        if self.end == 0:
            start = Fraction(0)
            moment = _Stretch(0, 0, Activity.CHARGING, 0)
            yield _Slice(start, start, Activity.CHARGING, self._prices(start, moment))
        cuts = sorted(self._cuts())
        for stretch in self.stretches:
            inside = [cut for cut in cuts if stretch.begin <= cut <= stretch.finish]
            for begin, finish in pairwise(inside):
                prices = self._prices((begin + finish) / 2, stretch)
                yield _Slice(begin, finish, stretch.activity, prices)

    def _cuts(self) -> set[Fraction]:
        cuts = {Fraction(0), Fraction(self.end), Fraction(self.released)}
        candidates = [Fraction(stretch.begin) for stretch in self.stretches]
        candidates += self._duration_cuts()
        candidates += self._parking_cuts()
        candidates += self._energy_cuts()
        candidates += self._clock_cuts()
        if any(r.min_power is not None or r.max_power is not None for r in self.restrictions):
            candidates += [Fraction(offset) for offset in self.curve.offsets]
        if any(r.min_current is not None or r.max_current is not None for r in self.restrictions):
            candidates += [Fraction(microseconds(reading.at - self.facts.start)) for reading in self.facts.readings]
        if self.spot is not None:
            candidates += [Fraction(microseconds(at - self.facts.start)) for at, _price in self.spot.steps]
        cuts.update(cut for cut in candidates if 0 < cut < self.released)
        return cuts

    def _duration_cuts(self) -> list[Fraction]:
        limits = _limits((r.min_duration, r.max_duration) for r in self.restrictions)
        return [Fraction(limit * SECOND) for limit in limits]

    def _parking_cuts(self) -> list[Fraction]:
        bounds = _limits((r.min_parking, r.max_parking) for r in self.restrictions)
        limits = [bound * SECOND for bound in bounds]
        return [
            Fraction(stretch.begin + limit - stretch.parked)
            for stretch in self.stretches
            if stretch.activity is Activity.PARKING
            for limit in limits
            if 0 < limit - stretch.parked < stretch.finish - stretch.begin
        ]

    def _energy_cuts(self) -> list[Fraction]:
        limits = {limit for r in self.restrictions for limit in (r.min_kwh, r.max_kwh) if limit is not None}
        offsets = (self.curve.reaches(Fraction(limit)) for limit in limits)
        return [offset for offset in offsets if offset is not None]

    def _clock_cuts(self) -> list[Fraction]:
        if not self.has_local_rules:
            return []
        times: frozenset[time] = frozenset().union(*(r.wall_times for r in self.restrictions))
        instants = wall_clock_instants(self.facts.start, self.facts.released, self.zone, times)
        return [Fraction(microseconds(instant - self.facts.start)) for instant in instants]

    # Prices

    def _prices(self, offset: Fraction, stretch: _Stretch) -> tuple[ActivePrice, ...]:
        """For each dimension the component of the first element whose restrictions match."""
        found: dict[Dimension, ActivePrice] = {}
        for index, element in enumerate(self.tariff.elements):
            if element.restrictions.reservation is not None:
                continue
            wanted = [c for c in element.components if c.dimension not in found]
            if wanted and self._holds(element.restrictions, offset, stretch):
                found |= {c.dimension: self._active(c, index, offset) for c in wanted}
        return tuple(found[d] for d in (Dimension.FLAT, *METERED) if d in found)

    def _active(self, component: PriceComponent, element: int, offset: Fraction) -> ActivePrice:
        price = component.price
        if component.spot is not None and self.spot is not None:
            market = self.spot.at(instant_after(self.facts.start, offset))
            price = component.spot.at(market) if market is not None else price
        return ActivePrice(component.dimension, element, price, component.step_size)

    def _holds(self, restrictions: Restrictions, offset: Fraction, stretch: _Stretch) -> bool:
        parked = Fraction(stretch.parked)
        if stretch.activity is Activity.PARKING:
            parked += offset - stretch.begin
        return (
            _within(offset / SECOND, restrictions.min_duration, restrictions.max_duration)
            and _within(parked / SECOND, restrictions.min_parking, restrictions.max_parking)
            and self._energy_holds(restrictions, offset)
            and self._local_holds(restrictions, offset)
        )

    def _energy_holds(self, restrictions: Restrictions, offset: Fraction) -> bool:
        if restrictions.min_kwh is not None or restrictions.max_kwh is not None:
            if not _within(self.curve.at(offset), restrictions.min_kwh, restrictions.max_kwh):
                return False
        if restrictions.min_power is not None or restrictions.max_power is not None:
            if not _within(self.curve.power(offset), restrictions.min_power, restrictions.max_power):
                return False
        if restrictions.min_current is not None or restrictions.max_current is not None:
            return self._current_holds(restrictions, offset)
        return True

    def _current_holds(self, restrictions: Restrictions, offset: Fraction) -> bool:
        """By the current that the last reading tells; after charging there is none."""
        told = [
            reading.current_a
            for reading in self.facts.readings
            if reading.current_a is not None and microseconds(reading.at - self.facts.start) <= offset
        ]
        current = Decimal(0) if offset >= self.end else told[-1] if told else None
        if current is not None:
            return _within(Fraction(current), restrictions.min_current, restrictions.max_current)
        if self.policy.unmeasured is Unmeasured.REFUSE:
            raise FactsError("The price depends on the current, which no reading tells.")
        return self.policy.unmeasured is Unmeasured.HOLDS

    def _local_holds(self, restrictions: Restrictions, offset: Fraction) -> bool:
        if not restrictions.wall_times:
            return True
        local = instant_after(self.facts.start, offset).astimezone(self.zone)
        return local_restrictions_hold(restrictions, local, self.policy)

    def _period(self, piece: _Slice) -> Period:
        """Energy is the difference of two rounded register values, so that periods always add up."""
        before = Fraction(0) if piece.finish <= 0 else self.curve.at(piece.begin)
        register = round_half_up(self.curve.at(piece.finish), ENERGY_DIGITS)
        return Period(
            start=instant_after(self.facts.start, piece.begin),
            end=instant_after(self.facts.start, piece.finish),
            activity=piece.activity,
            energy_kwh=register - round_half_up(before, ENERGY_DIGITS),
            prices=piece.prices,
        )


def _merge(slices: Iterable[_Slice]) -> list[_Slice]:
    """Joins neighbours between which nothing changes."""
    merged: list[_Slice] = []
    for piece in slices:
        last = merged[-1] if merged else None
        if last and last.activity is piece.activity and last.prices == piece.prices:
            merged[-1] = _Slice(last.begin, piece.finish, last.activity, last.prices)
        else:
            merged.append(piece)
    return merged


def _limits(pairs: Iterable[tuple[int | None, int | None]]) -> set[int]:
    return {limit for pair in pairs for limit in pair if limit is not None}


def _within(value: Fraction, lower: Decimal | int | None, upper: Decimal | int | None) -> bool:
    return (lower is None or value >= Fraction(lower)) and (upper is None or value < Fraction(upper))
