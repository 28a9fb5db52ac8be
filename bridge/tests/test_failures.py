"""Failures of the field about meters, sessions and clocks: the bridge passes on what was said, and invents nothing.

What may be billed is decided by Odoo's gate, which needs the registers, times and states as they were.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from conftest import BridgeProcess, Eventually
from fake_odoo import TOKEN, FakeOdoo
from test_wire16 import energies, meter_payload, start_payload, status_payload, stop_payload, time


@pytest.mark.parametrize(
    ("begin", "values", "end"),
    [(0, ["500", "1000"], 1500), (912_000, ["912500", "913000"], 913_500), (7000, ["7500", "20"], 520)],
    ids=["of the session", "of its life", "of the boot"],
)
async def test_f03_registers_of_all_kinds_are_passed_on_as_they_are(
    station: Any, odoo: FakeOdoo, eventually: Eventually, begin: int, values: list[str], end: int
) -> None:
    socket = await station()
    started = await socket.call("StartTransaction", start_payload(meter=begin))
    for minute, value in enumerate(values, 1):
        await socket.call("MeterValues", meter_payload(value, minute, started["transactionId"]))
    await socket.call("StopTransaction", stop_payload(started["transactionId"], meter=end))
    ended = (await eventually(lambda: odoo.of_kind("session.ended")))[0]["payload"]
    assert float(odoo.of_kind("session.started")[0]["payload"]["meter_kwh"]) * 1000 == begin
    assert [float(value or 0) * 1000 for value in energies(odoo)] == [float(value) for value in values]
    assert float(ended["meter_kwh"]) * 1000 == end


async def test_f04_values_of_one_session_never_become_those_of_the_next(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    """Also not when the station names no transaction, or the one before."""
    socket = await station()
    first = await socket.call("StartTransaction", start_payload())
    await socket.call("StopTransaction", stop_payload(first["transactionId"], minutes=10, meter=3000))
    second = await socket.call("StartTransaction", start_payload(minutes=20, meter=3000))
    await socket.call("MeterValues", meter_payload("2900", 9))
    await socket.call("MeterValues", meter_payload("3000", 10, first["transactionId"]))
    await socket.call("MeterValues", meter_payload("3500", 25, second["transactionId"]))
    await eventually(lambda: len(energies(odoo)) == 3)
    uids = [event["payload"]["session_uid"] for event in odoo.of_kind("session.started")]
    found = {
        uid: [
            reading["energy_kwh"]
            for event in odoo.of_kind("session.meter")
            if event["payload"]["session_uid"] == uid
            for reading in event["payload"]["readings"]
        ]
        for uid in uids
    }
    assert found == {uids[0]: ["2.9", "3"], uids[1]: ["3.5"]}


async def test_f07_a_stop_that_repeats_the_start_leaves_the_values_in_between(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station()
    started = await socket.call("StartTransaction", start_payload(meter=1000))
    await socket.call("MeterValues", meter_payload("6000", 20, started["transactionId"]))
    await socket.call("StopTransaction", stop_payload(started["transactionId"], meter=1000))
    ended = (await eventually(lambda: odoo.of_kind("session.ended")))[0]["payload"]
    assert (energies(odoo), ended["meter_kwh"]) == (["6"], "1")


async def test_f08_energy_that_cannot_have_flowed_is_passed_on_for_a_person(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station()
    started = await socket.call("StartTransaction", start_payload(meter=1000))
    stop = stop_payload(started["transactionId"], minutes=1, meter=901_000)
    assert (await socket.exchange("StopTransaction", stop))[0] == 3
    ended = (await eventually(lambda: odoo.of_kind("session.ended")))[0]["payload"]
    assert ended["meter_kwh"] == "901"


async def test_f09_a_session_without_any_value_has_its_two_registers_and_no_more(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station()
    started = await socket.call("StartTransaction", start_payload())
    await socket.call("StopTransaction", stop_payload(started["transactionId"]))
    await eventually(lambda: odoo.of_kind("session.ended"))
    assert odoo.kinds() == ["session.started", "session.ended"]


async def test_f24_the_cable_comes_out_after_the_stop_and_is_told_apart_from_it(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station()
    started = await socket.call("StartTransaction", start_payload())
    await socket.call("StopTransaction", stop_payload(started["transactionId"], minutes=30))
    await socket.call("StatusNotification", status_payload("Finishing", 30))
    await socket.call("StatusNotification", status_payload("Available", 95))
    unplugged = (await eventually(lambda: odoo.of_kind("session.unplugged")))[0]
    assert unplugged["at"] == time(95).replace("Z", ".000Z")
    assert odoo.of_kind("session.ended")[0]["at"] == time(30).replace("Z", ".000Z")


async def test_f25_who_pauses_is_told_the_car_or_the_station(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station()
    await socket.call("StartTransaction", start_payload())
    for minute, status in ((1, "Charging"), (10, "SuspendedEVSE"), (20, "Charging"), (30, "SuspendedEV")):
        await socket.call("StatusNotification", status_payload(status, minute))
    await eventually(lambda: len(odoo.of_kind("session.state")) == 4)
    states = [event["payload"]["state"] for event in odoo.of_kind("session.state")]
    assert len(set(states)) == 3
    assert (states[0], states[1] == states[3]) == (states[2], False)


async def test_f27_the_hour_that_comes_twice_is_two_hours(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    """Half past two of summer time and of winter time, on the night on which the clocks go back."""
    socket = await station()
    start = start_payload() | {"timestamp": "2025-10-26T02:30:00+02:00"}
    started = await socket.call("StartTransaction", start)
    stop = stop_payload(started["transactionId"]) | {"timestamp": "2025-10-26T02:30:00+01:00"}
    await socket.call("StopTransaction", stop)
    ended = (await eventually(lambda: odoo.of_kind("session.ended")))[0]
    assert odoo.of_kind("session.started")[0]["at"] == "2025-10-26T00:30:00.000Z"
    assert ended["at"] == "2025-10-26T01:30:00.000Z"


async def test_case_23_the_case_of_a_token_does_not_matter_and_one_that_expires_meanwhile_ends_no_session(
    bridge: BridgeProcess, station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    socket = await station()
    started = await socket.call("StartTransaction", start_payload() | {"idTag": TOKEN.lower()})
    assert started["idTagInfo"]["status"] == "Accepted"
    odoo.tokens[0]["valid_until"] = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    await eventually(lambda: bridge.rows("SELECT 1 AS one FROM token WHERE valid_until IS NOT NULL"))
    await socket.call("MeterValues", meter_payload("2000", 10, started["transactionId"]))
    answer = await socket.exchange("StopTransaction", stop_payload(started["transactionId"]) | {"idTag": TOKEN})
    assert answer[0] == 3
    await eventually(lambda: odoo.of_kind("session.ended"))
    assert odoo.kinds() == ["session.started", "session.meter", "session.ended"]


async def test_f30_times_of_a_station_are_its_own_and_when_they_came_is_kept_beside_them(
    station: Any, bridge: BridgeProcess, odoo: FakeOdoo, eventually: Eventually
) -> None:
    """Whether a clock is certified, and so whether it may decide about prices, is known to Odoo alone."""
    socket = await station()
    before = datetime.now(UTC)
    started = await socket.call("StartTransaction", start_payload())
    await socket.call("StopTransaction", stop_payload(started["transactionId"], minutes=30))
    await eventually(lambda: odoo.of_kind("session.ended"))
    times = [odoo.of_kind(kind)[0]["at"] for kind in ("session.started", "session.ended")]
    assert times == [moment.replace("Z", ".000Z") for moment in (time(0), time(30))]
    heard = bridge.rows("SELECT at FROM journal WHERE action IN ('StartTransaction', 'StopTransaction')")
    assert len(heard) == 2 and all(before <= row["at"] <= datetime.now(UTC) for row in heard)


async def test_f31_a_session_over_new_year_that_comes_days_later_keeps_its_days(
    station: Any, odoo: FakeOdoo, eventually: Eventually
) -> None:
    """Which month is billed with it is decided by its own times, not by when an offline station told of it."""
    year = datetime.now(UTC).year - 1
    socket = await station()
    started = await socket.call("StartTransaction", start_payload() | {"timestamp": f"{year - 1}-12-31T22:30:00Z"})
    values = meter_payload("1500", 0, started["transactionId"])
    values["meterValue"][0]["timestamp"] = f"{year}-01-01T00:00:00Z"
    await socket.call("MeterValues", values)
    stop = stop_payload(started["transactionId"]) | {"timestamp": f"{year}-01-01T01:15:00Z"}
    await socket.call("StopTransaction", stop)
    await eventually(lambda: odoo.of_kind("session.ended"))
    found = {event["kind"]: event["at"] for event in odoo.events if event["kind"].startswith("session.")}
    assert found == {
        "session.started": f"{year - 1}-12-31T22:30:00.000Z",
        "session.meter": f"{year}-01-01T00:00:00.000Z",
        "session.ended": f"{year}-01-01T01:15:00.000Z",
    }
