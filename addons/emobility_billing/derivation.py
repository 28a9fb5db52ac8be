"""Derive a charging session from the set of its events: pure Python, no Odoo, no clock.

The result depends on the *set* of events only: not on the order of arrival, nor on how often one arrived.
Energy is ``Decimal`` kWh, time is aware UTC. What contradicts itself is not repaired silently: it becomes a
:class:`Problem`, which the gate turns into a hold, or a note, when the repair is certain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from .rating import ChargingState, Reading, SessionFacts, StateChange

KINDS = ("started", "meter", "state", "ended", "unplugged", "conflict")
SOURCES = ("ocpp", "ocpi", "internal", "import")
# What is added here and never taken in from outside: the watchdog's end, and what a person corrects.
OFFICE_KINDS = ("closed", "corrected")

# A station that does not tell its rating is not believed to deliver more than the largest chargers do.
FALLBACK_POWER_KW = Decimal(400)
# Registers are read a moment before or after the clock: this much may be missing or over without a doubt.
ENERGY_SLACK_KWH = Decimal("0.05")
PLACEHOLDER_SLACK_KWH = Decimal(1)
POWER_MARGIN = Decimal("1.2")
# Two reports of one end that differ by less are the same end, sent again.
SAME_INSTANT = timedelta(seconds=1)


class EventError(ValueError):
    """An event that cannot be understood; the message is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a session. ``payload`` has the shape given in docs/architecture.md for its ``kind``."""

    uid: str
    kind: str
    at: datetime
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that forbids billing until a person or more data explains it."""

    code: str
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Derived:
    """What the events of one session say together."""

    started: Event | None = None
    ended: Event | None = None
    start: datetime | None = None
    end: datetime | None = None
    unplugged: datetime | None = None
    last_at: datetime | None = None
    energy_kwh: Decimal | None = None
    readings: tuple[Reading, ...] = ()
    states: tuple[StateChange, ...] = ()
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = field(default=())
    # The watchdog's end, while nobody else has told of one.
    closed: Event | None = None
    # Whether the meter signed one of its values.
    signed: bool = False

    def facts(self, time_zone: str) -> SessionFacts | None:
        """The facts that the engine prices; of a live session up to its last event. None: nothing yet."""
        end = self.end or self.last_at
        if self.start is None or end is None or end < self.start or self.energy_kwh is None or self.energy_kwh < 0:
            return None
        return SessionFacts(
            start=self.start,
            end=end,
            unplugged=self.unplugged if self.end and self.unplugged and self.unplugged >= end else None,
            energy_kwh=self.energy_kwh,
            # A register that goes back says nothing about when the energy flowed: then only the total counts.
            readings=() if any(problem.code == "register_decrease" for problem in self.problems) else self.readings,
            states=self.states,
            time_zone=time_zone,
        )


def parse_instant(text: Any) -> datetime:
    """ISO 8601 with an offset -> aware UTC. :raises EventError: when it is no instant."""
    if isinstance(text, str):
        try:
            instant = datetime.fromisoformat(text)
        except ValueError:
            instant = None
        if instant is not None and instant.tzinfo is not None:
            return instant.astimezone(UTC)
    raise EventError(f"{text!r} is not a time with an offset, such as 2026-01-01T10:00:00Z.")


def parse_energy(value: Any) -> Decimal | None:
    """Decimal string in kWh -> Decimal; None and "" are "no reading", which is not 0. :raises EventError:"""
    if value is None or value == "" or value is False:
        return None
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        raise EventError(f"Energy must be a decimal string in kWh, not {value!r}.")
    try:
        energy = Decimal(value)
    except InvalidOperation:
        raise EventError(f"{value!r} is not an energy in kWh.") from None
    if not energy.is_finite():
        raise EventError(f"{value!r} is not an energy in kWh.")
    return energy


