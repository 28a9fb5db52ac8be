"""The choices that OCPI leaves open, as one explicit object.

`docs/tariff-engine.md` has a table of them with the sections and issues that they decide.
"""

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any


class StepSize(StrEnum):
    """How the step sizes of price components are used."""

    OCPI = "ocpi"
    """Once per session for ENERGY and once for TIME and PARKING_TIME together (see ``engine``)."""
    IGNORE = "ignore"
    """Volumes are never rounded up: exactly what was used is charged."""


class OvernightDay(StrEnum):
    """Which weekday the hours after midnight of an overnight window belong to (ocpi#502, tandemdrive#64)."""

    CALENDAR = "calendar"
    """Their own weekday: all restrictions are read at the same instant, the literal reading of OCPI."""
    START = "start"
    """The weekday on which the window began: Friday 22:00-06:00 lasts until Saturday 06:00."""


class EqualTimes(StrEnum):
    """What ``start_time`` equal to ``end_time`` means (mod_tariffs, TariffRestrictions, is silent)."""

    ALL_DAY = "all_day"
    """The rule for windows over midnight without a special case; an element that never held would give its
    dimension away for free."""
    NEVER = "never"


class FlatFees(StrEnum):
    """FLAT components in several elements (ocpi#176)."""

    FIRST = "first"
    """Once per session: the first one in force."""
    EACH = "each"
    """Every one that comes into force, once."""


class ClockStep(StrEnum):
    """Which of TIME and PARKING_TIME the one step of both rounds up (mod_cdrs, step_size; ocpi#386, #396)."""

    PARKING = "parking"
    """PARKING_TIME whenever it is priced, as the text says."""
    LAST = "last"
    """The one that was priced last, as the reason given in the example has it. It differs only for sessions
    that park first and charge then."""


class PowerBounds(StrEnum):
    """What power and current restrictions are compared with when a period tells both of its extremes (F39)."""

    THROUGHOUT = "throughout"
    """The lower bound with the least and the upper bound with the most: the element holds all the time. The
    complex example of mod_tariffs reads so: "a maximum of 16A", "a minimum of 43A"."""
    REACHED = "reached"
    """The lower bound with the most and the upper bound with the least: the element held at some time."""


class Unmeasured(StrEnum):
    """A restriction on power or current that decides a price, in a period that tells neither."""

    REFUSE = "refuse"
    HOLDS = "holds"
    FAILS = "fails"


class Unsplit(StrEnum):
    """A charging period over which a price changes: mod_cdrs says it SHALL have been split."""

    START = "start"
    """Priced as at its start, and flagged: a period holds totals, so how they divide is not known."""
    REFUSE = "refuse"


class ExpiredFlat(StrEnum):
    """The FLAT of RESERVATION when the reservation expired and RESERVATION_EXPIRES has a FLAT too."""

    BOTH = "both"
    """Both are due: only the TIME of one replaces that of the other (mod_tariffs, ReservationRestrictionType),
    and example 17 calls the fee for expiry additional."""
    REPLACE = "replace"


class ReservationStep(StrEnum):
    """Whether the time of a reservation shares the step of TIME."""

    OWN = "own"
    """It is over when the session starts, and is rounded up by itself."""
    SHARED = "shared"


class AbsentVat(StrEnum):
    """What a component without ``vat`` means."""

    VERSION = "version"
    """2.1.1 has no such field, so taxes are unknown. 2.2.1: no VAT is applicable. 2.3.0: unknown when no
    component of the tariff names a rate (examples 19 and 20), else not applicable to this component."""
    NONE = "none"
    UNKNOWN = "unknown"


class Validity(StrEnum):
    """A tariff whose start_date_time or end_date_time excludes the start of the session."""

    FLAG = "flag"
    """The caller paired them; the trace says so."""
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Policy:
    """How open questions are decided. The defaults are what the product bills with.

    :param step_size: OCPI's rule by default, so that a partner computes the same amount.
    :param overnight_day: the literal reading of OCPI by default.
    :param suspended_ev_is_parking: the car takes no energy although it could (full, or its own timer): the
        driver decides that, so it is parking.
    :param suspended_evse_is_charging: the station or the grid withholds energy: that is never parking. By
        default it is not charging time either, because the driver gets nothing for it.
    """

    step_size: StepSize = StepSize.OCPI
    overnight_day: OvernightDay = OvernightDay.CALENDAR
    suspended_ev_is_parking: bool = True
    suspended_evse_is_charging: bool = False
    equal_times: EqualTimes = EqualTimes.ALL_DAY
    flat_fees: FlatFees = FlatFees.FIRST
    clock_step: ClockStep = ClockStep.PARKING
    power_bounds: PowerBounds = PowerBounds.THROUGHOUT
    unmeasured: Unmeasured = Unmeasured.REFUSE
    unsplit: Unsplit = Unsplit.START
    expired_flat: ExpiredFlat = ExpiredFlat.BOTH
    reservation_step: ReservationStep = ReservationStep.OWN
    absent_vat: AbsentVat = AbsentVat.VERSION
    validity: Validity = Validity.FLAG

    def to_json(self) -> dict[str, Any]:
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: value.value if isinstance(value, StrEnum) else value for name, value in values}


DEFAULT_POLICY = Policy()
