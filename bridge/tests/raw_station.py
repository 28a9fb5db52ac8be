"""A station that says exactly what a test tells it, frame by frame."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

_numbers = itertools.count(1)


def basic(identity: str, password: bytes) -> dict[str, str]:
    """The header of HTTP Basic."""
    return {"Authorization": "Basic " + base64.b64encode(identity.encode() + b":" + password).decode()}


class RawStation:
    """One socket; `calls` are what the bridge asked, which the test answers itself."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.calls: asyncio.Queue[list[Any]] = asyncio.Queue()

    @classmethod
    async def open(
        cls, url: str, identity: str, password: str = "correct horse", protocol: str | None = "ocpp1.6"
    ) -> RawStation:
        return cls(
            await connect(
                f"{url}/ocpp/{identity}",
                subprotocols=[Subprotocol(protocol)] if protocol else None,
                additional_headers=basic(identity, password.encode()),
                compression=None,
            )
        )

    async def send(self, action: str, payload: dict[str, Any]) -> str:
        """Send a CALL without waiting; its message id comes back."""
        message_id = f"m{next(_numbers)}"
        await self.socket.send(json.dumps([2, message_id, action, payload]))
        return message_id

    async def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Send a CALL and return the payload of its CALLRESULT."""
        frame = await self.exchange(action, payload)
        assert frame[0] == 3, frame
        return dict(frame[2])

    async def exchange(self, action: str, payload: dict[str, Any]) -> list[Any]:
        """Send a CALL and return the whole frame that answers it."""
        message_id = await self.send(action, payload)
        while True:
            frame = await self.receive()
            if frame[1] == message_id:
                return frame
            self.calls.put_nowait(frame)

    async def receive(self) -> list[Any]:
        """The next frame of the bridge."""
        return list(json.loads(await asyncio.wait_for(self.socket.recv(), 20)))

    async def answer(self, call: list[Any], payload: dict[str, Any]) -> None:
        """Answer a call of the bridge."""
        await self.socket.send(json.dumps([3, call[1], payload]))

    async def count_until_it_breaks(self, first: int) -> list[str]:
        """Send numbered messages one after another; the numbers that were acknowledged before the line broke."""
        acknowledged: list[str] = []
        with contextlib.suppress(ConnectionClosed, OSError):
            for number in itertools.count(first):
                await self.call("DataTransfer", {"vendorId": "count", "data": str(number)})
                acknowledged.append(str(number))
        return acknowledged

    def abort(self) -> None:
        """Lose the connection without a goodbye."""
        self.socket.transport.abort()