def check_event(raw: Mapping[str, Any]) -> Event:
    """Check the envelope and payload of an event before it is stored. :raises EventError: what is wrong."""
    for key in ("uid", "source", "session_uid", "kind"):
        if not isinstance(raw.get(key), str) or not raw[key]:
            raise EventError(f"The event lacks the text '{key}'.")
    if raw["source"] not in SOURCES:
        raise EventError(f"The source {raw['source']!r} is not known.")
    if raw["kind"] not in KINDS:
        raise EventError(f"The event kind {raw['kind']!r} is not known.")
    payload = raw.get("payload") or {}
    if not isinstance(payload, Mapping):
        raise EventError("The payload of an event must be an object.")
    event = Event(raw["uid"], raw["kind"], parse_instant(raw.get("at")), payload)
    if event.kind in ("started", "ended"):
        parse_energy(payload.get("meter_kwh"))
        parse_energy(payload.get("energy_kwh"))
    elif event.kind == "meter":
        if not isinstance(payload.get("readings"), list):
            raise EventError("A meter event needs a list of readings.")
        for reading in payload["readings"]:
            if not isinstance(reading, Mapping):
                raise EventError("A reading must be an object.")
            parse_instant(reading.get("at"))
            parse_energy(reading.get("energy_kwh"))
    elif event.kind == "state":
        _charging_state(payload.get("state"))
    return event


def _charging_state(name: Any) -> ChargingState:
    try:
        return ChargingState[name]
    except KeyError:
        raise EventError(f"The charging state {name!r} is not known.") from None


def derive(events: Iterable[Event], max_power_kw: Decimal | None = None) -> Derived:
    """Derive the session.

    :param events: all events that are known of one session, in any order.
    :param max_power_kw: what the connector can deliver; None when unknown.
    """
    ordered = _without_replaced_ends(sorted(events, key=lambda event: (event.at, event.uid)))
    if not ordered:
        return Derived()
    problems = [
        Problem(
            "conflict",
            {"reason": event.payload.get("reason"), "raw": event.payload.get("raw"), "event": event.uid},
        )
        for event in ordered
        if event.kind == "conflict"
    ]
    corrected = _corrections(ordered)
    started = _corrected_start(_first(ordered, "started", _same_start, problems), corrected)
    ended = _corrected_end(_first(ordered, "ended", _same_end, problems), corrected)
    closed = None if ended else next((event for event in ordered if event.kind == "closed"), None)
    unplugged = next((event.at for event in ordered if event.kind == "unplugged"), None)
    if ended and ended.payload.get("estimated"):
        problems.append(Problem("conflict", {"reason": "the station never reported the end", "event": ended.uid}))
        ended = _as_last_heard(ended, ordered)
    start = started.at if started else None
    end = ended.at if ended else parse_instant(closed.payload["end"]) if closed else None
    curve = _meter_curve(ordered)
    meter = _Meter(start, end, curve, max_power_kw or FALLBACK_POWER_KW, problems)
    meter.take(started, ended)
    meter.correct(parse_energy(corrected.get("energy_kwh")))
    states = tuple(
        StateChange(event.at, _charging_state(event.payload["state"])) for event in ordered if event.kind == "state"
    )
    # A conflict is reported when it is noticed, which can be long after: it does not prolong the session.
    # Nor does what the office adds.
    last_at = max((event.at for event in ordered if event.kind not in ("conflict", *OFFICE_KINDS)), default=None)
    if curve and last_at:
        last_at = max(last_at, curve[-1].at)
    return Derived(
        started=started,
        ended=ended,
        start=start,
        end=end,
        unplugged=unplugged,
        last_at=last_at,
        energy_kwh=meter.energy,
        readings=tuple(meter.readings),
        states=states,
        notes=tuple(meter.notes),
        problems=tuple(problems),
        closed=closed,
        signed=any(
            reading.get("signed") for event in ordered if event.kind == "meter" for reading in event.payload["readings"]
        ),
    )


def _corrections(ordered: list[Event]) -> dict[str, Any]:
    """What people corrected: of each fact the last word. What was reported stays in its events."""
    facts: dict[str, Any] = {}
    for event in ordered:
        if event.kind == "corrected":
            facts |= {key: value for key, value in event.payload.items() if value is not None}
    return facts


