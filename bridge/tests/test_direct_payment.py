"""OCPP 2.1: payments at the station itself, on the wire."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from fake_odoo import FakeOdoo
from test_wire21 import PROTOCOL, answer_schema
from test_wire201 import event

from emobility_bridge.calls import translate

PAYMENT = {"idToken": "psp-4711", "type": "DirectPayment"}


def settlement(**changes: Any) -> dict[str, Any]:
    return {
        "pspRef": "psp-4711",
        "status": "Settled",
        "settlementAmount": 12.34,
        "settlementTime": datetime.now(UTC).isoformat(),
        "receiptId": "R-1",
        "receiptUrl": "https://pay.example.com/R-1",
        "vatNumber": "DE123456789",
        "vatCompany": {"name": "Ampere GmbH", "address1": "Stromweg 1", "city": "Berlin", "country": "Germany"},
    } | changes


def paid(kind: str, minutes: int, **values: Any) -> dict[str, Any]:
    return event(kind, minutes, **values) | {"idToken": PAYMENT}


async def test_who_paid_at_the_station_may_charge_there(station: Any, odoo: FakeOdoo, eventually: Any) -> None:
    socket = await station(protocol=PROTOCOL)
    answer = await socket.call("Authorize", {"idToken": PAYMENT})
    assert answer["idTokenInfo"]["status"] == "Accepted"
    answer = await socket.call("TransactionEvent", paid("Started", 0, wh=0))
    assert answer["idTokenInfo"]["status"] == "Accepted"
    await eventually(lambda: odoo.of_kind("session.started"))
    [started] = odoo.of_kind("session.started")
    names = ("token_uid", "token_type", "authorization")
    assert [started["payload"][name] for name in names] == ["psp-4711", "AD_HOC_USER", "Accepted"]


async def test_other_versions_know_no_such_token(station: Any) -> None:
    socket = await station(protocol="ocpp2.0.1")
    answer = await socket.call("Authorize", {"idToken": {"idToken": "psp-4711", "type": "Central"}})
    assert answer["idTokenInfo"]["status"] == "Invalid"


async def test_settlement_reaches_odoo_once_with_its_session(station: Any, odoo: FakeOdoo, eventually: Any) -> None:
    socket = await station(protocol=PROTOCOL)
    await socket.call("TransactionEvent", paid("Started", 0, wh=0))
    await socket.call("TransactionEvent", paid("Ended", 30, wh=4000, sequence=1))
    transaction = event("Ended", 30)["transactionInfo"]["transactionId"]
    told = settlement(transactionId=transaction)
    for _time in range(2):
        answer = await socket.call("NotifySettlement", told)
        assert not list(answer_schema("v21", "NotifySettlement").iter_errors(answer))
    await eventually(lambda: odoo.of_kind("payment.settlement"))
    await eventually(lambda: odoo.of_kind("session.ended"))
    [one] = odoo.of_kind("payment.settlement")
    payload = one["payload"]
    assert payload["session_uid"] == odoo.of_kind("session.started")[0]["payload"]["session_uid"]
    assert (payload["reference"], payload["status"], payload["amount"]) == ("psp-4711", "Settled", "12.34")
    assert payload["vat_company"] == "Ampere GmbH, Stromweg 1, Berlin, Germany"


async def test_settlement_without_session_and_one_without_reference(
    station: Any, odoo: FakeOdoo, eventually: Any
) -> None:
    socket = await station(protocol=PROTOCOL)
    await socket.call("NotifySettlement", settlement(pspRef=None))
    await socket.call("NotifySettlement", settlement(status="Failed", settlementAmount="?", transactionId="gone"))
    await eventually(lambda: odoo.of_kind("payment.settlement"))
    [one] = odoo.of_kind("payment.settlement")
    assert (one["payload"]["session_uid"], one["payload"]["status"], one["payload"]["amount"]) == (None, "Failed", "0")


async def test_vat_number_is_not_vouched_for(station: Any) -> None:
    socket = await station(protocol=PROTOCOL)
    answer = await socket.call("VatNumberValidation", {"vatNumber": "DE123456789", "evseId": 1})
    assert not list(answer_schema("v21", "VatNumberValidation").iter_errors(answer))
    assert answer == {"status": "Rejected", "vatNumber": "DE123456789"}


def test_station_is_told_that_somebody_pays_on_the_web_page() -> None:
    call = translate("2.1", "web_payment_started", {"evse": 2, "timeout": 300}, 1)
    assert json.loads(json.dumps(call)) == ["NotifyWebPaymentStarted", {"evseId": 2, "timeout": 300}]


async def test_long_reference_is_the_same_short_one_in_session_and_settlement(
    station: Any, odoo: FakeOdoo, eventually: Any
) -> None:
    socket = await station(protocol=PROTOCOL)
    long = "psp-" + "4711" * 20
    token = {"idToken": long, "type": "DirectPayment"}
    await socket.call("TransactionEvent", event("Started", 0, wh=0) | {"idToken": token})
    await socket.call("NotifySettlement", settlement(pspRef=long))
    await eventually(lambda: odoo.of_kind("session.started") and odoo.of_kind("payment.settlement"))
    uid = odoo.of_kind("session.started")[0]["payload"]["token_uid"]
    assert uid == odoo.of_kind("payment.settlement")[0]["payload"]["reference"]
    assert len(uid) == 36
