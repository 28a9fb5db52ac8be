"""Sessions in memory: the recent ones of each station that is heard, so that a message costs no query."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, LiteralString
from uuid import UUID

from .database import Connection, fetch_all

_WINDOW = timedelta(days=3)  # sessions that ended longer ago are looked up when a message asks for them
_HEARTBEAT_EVERY = timedelta(minutes=1)
_LONGEST_LIST = 300
_STATIONS = 20_000


@dataclass(slots=True)
class Session:
    """A row of the session table."""

    uid: UUID
    station: str
    natural_key: str
    transaction_id: str
    evse: int
    connector: int
    token_uid: str | None
    token_type: str | None
    authorization_status: str | None
    remote_ref: str | None
    started_at: datetime
    meter_start_kwh: Decimal | None
    start_seen: bool
    state: str | None = None
    state_at: datetime | None = None
    ended_at: datetime | None = None
    meter_stop_kwh: Decimal | None = None
    cable_out_at: datetime | None = None
    end_assumed: bool = False
    version: int = 0

    def ran_at(self, at: datetime) -> bool:
        """Whether the session had begun and had not ended at a time."""
        return self.started_at <= at and (self.ended_at is None or self.ended_at >= at)


COLUMNS: tuple[str, ...] = tuple(column.name for column in fields(Session))
_SELECT: Any = f"SELECT {', '.join(COLUMNS)} FROM session WHERE station = %s AND "


class Sessions:
    """By station; forgotten when the station connects anew, for another node may have had it in between."""

    def __init__(self) -> None:
        self._stations: OrderedDict[str, list[Session]] = OrderedDict()
        self._heartbeats: dict[str, datetime] = {}

    async def of(self, connection: Connection, station: str) -> list[Session]:
        """All open sessions of a station, those whose cable may still be in, and those that ended lately."""
        known = self._stations.get(station)
        if known is None:
            query = (
                _SELECT + "(ended_at IS NULL OR cable_out_at IS NULL OR ended_at > %s)"
                " ORDER BY started_at DESC LIMIT %s"
            )
            known = await _fetch(connection, query, [station, datetime.now(UTC) - _WINDOW, _LONGEST_LIST])
            self._stations[station] = known
            if len(self._stations) > _STATIONS:
                self._stations.popitem(last=False)
        else:
            self._stations.move_to_end(station)
        return known

    async def load_one(
        self, connection: Connection, station: str, where: LiteralString, parameters: Sequence[object]
    ) -> Session | None:
        """A session that is not among the recent ones; from now on it is."""
        found = await _fetch(connection, _SELECT + where + " LIMIT 1", [station, *parameters])
        if not found:
            return None
        self._stations[station].append(found[0])
        return found[0]

    def is_complete_since(self, at: datetime, now: datetime) -> bool:
        """Whether every session that ran at a time is among the recent ones."""
        return at > now - _WINDOW + timedelta(minutes=1)

    def add(self, session: Session) -> None:
        """A new session of a station whose sessions are known."""
        known = self._stations[session.station]
        known.append(session)
        if len(known) > _LONGEST_LIST:
            finished = [s for s in known if s.ended_at is not None and s.cable_out_at is not None]
            for old in sorted(finished, key=lambda s: s.started_at)[: len(known) // 2]:
                known.remove(old)

    def is_heartbeat_due(self, station: str, at: datetime) -> bool:
        """Whether the last heartbeat that was reported is old enough to report this one."""
        last = self._heartbeats.get(station)
        if last is not None and last <= at < last + _HEARTBEAT_EVERY:
            return False
        self._heartbeats[station] = at
        return True

    def forget(self, station: str) -> None:
        """Read the sessions of this station anew when they are needed."""
        self._stations.pop(station, None)

    def clear(self) -> None:
        """Forget all: what is here may not be what is stored."""
        self._stations.clear()


async def _fetch(connection: Connection, query: Any, parameters: Sequence[object]) -> list[Session]:
    return [Session(**row) for row in await fetch_all(connection, query, parameters)]
