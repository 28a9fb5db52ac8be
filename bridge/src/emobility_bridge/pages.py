"""What a monitor and an orchestrator ask: `/healthz`, `/readyz`, `/metrics`. Counts without names."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, LiteralString

import orjson
import psycopg
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from websockets.http11 import Response

from .database import Connection, Database, fetch_one
from .journal import Journal
from .websocket import respond
from .work import now

if TYPE_CHECKING:
    from .server import StationServer

_COUNTS = """
    SELECT (SELECT count(*) FROM outbox WHERE delivered_at IS NULL) AS outbox_pending,
           (SELECT count(*) FROM dead_letter) AS dead_letters,
           (SELECT count(*) FROM session WHERE ended_at IS NULL) AS open_sessions,
           (SELECT count(*) FROM command WHERE state IN ('new', 'sent')) AS open_commands,
           (SELECT count(*) FROM journal WHERE node = %s
             AND id > (SELECT handled_id FROM node WHERE id = %s)) AS ledger_behind"""
_OLDEST = "SELECT created_at AS at FROM outbox WHERE delivered_at IS NULL ORDER BY id LIMIT 1"
_SYNCED = "SELECT synced_at AS at FROM sync_state"
_GAUGES = {
    "connected_stations": "Stations that are connected to this node",
    "outbox_pending": "Events that Odoo has not taken yet",
    "outbox_oldest_seconds": "Age of the oldest of them",
    "dead_letters": "Events that Odoo refused for good",
    "open_sessions": "Sessions that have not ended",
    "open_commands": "Commands that have no final state",
    "ledger_behind": "Journal entries of this node that the ledger has not applied yet",
    "last_sync_seconds": "Age of the copies from Odoo",
}


class Pages:
    """Answers with 200 and counts, or with 503 when the bridge cannot do its work."""

    server: StationServer

    def __init__(self, database: Database, journal: Journal, node: int) -> None:
        self._database, self._journal, self._node = database, journal, node

    async def page(self, path: str) -> Response:
        """The response to a request for one of the pages."""
        try:
            async with self._database.transaction() as connection:
                counts = {
                    "connected_stations": self.server.connected,
                    **(await fetch_one(connection, _COUNTS, [self._node, self._node]) or {}),
                    "outbox_oldest_seconds": await _age(connection, _OLDEST) or 0.0,
                    "last_sync_seconds": await _age(connection, _SYNCED),
                }
        except (psycopg.Error, OSError):
            return _json(HTTPStatus.SERVICE_UNAVAILABLE, {"status": "database unreachable"})
        if path == "/metrics":
            return respond(HTTPStatus.OK, self._metrics(counts), CONTENT_TYPE_LATEST)
        if path == "/readyz" and self.server.is_stopping:
            return _json(HTTPStatus.SERVICE_UNAVAILABLE, {"status": "stopping"})
        return _json(HTTPStatus.OK, {"status": "ok", "node": self._node, **counts})

    def _metrics(self, counts: dict[str, Any]) -> bytes:
        registry = CollectorRegistry()
        registry.register(_Snapshot(counts, self._journal, dict(self.server.count)))
        return generate_latest(registry)


class _Snapshot(Collector):
    """The counts of this moment."""

    def __init__(self, counts: dict[str, Any], journal: Journal, deviations: dict[str, int]) -> None:
        self._counts, self._journal, self._deviations = counts, journal, deviations

    def collect(self) -> Iterator[Metric]:
        for name, meaning in _GAUGES.items():
            if self._counts.get(name) is not None:
                yield GaugeMetricFamily(f"emobility_bridge_{name}", meaning, value=float(self._counts[name]))
        yield CounterMetricFamily(
            "emobility_bridge_journal_entries", "Journal entries on disk", value=self._journal.committed
        )
        yield CounterMetricFamily("emobility_bridge_commits", "Group commits", value=self._journal.commits)
        deviations = CounterMetricFamily(
            "emobility_bridge_deviations", "What stations do against the rules", labels=["kind"]
        )
        for kind, count in self._deviations.items():
            deviations.add_metric([kind], count)
        yield deviations


async def _age(connection: Connection, query: LiteralString) -> float | None:
    """Seconds since the time that the query finds."""
    row = await fetch_one(connection, query)
    return None if row is None or row["at"] is None else float((now() - row["at"]).total_seconds())


def _json(status: HTTPStatus, body: dict[str, Any]) -> Response:
    return respond(status, orjson.dumps(body) + b"\n", "application/json")