def _corrected_start(started: Event | None, corrected: Mapping[str, Any]) -> Event | None:
    identity = {key: corrected[key] for key in ("evse_id", "connector_id", "contract_id") if key in corrected}
    if "start" in corrected:
        at = parse_instant(corrected["start"])
        started = Event(started.uid if started else "corrected", "started", at, started.payload if started else {})
    if started is None or not identity:
        return started
    return Event(started.uid, started.kind, started.at, {**started.payload, **identity})


def _corrected_end(ended: Event | None, corrected: Mapping[str, Any]) -> Event | None:
    if "end" not in corrected:
        return ended
    at = parse_instant(corrected["end"])
    # A person knows better than whoever assumed an end.
    payload = {key: value for key, value in ended.payload.items() if key != "estimated"} if ended else {}
    return Event(ended.uid if ended else "corrected", "ended", at, payload)


def _without_replaced_ends(ordered: list[Event]) -> list[Event]:
    """An end that was only assumed counts for nothing once the station has reported the real one."""
    if not any(event.kind == "ended" and not event.payload.get("estimated") for event in ordered):
        return ordered
    return [event for event in ordered if event.kind != "ended" or not event.payload.get("estimated")]


def _as_last_heard(ended: Event, ordered: list[Event]) -> Event:
    """All that is known of an end that nobody reported: it was after the last that was heard of the session."""
    heard = [event.at for event in ordered if event.kind in ("started", "meter", "state")]
    return replace(ended, at=min(ended.at, max(heard, default=ended.at)))


def _first(ordered: list[Event], kind: str, same: Any, problems: list[Problem]) -> Event | None:
    """The first event of a kind wins; one that says something else is a conflict, never a second session."""
    candidates = [event for event in ordered if event.kind == kind]
    if not candidates:
        return None
    first = candidates[0]
    others = [event.uid for event in candidates[1:] if not same(first, event)]
    if others:
        problems.append(
            Problem("conflict", {"reason": f"several different '{kind}' events", "events": [first.uid, *others]})
        )
    return first


def _same_start(one: Event, two: Event) -> bool:
    keys = ("evse_id", "connector_id", "token_uid", "contract_id")
    return (
        abs(one.at - two.at) < SAME_INSTANT
        and all((one.payload.get(key) or None) == (two.payload.get(key) or None) for key in keys)
        and parse_energy(one.payload.get("meter_kwh")) == parse_energy(two.payload.get("meter_kwh"))
    )


def _same_end(one: Event, two: Event) -> bool:
    return abs(one.at - two.at) < SAME_INSTANT and all(
        parse_energy(one.payload.get(key)) == parse_energy(two.payload.get(key)) for key in ("meter_kwh", "energy_kwh")
    )


def _meter_curve(ordered: list[Event]) -> list[Reading]:
    """All energy readings by time, once each; a message without an energy register says nothing about it."""
    seen: set[tuple[datetime, Decimal]] = set()
    for event in ordered:
        if event.kind == "meter":
            for reading in event.payload["readings"]:
                energy = parse_energy(reading.get("energy_kwh"))
                if energy is not None:
                    seen.add((parse_instant(reading["at"]), energy))
    return [Reading(at, energy) for at, energy in sorted(seen)]


