"""The endpoint of the stations: who may connect, what their messages are answered, calls to them."""

from __future__ import annotations

import asyncio
import logging
import socket as sockets
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import UTC, datetime
from functools import cached_property, partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import psycopg
from websockets.exceptions import NegotiationError
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from . import rpc
from .answers16 import ANSWERS as ANSWERS_16
from .answers20 import ANSWERS_21, ANSWERS_201
from .asking import Asking
from .config import Config
from .credentials import Credentials
from .database import Database, fetch_one
from .desk import Answers, Errand, Payload, Question
from .journal import Entry, Journal
from .rpc import Answer, Call, FrameError, Version
from .strangers import Strangers
from .tls import certificate_names, tls_context
from .websocket import WebSocket, respond

if TYPE_CHECKING:
    from .plug_and_charge import PlugAndCharge

_logger = logging.getLogger(__name__)

_GRACE_OF_OLD_SOCKET = 1.0
_PATIENCE = 16  # unread messages of one station above which its socket is not read any more
_LONGEST_IDENTITY = 255
_ANSWERS: dict[Version, Answers] = {"1.6": ANSWERS_16, "2.0.1": ANSWERS_201, "2.1": ANSWERS_21}
_LONGEST_COSTS = 20
_DEAD_AFTER_MS = 60_000  # unacknowledged data; stations vanish from mobile networks without a word

_ADMISSION = """
    SELECT password_hash, accepted, security_profile, certificates, coalesce(boots, 0) AS boots
    FROM station LEFT JOIN station_state USING (identity) WHERE identity = %s"""
_TAKE_OVER = """
    WITH before AS (SELECT node FROM station_state WHERE identity = %s)
    INSERT INTO station_state (identity, ocpp, node, generation) VALUES (%s, %s, %s, 1)
    ON CONFLICT (identity) DO UPDATE SET ocpp = EXCLUDED.ocpp, node = EXCLUDED.node,
    generation = station_state.generation + 1
    RETURNING generation, boots, (SELECT node FROM before) AS node_before"""

HttpPage = Callable[[str], Awaitable[Response]]


