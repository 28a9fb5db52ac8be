"""The WebSocket endpoint of the stations: handshake, receive loop, calls."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import orjson
import psycopg
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed, NegotiationError
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from . import handlers16, handlers201, rpc
from .commands import log_call
from .config import Config
from .credentials import Credentials
from .database import Database, fetch_all, fetch_one
from .health import Health
from .ledger import Ledger
from .outbox import Outbox
from .rpc import Answer, Call, FrameError, Version
from .work import Work, emit, log_frame, now

_logger = logging.getLogger(__name__)

_MAX_FRAME = 1024 * 1024  # StopTransaction.transactionData with signed values is large
_GRACE_OF_OLD_SOCKET = 1.0
_KNOWN = "SELECT identity FROM station WHERE password_hash <> ''"
_EDITIONS = {"1.6": handlers16, "2.0.1": handlers201}


class StationConnection:
    """One socket of one station: reads frames one after another, and carries our calls."""

    def __init__(self, server: StationServer, socket: ServerConnection, identity: str, ocpp: Version) -> None:
        self.identity, self.ocpp = identity, ocpp
        self._server, self._socket = server, socket
        self._pending: dict[str, asyncio.Future[Answer]] = {}
        self._one_call = asyncio.Lock()

    @property
    def remote_address(self) -> str:
        """Where the socket comes from."""
        address = self._socket.remote_address
        return str(address[0]) if address else ""

    async def run(self) -> None:
        """Handle frames until the socket is closed."""
        try:
            async for raw in self._socket:
                if not await self._on_frame(raw):
                    break
        except ConnectionClosed:
            pass
        finally:
            for future in self._pending.values():
                if not future.done():
                    future.set_exception(ConnectionResetError("The socket was closed."))

    async def close(self, code: int, reason: str) -> None:
        """Close the socket."""
        await self._socket.close(code, reason)

    async def call(self, action: str, payload: dict[str, Any]) -> Answer:
        """Send a CALL and wait for its answer; one at a time. Raises TimeoutError, ConnectionError."""
        async with self._one_call:
            message_id = str(uuid4())
            raw = rpc.call(message_id, action, payload)
            await log_call(self._server.database, self.identity, raw, message_id, action)
            answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
            self._pending[message_id] = answer
            try:
                await self._socket.send(raw)
                return await asyncio.wait_for(answer, self._server.config.call_timeout)
            except ConnectionClosed as closed:
                raise ConnectionResetError("The socket is closed.") from closed
            finally:
                del self._pending[message_id]

    async def _on_frame(self, raw: str | bytes) -> bool:
        """Handle one frame. False when it could not be made durable: no answer, and the socket is closed."""
        text = raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
        try:
            reply = await self._reply(text)
        except (psycopg.Error, OSError) as error:
            _logger.error("A frame of %s cannot be stored, its socket is closed: %s", self.identity, error)
            await self.close(1011, "not stored")
            return False
        if reply is not None:
            await self._socket.send(reply)
        return True

    async def _reply(self, raw: str) -> str | None:
        try:
            message = rpc.parse(raw)
        except FrameError as problem:
            return await self._malformed(raw, problem)
        if isinstance(message, Answer):
            await self._log(raw, message.message_id, None, message.error)
            waiting = self._pending.get(message.message_id)
            if waiting is not None and not waiting.done():
                waiting.set_result(message)
            return None
        edition = _EDITIONS[self.ocpp]
        if message.action in edition.HANDLERS:
            return await self._handle(raw, message)
        await self._log(raw, message.message_id, message.action, "not handled")
        code = "NotSupported" if rpc.is_known(self.ocpp, message.action) else "NotImplemented"
        return rpc.error(message.message_id, code, f"{message.action} is not handled here.")

    async def _handle(self, raw: str, message: Call) -> str:
        """Log, apply and answer in one transaction; the answer leaves only after the commit."""
        config = self._server.config
        async with self._server.database.transaction() as connection:
            work = await Work.begin(
                connection, self.identity, self.ocpp, config.heartbeat_interval, config.token_max_age
            )
            try:
                async with connection.transaction():
                    reply = await self._apply(work, message)
            except psycopg.OperationalError:
                raise
            except Exception as error:  # whatever a station sends, a message it bills with must not be lost
                _logger.exception("A %s of %s cannot be interpreted", message.action, self.identity)
                reply = await self._quarantine(work, message, error)
            problem = "; ".join(
                filter(None, [rpc.schema_problem(self.ocpp, message.action, message.payload), *work.problems])
            )
            await work.log("in", raw, message.message_id, message.action, problem or None)
            await work.log("out", reply, message.message_id, message.action)
        self._server.outbox.wake()
        return reply

    async def _apply(self, work: Work, message: Call) -> str:
        payload = await _EDITIONS[self.ocpp].HANDLERS[message.action](work, message.payload)
        return rpc.result(message.message_id, payload)

    async def _quarantine(self, work: Work, message: Call, error: Exception) -> str:
        edition = _EDITIONS[self.ocpp]
        work.problems.append(f"{type(error).__name__}: {error}")
        if message.action not in edition.BILLING:
            return rpc.error(message.message_id, "InternalError", "The message could not be interpreted.")
        key = orjson.dumps(message.payload, option=orjson.OPT_SORT_KEYS).decode()
        await Ledger(work).conflict(None, "message_not_understood", message.payload, key)
        return rpc.result(message.message_id, await edition.fallback(work, message.action, message.payload))

    async def _malformed(self, raw: str, problem: FrameError) -> str | None:
        await self._log(raw, problem.message_id, None, str(problem))
        if problem.message_id is not None:
            return rpc.error(problem.message_id, rpc.format_violation(self.ocpp), str(problem))
        # OCPP 2.0.1 part 4 section 4.2.3: a message whose id cannot be read is answered with the id "-1"
        return None if self.ocpp == "1.6" else rpc.error("-1", "RpcFrameworkError", str(problem))

    async def _log(self, raw: str, message_id: object, action: str | None, problem: str | None) -> None:
        async with self._server.database.transaction() as connection:
            await log_frame(connection, self.identity, "in", raw, message_id, action, problem)


class StationServer:
    """All connected stations. A new socket of an identity replaces the old one: last in wins."""

    def __init__(self, config: Config, database: Database, outbox: Outbox, health: Health) -> None:
        self.config, self.database, self.outbox = config, database, outbox
        self._health = health
        self._credentials = Credentials()
        self._current: dict[str, StationConnection] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def start(self) -> Server:
        """Listen."""
        return await serve(
            self._serve,
            self.config.host,
            self.config.port,
            process_request=self._process_request,
            select_subprotocol=_select_subprotocol,
            compression=None,
            max_size=_MAX_FRAME,
            ping_interval=self.config.ping_interval,
            ping_timeout=None,  # there are stations that never pong; TCP and the next socket end dead ones
        )

    def station(self, identity: str) -> StationConnection | None:
        """The connected station, if it is."""
        return self._current.get(identity)

    @property
    def connected(self) -> int:
        """How many stations are connected."""
        return len(self._current)

    async def recover(self) -> None:
        """Report the stations that were connected when the last process ended as disconnected."""
        async with self.database.transaction() as connection:
            rows = await fetch_all(
                connection,
                "UPDATE station_state SET connected = false WHERE connected RETURNING identity, ocpp",
            )
            for row in rows:
                payload = {"ocpp": row["ocpp"], "remote_address": ""}
                aggregate = f"station:{row['identity']}"
                await emit(
                    connection, row["identity"], aggregate, uuid4(), "station.disconnected", now(), payload
                )

    async def drop_removed(self) -> None:
        """Close the sockets of stations that Odoo no longer knows."""
        async with self.database.transaction() as connection:
            known = {row["identity"] for row in await fetch_all(connection, _KNOWN)}
        for identity in set(self._current) - known:
            self._close_later(self._current[identity], 0, 1008, "unknown station")

    async def _process_request(self, socket: ServerConnection, request: Request) -> Response | None:
        path = urlsplit(request.path).path
        if path == "/healthz":
            return await self._health.respond(socket, self.connected)
        identity = _identity(request)
        try:
            async with self.database.transaction() as connection:
                row = await fetch_one(
                    connection, "SELECT password_hash FROM station WHERE identity = %s", [identity]
                )
        except (psycopg.Error, OSError) as error:
            _logger.error("Stations cannot be looked up: %s", error)
            return socket.respond(HTTPStatus.SERVICE_UNAVAILABLE, "The database cannot be reached.\n")
        header = request.headers.get("Authorization")
        if row is None or not await self._credentials.check(identity, row["password_hash"], header):
            response = socket.respond(HTTPStatus.UNAUTHORIZED, "The station or its password is not known.\n")
            response.headers["WWW-Authenticate"] = 'Basic realm="OCPP"'
            return response
        return None

    async def _serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        ocpp = rpc.SUBPROTOCOLS[socket.subprotocol] if socket.subprotocol else "1.6"
        station = StationConnection(self, socket, _identity(socket.request), ocpp)
        old = self._current.get(station.identity)
        self._current[station.identity] = station
        if old is not None:
            self._close_later(old, _GRACE_OF_OLD_SOCKET, 1000, "replaced by a newer connection")
        try:
            await self._report(station, "station.connected")
            await station.run()
        except (psycopg.Error, OSError) as error:
            _logger.error("The connection of %s cannot be stored: %s", station.identity, error)
            await station.close(1011, "not stored")
        finally:
            if self._current.get(station.identity) is station:  # else a newer socket has taken over
                del self._current[station.identity]
                await self._report_gone(station)

    def _close_later(self, station: StationConnection, delay: float, code: int, reason: str) -> None:
        """Close a socket without waiting for it: one that is dead takes its time."""

        async def close() -> None:
            await asyncio.sleep(delay)
            await station.close(code, reason)

        task = asyncio.create_task(close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _report_gone(self, station: StationConnection) -> None:
        try:
            await self._report(station, "station.disconnected")
        except (psycopg.Error, OSError) as error:
            _logger.error("The end of a connection of %s cannot be stored: %s", station.identity, error)

    async def _report(self, station: StationConnection, kind: str) -> None:
        async with self.database.transaction() as connection:
            work = await Work.begin(connection, station.identity, station.ocpp, 0, 0)
            await work.execute(
                "UPDATE station_state SET connected = %s WHERE identity = %s",
                kind == "station.connected",
                station.identity,
            )
            payload = {"ocpp": station.ocpp, "remote_address": station.remote_address}
            await work.emit_station(uuid4(), kind, work.received_at, payload)
        self.outbox.wake()


def _identity(request: Request) -> str:
    """The last segment of the path, such as `CS%2F1` in `/ocpp/CS%2F1`."""
    return unquote(urlsplit(request.path).path.rstrip("/").rpartition("/")[2])


def _select_subprotocol(socket: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """The first that the station offers and we speak. Stations that offer none speak 1.6 in the field."""
    for subprotocol in offered:
        if subprotocol in rpc.SUBPROTOCOLS:
            return subprotocol
    if offered:
        raise NegotiationError("Only ocpp1.6 and ocpp2.0.1 are spoken here.")
    return None
