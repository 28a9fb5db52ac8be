"""Who may connect, and who may charge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from conftest import BridgeProcess, Eventually, running_bridge
from fake_odoo import PASSWORD, TOKEN, FakeOdoo, password_hash
from raw_station import RawStation, basic
from test_wire16 import command, start_payload
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from emobility_bridge.credentials import matches

ACCEPTED, INVALID = {"status": "Accepted"}, {"status": "Invalid"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("CS-1", b"wrong"),
        basic("CS-2", PASSWORD.encode()),
        {"Authorization": "Basic ???"},
        {"Authorization": "Bearer x"},
    ],
    ids=["no header", "wrong password", "another station", "no base64", "another scheme"],
)
async def test_bad_credentials_are_refused_with_401(bridge: BridgeProcess, headers: dict[str, str]) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        await connect(
            f"{bridge.url}/ocpp/CS-1", additional_headers=headers, subprotocols=[Subprotocol("ocpp1.6")]
        )
    assert refusal.value.response.status_code == 401
    assert refusal.value.response.headers["WWW-Authenticate"].startswith("Basic")


async def test_a_fresh_bridge_lets_stations_in_as_soon_as_it_listens() -> None:
    with running_bridge() as (bridge, _odoo):
        station = await RawStation.open(bridge.url, "CS-1")
        await station.socket.close()


async def test_case_21_an_unknown_station_is_refused_with_401(bridge: BridgeProcess) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        await RawStation.open(bridge.url, "nobody")
    assert refusal.value.response.status_code == 401


async def test_a_station_without_password_cannot_connect(
    bridge: BridgeProcess, odoo: FakeOdoo, eventually: Eventually
) -> None:
    odoo.stations.append({**odoo.station("CS-EMPTY"), "password_hash": ""})
    await eventually(lambda: bridge.rows("SELECT 1 FROM station WHERE identity = 'CS-EMPTY'"))
    with pytest.raises(InvalidStatus) as refusal:
        await RawStation.open(bridge.url, "CS-EMPTY", password="")
    assert refusal.value.response.status_code == 401


async def test_case_19_a_hexadecimal_key_may_come_as_the_bytes_that_it_stands_for(
    bridge: BridgeProcess, odoo: FakeOdoo, eventually: Eventually
) -> None:
    key = "00ff10a0b0c0d0e0f00102030405060708090a0b"
    odoo.stations.append({**odoo.station("CS-HEX"), "password_hash": password_hash(key)})
    await eventually(lambda: bridge.rows("SELECT 1 FROM station WHERE identity = 'CS-HEX'"))
    for password in (key.encode(), bytes.fromhex(key)):
        async with connect(
            f"{bridge.url}/ocpp/CS-HEX",
            additional_headers=basic("CS-HEX", password),
            subprotocols=[Subprotocol("ocpp1.6")],
        ) as socket:
            assert socket.subprotocol == "ocpp1.6"


async def test_a_station_that_odoo_forgets_is_disconnected_and_stays_out(
    bridge: BridgeProcess, odoo: FakeOdoo, station: Any
) -> None:
    socket: RawStation = await station("CS-3")
    odoo.stations = odoo.stations[:2]
    with pytest.raises(ConnectionClosed):
        await socket.receive()
    with pytest.raises(InvalidStatus):
        await RawStation.open(bridge.url, "CS-3")


async def test_a_station_without_subprotocol_is_taken_as_1_6_and_a_foreign_one_is_refused(
    bridge: BridgeProcess, station: Any
) -> None:
    socket = await station(protocol=None)
    assert "currentTime" in await socket.call("Heartbeat", {})
    with pytest.raises(InvalidStatus) as refusal:
        await RawStation.open(bridge.url, "CS-2", protocol="ocpp9")
    assert refusal.value.response.status_code == 400


async def test_compression_is_never_negotiated(station: Any) -> None:
    socket = await station()
    assert "Sec-WebSocket-Extensions" not in socket.socket.response.headers


async def test_a_station_that_is_not_accepted_stays_pending_and_lets_nobody_charge_but_is_recorded(
    bridge: BridgeProcess, odoo: FakeOdoo, eventually: Eventually, station: Any
) -> None:
    odoo.stations = [odoo.station("CS-1", accepted=False)]
    await eventually(lambda: not bridge.rows("SELECT 1 FROM station WHERE accepted"))
    socket = await station()
    boot = await socket.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    assert boot["status"] == "Pending"
    assert (await socket.call("Authorize", {"idTag": TOKEN}))["idTagInfo"] == INVALID
    started = await socket.call("StartTransaction", start_payload())
    assert started["idTagInfo"] == INVALID
    event = (await eventually(lambda: odoo.of_kind("session.started")))[0]
    assert event["payload"]["authorization"] == "Invalid"


async def test_f22_a_token_that_may_not_charge_is_told_so_and_the_session_is_kept(
    bridge: BridgeProcess, odoo: FakeOdoo, eventually: Eventually, station: Any
) -> None:
    token = {"uid": "BLOCKED", "type": "RFID", "status": "Blocked", "valid_until": False, "group": False}
    expired = {**token, "uid": "OLD", "status": "Accepted", "valid_until": "2020-01-01T00:00:00Z"}
    odoo.tokens += [token, expired]
    await eventually(lambda: len(bridge.rows("SELECT 1 FROM token")) == 3)
    socket = await station()
    assert (await socket.call("Authorize", {"idTag": "OLD"}))["idTagInfo"]["status"] == "Expired"
    started = await socket.call("StartTransaction", {**start_payload(), "idTag": "BLOCKED"})
    assert started["idTagInfo"]["status"] == "Blocked"
    event = (await eventually(lambda: odoo.of_kind("session.started")))[0]
    assert (event["payload"]["token_uid"], event["payload"]["authorization"]) == ("BLOCKED", "Blocked")


@pytest.mark.parametrize(
    ("policy", "known", "unknown"),
    [
        ("accept_known", ACCEPTED, INVALID),
        ("accept_all", ACCEPTED, ACCEPTED),
        ("reject", INVALID, INVALID),
    ],
)
async def test_the_offline_policy_decides_when_the_copy_of_the_tokens_is_too_old(
    bridge: BridgeProcess,
    odoo: FakeOdoo,
    eventually: Eventually,
    station: Any,
    policy: str,
    known: dict[str, str],
    unknown: dict[str, str],
) -> None:
    odoo.stations = [odoo.station("CS-1", policy=policy)]
    await eventually(lambda: bridge.rows("SELECT 1 FROM station WHERE offline_policy = %s", policy))
    socket = await station()
    assert (await socket.call("Authorize", {"idTag": TOKEN}))["idTagInfo"] == ACCEPTED
    odoo.stop()
    try:
        bridge.execute(f"UPDATE sync_state SET synced_at = '{datetime.now(UTC) - timedelta(hours=2)}'")
        assert (await socket.call("Authorize", {"idTag": TOKEN}))["idTagInfo"] == known
        assert (await socket.call("Authorize", {"idTag": "unknown"}))["idTagInfo"] == unknown
    finally:
        odoo.start()


async def test_commands_that_cannot_be_sent_report_why(
    odoo: FakeOdoo, eventually: Eventually, station: Any
) -> None:
    await station()
    odoo.commands += [
        command("remote_start", {"token_uid": "app"}, "late", minutes=-1),
        command("remote_start", {"token_uid": "longer than the 20 of 1.6"}, "schema"),
        command("remote_stop", {"session_uid": "nonsense"}, "no-uid"),
        command("remote_stop", {"session_uid": "00000000-0000-0000-0000-000000000000"}, "no-session"),
        command("explode", {}, "no-action"),
        {**command("remote_start", {"token_uid": "app"}, "gone"), "station": "CS-2"},
    ]
    await eventually(lambda: len(odoo.of_kind("command.result")) == 6)
    results = {e["payload"]["command_uid"]: e["payload"]["status"] for e in odoo.of_kind("command.result")}
    assert results == {
        "late": "expired",
        "schema": "rejected",
        "no-uid": "rejected",
        "no-session": "rejected",
        "no-action": "rejected",
        "gone": "offline",
    }


async def test_a_bridge_that_odoo_does_not_let_in_keeps_its_events(eventually: Eventually) -> None:
    with running_bridge() as (bridge, odoo):
        bridge.kill()
        bridge.settings = {"odoo_api_key": "wrong"}
        bridge.start()
        station = await RawStation.open(bridge.url, "CS-1")
        await station.call("StartTransaction", start_payload())
        await eventually(lambda: bridge.health()["outbox_pending"] >= 2)
        assert odoo.of_kind("session.started") == []
        await station.socket.close()


@pytest.mark.parametrize(
    "stored", ["", "plain", "md5$1$AA==$AA==", "pbkdf2_sha256$x$AA==$AA==", "pbkdf2_sha256$1$A$A"]
)
def test_a_hash_of_another_form_matches_nothing(stored: str) -> None:
    assert not matches(stored, b"")