class StationConnection:
    """One socket of one station. Its messages are answered one after another, each when it is on disk."""

    __slots__ = (
        "_answers",
        "_burst",
        "_busy",
        "_costs",
        "_one_call",
        "_pending",
        "_queue",
        "_rate",
        "_server",
        "_tokens",
        "_tokens_at",
        "accepted",
        "boots",
        "generation",
        "heartbeat_interval",
        "identity",
        "ocpp",
        "remote_address",
        "socket",
    )

    def __init__(
        self, server: StationServer, socket: WebSocket, identity: str, ocpp: Version, remote_address: str
    ) -> None:
        self.identity, self.ocpp, self.remote_address = identity, ocpp, remote_address
        self.socket = socket
        self.accepted, self.boots, self.generation = False, 0, 0
        self._server = server
        self._answers = _ANSWERS[ocpp]
        self._busy = False
        self._queue: deque[bytes] | None = None  # made when a station does not wait for its answers
        self._pending: dict[str, asyncio.Future[Answer]] | None = None  # made with the first call
        self._one_call: asyncio.Lock | None = None
        self._costs: dict[str, float] | None = None  # made when Odoo says what a transaction costs
        self.heartbeat_interval = server.config.heartbeat_interval
        self._rate, self._burst = server.config.rate_per_second, float(server.config.rate_burst)
        self._tokens, self._tokens_at = self._burst, 0.0

    @property
    def at(self) -> datetime:
        """Now."""
        return datetime.now(UTC)

    @property
    def plug_and_charge(self) -> PlugAndCharge:
        """Who knows about contract certificates."""
        return self._server.plug_and_charge

    async def permit(self, question: Question) -> Question:
        """Ask the provider of the token first, if it wants that."""
        return await self._server.asking.permit(question) if self._server.asking.is_needed else question

    def cost_of(self, transaction_id: str | None) -> float | None:
        """What a transaction has cost so far."""
        return self._costs.get(transaction_id or "") if self._costs else None

    def note_cost(self, transaction_id: str, cost: float) -> None:
        """Remember what a transaction has cost so far; only of the newest ones, for they end without a word here."""
        self._costs = {**(self._costs or {}), transaction_id: cost}
        if len(self._costs) > _LONGEST_COSTS:
            del self._costs[next(iter(self._costs))]

    # -- messages of the station --------------------------------------------------------------------------

    def on_message(self, data: bytes) -> None:
        """A message came; it waits when the one before it is not answered yet."""
        if not self._busy:
            self._handle(data)
            return
        if self._queue is None:
            self._queue = deque()
        self._queue.append(data)
        if len(self._queue) >= _PATIENCE:
            self.socket.pause()

    def on_close(self) -> None:
        """The socket is gone."""
        for future in (self._pending or {}).values():
            if not future.done():
                future.set_exception(ConnectionResetError("The socket was closed."))
        self._server.closed(self)

    def committed(self, entry: Entry) -> None:
        """The message is on disk: answer, and go on."""
        if entry.answer is not None:
            self.socket.send(entry.answer.encode())
        self._next()

    def failed(self, entry: Entry) -> None:
        """No answer: the station keeps what was not answered and sends it again."""
        self._server.count["not_stored"] += 1
        self.socket.close(1011, "not stored")

    def _next(self) -> None:
        self._busy = False
        queue = self._queue
        while queue and not self._busy:
            self._handle(queue.popleft())
        if queue is not None and not queue:
            self._queue = None
            self.socket.resume()

    def _handle(self, data: bytes) -> None:
        if not self._has_its_share(data):
            return
        try:
            raw = data.decode()
        except UnicodeDecodeError:
            raw = data.decode("utf-8", "replace")
            self._server.count["not_utf8"] += 1
        entry = Entry(self.identity, self.ocpp, "in", raw, self)
        try:
            message = rpc.parse(raw)
        except FrameError as problem:
            self._malformed(entry, problem)
        else:
            if isinstance(message, Call):
                errand = self._on_call(entry, message)
                if errand is not None:
                    self._server.start(self._run(errand, entry, message))
                    return
            else:
                self._on_answer(entry, message)
        self._server.journal.put(entry)

    def _has_its_share(self, data: bytes) -> bool:
        """Whether this message may be read now; else it is read later, and nothing is lost."""
        now = self._server.loop_time()
        self._tokens = min(self._burst, self._tokens + (now - self._tokens_at) * self._rate)
        self._tokens_at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return True
        self._busy = True
        if self._queue is None:
            self._queue = deque()
        self._queue.appendleft(data)
        self._server.count["slowed_down"] += 1
        asyncio.get_running_loop().call_later(1 / self._rate, self._next)
        return False

    def _on_call(self, entry: Entry, message: Call) -> Errand | None:
        """Put the answer into the entry, or return the errand that has to be run for it."""
        self._busy = True
        entry.action, entry.message_id = message.action[:100], message.message_id
        answer_of = self._answers.get(message.action)
        if answer_of is None:
            entry.problem = "not handled"
            code = "NotSupported" if rpc.is_known(self.ocpp, message.action) else "NotImplemented"
            answer = rpc.error(message.message_id, code, f"{message.action} is not handled here.")
            entry.answer = answer if message.answered else None
            self._server.count["not_handled"] += 1
            return None
        entry.problem = rpc.schema_problem(self.ocpp, message.action, message.payload)
        if entry.problem is not None:
            self._server.count["schema"] += 1
        if message.action == "BootNotification":
            self.boots += 1
        found = answer_of(self.identity, message.payload, self)
        if isinstance(found, Question) and found.ask_after is not None and self._server.asking.is_needed:
            return Errand(partial(self.permit, found))
        if isinstance(found, Errand):
            return found
        _settle(entry, message, found)
        return None

    async def _run(self, errand: Errand, entry: Entry, message: Call) -> None:
        """What other servers do wrong is an answer too, for the station must not wait for ever."""
        try:
            answer = await errand.run()
            _settle(entry, message, answer)
        except Exception as error:  # whatever they send: the station can go on without them
            _logger.exception("%s of %s cannot be answered", message.action, self.identity)
            entry.problem = f"{type(error).__name__}: {error}"[:500]
            entry.answer = rpc.error(message.message_id, "InternalError", "Another server could not be understood.")
        self._server.journal.put(entry)

    def _on_answer(self, entry: Entry, message: Answer) -> None:
        """An answer to a call of ours: kept, and handed over at once."""
        entry.waiting, entry.problem = None, message.error
        waiting = (self._pending or {}).get(message.message_id)
        if waiting is None:
            entry.problem = "Nobody waits for this answer."
            self._server.count["late_answer"] += 1
        elif not waiting.done():
            waiting.set_result(message)

    def _malformed(self, entry: Entry, problem: FrameError) -> None:
        self._busy = True
        self._server.count["malformed"] += 1
        entry.problem = str(problem)
        if problem.message_id is not None:
            entry.answer = rpc.error(problem.message_id, rpc.format_violation(self.ocpp), str(problem))
        elif self.ocpp != "1.6":
            # OCPP 2.0.1 part 4 section 4.2.3: a message whose id cannot be read is answered with the id "-1"
            entry.answer = rpc.error("-1", "RpcFrameworkError", str(problem))

    # -- calls to the station -----------------------------------------------------------------------------

    async def call(self, action: str, payload: dict[str, Any]) -> Answer:
        """Send a CALL and wait for its answer; one at a time. Raises TimeoutError, ConnectionError."""
        self._one_call = self._one_call or asyncio.Lock()
        async with self._one_call:
            message_id = str(uuid4())
            raw = rpc.call(message_id, action, payload)
            entry = Entry(self.identity, self.ocpp, "out", raw)
            entry.action = action
            self._server.journal.put(entry)
            answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
            self._pending = {message_id: answer}
            try:
                if not self.socket.send(raw.encode()):
                    raise ConnectionResetError("The socket is closed.")
                return await asyncio.wait_for(answer, self._server.config.call_timeout)
            finally:
                self._pending = None


