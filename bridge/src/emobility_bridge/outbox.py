"""Delivery of the outbox to Odoo: in order per session, in batches, at least once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import timedelta
from typing import Any

from .config import Config
from .database import Connection, fetch_all
from .odoo import Odoo, OdooFault, OdooUnavailable
from .work import now

_logger = logging.getLogger(__name__)

# An event waits while an earlier event of its aggregate waits for its next try.
_READY = """
    SELECT id, aggregate, event, attempts FROM outbox AS candidate
    WHERE delivered_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM outbox AS earlier WHERE earlier.delivered_at IS NULL
        AND earlier.aggregate = candidate.aggregate AND earlier.id <= candidate.id
        AND earlier.next_try > now())
    ORDER BY id LIMIT %s"""

Row = dict[str, Any]


class Outbox:
    """The delivery loop. `wake` after a commit makes it look at once."""

    def __init__(self, config: Config, odoo: Odoo) -> None:
        self._config, self._odoo = config, odoo
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look into the outbox now."""
        self._wake.set()

    async def run(self, connection: Connection) -> None:
        """Deliver for ever; while Odoo is away, try again with growing pauses. Raises psycopg.Error."""
        pause = self._config.outbox_backoff
        while True:
            try:
                while True:
                    self._wake.clear()
                    while await self._deliver_batch(connection):
                        pause = self._config.outbox_backoff
                    await self._sleep()
            except (OdooUnavailable, OdooFault) as error:
                _logger.warning("Delivery to Odoo is interrupted for %.0f s: %s", pause, error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, self._config.outbox_backoff_max)

    async def _sleep(self) -> None:
        with contextlib.suppress(TimeoutError):
            # Not wait_for: before Python 3.12 that can lose a cancellation that comes with the event.
            async with asyncio.timeout(self._config.outbox_interval):
                await self._wake.wait()

    async def _deliver_batch(self, connection: Connection) -> bool:
        """Deliver what is ready; whether there was anything."""
        rows = await fetch_all(connection, _READY, [self._config.outbox_batch])
        if rows:
            await self._deliver(connection, rows)
        return bool(rows)

    async def _deliver(self, connection: Connection, rows: list[Row]) -> None:
        """Deliver these; a call that fails as a whole is halved until the event that breaks it is alone."""
        try:
            answers = await self._odoo.push_events([row["event"] for row in rows])
        except OdooFault as fault:
            if len(rows) > 1:
                middle = len(rows) // 2
                await self._deliver(connection, rows[:middle])
                await self._deliver(connection, await self._still_ready(connection, rows[middle:]))
                return
            await self._odoo.push_events([])  # raises when not the event but Odoo is broken
            await self._refused(connection, rows[0], str(fault))
            return
        by_uid = {answer.get("uid"): answer for answer in answers}
        silence = {"status": "error", "error": "Odoo gave no answer to this event."}
        delivered = []
        for row in rows:
            answer = by_uid.get(row["event"]["uid"], silence)
            if answer.get("status") in ("ok", "duplicate"):
                delivered.append(row["id"])
            else:
                await self._refused(connection, row, str(answer.get("error") or "Odoo gave no reason."))
        await connection.execute("UPDATE outbox SET delivered_at = now() WHERE id = ANY(%s)", [delivered])

    async def _still_ready(self, connection: Connection, rows: list[Row]) -> list[Row]:
        """Without those whose aggregate was blocked by a refusal in the meantime."""
        ready = {row["id"] for row in await fetch_all(connection, _READY, [self._config.outbox_batch])}
        return [row for row in rows if row["id"] in ready]

    async def _refused(self, connection: Connection, row: Row, error: str) -> None:
        """Try again later, and after the last attempt put the event aside so that the rest can go on."""
        attempts = row["attempts"] + 1
        if attempts >= self._config.outbox_attempts:
            event = row["event"]
            transaction = event["payload"].get("transaction_id") or event["payload"].get("session_uid")
            _logger.error(
                "Event %s of %s is a dead letter: %s",
                event["uid"],
                event["station"],
                error,
                extra={"station": event["station"], "transaction": transaction},
            )
            async with connection.transaction():
                await connection.execute(
                    "INSERT INTO dead_letter (uid, aggregate, event, attempts, error)"
                    " SELECT uid, aggregate, event, %s, %s FROM outbox WHERE id = %s",
                    [attempts, error, row["id"]],
                )
                await connection.execute("DELETE FROM outbox WHERE id = %s", [row["id"]])
            return
        pause = min(self._config.outbox_backoff * 2 ** (attempts - 1), self._config.outbox_backoff_max)
        await connection.execute(
            "UPDATE outbox SET attempts = %s, last_error = %s, next_try = %s WHERE id = %s",
            [attempts, error, now() + timedelta(seconds=pause), row["id"]],
        )
