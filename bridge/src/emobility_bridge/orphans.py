"""Sessions whose station never said that they ended, and whose cable has been out for a long time."""

from __future__ import annotations

from datetime import timedelta
from typing import LiteralString

from .database import Connection, fetch_all
from .ledger import assumed_end
from .work import emit, now

# A status other than Available takes the time of the cable back, so that a station which reboots loses no session.
_CLOSE: LiteralString = """
    UPDATE session SET ended_at = cable_out_at, end_assumed = true, version = version + 1
    WHERE ended_at IS NULL AND cable_out_at < %s
    RETURNING uid, station, ended_at"""


async def close_orphans(connection: Connection, patience: timedelta) -> int:
    """End them as assumed; the real end counts whenever it comes."""
    rows = await fetch_all(connection, _CLOSE, [now() - patience])
    for row in rows:
        uid, kind, at, payload = assumed_end(row["uid"], row["ended_at"], "NotReported")
        payload = {"session_uid": str(row["uid"]), **payload}
        await emit(connection, row["station"], f"session:{row['uid']}", uid, kind, at, payload)
    return len(rows)
