"""One bridge process: puts the parts together, starts and stops them."""

from __future__ import annotations

import asyncio
import logging
import signal

import psycopg

from .commands import Commands
from .config import Config
from .database import Database
from .health import Health
from .odoo import Odoo
from .outbox import Outbox
from .server import StationServer
from .sync import Sync

_logger = logging.getLogger(__name__)

_SERVICE_RESTART = 1012  # WebSocket close code: come back
_CLEANING_INTERVAL = 3600.0
_FIRST_PULL_LIMIT = 15.0


class Bridge:
    """The running bridge."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.database = Database(config.dsn)
        odoo = Odoo(
            config.odoo_url, config.odoo_db, config.odoo_login, config.odoo_api_key, config.odoo_timeout
        )
        self.outbox = Outbox(config, self.database, odoo)
        self.server = StationServer(config, self.database, self.outbox, Health(self.database))
        self.commands = Commands(self.database, self.server.station, self.outbox.wake)
        self.sync = Sync(self.database, odoo, self._changed)

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT. Raises psycopg.Error when the database cannot be used at first."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await self.database.create_schema()
        await self.server.recover()
        await self.commands.recover()
        await self._first_pull()
        listener = await self.server.start()
        port = next(iter(listener.sockets)).getsockname()[1]
        _logger.info("Listening on %s port %d", self.config.host, port)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self.outbox.run()),
                group.create_task(self._sync_loop()),
                group.create_task(self._clean_loop()),
            ]
            await stop.wait()
            listener.close(code=_SERVICE_RESTART, reason="restart")
            await listener.wait_closed()
            for task in tasks:
                task.cancel()
        await self.database.close()

    async def _first_pull(self) -> None:
        """A bridge that knows no station yet would turn all of them away: let it hear of them first, if it can."""
        if not await self.sync.has_copy():
            try:
                await asyncio.wait_for(self.sync.pull(), _FIRST_PULL_LIMIT)
            except TimeoutError:
                _logger.warning("Odoo is slow: listening before the first pull is done")

    async def _changed(self) -> None:
        await self.server.drop_removed()
        await self.commands.run_new()

    async def _sync_loop(self) -> None:
        while True:
            await self.sync.pull()
            await asyncio.sleep(self.config.sync_interval)

    async def _clean_loop(self) -> None:
        while True:
            try:
                await self._clean()
            except (psycopg.Error, OSError) as error:
                _logger.warning("Old rows stay for now: %s", error)
            await asyncio.sleep(_CLEANING_INTERVAL)

    async def _clean(self) -> None:
        """Forget old frames, statuses and delivered events; sessions and dead letters stay."""
        async with self.database.transaction() as connection:
            for statement in (
                "DELETE FROM frame_log WHERE at < now() - make_interval(days => %s)",
                "DELETE FROM connector_status WHERE at < now() - make_interval(days => %s)",
                "DELETE FROM outbox WHERE delivered_at < now() - make_interval(days => %s)",
            ):
                await connection.execute(statement, [self.config.keep_days])
