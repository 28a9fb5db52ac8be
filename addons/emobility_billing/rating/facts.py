"""What happened in a session, as far as prices depend on it, and its JSON form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .errors import FactsError


class ChargingState(StrEnum):
    """What the connection between car and station does, as in OCPP 2.0.1 (EVConnected counts as IDLE)."""

    CHARGING = "CHARGING"
    SUSPENDED_EV = "SUSPENDED_EV"
    SUSPENDED_EVSE = "SUSPENDED_EVSE"
    IDLE = "IDLE"


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading of a cumulative energy register, in kWh. Where the register starts does not matter.

    :param current_a: sum of the currents of all phases from this reading on, where the station tells it
    """

    at: datetime
    energy_kwh: Decimal
    current_a: Decimal | None = None


@dataclass(frozen=True, slots=True)
class StateChange:
    """From ``at`` on the connection is in ``state``."""

    at: datetime
    state: ChargingState


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """One charging session.

    :param start: start of the charging transaction, aware UTC
    :param end: end of the charging transaction, aware UTC
    :param unplugged: when the cable came out, aware UTC; None when that is not known or not later than
        ``end``
    :param energy_kwh: energy delivered from ``start`` to ``end``; it is the truth that readings only
        distribute
    :param readings: register readings in order of time, never falling
    :param states: state changes in order of time; before the first one the car is charging
    :param time_zone: IANA name of the zone of the location
    :param reserved_from: when the connector was reserved for this session, aware UTC; None without reservation
    :param reservation_expired: the reservation ran out at ``start`` and no session followed
    :raises FactsError: when the facts contradict themselves
    """

    start: datetime
    end: datetime
    unplugged: datetime | None
    energy_kwh: Decimal
    readings: tuple[Reading, ...] = ()
    states: tuple[StateChange, ...] = ()
    time_zone: str = "UTC"
    reserved_from: datetime | None = None
    reservation_expired: bool = False

    def __post_init__(self) -> None:
        instants = [self.start, self.end, *(r.at for r in self.readings), *(s.at for s in self.states)]
        instants.append(self.reserved_from or self.start)
        if self.unplugged is not None:
            instants.append(self.unplugged)
        if any(instant.utcoffset() is None for instant in instants):
            raise FactsError("Every time of a session needs a time zone.")
        if self.end < self.start:
            raise FactsError("The session ends before it starts.")
        if self.unplugged is not None and self.unplugged < self.end:
            raise FactsError("The cable was unplugged before charging ended.")
        if not self.energy_kwh.is_finite() or self.energy_kwh < 0:
            raise FactsError(f"The energy of a session cannot be {self.energy_kwh} kWh.")
        if self.reserved_from is not None and self.reserved_from > self.start:
            raise FactsError("The session starts before it was reserved.")
        if self.reservation_expired and (self.reserved_from is None or self.released > self.start or self.energy_kwh):
            raise FactsError("A reservation that expired has a start and no session after it.")
        self._check_order()
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise FactsError(f"{self.time_zone!r} is not a time zone.") from error

    def _check_order(self) -> None:
        for earlier, later in pairwise(self.readings):
            if later.at < earlier.at:
                raise FactsError("The meter readings are not in order of time.")
            if later.energy_kwh < earlier.energy_kwh:
                raise FactsError(f"The meter register falls at {later.at.isoformat()}.")
        if any(later.at < earlier.at for earlier, later in pairwise(self.states)):
            raise FactsError("The state changes are not in order of time.")

    @property
    def released(self) -> datetime:
        """When the connector was free again: cable out, or the end when that is not known."""
        return self.unplugged if self.unplugged is not None else self.end

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


def instant_to_json(instant: datetime) -> str:
    """ISO 8601 in UTC with Z, microseconds only where there are some."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def instant_from_json(text: str) -> datetime:
    """The aware UTC instant of an ISO 8601 text; a text without zone is refused."""
    instant = datetime.fromisoformat(text)
    if instant.utcoffset() is None:
        raise FactsError(f"The time {text!r} has no time zone.")
    return instant.astimezone(UTC)


def facts_to_json(facts: SessionFacts) -> dict[str, Any]:
    """Plain JSON data: times as ISO 8601 with Z, energies as decimal strings in kWh."""
    data: dict[str, Any] = {
        "start": instant_to_json(facts.start),
        "end": instant_to_json(facts.end),
        "unplugged": instant_to_json(facts.unplugged) if facts.unplugged is not None else None,
        "energy_kwh": format(facts.energy_kwh, "f"),
        "readings": [_reading_to_json(reading) for reading in facts.readings],
        "states": [{"at": instant_to_json(s.at), "state": s.state.value} for s in facts.states],
        "time_zone": facts.time_zone,
    }
    if facts.reserved_from is not None:
        data["reserved_from"] = instant_to_json(facts.reserved_from)
        data["reservation_expired"] = facts.reservation_expired
    return data


def _reading_to_json(reading: Reading) -> dict[str, str]:
    data = {"at": instant_to_json(reading.at), "energy_kwh": format(reading.energy_kwh, "f")}
    if reading.current_a is not None:
        data["current_a"] = format(reading.current_a, "f")
    return data


def _reading_from_json(data: Mapping[str, Any]) -> Reading:
    current = data.get("current_a")
    return Reading(
        instant_from_json(data["at"]), Decimal(data["energy_kwh"]), Decimal(current) if current is not None else None
    )


def facts_from_json(data: Mapping[str, Any]) -> SessionFacts:
    """Inverse of :func:`facts_to_json`.

    :raises FactsError: when something is missing, is not readable or contradicts itself
    """
    readings: Sequence[Mapping[str, Any]] = data.get("readings") or ()
    states: Sequence[Mapping[str, Any]] = data.get("states") or ()
    try:
        return SessionFacts(
            start=instant_from_json(data["start"]),
            end=instant_from_json(data["end"]),
            unplugged=instant_from_json(data["unplugged"]) if data.get("unplugged") else None,
            energy_kwh=Decimal(data["energy_kwh"]),
            readings=tuple(_reading_from_json(reading) for reading in readings),
            states=tuple(StateChange(instant_from_json(s["at"]), ChargingState(s["state"])) for s in states),
            time_zone=data.get("time_zone") or "UTC",
            reserved_from=instant_from_json(data["reserved_from"]) if data.get("reserved_from") else None,
            reservation_expired=bool(data.get("reservation_expired")),
        )
    except FactsError:
        raise
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise FactsError(f"The facts of the session cannot be read: {error!r}.") from error
