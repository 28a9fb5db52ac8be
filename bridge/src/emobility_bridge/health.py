"""`/healthz`: what a monitor needs to know, as counts without names."""

from __future__ import annotations

from http import HTTPStatus

import orjson
import psycopg
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Response

from .database import Database, fetch_one

_COUNTS = """
    SELECT (SELECT count(*) FROM outbox WHERE delivered_at IS NULL) AS outbox_pending,
           (SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0)::float FROM outbox
             WHERE delivered_at IS NULL) AS outbox_oldest_seconds,
           (SELECT count(*) FROM dead_letter) AS dead_letters,
           (SELECT count(*) FROM session WHERE ended_at IS NULL) AS open_sessions,
           (SELECT extract(epoch FROM now() - synced_at)::float FROM sync_state) AS last_sync_seconds"""


class Health:
    """Answers with 200 and counts, or with 503 when the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def respond(self, socket: ServerConnection, connected: int) -> Response:
        """The response to a request for the health of this process."""
        try:
            async with self._database.transaction() as connection:
                counts = await fetch_one(connection, _COUNTS)
            status, body = HTTPStatus.OK, {"status": "ok", "connected_stations": connected, **(counts or {})}
        except (psycopg.Error, OSError):
            status, body = HTTPStatus.SERVICE_UNAVAILABLE, {"status": "database unreachable"}
        response = socket.respond(status, orjson.dumps(body).decode() + "\n")
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "application/json"
        return response
