"""The front of a bridge: sockets, journal, commands. It starts the back and sees to it that it runs."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys

import psycopg

from .commands import Commands
from .config import Config
from .database import fetch_all, open_database
from .journal import Journal
from .node import Node
from .pages import Pages
from .server import StationServer

_logger = logging.getLogger(__name__)

_SERVICE_RESTART = 1012  # WebSocket close code: come back
_FIRST_PULL_LIMIT = 15.0
_BACK_LIMIT = 8.0
_DATABASE_LIMIT = 60.0
_WAKING_PAUSE = 0.02  # the ledger takes many messages at once; to wake it for each commit costs the stations time
_KNOWN = "SELECT identity, accepted FROM station WHERE password_hash <> '' OR security_profile = 3"


class Front:
    """One running bridge."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._database = open_database(config.dsn)
        self._node = Node(self._database)
        self._stop = asyncio.Event()
        self._written = asyncio.Event()

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT. Raises psycopg.Error when the database cannot be used at first."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        await self._database.wait(_DATABASE_LIMIT)
        await self._database.create_schema()
        await self._node.start()
        self._journal = Journal(self._database, self._node.id, self._config.token_max_age)
        pages = Pages(self._database, self._journal, self._node.id)
        self._server = StationServer(self._config, self._database, self._journal, self._node.id, pages.page)
        pages.server = self._server
        self._commands = Commands(self._database, self._server.station, self._node.id, self._written.set)
        for entry in await self._node.orphans():
            self._journal.put(entry)
        await self._commands.recover()
        tasks = [loop.create_task(self._journal.run(self._written)), loop.create_task(self._supervise())]
        await self._first_pull()
        await self._hear("pulled")
        listeners = await self._server.listen()
        ports = [listener.sockets[0].getsockname()[1] for listener in listeners]
        _logger.info("Node %d listens on %s, ports %s", self._node.id, self._config.host, ports)
        gc.freeze()  # what is alive now stays alive: no collection needs to look at it again
        tasks += [
            loop.create_task(self._server.ping_forever()),
            loop.create_task(
                self._node.adopt_forever(self._journal, self._config.adoption_interval)
            ),
            loop.create_task(self._node.listen(self._hear)),
        ]
        try:
            await self._until_stopped(tasks)
        finally:
            for listener in listeners:
                listener.close()
            await self._server.goodbye(_SERVICE_RESTART, "restart")
            await self._journal.drain()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._journal.close()
            await self._node.close()
            await self._database.close()

    async def _until_stopped(self, tasks: list[asyncio.Task[None]]) -> None:
        """Wait for a signal; raises what ended one of the tasks, for none of them should end."""
        stop = asyncio.create_task(self._stop.wait())
        done, _ = await asyncio.wait([stop, *tasks], return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        for task in done:
            task.result()

    async def _hear(self, message: str) -> None:
        """Something changed in the database: `pulled` copies from Odoo, or a station that `moved` to another node."""
        kind, _, rest = message.partition(":")
        if kind == "moved":
            node, _, identity = rest.partition(":")
            if node != str(self._node.id):
                self._server.drop(identity, 1000, "replaced by a newer connection")
        elif kind == "pulled":
            try:
                async with self._database.transaction() as connection:
                    known = {row["identity"]: row["accepted"] for row in await fetch_all(connection, _KNOWN)}
                self._server.apply_changes(known)
                await self._server.asking.learn()
                await self._commands.run_new()
            except (psycopg.Error, OSError) as error:
                _logger.warning("Changes are taken over later: %s", error)

    async def _first_pull(self) -> None:
        """A bridge that knows no station yet would turn all of them away: let it hear of them first, if it can."""
        deadline = asyncio.get_running_loop().time() + _FIRST_PULL_LIMIT
        while not await self._has_pulled():
            if self._stop.is_set():
                return
            if asyncio.get_running_loop().time() > deadline:
                _logger.warning("Odoo is slow or away: listening before the first pull is done")
                return
            await asyncio.sleep(0.05)

    async def _has_pulled(self) -> bool:
        async with self._database.transaction() as connection:
            rows = await fetch_all(
                connection, "SELECT 1 FROM sync_state WHERE coalesce(synced_at, tried_at) IS NOT NULL"
            )
        return bool(rows)

    async def _supervise(self) -> None:
        """Keep the back running, and tell it when the journal has grown. Stations are answered without it."""
        environment = self._config.model_copy(update={"node": self._node.id}).environment()
        pause = 0.5
        while True:
            back = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "emobility_bridge",
                "--node",
                str(self._node.id),
                stdin=asyncio.subprocess.PIPE,
                env=os.environ | environment,
            )
            waking = asyncio.create_task(self._wake(back))
            try:
                status = await back.wait()
            except asyncio.CancelledError:
                await _end(back)
                raise
            finally:
                waking.cancel()
            _logger.error("The back has ended with status %s; it is started again", status)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 30.0)

    async def _wake(self, back: asyncio.subprocess.Process) -> None:
        assert back.stdin is not None
        while True:
            await self._written.wait()
            self._written.clear()
            try:
                back.stdin.write(b".")
                await back.stdin.drain()
            except (ConnectionError, OSError):
                return
            await asyncio.sleep(_WAKING_PAUSE)


async def _end(back: asyncio.subprocess.Process) -> None:
    """The back ends when its standard input does, after it has applied what is in the journal."""
    assert back.stdin is not None
    back.stdin.close()
    try:
        await asyncio.wait_for(back.wait(), _BACK_LIMIT)
    except TimeoutError:
        _logger.warning("The back does not end by itself and is killed; nothing is lost")
        back.kill()
        await back.wait()
