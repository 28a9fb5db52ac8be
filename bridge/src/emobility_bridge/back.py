"""The back of a bridge: ledger, delivery to Odoo, copies from Odoo. A process of its own beside the sockets.

What it does takes processor time, and nobody waits for it; in the process of the sockets every station would.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from datetime import timedelta

import psycopg

from .bookkeeper import Bookkeeper
from .config import Config
from .database import Connection, open_database
from .odoo import Odoo
from .orphans import close_orphans
from .outbox import Outbox
from .sync import Sync
from .work import now

_logger = logging.getLogger(__name__)

_CLEANING_INTERVAL = 3600.0
_COURTESY = 3.0
_LONGEST_COURTESY = 1.0
_NICE = 10  # stations wait for the front and for PostgreSQL, nobody waits for this
# Held by the one back that talks to Odoo; those of other bridges on the same database wait for it.
_ODOO_LOCK = 72_042, 1


class Back:
    """Runs until its standard input ends, which it does when the front is gone."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._database = open_database(config.dsn)
        self._bookkeeper = Bookkeeper(self._database, config.node)
        odoo = Odoo(
            config.odoo_url,
            config.odoo_db,
            config.odoo_login,
            config.odoo_api_key.get_secret_value(),
            config.odoo_timeout,
        )
        self._outbox = Outbox(config, odoo)
        self._sync = Sync(self._database, odoo)
        self._written = asyncio.Event()

    async def run(self) -> None:
        """Work until the front closes the pipe."""
        os.nice(_NICE)
        tasks = [
            asyncio.create_task(job)
            for job in (self._keep_books(), self._talk_to_odoo(), self._clean_forever())
        ]
        await self._hear_the_front()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(psycopg.Error, OSError):
            await self._bookkeeper.catch_up()
        await self._database.close()

    async def _hear_the_front(self) -> None:
        """Each byte says that the journal has grown."""
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
        )
        while await reader.read(4096):
            self._written.set()

    async def _keep_books(self) -> None:
        self._written.set()  # what the last process left
        while True:
            with contextlib.suppress(TimeoutError):
                # Not wait_for: before Python 3.12 that can lose a cancellation that comes with the event.
                async with asyncio.timeout(self._config.outbox_interval):
                    await self._written.wait()
            self._written.clear()
            try:
                await self._bookkeeper.catch_up(self._give_way)
                self._outbox.wake()
            except (psycopg.Error, OSError) as error:
                _logger.warning("The ledger waits for the database: %s", error)
                await asyncio.sleep(1)

    async def _give_way(self, seconds: float) -> None:
        """While the front answers stations, the ledger takes a quarter of the time: PostgreSQL serves both."""
        self._outbox.wake()
        if self._written.is_set():
            self._written.clear()
            await asyncio.sleep(min(seconds * _COURTESY, _LONGEST_COURTESY))

    async def _talk_to_odoo(self) -> None:
        while True:
            try:
                async with await self._database.connect() as connection:
                    await self._wait_for_turn(connection)
                    await self._deliver_and_pull(connection)
            except (psycopg.Error, OSError) as error:
                _logger.warning("The delivery waits for the database: %s", error)
                await asyncio.sleep(1)

    async def _wait_for_turn(self, connection: Connection) -> None:
        while not await self._database.try_lock(connection, *_ODOO_LOCK):
            await asyncio.sleep(min(self._config.outbox_interval, 5.0))

    async def _deliver_and_pull(self, connection: Connection) -> None:
        """Until the connection is lost, and with it the turn."""
        jobs = [
            asyncio.create_task(self._outbox.run(connection)),
            asyncio.create_task(self._pull_forever()),
        ]
        try:
            done, _ = await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
            for job in done:
                job.result()
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)

    async def _pull_forever(self) -> None:
        while True:
            if await self._sync.pull():
                await self._tell("pulled")
            await asyncio.sleep(self._config.sync_interval)

    async def _tell(self, message: str) -> None:
        try:
            async with self._database.transaction() as connection:
                await self._database.tell(connection, message)
        except (psycopg.Error, OSError) as error:
            _logger.warning("Other parts are not told of %s: %s", message, error)

    async def _clean_forever(self) -> None:
        while True:
            try:
                await self._clean()
                await self._close_orphans()
            except (psycopg.Error, OSError) as error:
                _logger.warning("Old rows stay for now: %s", error)
            await asyncio.sleep(_CLEANING_INTERVAL)

    async def _close_orphans(self) -> None:
        if self._config.orphan_hours:
            async with self._database.transaction() as connection:
                closed = await close_orphans(connection, timedelta(hours=self._config.orphan_hours))
            if closed:
                _logger.warning("%d sessions are closed that no station ended", closed)
                self._outbox.wake()

    async def _clean(self) -> None:
        """Forget old frames, statuses and delivered events; sessions and dead letters stay."""
        async with self._database.transaction() as connection:
            for statement in (
                "DELETE FROM journal WHERE at < %s",
                "DELETE FROM connector_status WHERE at < %s",
                "DELETE FROM outbox WHERE delivered_at < %s",
            ):
                await connection.execute(statement, [now() - timedelta(days=self._config.keep_days)])
