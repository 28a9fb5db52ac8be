"""Cases that users of other back ends reported, and facts seen on real wires, each as its station would send it."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from conftest import BridgeProcess, Eventually
from fake_odoo import TOKEN, FakeOdoo
from test_wire16 import energies, meter_payload, start_payload, status_payload, stop_payload, time
from test_wire201 import event

BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}


async def test_w6_a_stop_while_offline_and_a_power_cut_leave_one_end_and_no_invented_values(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    first = await station()
    started = await first.call("StartTransaction", start_payload())
    first.abort()
    second = await station()
    await second.call("BootNotification", BOOT)
    await second.call("StopTransaction", stop_payload(started["transactionId"]))
    ended = (await eventually(lambda: odoo.of_kind("session.ended")))[0]["payload"]
    assert ended["meter_kwh"] == "6"
    assert odoo.of_kind("session.meter") == []
    assert odoo.of_kind("session.conflict") == []


async def test_w7_values_that_go_on_after_a_stop_are_kept_and_the_first_end_stays(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    """A station whose StopTransaction.conf is lost repeats nothing and goes on with MeterValues."""
    socket = await station()
    started = await socket.call("StartTransaction", start_payload())
    await socket.send("StopTransaction", stop_payload(started["transactionId"]))
    await socket.call("MeterValues", meter_payload("6100", 31, started["transactionId"]))
    await eventually(lambda: odoo.of_kind("session.meter"))
    assert [e["payload"]["meter_kwh"] for e in odoo.of_kind("session.ended")] == ["6"]
    assert energies(odoo) == ["6.1"]


async def test_w14_a_lost_connection_ends_no_session(
    station: Any, odoo: FakeOdoo, bridge: BridgeProcess, eventually: Eventually
) -> None:
    socket = await station()
    await socket.call("StartTransaction", start_payload())
    socket.abort()
    await eventually(lambda: odoo.of_kind("station.disconnected"))
    assert bridge.health()["open_sessions"] == 1
    assert odoo.of_kind("session.ended") == []


async def test_w15_values_that_were_queued_offline_arrive_with_their_own_times(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    first = await station()
    started = await first.call("StartTransaction", start_payload())
    first.abort()
    second = await station()
    for minute, value in ((5, "1500"), (10, "2000")):
        await second.call("MeterValues", meter_payload(value, minute, started["transactionId"]))
    await eventually(lambda: len(odoo.of_kind("session.meter")) == 2)
    times = [reading["at"] for e in odoo.of_kind("session.meter") for reading in e["payload"]["readings"]]
    assert times == [time(5).replace("Z", ".000Z"), time(10).replace("Z", ".000Z")]


async def test_f02_a_stop_below_its_start_is_passed_on_as_it_is(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    """Odoo's gate holds it; the bridge neither corrects nor drops a register."""
    socket = await station()
    started = await socket.call("StartTransaction", start_payload(meter=5000))
    await socket.call("StopTransaction", stop_payload(started["transactionId"], meter=4000))
    ended = (await eventually(lambda: odoo.of_kind("session.ended")))[0]["payload"]
    assert ended["meter_kwh"] == "4"


