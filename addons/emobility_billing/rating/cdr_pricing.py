"""Prices the charging periods of a CDR: which price each volume has, what steps add, and what is flagged.

A period is priced as at its start: for each dimension by the first element that prices it and whose restrictions
all hold then (mod_tariffs, Tariff object). ``min_kwh`` and ``max_kwh`` look at the energy before the period,
``min_duration`` and ``max_duration`` at the time since the start of the session, which is when a reservation
before it is over. Money is not touched here; `settlement` does that.
"""

from dataclasses import dataclass
from fractions import Fraction

from .compiled import FOREVER, Checks, Compiled, Component
from .errors import InputError
from .instants import DAY, HOUR, LocalClock
from .ocpi_cdr import Session, Usage
from .policy import (
    DEFAULT_POLICY,
    ClockStep,
    ExpiredFlat,
    FlatFees,
    Policy,
    PowerBounds,
    ReservationStep,
    StepSize,
    Unmeasured,
    Unsplit,
    Validity,
)

SECONDS_PER_HOUR = 3600
WH_PER_KWH = 1000
TIME_TOLERANCE = 100
"""An excess of less than 1/100 s starts no step: 14 minutes cannot be written in hours, and as the nearest
float or with six decimals they are a little more or less."""
ENERGY_TOLERANCE = 1_000_000
"""Likewise less than 1/1000 Wh, in kWh: a sum of floats."""


@dataclass(slots=True)
class Bucket:
    """What one component is charged for.

    :ivar volume: kWh or hours as multiples of the scale's unit; 1 of a flat fee
    :ivar added: what a step added: kWh (ENERGY) or seconds (times), as multiples of the unit
    :ivar since, until: first and last instant at which it was used, as the CDR writes them
    """

    component: Component
    volume: int
    since: str
    until: str
    added: int = 0


UNDECIDED = Bucket(Component("", -1, 0, 0, None, None), 0, "", "")


@dataclass(slots=True)
class Buckets:
    """All that a session is charged for, in the order in which it was used first, and what is to be said of it."""

    buckets: dict[Component, Bucket]
    flags: list[str]

    def flag(self, name: str) -> None:
        if name not in self.flags:
            self.flags.append(name)


def collect(
    tariff: Compiled, session: Session, clock: LocalClock, policy: Policy = DEFAULT_POLICY
) -> Buckets:
    """Sorts the volumes of a session by the price that each has.

    :param clock: of the time zone of the location
    :raises InputError: when the tariff and the CDR do not belong together, or when the CDR does not tell what
        decides a price; the path starts at the CDR
    """
    _check_pair(tariff, session)
    pricing = _Pricing(tariff, session, clock, policy)
    pricing.run()
    if policy.step_size is StepSize.OCPI:
        pricing.round_up()
    return pricing.found


def _check_pair(tariff: Compiled, session: Session) -> None:
    if tariff.currency != session.currency:
        message = f"The CDR is in {session.currency} and the tariff in {tariff.currency}."
        raise InputError("currency_mismatch", message, "currency")
    for index, usage in enumerate(session.periods):
        named = usage.tariff_id
        if named is not None and tariff.tariff_id and str(named).lower() != tariff.tariff_id.lower():
            message = f"The period is priced by the tariff {str(named)[:40]!r}, which is not the one given."
            raise InputError("unknown_tariff", message, f"charging_periods[{index}].tariff_id")