def _settle(entry: Entry, message: Call, answer: Payload | Question) -> None:
    if isinstance(answer, Question):
        entry.question = answer
    elif message.answered:
        entry.answer = rpc.result(message.message_id, answer)


class StationServer:
    """All connected stations of this node. A new socket of an identity replaces the old one: last in wins."""

    def __init__(self, config: Config, database: Database, journal: Journal, node: int, page: HttpPage) -> None:
        self.config, self.database, self.journal, self.node = config, database, journal, node
        self.max_frame_bytes, self.handshake_timeout = config.max_frame_bytes, config.handshake_timeout
        self.count: Counter[str] = Counter()
        self.loop_time = asyncio.get_running_loop().time
        self.is_stopping = False
        self._page = page
        self.asking = Asking(config, database)
        self._credentials = Credentials()
        if config.contract_ca or config.ocsp_hosts or config.provisioning_url:
            _ = self.plug_and_charge  # a wrong setting is found at the start
        self._errands: set[asyncio.Task[None]] = set()
        self._strangers = Strangers(database)
        self._current: dict[str, StationConnection] = {}

    async def listen(self) -> list[asyncio.Server]:
        """Listen on the ports that are configured."""
        loop, config = asyncio.get_running_loop(), self.config
        servers = []
        if config.port >= 0:
            servers.append(await loop.create_server(lambda: WebSocket(self), config.host, config.port))
        if config.tls_port >= 0:
            servers.append(
                await loop.create_server(
                    lambda: WebSocket(self),
                    config.host,
                    config.tls_port,
                    ssl=tls_context(config),
                    ssl_handshake_timeout=config.handshake_timeout,
                )
            )
        return servers

    @cached_property
    def plug_and_charge(self) -> PlugAndCharge:
        """Loaded when it is needed: most bridges never do, and it takes as long as all the rest."""
        from .plug_and_charge import PlugAndCharge

        return PlugAndCharge(self.config)

    def start(self, errand: Coroutine[Any, Any, None]) -> None:
        """Run an errand beside everything else."""
        task = asyncio.get_running_loop().create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    def station(self, identity: str) -> StationConnection | None:
        """The connected station, if it is."""
        return self._current.get(identity)

    @property
    def identities(self) -> list[str]:
        """Who is connected."""
        return list(self._current)

    @property
    def connected(self) -> int:
        """How many stations are connected."""
        return len(self._current)

    def apply_changes(self, known: dict[str, bool]) -> None:
        """Close the sockets of stations that Odoo no longer knows; `known` tells who is accepted."""
        for identity, station in list(self._current.items()):
            if identity in known:
                station.accepted = known[identity]
            else:
                self._close_later(station, 0, 1008, "unknown station")

    def drop(self, identity: str, code: int, reason: str) -> None:
        """Close the socket of a station, if it is here."""
        station = self._current.get(identity)
        if station is not None:
            station.socket.close(code, reason)

    async def ping_forever(self) -> None:
        """One round for all, spread over the interval: a timer for each would cost memory."""
        interval = self.config.ping_interval
        while True:
            now = self.loop_time()
            for station in list(self._current.values()):
                if now - station.socket.pinged_at >= interval:
                    station.socket.pinged_at = now
                    station.socket.ping()
            await asyncio.sleep(min(1.0, interval))

    async def goodbye(self, code: int, reason: str) -> None:
        """Let all stations go, spread over the configured time so that they do not come back all at once."""
        self.is_stopping = True
        stations = list(self._current.values())
        pause = self.config.drain_seconds / max(len(stations), 1)
        for station in stations:
            station.socket.close(code, reason)
            if pause:
                await asyncio.sleep(pause)
        deadline = self.loop_time() + 3
        while self._current and self.loop_time() < deadline:
            await asyncio.sleep(0.02)

    # -- the handshake ------------------------------------------------------------------------------------

    async def admit(self, socket: WebSocket, request: Request) -> Response | None:
        """Let in who proves to be the station that the path names. Else an HTTP response."""
        path = urlsplit(request.path).path
        if path in ("/healthz", "/readyz", "/metrics"):
            return await self._page(path)
        if self.is_stopping:
            return respond(HTTPStatus.SERVICE_UNAVAILABLE, b"The bridge is stopping.\n")
        identity = identity_of(request)
        if identity is None:
            return respond(HTTPStatus.NOT_FOUND, b"The path must end with the identity of the station.\n")
        try:
            async with self.database.transaction() as connection:
                row = await fetch_one(connection, _ADMISSION, [identity])
        except (psycopg.Error, OSError) as error:
            _logger.error("Stations cannot be looked up: %s", error)
            return respond(HTTPStatus.SERVICE_UNAVAILABLE, b"The database cannot be reached.\n")
        if row is None:
            await self._strangers.note(identity, socket.peer, request.headers.get("Sec-WebSocket-Protocol", ""))
        if row is None or not await self._proves(identity, row, socket, request):
            self.count["refused"] += 1
            response = respond(HTTPStatus.UNAUTHORIZED, b"The station or its credentials are not known.\n")
            response.headers["WWW-Authenticate"] = 'Basic realm="OCPP"'
            return response
        _repair(request)
        return None

    async def _proves(self, identity: str, row: dict[str, Any], socket: WebSocket, request: Request) -> bool:
        """Security profile 1 wants a password, 2 a password within TLS, 3 a certificate of ours."""
        profile = row["security_profile"]
        if profile >= 3:
            return certificate_names(socket.peer_certificate, identity, row["certificates"])
        if profile == 2 and not (socket.is_encrypted or self._is_encrypted_before(request)):
            return False
        return await self._credentials.check(identity, row["password_hash"], request.headers.get("Authorization"))

    def _is_encrypted_before(self, request: Request) -> bool:
        """Whether a proxy that we trust ended the TLS."""
        return self.config.proxy_depth > 0 and request.headers.get("X-Forwarded-Proto", "") in ("https", "wss")

    def _address(self, socket: WebSocket, request: Request) -> str:
        """The address of the station, as the outermost proxy that we trust saw it."""
        depth = self.config.proxy_depth
        forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
        return forwarded[-depth][:100] if 0 < depth <= len(forwarded) else socket.peer

    async def opened(self, socket: WebSocket, request: Request) -> StationConnection | None:
        """Register a station whose handshake was right; the socket that it had before is closed."""
        identity = identity_of(request)
        assert identity is not None
        chosen = (socket.subprotocol or "ocpp1.6").lower()
        station = StationConnection(self, socket, identity, rpc.SUBPROTOCOLS[chosen], self._address(socket, request))
        socket.pinged_at = self.loop_time()
        try:
            async with self.database.transaction() as connection:
                state = await fetch_one(connection, _TAKE_OVER, [identity, identity, station.ocpp, self.node])
                known = await fetch_one(connection, _ADMISSION, [identity])
                assert state is not None
                if state["node_before"] not in (None, self.node):
                    await self.database.tell(connection, f"moved:{self.node}:{identity}")
        except (psycopg.Error, OSError) as error:
            _logger.error(
                "The connection of %s cannot be stored: %s", identity, error, extra={"station": identity}
            )
            return None
        station.generation, station.boots = state["generation"], state["boots"]
        station.accepted = bool(known and known["accepted"])
        _watch_for_death(socket)
        old = self._current.get(identity)
        self._current[identity] = station
        if old is not None:
            self._close_later(old, _GRACE_OF_OLD_SOCKET, 1000, "replaced by a newer connection")
        self._note(station, "up")
        return station

    def closed(self, station: StationConnection) -> None:
        """The socket of a station is gone; the ledger finds out whether it was the newest one."""
        if self._current.get(station.identity) is station:
            del self._current[station.identity]
        self._note(station, "down")

    def select_subprotocol(self, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        """The first that the station offers and we speak. Stations that offer none speak 1.6 in the field."""
        for subprotocol in offered:
            if subprotocol.lower() in rpc.SUBPROTOCOLS:
                return subprotocol
        if offered:
            raise NegotiationError(f"Only {', '.join(sorted(rpc.SUBPROTOCOLS))} are spoken here.")
        return None

    def _note(self, station: StationConnection, direction: str) -> None:
        entry = Entry(station.identity, station.ocpp, direction, station.remote_address)
        entry.note = str(station.generation)
        self.journal.put(entry)

    def _close_later(self, station: StationConnection, delay: float, code: int, reason: str) -> None:
        asyncio.get_running_loop().call_later(delay, station.socket.close, code, reason)


def identity_of(request: Request) -> str | None:
    """The last segment of the path, such as `CS/1` of `/ocpp/CS%2F1`; None when it is no identity."""
    identity = unquote(urlsplit(request.path).path.rstrip("/").rpartition("/")[2])
    if not identity or len(identity) > _LONGEST_IDENTITY or not identity.isprintable():
        return None
    return identity


def _repair(request: Request) -> None:
    """Stations leave out headers that say nothing about OCPP; what they want is clear all the same."""
    headers = request.headers
    if "websocket" not in headers.get("Upgrade", "").lower() or "Sec-WebSocket-Key" not in headers:
        return
    if "upgrade" not in headers.get("Connection", "").lower():
        if "Connection" in headers:
            del headers["Connection"]
        headers["Connection"] = "Upgrade"
    if "Sec-WebSocket-Version" not in headers:
        headers["Sec-WebSocket-Version"] = "13"


def _watch_for_death(socket: WebSocket) -> None:
    """Let the kernel end a connection whose other end is gone: pings then fail instead of piling up."""
    transport = socket.transport
    tcp = transport.get_extra_info("socket") if transport is not None else None
    if tcp is not None and hasattr(sockets, "TCP_USER_TIMEOUT"):
        tcp.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_USER_TIMEOUT, _DEAD_AFTER_MS)
