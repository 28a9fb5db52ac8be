"""The journal: what a station said is on disk before it is answered, many messages in one commit.

While one commit is under way, the messages that come in wait for the next one. A commit that fails answers nobody.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

import orjson
import psycopg

from .database import Connection, Database
from .desk import Question, resolve
from .rpc import Version, result

_logger = logging.getLogger(__name__)

_BATCH = 400  # more makes the commit longer and the messages of a batch no cheaper


class Waiting(Protocol):
    """Who wants to know when an entry is on disk."""

    def committed(self, entry: Entry) -> None:
        """The entry is durable: answer."""

    def failed(self, entry: Entry) -> None:
        """The entry is not durable and will not be."""


class Entry:
    """One line of the journal. A `question` becomes the answer in the commit."""

    __slots__ = (
        "action",
        "answer",
        "direction",
        "message_id",
        "note",
        "ocpp",
        "problem",
        "question",
        "raw",
        "station",
        "waiting",
    )

    def __init__(
        self, station: str, ocpp: Version, direction: str, raw: str, waiting: Waiting | None = None
    ) -> None:
        self.station, self.ocpp, self.direction, self.raw, self.waiting = station, ocpp, direction, raw, waiting
        self.action: str | None = None
        self.message_id: str | int = ""
        self.answer: str | None = None
        self.question: Question | None = None
        self.note: str | None = None
        self.problem: str | None = None


class Journal:
    """Group commit of entries, in the order in which they were put in."""

    def __init__(self, database: Database, node: int, token_max_age: float) -> None:
        self._database, self._table, self._token_max_age = database, database.journal(node), token_max_age
        self._waiting: list[Entry] = []
        self._arrived = asyncio.Event()
        self._connection: Connection | None = None
        self._committing = False
        self.committed = 0
        self.commits = 0

    def put(self, entry: Entry) -> None:
        """Keep an entry; its `waiting` hears when that is done, or that it cannot be done."""
        self._waiting.append(entry)
        self._arrived.set()

    async def run(self, written: asyncio.Event) -> None:
        """Commit for ever; `written` is set after each commit."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
                self._committing = True
                await self._commit(batch)
                self._committing = False
                written.set()
                await asyncio.sleep(0)  # the answers go out, and what has come in meanwhile joins the next commit

    async def drain(self) -> None:
        """Wait until all that was put in is committed or has failed."""
        while self._waiting or self._committing:
            await asyncio.sleep(0.01)

    async def _commit(self, batch: Sequence[Entry]) -> None:
        try:
            await self._write(batch)
        except (psycopg.OperationalError, psycopg.InterfaceError, OSError) as error:
            _logger.error("%d messages cannot be stored and are not answered: %s", len(batch), error)
            await self._disconnect()
            _tell_failed(batch)
        except psycopg.Error as error:  # the content of one of them: the others must not suffer
            if len(batch) == 1:
                station = batch[0].station
                _logger.error("A message of %s cannot be stored: %s", station, error, extra={"station": station})
                _tell_failed(batch)
            else:
                for entry in batch:
                    await self._commit([entry])
        else:
            self.commits += 1
            self.committed += len(batch)
            for entry in batch:
                if entry.waiting is not None:
                    entry.waiting.committed(entry)

    async def _write(self, batch: Sequence[Entry]) -> None:
        if self._connection is None:
            self._connection = await self._database.connect()
        connection = self._connection
        at = datetime.now(UTC)
        asking = [entry for entry in batch if entry.question is not None]
        if not asking:
            await self._table.append(connection, at, batch)
            return
        async with connection.transaction():
            questions = [entry.question for entry in asking if entry.question is not None]
            await resolve(connection, questions, at, self._token_max_age)
            for entry, question in zip(asking, questions, strict=True):
                entry.answer = result(entry.message_id, question.finish(question))
                entry.note = orjson.dumps(question.note()).decode()
            await self._table.append(connection, at, batch)

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def close(self) -> None:
        """Close the connection."""
        await self._disconnect()


def _tell_failed(batch: Sequence[Entry]) -> None:
    for entry in batch:
        if entry.waiting is not None:
            entry.waiting.failed(entry)
