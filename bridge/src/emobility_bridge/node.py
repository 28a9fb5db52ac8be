"""Several bridges on one database: each runs under a number of its own, and knows what the others hold.

The number is a lock, so that it is free again as soon as its bridge is gone, however it went.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

import psycopg

from .bookkeeper import Bookkeeper
from .database import Connection, Database, fetch_all
from .journal import Entry, Journal

_logger = logging.getLogger(__name__)

_LOCK_CLASS = 72_041  # locks (class, number of the node)
_RECONNECT_PAUSE = 0.5


class LostNode(Exception):
    """Another bridge runs under the number of this one: it must start again under a new one."""


class Node:
    """This bridge among the others, on a connection of its own that also listens to them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None
        self.id = 0

    async def start(self) -> None:
        """Take the first free number. Raises psycopg.Error."""
        self._connection = await self._database.connect()
        while not await self._take(self._connection, self.id + 1):
            if not self._database.is_shared:
                raise psycopg.OperationalError("Another bridge runs on it; several bridges need PostgreSQL.")
            self.id += 1
        self.id += 1
        await self._database.listen(self._connection)
        await self._connection.execute(
            "INSERT INTO node (id) VALUES (%s) ON CONFLICT (id) DO UPDATE SET seen_at = now()", [self.id]
        )

    async def orphans(self) -> list[Entry]:
        """Entries that end the connections which the last bridge with this number held when it died."""
        async with self._database.transaction() as connection:
            return await _orphans(connection, self.id)

    async def listen(self, heard: Callable[[str], Awaitable[None]]) -> None:
        """Hand on what other parts say. When the database restarts, take the same number again.

        Raises LostNode when another bridge has taken it in the meantime.
        """
        while True:
            assert self._connection is not None
            with contextlib.suppress(psycopg.Error):
                async for message in self._database.news(self._connection):
                    await heard(message)
            await self._connection.close()
            await self._return()
            await heard("pulled")  # whatever was said in between

    async def _return(self) -> None:
        _logger.warning("The database has closed the connection of node %d", self.id)
        while True:
            try:
                connection = await self._database.connect()
                break
            except (psycopg.Error, OSError):
                await asyncio.sleep(_RECONNECT_PAUSE)
        if not await self._take(connection, self.id):
            raise LostNode(f"Another bridge has taken the number {self.id}.")
        await self._database.listen(connection)
        self._connection = connection

    async def adopt_forever(self, journal: Journal, interval: float) -> None:
        """Finish what bridges left behind that are gone for good."""
        while True:
            await asyncio.sleep(interval)
            try:
                await self._adopt(journal)
            except (psycopg.Error, OSError) as error:
                _logger.warning("Other nodes cannot be looked after: %s", error)

    async def close(self) -> None:
        """Give the number back."""
        if self._connection is not None:
            await self._connection.close()

    async def _adopt(self, journal: Journal) -> None:
        async with self._database.transaction() as connection:
            others = await fetch_all(connection, "SELECT id FROM node WHERE id <> %s", [self.id])
        for other in others:
            async with await self._database.connect() as connection:
                if not await self._take(connection, other["id"]):
                    continue  # it lives
                await Bookkeeper(self._database, other["id"]).catch_up()
                for entry in await _orphans(connection, other["id"]):
                    journal.put(entry)

    async def _take(self, connection: Connection, number: int) -> bool:
        return await self._database.try_lock(connection, _LOCK_CLASS, number)


async def _orphans(connection: Connection, node: int) -> list[Entry]:
    rows = await fetch_all(
        connection, "SELECT identity, ocpp, generation FROM station_state WHERE node = %s", [node]
    )
    entries = []
    for row in rows:
        entry = Entry(row["identity"], row["ocpp"] or "1.6", "down", "")
        entry.note = str(row["generation"])
        entries.append(entry)
    return entries
