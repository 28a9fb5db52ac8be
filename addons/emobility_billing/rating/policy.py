"""The choices that OCPI leaves open, as one explicit object."""

from dataclasses import dataclass
from enum import StrEnum


class StepSize(StrEnum):
    """How the step sizes of price components are used."""

    OCPI = "ocpi"
    """Once per session for ENERGY and once for TIME and PARKING_TIME together (see ``engine``)."""
    IGNORE = "ignore"
    """Volumes are never rounded up: exactly what was used is charged."""


class OvernightDay(StrEnum):
    """Which weekday the hours after midnight of an overnight window belong to."""

    CALENDAR = "calendar"
    """Their own weekday: all restrictions are read at the same instant, the literal reading of OCPI."""
    START = "start"
    """The weekday on which the window began: Friday 22:00-06:00 lasts until Saturday 06:00."""


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
