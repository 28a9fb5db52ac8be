"""Transactions that no station ended (OCPP.md, "Orphans"; FAILURES F16)."""

from __future__ import annotations

from typing import Any

from conftest import BridgeProcess, Eventually, running_bridge
from fake_odoo import TOKEN, FakeOdoo
from raw_station import RawStation
from test_wire16 import start_payload, status_payload, stop_payload, time
from test_wire201 import event


def ends(odoo: FakeOdoo) -> list[tuple[str, str, bool, str | None]]:
    payloads = [e["payload"] for e in odoo.of_kind("session.ended")]
    return [(p["session_uid"], p["reason"], bool(p.get("estimated")), p["meter_kwh"]) for p in payloads]


async def test_f16_a_new_transaction_on_the_connector_ends_the_one_that_was_left_open(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station()
    first = await socket.call("StartTransaction", start_payload(0))
    await socket.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    other = await socket.call("StartTransaction", start_payload(5, connector=2))
    await socket.call("StartTransaction", start_payload(60, meter=9000))
    assert other["transactionId"] != first["transactionId"]
    [(orphan, reason, estimated, meter)] = await eventually(lambda: ends(odoo))
    started = odoo.of_kind("session.started")
    assert orphan == started[0]["payload"]["session_uid"]
    assert (reason, estimated, meter) == ("NewTransaction", True, None)
    assert odoo.of_kind("session.ended")[0]["at"].startswith(time(60)[:19])
    # the real end comes after all, perhaps days later: it counts
    await socket.call("StopTransaction", stop_payload(first["transactionId"], 30, 6000))
    await eventually(lambda: len(ends(odoo)) == 2)
    assert ends(odoo)[1] == (orphan, "Local", False, "6")
    assert odoo.of_kind("session.conflict") == []


async def test_a_transaction_of_ocpp_2_that_was_left_open_ends_with_the_next_on_its_connector(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station(protocol="ocpp2.0.1")
    await socket.call("TransactionEvent", event("Started", 0, token=TOKEN, wh=1000))
    await socket.call("TransactionEvent", event("Started", 60, token=TOKEN, wh=9000, transaction="tx-2"))
    [(_uid, reason, estimated, _meter)] = await eventually(lambda: ends(odoo))
    assert (reason, estimated) == ("NewTransaction", True)


async def test_a_transaction_whose_cable_has_been_out_for_long_is_closed_and_one_in_a_car_is_not(
    eventually: Eventually,
) -> None:
    with running_bridge(orphan_hours=1) as (bridge, odoo):
        socket = await RawStation.open(bridge.url, "CS-1")
        await socket.call("StartTransaction", start_payload(0))
        await socket.call("StartTransaction", start_payload(0, connector=2))
        await socket.call("StatusNotification", status_payload("Available", 10))
        await eventually(lambda: len(odoo.of_kind("session.started")) == 2)
        await socket.socket.close()
        await eventually(lambda: not bridge.health()["ledger_behind"])
        assert bridge.stop() == 0
        bridge.start()  # it looks for orphans when it starts, and then every hour
        [(uid, reason, estimated, _meter)] = await eventually(lambda: ends(odoo))
        assert (uid, reason, estimated) == (
            odoo.of_kind("session.started")[0]["payload"]["session_uid"], "NotReported", True)  # fmt: skip


async def test_a_station_that_says_available_while_it_boots_loses_no_session(
    station: Any, bridge: BridgeProcess, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station()
    await socket.call("StartTransaction", start_payload(0))
    await socket.call("StatusNotification", status_payload("Available", 10))
    await socket.call("StatusNotification", status_payload("Charging", 11))
    await eventually(lambda: bridge.rows("SELECT 1 AS one FROM session WHERE state = 'CHARGING'"))
    assert bridge.rows("SELECT cable_out_at FROM session") == [{"cable_out_at": None}]
