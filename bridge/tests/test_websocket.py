"""Frames that come in odd pieces: one by one, cut in two, several at once, fragments, pings in between."""

from __future__ import annotations

import asyncio
import base64
import json
import os

import pytest
from conftest import BridgeProcess, running_bridge
from raw_station import basic

PASSWORD = b"correct horse"


def frame(payload: bytes, opcode: int = 1, *, last: bool = True) -> bytes:
    mask = os.urandom(4)
    size = len(payload)
    head = bytes([(0x80 if last else 0) | opcode])
    head += bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return head + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


def heartbeat(number: int, padding: int = 0) -> bytes:
    return json.dumps([2, f"m{number}", "Heartbeat", {"x": "y" * padding} if padding else {}]).encode()


async def answers(reader: asyncio.StreamReader, count: int) -> list[str]:
    found: list[str] = []
    while len(found) < count:
        head = await asyncio.wait_for(reader.readexactly(2), 5)
        size = head[1] if head[1] < 126 else int.from_bytes(await reader.readexactly(2), "big")
        body = await reader.readexactly(size)
        if head[0] == 0x81:
            found.append(json.loads(body)[1])
    return found


async def open_station(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    key = base64.b64encode(os.urandom(16)).decode()
    login = basic("CS-1", PASSWORD)["Authorization"]
    writer.write(
        f"GET /CS-1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ocpp1.6\r\nAuthorization: {login}\r\n\r\n".encode()
    )
    assert b" 101 " in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    return reader, writer


async def test_case_17_a_station_that_never_answers_a_ping_stays_connected() -> None:
    with running_bridge(ping_interval=0.1) as (bridge, _odoo):
        reader, writer = await open_station(bridge.port)
        pings = 0
        while pings < 5:
            head = await asyncio.wait_for(reader.readexactly(2), 5)
            assert head == b"\x89\x00"
            pings += 1
        writer.write(frame(heartbeat(1)))
        assert await answers(reader, 1) == ["m1"]
        writer.close()


@pytest.mark.parametrize("step", [1, 3, 7, 100, 100_000])
async def test_messages_are_read_however_tcp_cuts_them(bridge: BridgeProcess, step: int) -> None:
    reader, writer = await open_station(bridge.port)
    wire = frame(heartbeat(0)) + frame(heartbeat(1, 300)) + frame(b"", 9) + frame(heartbeat(2))
    wire += frame(heartbeat(3)[:9], 1, last=False) + frame(b"", 9) + frame(heartbeat(3)[9:], 0)
    wire += frame(heartbeat(4)) + frame(heartbeat(5, 2000))
    for place in range(0, len(wire), step):
        writer.write(wire[place : place + step])
        if step > 1 or place % 50 == 0:
            await asyncio.sleep(0)
    writer.write(frame(heartbeat(6)))
    assert await answers(reader, 7) == [f"m{number}" for number in range(7)]
    writer.close()
    await writer.wait_closed()
