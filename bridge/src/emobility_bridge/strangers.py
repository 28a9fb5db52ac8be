"""Stations that nobody knows: they stay outside, and a person hears of them once."""

from __future__ import annotations

import logging
import time
from datetime import timedelta

import psycopg

from .database import Database, fetch_one
from .normalise import clean_text, iso
from .work import emit, event_uid, now

_logger = logging.getLogger(__name__)

_AT_MOST = 1000  # whoever invents identities must not fill the database
_PAUSE = 0.05
_REPORTED_EVERY = timedelta(days=1)
_NOTE = """
    INSERT INTO stranger (identity, first_seen, reported_at)
    SELECT new.identity, new.at, new.at FROM (SELECT %s::text AS identity, %s::timestamptz AS at) AS new
    WHERE (SELECT count(*) FROM stranger) < %s
    ON CONFLICT (identity) DO UPDATE SET attempts = stranger.attempts + 1,
    reported_at = CASE WHEN stranger.reported_at < %s THEN EXCLUDED.reported_at ELSE stranger.reported_at END
    RETURNING reported_at"""


class Strangers:
    """Notes who knocks, at a rate that protects the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._next = 0.0

    async def note(self, identity: str, address: str, subprotocols: str) -> None:
        """Somebody with this identity wanted to connect; reported to Odoo at most once a day."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _PAUSE
        at = now()
        try:
            async with self._database.transaction() as connection:
                row = await fetch_one(connection, _NOTE, [identity, at, _AT_MOST, at - _REPORTED_EVERY])
                if row is not None and row["reported_at"] == at:
                    await emit(
                        connection,
                        identity,
                        f"station:{identity}",
                        event_uid(identity, "unknown", iso(at)),
                        "station.unknown",
                        at,
                        {"remote_address": address, "subprotocols": clean_text(subprotocols)[:200]},
                    )
        except (psycopg.Error, OSError) as error:
            _logger.warning("The unknown station %r is not noted: %s", identity, error)