async def test_f01_a_zero_at_the_beginning_is_passed_on_beside_the_readings_that_unmask_it(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station(protocol="ocpp2.0.1")
    await socket.call("TransactionEvent", event("Started", 0, token=TOKEN, wh=0))
    await socket.call("TransactionEvent", event("Updated", 1, wh=910_000, sequence=1))
    await socket.call("TransactionEvent", event("Ended", 5, wh=910_083, sequence=2))
    await eventually(lambda: odoo.of_kind("session.ended"))
    assert energies(odoo) == ["0", "910", "910.083"]


async def test_f05_a_batch_without_energy_is_no_reading_of_zero(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station()
    started = await socket.call("StartTransaction", start_payload())
    power = meter_payload("7400", 5, started["transactionId"], measurand="Power.Active.Import", unit="W")
    await socket.call("MeterValues", power)
    reading = (await eventually(lambda: odoo.of_kind("session.meter")))[0]["payload"]["readings"][0]
    assert (reading["energy_kwh"], reading["power_kw"]) == (None, "7.4")


async def test_f18_a_stop_without_a_token_ends_the_session_of_the_token_that_started_it(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station()
    started = await socket.call("StartTransaction", start_payload())
    stop = stop_payload(started["transactionId"]) | {"reason": "EVDisconnected"}
    assert await socket.call("StopTransaction", stop) == {}
    ended = (await eventually(lambda: odoo.of_kind("session.ended")))[0]["payload"]
    assert (ended["reason"], ended["token_uid"]) == ("EVDisconnected", None)
    assert odoo.of_kind("session.started")[0]["payload"]["token_uid"] == TOKEN


async def test_f20_a_queue_that_is_sent_twice_after_a_boot_counts_once(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station()
    for _ in range(2):
        await socket.call("BootNotification", BOOT)
        started = await socket.call("StartTransaction", start_payload())
        await socket.call("MeterValues", meter_payload("2000", 10, started["transactionId"]))
        await socket.call("StopTransaction", stop_payload(started["transactionId"]))
    await eventually(lambda: len(odoo.of_kind("station.boot")) == 2)
    assert odoo.kinds() == ["session.started", "session.meter", "session.ended"]
    assert energies(odoo) == ["2"]


async def test_f21_ids_go_on_after_a_restart_of_the_bridge(
    bridge: BridgeProcess, station: Any, odoo: FakeOdoo
) -> None:
    first = await station()
    before = (await first.call("StartTransaction", start_payload()))["transactionId"]
    bridge.kill()
    await asyncio.to_thread(bridge.start)
    second = await station()
    after = (await second.call("StartTransaction", start_payload(minutes=1)))["transactionId"]
    assert after > before


async def test_f26_a_time_in_the_future_counts_as_the_time_of_receipt(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station()
    await socket.call("StartTransaction", start_payload() | {"timestamp": "2099-01-01T00:00:00Z"})
    started = (await eventually(lambda: odoo.of_kind("session.started")))[0]
    assert abs(datetime.fromisoformat(started["at"]) - datetime.now(UTC)) < timedelta(minutes=1)
    reasons = [e["payload"]["reason"] for e in await eventually(lambda: odoo.of_kind("session.conflict"))]
    assert reasons == ["clock_implausible"]


async def test_case_7_the_same_moment_on_two_connectors_is_two_sessions_with_two_ids(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station()
    ids = [
        (await socket.call("StartTransaction", start_payload(connector=connector)))["transactionId"]
        for connector in (1, 2)
    ]
    assert len(set(ids)) == 2
    await eventually(lambda: len(odoo.of_kind("session.started")) == 2)


@pytest.mark.parametrize("transaction", [2**63 - 1, 2**31, -5])
async def test_case_6_an_id_beyond_32_bit_in_meter_values_breaks_nothing(
    station: Any, odoo: FakeOdoo, eventually: Eventually, transaction: int
) -> None:
    socket = await station()
    await socket.call("StartTransaction", start_payload())
    assert await socket.call("MeterValues", meter_payload("2500", 10, transaction)) == {}
    await eventually(lambda: odoo.of_kind("session.meter"))
    assert energies(odoo) == ["2.5"]


async def test_case_13_a_half_open_socket_neither_blocks_nor_shadows_the_new_one(
    station: Any, odoo: FakeOdoo, bridge: BridgeProcess, eventually: Eventually
) -> None:
    old = await station()
    new = await station()
    started = await new.call("StartTransaction", start_payload())
    await old.socket.wait_closed()
    assert started["transactionId"] > 0
    await eventually(lambda: len(odoo.of_kind("station.connected")) == 2)
    assert bridge.health()["connected_stations"] == 1
    assert odoo.of_kind("station.disconnected") == []


async def test_case_14_a_station_that_changes_its_version_goes_on_with_its_session(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    probe = await station()
    await probe.call("BootNotification", BOOT)
    await probe.socket.close()
    socket = await station(protocol="ocpp2.0.1")
    await socket.call("TransactionEvent", event("Started", 0, token=TOKEN, wh=1000))
    await eventually(lambda: odoo.of_kind("session.started"))
    assert [e["payload"]["ocpp"] for e in odoo.of_kind("station.connected")] == ["1.6", "2.0.1"]


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("StatusNotification", status_payload("Faulted", 1) | {"errorCode": "Error"}),
        ("StatusNotification", status_payload("Available", 1) | {"info": "x" * 300}),
        ("BootNotification", BOOT | {"chargePointSerialNumber": "s" * 60}),
        ("MeterValues", meter_payload("50.01", 1, None, measurand="Frequency", unit="Hz")),
        ("StartTransaction", start_payload() | {"idTag": "T" * 22}),
        ("Heartbeat", {"vendor": None}),
    ],
    ids=["errorCode", "long info", "long serial", "unit Hz", "long idTag", "null in a heartbeat"],
)
async def test_case_15_violations_of_popular_stations_are_answered_and_counted(
    station: Any, bridge: BridgeProcess, action: str, payload: dict[str, Any]
) -> None:
    socket = await station()
    assert (await socket.exchange(action, payload))[0] == 3
    rows = bridge.rows("SELECT problem FROM journal WHERE action = %s AND direction = 'in'", action)
    assert rows[0]["problem"]


async def test_case_20_a_limit_with_binary_noise_is_sent_as_it_was_meant(station: Any) -> None:
    """`multipleOf: 0.1` rejects 8.1 in binary floating point; a check of ours must not."""
    from emobility_bridge import rpc

    profile = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8.1}],
        },
    }
    rpc.check_outgoing("1.6", "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile})


async def test_case_22_a_station_cannot_end_the_session_of_another(
    station: Any, odoo: FakeOdoo, bridge: BridgeProcess, eventually: Eventually
) -> None:
    socket, other = await station("CS-1"), await station("CS-2")
    started = await socket.call("StartTransaction", start_payload())
    assert await other.call("StopTransaction", stop_payload(started["transactionId"])) == {}
    conflict = (await eventually(lambda: odoo.of_kind("session.conflict")))[0]
    assert (conflict["station"], conflict["payload"]["reason"]) == ("CS-2", "stop_unknown_transaction")
    assert bridge.health()["open_sessions"] == 1


async def test_case_22_duplicate_keys_in_a_message_are_read_as_the_last(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station()
    start = json.dumps(start_payload())[:-1] + ', "meterStart": 2000}'
    await socket.socket.send(f'[2, "twice", "StartTransaction", {start}]')
    assert (await socket.receive())[0] == 3
    started = (await eventually(lambda: odoo.of_kind("session.started")))[0]["payload"]
    assert started["meter_kwh"] == "2"


async def test_case_24_a_message_id_that_is_used_again_is_answered_again(station: Any) -> None:
    socket = await station()
    for minutes in (0, 1):
        await socket.socket.send(json.dumps([2, "same", "StartTransaction", start_payload(minutes)]))
        assert (await socket.receive())[0] == 3


async def test_a_station_that_does_not_wait_for_its_answers_gets_them_in_order(station: Any) -> None:
    socket = await station()
    ids = [await socket.send("Heartbeat", {}) for _ in range(60)]
    assert [(await socket.receive())[1] for _ in ids] == ids


async def test_f10_values_of_a_transaction_that_nobody_knows_are_kept_for_a_person(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station()
    for _ in range(2):  # a repetition is no second conflict
        await socket.call("MeterValues", meter_payload("1500", 5, 4711))
    [conflict] = await eventually(lambda: odoo.of_kind("session.conflict"))
    assert conflict["payload"]["reason"] == "meter_unknown_transaction"
    assert conflict["payload"]["raw"]["transactionId"] == 4711
    assert odoo.of_kind("session.meter") == []


async def test_f19_a_pause_with_the_cable_in_is_two_transactions_of_one_plugging_in(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    """The bridge merges nothing: billing sees that no cable came out in between."""
    socket = await station()
    first = await socket.call("StartTransaction", start_payload(0))
    await socket.call("StopTransaction", stop_payload(first["transactionId"], 20, 3000))
    second = await socket.call("StartTransaction", start_payload(25, meter=3000))
    await socket.call("StopTransaction", stop_payload(second["transactionId"], 40, 6000))
    await eventually(lambda: len(odoo.of_kind("session.ended")) == 2)
    assert odoo.of_kind("session.unplugged") == []
    await socket.call("StatusNotification", status_payload("Available", 50))
    unplugged = await eventually(lambda: odoo.of_kind("session.unplugged")[1:] and odoo.of_kind("session.unplugged"))
    assert {event["at"][:19] for event in unplugged} == {time(50)[:19]}
