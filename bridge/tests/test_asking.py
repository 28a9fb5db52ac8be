"""Tokens whose provider decides each time: Odoo is asked while the station waits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import BridgeProcess, Eventually, running_bridge
from fake_odoo import TOKEN, FakeOdoo
from raw_station import RawStation
from test_wire16 import start_payload, stop_payload

ROAMING, OFFLINE, STRANGE = "NL*XYZ*01", "NL*XYZ*02", "NL*XYZ*99"


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[BridgeProcess, FakeOdoo]]:
    with running_bridge(authorize_timeout=0.5) as found:
        yield found


@pytest.fixture
async def asking(pair: tuple[BridgeProcess, FakeOdoo], eventually: Eventually) -> FakeOdoo:
    """An Odoo with a token for each wish of a provider, which all stations have heard of."""
    process, fake = pair
    fake.stop()
    fake.start()
    fake.reset()
    fake.tokens += [
        {"uid": uid, "type": "RFID", "status": status, "valid_until": False, "group": False}
        for uid, status in ((ROAMING, "Ask"), (OFFLINE, "AskOnline"))
    ]
    fake.stations = [fake.station(f"CS-{policy}", policy=policy) for policy in ("accept_known", "accept_all", "reject")]
    process.empty()
    known = {(each["identity"],) for each in fake.stations}, {(each["uid"],) for each in fake.tokens}

    def copied() -> bool:
        found = (process.rows("SELECT identity FROM station"), process.rows("SELECT uid FROM token"))
        return tuple({tuple(row.values()) for row in rows} for rows in found) == known

    await eventually(copied)
    process.wait_for_sync()
    return fake


async def station(pair: tuple[BridgeProcess, FakeOdoo], policy: str = "accept_known", **options: Any) -> RawStation:
    return await RawStation.open(pair[0].url, f"CS-{policy}", **options)


async def authorize(socket: RawStation, token: str) -> str:
    answer = await socket.call("Authorize", {"idTag": token})
    return str(answer["idTagInfo"]["status"])


async def test_the_provider_is_asked_and_its_answer_goes_with_the_session(
    pair: tuple[BridgeProcess, FakeOdoo], asking: FakeOdoo, eventually: Eventually
) -> None:
    asking.decision = {"status": "Accepted", "type": "RFID", "reference": "their-7"}
    socket = await station(pair)
    assert await authorize(socket, ROAMING) == "Accepted"
    assert asking.asked == [("CS-accept_known", ROAMING, False)]
    started = await socket.call("StartTransaction", start_payload() | {"idTag": ROAMING})
    assert started["idTagInfo"]["status"] == "Accepted"
    assert len(asking.asked) == 1, "the answer to the card counts for the start that follows"
    await socket.call("StopTransaction", stop_payload(started["transactionId"]))
    [event] = await eventually(lambda: asking.of_kind("session.started"))
    assert event["payload"]["authorization_reference"] == "their-7"
    assert event["payload"]["authorization"] == "Accepted"
    await socket.socket.close()


@pytest.mark.parametrize("status", ["Blocked", "Expired", "Invalid"])
async def test_what_the_provider_refuses_is_refused(
    pair: tuple[BridgeProcess, FakeOdoo], asking: FakeOdoo, status: str
) -> None:
    asking.decision = {"status": status, "type": "RFID", "reference": False}
    socket = await station(pair)
    assert await authorize(socket, ROAMING) == status
    assert await authorize(socket, ROAMING) == status
    assert len(asking.asked) == 2, "each card is asked about anew"
    await socket.socket.close()


async def test_a_card_of_our_own_asks_nobody(pair: tuple[BridgeProcess, FakeOdoo], asking: FakeOdoo) -> None:
    socket = await station(pair)
    assert (await authorize(socket, TOKEN), await authorize(socket, STRANGE)) == ("Accepted", "Invalid")
    assert asking.asked == []
    await socket.socket.close()


async def test_an_unknown_card_is_asked_about_when_a_provider_wants_that(
    pair: tuple[BridgeProcess, FakeOdoo], asking: FakeOdoo, eventually: Eventually
) -> None:
    asking.tokens.append({"uid": "*", "type": "OTHER", "status": "Ask", "valid_until": False, "group": False})
    await eventually(lambda: pair[0].rows("SELECT key FROM token WHERE key = '*'"))
    asking.decision = {"status": "Accepted", "type": "RFID", "reference": False}
    socket = await station(pair)
    assert await authorize(socket, STRANGE) == "Accepted"
    assert [uid for _station, uid, _evse in asking.asked] == [STRANGE]
    await socket.socket.close()


@pytest.mark.parametrize("fault", ["slow", "down", "unavailable"])
@pytest.mark.parametrize(
    ("policy", "never", "offline"),
    [("accept_known", "Invalid", "Accepted"), ("accept_all", "Accepted", "Accepted"), ("reject", "Invalid", "Invalid")],
)
async def test_without_an_answer_the_policy_of_the_station_decides(
    pair: tuple[BridgeProcess, FakeOdoo], asking: FakeOdoo, policy: str, never: str, offline: str, fault: str
) -> None:
    socket = await station(pair, policy)
    if fault == "slow":
        asking.thinking_seconds = 1.0
    elif fault == "down":
        asking.fault = "http_500"
    else:
        asking.decision = {"status": "Unavailable", "type": False, "reference": False}
    assert (await authorize(socket, ROAMING), await authorize(socket, OFFLINE)) == (never, offline)
    await socket.socket.close()


async def test_a_question_of_one_station_keeps_no_other_waiting(
    pair: tuple[BridgeProcess, FakeOdoo], asking: FakeOdoo
) -> None:
    asking.thinking_seconds = 0.4
    asking.decision = {"status": "Accepted", "type": "RFID", "reference": False}
    slow, fast = await station(pair), await station(pair, "accept_all")
    message_id = await slow.send("Authorize", {"idTag": ROAMING})
    while not asking.asked:
        await asyncio.sleep(0.01)
    assert await authorize(fast, TOKEN) == "Accepted"
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(slow.receive(), 0.01)
    assert (await slow.receive())[1] == message_id
    await slow.socket.close()
    await fast.socket.close()


async def test_ocpp_2_asks_with_the_evse_and_a_token_that_comes_later(
    pair: tuple[BridgeProcess, FakeOdoo], asking: FakeOdoo, eventually: Eventually
) -> None:
    asking.decision = {"status": "Accepted", "type": "RFID", "reference": "their-8"}
    socket = await station(pair, "reject", protocol="ocpp2.0.1")  # the answers at the others are remembered
    event: dict[str, Any] = {"timestamp": start_payload()["timestamp"], "triggerReason": "CablePluggedIn", "seqNo": 0,
                             "eventType": "Started", "transactionInfo": {"transactionId": "t-1"},
                             "evse": {"id": 2, "connectorId": 1}}  # fmt: skip
    await socket.call("TransactionEvent", event)
    token = {"idToken": {"idToken": ROAMING, "type": "ISO14443"}, "eventType": "Updated", "seqNo": 1}
    answer = await socket.call("TransactionEvent", event | token | {"triggerReason": "Authorized"})
    assert answer["idTokenInfo"]["status"] == "Accepted"
    assert asking.asked == [("CS-reject", ROAMING, 2)]
    [started] = await eventually(lambda: asking.of_kind("session.started"))
    assert started["payload"]["authorization_reference"] == "their-8"
    await socket.socket.close()