class _Meter:
    """Reads start, end and total energy off the registers, one small decision after the other."""

    def __init__(
        self,
        start: datetime | None,
        end: datetime | None,
        curve: list[Reading],
        max_power_kw: Decimal,
        problems: list[Problem],
    ) -> None:
        self.start = start
        self.end = end
        self.curve = curve
        self.max_power_kw = max_power_kw
        self.problems = problems
        self.notes: list[str] = []
        self.readings: list[Reading] = []
        self.energy: Decimal | None = None

    def take(self, started: Event | None, ended: Event | None) -> None:
        if self.start is None:
            return
        within = [reading for reading in self.curve if self._within(reading.at)]
        after = [reading for reading in self.curve if self.end is not None and reading.at > self.end]
        begin = self._begin_register(parse_energy(started.payload.get("meter_kwh")) if started else None, within)
        total = parse_energy(ended.payload.get("energy_kwh")) if ended else None
        if ended and total is not None and ended.payload.get("meter_kwh") is None:
            close = self._close_by_total(begin, total, within)
        else:
            close = self._close_register(ended, begin, within + after)
        series = self._series(begin, within, close)
        self._check_monotonic(series)
        delta = series[-1].energy_kwh - series[0].energy_kwh if begin is not None and series else None
        self._check_total(total, delta)
        self.energy = total if total is not None else delta
        self.readings = series

    def correct(self, energy: Decimal | None) -> None:
        """A person says how much it was: the register then says nothing any more about how much, nor when."""
        if energy is None:
            return
        self.energy = energy
        self.readings = []
        self.notes.append("energy_corrected")
        self.problems[:] = [
            problem for problem in self.problems if problem.code not in ("register_decrease", "energy_mismatch")
        ]

    def _within(self, at: datetime) -> bool:
        return self.start is not None and at >= self.start and (self.end is None or at <= self.end)

    def _begin_register(self, begin: Decimal | None, within: list[Reading]) -> Decimal | None:
        """The register at the start; a 0 that is only a placeholder gives way to the first real reading."""
        first = within[0] if within else None
        if begin is None:
            if first is not None:
                self.notes.append("baseline_from_reading")
                return first.energy_kwh
            return None
        if begin == 0 and first is not None and self.start is not None:
            hours = Decimal(str((first.at - self.start).total_seconds())) / 3600
            if first.energy_kwh > self.max_power_kw * hours * POWER_MARGIN + PLACEHOLDER_SLACK_KWH:
                self.notes.append("placeholder_baseline_replaced")
                return first.energy_kwh
        return begin

    def _close_register(self, ended: Event | None, begin: Decimal | None, known: list[Reading]) -> Decimal | None:
        """The register at the end; a stop value equal to the start value gives way to the last reading.

        Nobody may have reported an end, and yet there is one: the watchdog's.
        """
        last = known[-1].energy_kwh if known else None
        if ended is None:
            return last
        close = parse_energy(ended.payload.get("meter_kwh"))
        if close is None:
            return last
        if begin is not None and close == begin and last is not None and last > close:
            self.notes.append("stop_value_replaced")
            return last
        return close

    @staticmethod
    def _close_by_total(begin: Decimal | None, total: Decimal, within: list[Reading]) -> Decimal | None:
        """The register at an end that tells only how much it was, as partners do. What was read before can be less,
        and more is a contradiction; a reading that was told after the end belongs to no time of the session.
        """
        if begin is None:
            return None
        return max(begin + total, within[-1].energy_kwh if within else begin)

    def _series(self, begin: Decimal | None, within: list[Reading], close: Decimal | None) -> list[Reading]:
        series = [reading for reading in within if reading.at != self.start and reading.at != self.end]
        if begin is not None and self.start is not None:
            series.insert(0, Reading(self.start, begin))
        if close is not None and self.end is not None and self.end != self.start:
            series.append(Reading(self.end, close))
        elif close is not None and self.end is not None and begin is not None and close != begin:
            series.append(Reading(self.end, close))
        return series

    def _check_monotonic(self, series: list[Reading]) -> None:
        for before, after in zip(series, series[1:], strict=False):
            if after.energy_kwh < before.energy_kwh:
                self.problems.append(
                    Problem(
                        "register_decrease",
                        {
                            "from": str(before.energy_kwh),
                            "from_at": before.at.isoformat(),
                            "to": str(after.energy_kwh),
                            "to_at": after.at.isoformat(),
                        },
                    )
                )
                return

    def _check_total(self, total: Decimal | None, delta: Decimal | None) -> None:
        if total is None or delta is None:
            return
        if abs(total - delta) > max(ENERGY_SLACK_KWH, abs(delta) / 100):
            self.problems.append(
                Problem("energy_mismatch", {"total_kwh": str(total), "register_difference_kwh": str(delta)})
            )