class _Pricing:
    """Holds what all steps need."""

    def __init__(self, tariff: Compiled, session: Session, clock: LocalClock, policy: Policy) -> None:
        self.tariff = tariff
        self.session = session
        self.clock = clock
        self.policy = policy
        self.buckets: dict[Component, Bucket] = {}
        self.found = Buckets(self.buckets, [*tariff.flags])
        self.last_energy: Bucket | None = None
        self.last_time: Bucket | None = None
        self.last_parking: Bucket | None = None
        self.last_reserved: Bucket | None = None
        self.last_clock: Bucket | None = None
        self.flat_done: set[Component] = set()
        self.session_flat_done = False
        # What the prices in force are collected in, and the first energy, time and clock time at which they may
        # be others.
        self.energy_now: Bucket | None = UNDECIDED
        self.time_now: Bucket | None = UNDECIDED
        self.parking_now: Bucket | None = UNDECIDED
        self.moment: Moment = (0, 0, 0, 0)
        self.next_energy = self.next_elapsed = self.next_shown = FOREVER
        if not tariff.valid_from <= session.start < tariff.valid_until:
            if policy.validity is Validity.REFUSE:
                raise InputError("not_valid", "The tariff was not valid when the session started.", "start_date_time")
            self.found.flag("tariff_not_valid")

    def run(self) -> None:
        session, local = self.session, self.tariff.local
        periods = session.periods
        reserves = any([usage.reserved for usage in periods])
        origin = _charging_start(session) if reserves else session.start
        energy = shown = 0
        day_end, offset = periods[0].start, 0
        if local:
            day_end, offset = self.clock.day(periods[0].start)
            shown = periods[0].start + offset
        # A reservation is before the session, so what has elapsed of that does not only grow; power may be any.
        always = self.tariff.measured or reserves
        jumped = True
        index = 0
        last = len(periods) - 1
        try:
            for index, usage in enumerate(periods):
                start = usage.start
                if index < last:
                    following = periods[index + 1]
                    end, until = following.start, following.text
                else:
                    end, until = session.end, session.end_text
                elapsed = start - origin
                if jumped or energy >= self.next_energy or elapsed >= self.next_elapsed or shown >= self.next_shown:
                    self._look_ahead(shown, energy, elapsed)
                if reserves and usage.reserved:
                    of_reservation = (shown % DAY, shown // DAY, 0, start - session.start)
                    self._price_reservation(usage, of_reservation, end, until)
                energy += usage.energy
                jumped = always
                if local:
                    if end >= day_end:
                        before = offset
                        day_end, offset = self.clock.day(end)
                        jumped |= offset != before
                    shown = end + offset
                if not reserves or start >= origin and not session.expired:
                    self._price_charging(usage, end, until)
                    elapsed = end - origin
                    if jumped or shown > self.next_shown or energy > self.next_energy or elapsed > self.next_elapsed:
                        self._check_split(usage, energy, elapsed, end)
        except InputError as error:
            raise error.under(f"charging_periods[{index}]") from None

    def _look_ahead(self, shown: int, energy: int, elapsed: int) -> None:
        """Forgets the prices in force and notes until when the next ones will be."""
        self.moment = (shown % DAY, shown // DAY, energy, elapsed)
        tariff = self.tariff
        self.energy_now = self.time_now = self.parking_now = UNDECIDED
        self.next_energy = self.next_elapsed = self.next_shown = FOREVER
        for limit in tariff.energy_limits:
            if energy < limit < self.next_energy:
                self.next_energy = limit
        for limit in tariff.elapsed_limits:
            if elapsed < limit < self.next_elapsed:
                self.next_elapsed = limit
        if tariff.local:
            clock_time = shown % DAY
            next_time = DAY
            for limit in tariff.clock_limits:
                if clock_time < limit < next_time:
                    next_time = limit
            self.next_shown = shown - clock_time + next_time

    # --- one period -------------------------------------------------------------------------------

    def _price_charging(self, usage: Usage, end: int, until: str) -> None:
        tariff = self.tariff
        if usage.energy:
            bucket = self.energy_now
            if bucket is UNDECIDED:
                bucket = self.energy_now = self._bucket(tariff.energy, usage, end)
            if bucket is not None:
                bucket.volume += usage.energy
                bucket.until = until
                self.last_energy = bucket
            elif tariff.energy:
                self.found.flag("unpriced_energy")
        if usage.time:
            bucket = self.time_now
            if bucket is UNDECIDED:
                bucket = self.time_now = self._bucket(tariff.time, usage, end)
            if bucket is not None:
                bucket.volume += usage.time
                bucket.until = until
                self.last_time = self.last_clock = bucket
            elif tariff.time:
                self.found.flag("unpriced_time")
        if usage.parking:
            bucket = self.parking_now
            if bucket is UNDECIDED:
                bucket = self.parking_now = self._bucket(tariff.parking, usage, end)
            if bucket is not None:
                bucket.volume += usage.parking
                bucket.until = until
                self.last_parking = self.last_clock = bucket
            elif tariff.parking:
                self.found.flag("unpriced_parking_time")
        if tariff.flat and (not self.session_flat_done or self.policy.flat_fees is FlatFees.EACH):
            self.session_flat_done |= self._add_flat(tariff.flat, usage, self.moment, end, until)

    def _bucket(self, components: list[Component], usage: Usage, end: int) -> Bucket | None:
        """What the price in force is collected in; None when there is none."""
        component = self._select(components, usage, self.moment, end)
        return None if component is None else self._bucket_of(component, usage)

    def _bucket_of(self, component: Component, usage: Usage) -> Bucket:
        bucket = self.buckets.get(component)
        if bucket is None:
            bucket = self.buckets[component] = Bucket(component, 0, usage.text, usage.text)
        return bucket

    def _add(self, component: Component, volume: int, usage: Usage, until: str) -> Bucket:
        bucket = self._bucket_of(component, usage)
        bucket.volume += volume
        bucket.until = until
        return bucket

    def _price_reservation(self, usage: Usage, moment: "Moment", end: int, until: str) -> None:
        """Reserved time and the fees for it; an expired reservation has prices of its own."""
        tariff = self.tariff
        times = [tariff.reservation_time]
        flats = [tariff.reservation_flat]
        if self.session.expired:
            times = [tariff.expiry_time, tariff.reservation_time]
            flats = [tariff.expiry_flat, tariff.reservation_flat]
        for components in times:
            component = self._select(components, usage, moment, end)
            if component is not None:
                self.last_reserved = self._add(component, usage.reserved, usage, until)
                if self.policy.reservation_step is ReservationStep.SHARED:
                    self.last_time = self.last_clock = self.last_reserved
                break
        for components in flats:
            if not any(each in self.flat_done for each in components):
                fee = self._add_flat(components, usage, moment, end, until)
                if fee and self.policy.expired_flat is ExpiredFlat.REPLACE:
                    self.flat_done.update(tariff.reservation_flat)
                    break

    def _add_flat(
        self, components: list[Component], usage: Usage, moment: "Moment", end: int, until: str
    ) -> bool:
        component = self._select(components, usage, moment, end)
        if component is None or component in self.flat_done:
            return False
        self.flat_done.add(component)
        self._add(component, 1, usage, until)
        return True

    def _select(
        self, components: list[Component], usage: Usage, moment: "Moment", end: int
    ) -> Component | None:
        """The component of the first element whose restrictions hold."""
        for component in components:
            checks = component.checks
            if checks is None or (
                checks.hold(*moment) and (not checks.measured or self._measures_hold(checks, usage, end))
            ):
                return component
        return None

    def _check_split(self, usage: Usage, energy: int, elapsed: int, end: int) -> None:
        """Looks whether another price is in force just before the end of the period.

        :param energy, elapsed: at the end of the period
        """
        if end == usage.start:
            return
        clock_time = day = 0
        if self.tariff.local:
            shown = self.clock.local(end - 1)
            clock_time, day = shown % DAY, shown // DAY
        later = (clock_time, day, energy - 1 if usage.energy else energy, elapsed - 1)
        tariff = self.tariff
        for volume, components, bucket in (
            (usage.energy, tariff.energy, self.energy_now),
            (usage.time, tariff.time, self.time_now),
            (usage.parking, tariff.parking, self.parking_now),
        ):
            if not volume or not components or components[0].checks is None:
                continue
            component = bucket.component if bucket is not None else None
            other = self._select(components, usage, later, end)
            if other is not component and _price_of(other) != _price_of(component):
                if self.policy.unsplit is Unsplit.REFUSE:
                    raise InputError("unsplit", "A price changes within the period, so it should have been split.")
                self.found.flag("unsplit_period")

    # --- power and current ------------------------------------------------------------------------

    def _measures_hold(self, checks: Checks, usage: Usage, end: int) -> bool:
        return self._measure_holds(
            checks.min_power, checks.max_power, "POWER", usage, end
        ) and self._measure_holds(checks.min_current, checks.max_current, "CURRENT", usage, end)

    def _measure_holds(
        self, lower: int | None, upper: int | None, name: str, usage: Usage, end: int
    ) -> bool:
        if lower is None and upper is None:
            return True
        extremes = self._extremes(name, usage, end)
        if extremes is None:
            if self.policy.unmeasured is Unmeasured.REFUSE:
                message = f"A price depends on the {name.lower()}, which the period does not tell."
                raise InputError("unmeasured", message, "dimensions")
            return self.policy.unmeasured is Unmeasured.HOLDS
        least, most = extremes
        if self.policy.power_bounds is PowerBounds.REACHED:
            least, most = most, least
        return (lower is None or least >= lower) and (upper is None or most < upper)

    def _extremes(self, name: str, usage: Usage, end: int) -> tuple[int | Fraction, int | Fraction] | None:
        """The least and the most in the period.

        When only one is told, it stands for both. The mean power decides as well when nothing is told, because
        a period has to be split where power crosses a bound: all of it is on the same side as its mean.
        """
        measures = usage.measures or {}
        least, most = measures.get(f"MIN_{name}"), measures.get(f"MAX_{name}")
        if least is None or most is None:
            one = least if least is not None else most if most is not None else measures.get(name)
            if one is None:
                return self._mean(name, usage, end)
            least = most = one
        return least, most

    def _mean(self, name: str, usage: Usage, end: int) -> tuple[int | Fraction, int | Fraction] | None:
        if not usage.energy and not usage.time:
            return 0, 0
        if name == "CURRENT" or not usage.metered:
            return None
        if usage.time:
            mean = Fraction(usage.energy * self.tariff.scale.unit, usage.time)
        elif end > usage.start:
            mean = Fraction(usage.energy * HOUR, end - usage.start)
        else:
            return None
        return mean, mean

    # --- steps ------------------------------------------------------------------------------------

    def round_up(self) -> None:
        """Once for ENERGY and once for TIME and PARKING_TIME together: the total of the priced volume, by the
        step of the component that was used last and at its price (mod_cdrs, step_size)."""
        last = self.last_energy
        if last is not None and last.component.step:
            unit = self.tariff.scale.unit
            total = self._total(("ENERGY",))
            step = last.component.step * unit // WH_PER_KWH
            if total % step >= unit // ENERGY_TOLERANCE:
                last.added = -total % step
        if self.policy.clock_step is ClockStep.LAST:
            last = self.last_clock
        else:
            last = self.last_parking or self.last_time
        self._round_up_time(last)
        if self.policy.reservation_step is ReservationStep.OWN:
            self._round_up_time(self.last_reserved)

    def _round_up_time(self, last: Bucket | None) -> None:
        if last is None or not last.component.step:
            return
        kinds: tuple[str, ...] = (last.component.kind,)
        if self.policy.reservation_step is ReservationStep.SHARED and last.component.kind != "PARKING_TIME":
            kinds = ("TIME", "RESERVATION_TIME")
        unit = self.tariff.scale.unit
        total = self._total(kinds) * SECONDS_PER_HOUR
        step = last.component.step * unit
        if total % step >= unit // TIME_TOLERANCE:
            last.added = -total % step

    def _total(self, kinds: tuple[str, ...]) -> int:
        total = 0
        for component, bucket in self.buckets.items():
            if component.kind in kinds:
                total += bucket.volume
        return total


Moment = tuple[int, int, int, int]
"""Time of day, date, energy so far, time so far."""


def _charging_start(session: Session) -> int:
    """When the charging session starts: a reservation before it is over then."""
    for usage in session.periods:
        if usage.energy or usage.time or usage.parking:
            return usage.start
    return FOREVER


def _price_of(component: Component | None) -> tuple[int, int | None, int]:
    return (0, None, 0) if component is None else (component.price, component.vat, component.step)
