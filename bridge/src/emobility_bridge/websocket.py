"""WebSocket connections straight on asyncio's transports, with the Sans-I/O layer of `websockets`.

`websockets.asyncio` costs each message two task switches and each idle connection two tasks. This bridge holds
thousands of idle stations and answers by group commit, so that it needs neither: data comes in by callback, and
answers go out when their commit is done.

Nearly all that stations send is one short text message in one frame, and so are the answers. Those are read and
written here; everything else (handshake, control frames, fragments, errors) is left to `websockets`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Protocol, cast

from websockets.datastructures import Headers
from websockets.exceptions import InvalidState
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

try:
    from websockets.speedups import apply_mask
except ImportError:  # where it could not be compiled
    from websockets.utils import apply_mask

_logger = logging.getLogger(__name__)
_wire_logger = logging.getLogger("websockets.server")  # shared: a logger for each connection would cost memory

_CLOSE_GRACE = 2.0  # how long the other side may take to say goodbye
_DATA = frozenset({Opcode.TEXT, Opcode.BINARY, Opcode.CONT})
_TEXT_ALONE = 0x81  # first byte of a text message in a single frame, without extensions (RFC 6455, 5.2)
_MASKED, _TWO_BYTES, _EIGHT_BYTES = 0x80, 126, 127
_UNKNOWN = -1


class Handler(Protocol):
    """Who gets the messages of an open WebSocket."""

    def on_message(self, data: bytes) -> None:
        """A whole message came."""

    def on_close(self) -> None:
        """The connection is gone; called once."""


class Endpoint(Protocol):
    """Decides on handshakes and knows the limits."""

    max_frame_bytes: int
    handshake_timeout: float

    async def admit(self, socket: WebSocket, request: Request) -> Response | None:
        """The HTTP response, or None to accept the WebSocket."""

    async def opened(self, socket: WebSocket, request: Request) -> Handler | None:
        """Who handles the messages, or None to close it; called after the WebSocket was accepted."""

    def select_subprotocol(self, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        """One of those that the client offers; raises NegotiationError when none will do."""


class WebSocket(asyncio.Protocol):
    """One connection: handshake, then messages until one side closes it."""

    __slots__ = (
        "_endpoint",
        "_fragments",
        "_handler",
        "_missing",
        "_task",
        "_timer",
        "_wire",
        "pinged_at",
        "transport",
    )

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._wire = ServerProtocol(
            select_subprotocol=lambda _wire, offered: endpoint.select_subprotocol(offered),
            max_size=endpoint.max_frame_bytes,
            logger=_wire_logger,
        )
        self._handler: Handler | None = None
        self._fragments: list[bytes] | None = None
        self._missing = _UNKNOWN  # bytes that the frame which `websockets` is reading still needs
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.pinged_at = 0.0
        self.transport: asyncio.Transport | None = None

    # -- asyncio calls these ------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client that does not finish its handshake in time is cut off (slow loris)."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's do not inherit from it
        self._timer = asyncio.get_running_loop().call_later(self._endpoint.handshake_timeout, self.abort)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        message = self._message_alone(data)
        if message is not None and self._handler is not None:
            self._handler.on_message(message)
            return
        self._follow(data)
        self._wire.receive_data(data)
        self._process()

    def eof_received(self) -> None:
        """The client sends no more."""
        self._wire.receive_eof()
        self._process()

    def connection_lost(self, _error: Exception | None) -> None:
        """The TCP connection is gone."""
        self._stop_timer()
        self.transport = None
        if self._handler is not None:
            handler, self._handler = self._handler, None
            handler.on_close()

    # -- for the handler ----------------------------------------------------------------------------------

    @property
    def subprotocol(self) -> str | None:
        """What was agreed on in the handshake."""
        return self._wire.subprotocol

    @property
    def is_open(self) -> bool:
        """Whether a message can be sent."""
        return self.transport is not None and self._wire.state is State.OPEN

    @property
    def peer(self) -> str:
        """The address of the other end of the TCP connection."""
        address = self.transport.get_extra_info("peername") if self.transport else None
        return str(address[0]) if address else ""

    @property
    def peer_certificate(self) -> dict[str, Any] | None:
        """The client's verified certificate, as `ssl` decodes it."""
        return self.transport.get_extra_info("peercert") if self.transport else None

    @property
    def is_encrypted(self) -> bool:
        """Whether TLS ends here."""
        return self.transport is not None and self.transport.get_extra_info("sslcontext") is not None

    def send(self, text: bytes) -> bool:
        """Send a text message; False when the connection is no longer open."""
        transport = self.transport
        if transport is None or self._wire.state is not State.OPEN:
            return False
        size = len(text)
        if size < _TWO_BYTES:
            transport.write(bytes((_TEXT_ALONE, size)) + text)
        elif size < 1 << 16:
            transport.write(bytes((_TEXT_ALONE, _TWO_BYTES)) + size.to_bytes(2, "big") + text)
        else:
            self._wire.send_text(text)
            self._flush()
        return True

    def ping(self) -> None:
        """Send a ping; nothing depends on its pong, for there are stations that never send one."""
        if self.is_open:
            self._wire.send_ping(b"")
            self._flush()

    def close(self, code: int, reason: str) -> None:
        """Say goodbye, and cut the connection when the other side does not answer."""
        if self.transport is None:
            return
        try:
            self._wire.send_close(code, reason)
        except InvalidState:
            self.transport.abort()
            return
        self._flush()
        self._stop_timer()
        self._timer = asyncio.get_running_loop().call_later(_CLOSE_GRACE, self.abort)

    def abort(self) -> None:
        """Cut the connection."""
        if self.transport is not None:
            self.transport.abort()

    def pause(self) -> None:
        """Read no more for now: the client is faster than its share."""
        if self.transport is not None and self.transport.is_reading():
            self.transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if self.transport is not None and not self.transport.is_reading():
            self.transport.resume_reading()

    # -- inside -------------------------------------------------------------------------------------------

    def _message_alone(self, data: bytes) -> bytes | None:
        """The message, when the data are exactly one text message in one frame shorter than 64 KiB."""
        if self._missing or self._fragments is not None or len(data) < 6 or data[0] != _TEXT_ALONE:
            return None
        size, head = data[1] - _MASKED, 6
        if size == _TWO_BYTES:
            size, head = int.from_bytes(data[2:4], "big"), 8
        elif not 0 <= size < _TWO_BYTES:
            return None
        if len(data) != head + size or size > self._endpoint.max_frame_bytes or self._wire.state is not State.OPEN:
            return None
        return apply_mask(data[head:], data[head - 4 : head])

    def _follow(self, data: bytes) -> None:
        """Find out where the next frame begins; when a header is cut in two, `websockets` reads on for ever."""
        if self._missing == _UNKNOWN:
            return
        position = self._missing
        while position < len(data):
            head = data[position : position + 10]
            size = head[1] & ~_MASKED if len(head) > 1 else _EIGHT_BYTES
            extra = {_TWO_BYTES: 2, _EIGHT_BYTES: 8}.get(size, 0)
            if len(head) < 2 + extra:
                self._missing = _UNKNOWN
                return
            if extra:
                size = int.from_bytes(head[2 : 2 + extra], "big")
            position += 2 + extra + (4 if head[1] & _MASKED else 0) + size
        self._missing = position - len(data)

    def _process(self) -> None:
        for event in self._wire.events_received():
            if type(event) is Frame:
                if event.opcode in _DATA:
                    self._on_data(event)
            elif isinstance(event, Request):
                self._task = asyncio.get_running_loop().create_task(self._open(event))
        self._flush()

    def _on_data(self, frame: Frame) -> None:
        """Put fragments together; the protocol has checked their order and size."""
        data = bytes(frame.data)
        if not frame.fin or self._fragments is not None:
            self._fragments = [*(self._fragments or []), data]
            if not frame.fin:
                return
            data, self._fragments = b"".join(self._fragments), None
        if self._handler is not None:
            self._handler.on_message(data)

    async def _open(self, request: Request) -> None:
        response = await self._endpoint.admit(self, request)
        if response is None:
            response = self._wire.accept(request)
        if self.transport is None:
            return
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            self._answer(response)
            return
        handler = await self._endpoint.opened(self, request)
        if self.transport is None or handler is None:
            self._task = None
            self.abort()
            if handler is not None:
                handler.on_close()
            return
        self._handler, self._task = handler, None
        if not self._wire.reader.buffer:  # else the client sent something before it was answered
            self._missing = 0
        self._stop_timer()
        self._answer(response)

    def _answer(self, response: Response) -> None:
        self._wire.send_response(response)
        self._flush()

    def _flush(self) -> None:
        transport = self.transport
        for data in self._wire.data_to_send():
            if transport is None:
                continue
            if data:
                transport.write(data)
            elif transport.can_write_eof():
                transport.write_eof()
            else:
                transport.close()  # TLS cannot close one direction
        if transport is not None and self._wire.close_expected():
            self._expect_close()

    def _expect_close(self) -> None:
        """Both sides are done: give the client a moment to close, for then the port is free at its end."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_CLOSE_GRACE, self.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def respond(status: HTTPStatus, body: bytes, content_type: str = "text/plain; charset=utf-8") -> Response:
    """An HTTP response that is no WebSocket; the connection ends with it."""
    headers = Headers(
        [
            ("Connection", "close"),
            ("Content-Length", str(len(body))),
            ("Content-Type", content_type),
        ]
    )
    return Response(status.value, status.phrase, headers, body)
