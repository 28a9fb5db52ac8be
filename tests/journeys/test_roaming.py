"""Two of us roam: an operator and a provider, in two databases, over HTTP.

Register, publish, authorise, start from afar, session, CDR; in 2.2.1, and again in 2.1.1 and 2.3.0.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from browser import DESKTOP, page_for, picture
from playwright.sync_api import expect
from roaming_world import Side, eventually, side

from runner.postgres import Server
from runner.services import Services


@pytest.fixture(scope="module")
def sides(roaming_source: Server) -> Iterator[tuple[Side, Side]]:
    with (
        Services() as services,
        side(roaming_source, services, "cpo", ("DE", "CPO")) as operator,
        side(roaming_source, services, "msp", ("NL", "MSP")) as provider,
    ):
        [driver] = provider.search("contract.contract", [("name", "=", "Driver")], "id")
        provider.rpc("emobility.token", "create", {"uid": "04AA01", "contract_id": driver["id"], "state": "active",
                                                   "country_code": "NL", "party_id": "MSP"})  # fmt: skip
        yield operator, provider


def register(operator: Side, provider: Side, version: str) -> None:
    """The provider invites, the operator accepts with the file of the invitation."""
    known = provider.search("emobility.ocpi.connection", [], "id")
    if known:
        [connection] = known
        action = provider.rpc("emobility.ocpi.connection", "action_invite", [connection["id"]])
        wizard = action["res_id"]
    else:
        wizard = provider.rpc("emobility.ocpi.invite", "create", {"name": "Operator", "our_roles": "EMSP"})
        provider.rpc("emobility.ocpi.invite", "action_invite", [wizard])
        [connection] = provider.search("emobility.ocpi.connection", [], "id")
    provider.rpc("emobility.ocpi.connection", "write", [connection["id"]], {"allow_private_address": True})
    [invitation] = provider.rpc("emobility.ocpi.invite", "read", [wizard], ["file"])
    accept = operator.rpc("emobility.ocpi.accept", "create", {
        "name": f"Provider {version}", "our_roles": "CPO", "newest_version": version, "allow_private_address": True,
        "file": invitation["file"]})  # fmt: skip
    operator.rpc("emobility.ocpi.accept", "action_accept", [accept])
    assert json.loads(base64.b64decode(invitation["file"]))["url"] == f"{provider.url}/ocpi/versions"
    connected = [("state", "=", "connected"), ("version", "=", version)]
    for one in (operator, provider):
        eventually(f"{one.database} is connected", lambda one=one: one.search(
            "emobility.ocpi.connection", connected, "id"))  # fmt: skip
    [payer] = operator.search("contract.contract", [("name", "=", "Provider")], "id")
    [partner] = operator.search("emobility.roaming.partner", [("party_id", "=", "MSP")], "role")
    assert partner["role"] == "EMSP"
    operator.rpc("emobility.roaming.partner", "write", [partner["id"]], {"contract_id": payer["id"]})


def charge(operator: Side, uid: str, remote_ref: str | None = None, hours: int = 1) -> None:
    """A session at the operator's station so many hours ago, as its bridge tells it."""
    start = datetime.now(UTC) - timedelta(hours=hours)

    def event(kind: str, minutes: int, **payload: Any) -> dict[str, Any]:
        at = (start + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return {"uid": f"{uid}-{kind}", "station": "YARD-1", "kind": kind, "at": at, "payload": payload}

    events = [
        event("session.started", 0, session_uid=uid, transaction_id=uid, evse=1, connector=1, token_uid="04AA01",
              token_type="RFID", meter_kwh="0", authorization="Accepted", remote_ref=remote_ref or False),
        event("session.ended", 50, session_uid=uid, meter_kwh="10", reason="Remote"),
        event("session.unplugged", 50, session_uid=uid),
    ]  # fmt: skip
    results = operator.rpc("emobility.ocpp.gateway", "push_events", events, user="bridge")
    assert {result["status"] for result in results} == {"ok"}, results


def billed(operator: Side, provider: Side, uid: str, version: str) -> None:
    """The CDR crosses the border once, and the provider's driver is billed."""
    sent = eventually("the operator's CDR was taken", lambda: operator.search(
        "emobility.roaming.cdr", [("session_ref", "=", uid), ("exchanged_at", "!=", False)], "name", "total_net",
        "version", "receiver_url"))  # fmt: skip
    assert (len(sent), sent[0]["total_net"], sent[0]["version"]) == (1, 5.0, version)
    [received] = provider.search("emobility.roaming.cdr", [("name", "=", sent[0]["name"])], "energy_kwh", "total_net")
    assert (received["energy_kwh"], received["total_net"]) == (10.0, 5.0)
    assert sent[0]["receiver_url"].startswith(f"{provider.url}/ocpi/{version}/emsp/cdrs/")

    def session() -> Any:
        return provider.search(
            "emobility.session", [("partner_cdr_ids.name", "=", sent[0]["name"]), ("state", "=", "done")],
            "energy_kwh", "cdr_ids", "token_uid")  # fmt: skip

    [done] = eventually("the provider bills its driver", session)
    assert (done["energy_kwh"], len(done["cdr_ids"]), done["token_uid"]) == (10.0, 1, "04AA01")


def test_an_operator_and_a_provider_roam(sides: tuple[Side, Side]) -> None:
    operator, provider = sides
    register(operator, provider, "2.2.1")
    # What each side has arrives at the other, pulled or pushed.
    [yard] = eventually("the location arrives", lambda: provider.search(
        "emobility.location", [("ocpi_id", "=", "YARD")], "evse_ids"))  # fmt: skip
    eventually("the token arrives", lambda: operator.search(
        "emobility.token", [("uid", "=", "04AA01"), ("state", "=", "active")], "id"))  # fmt: skip
    eventually("the tariff arrives", lambda: provider.search(
        "emobility.tariff", [("ocpi_id", "=", "STANDARD-1")], "price_mode"))  # fmt: skip
    # The driver starts from the portal of the provider; the station answers through the operator.
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    connected = {"uid": "conn-1", "station": "YARD-1", "kind": "station.connected", "at": now,
                 "payload": {"ocpp": "1.6", "remote_address": "127.0.0.1"}}  # fmt: skip
    operator.rpc("emobility.ocpp.gateway", "push_events", [connected], user="bridge")
    provider.script(
        "evse = env['emobility.evse'].search([('ocpi_uid', '=', 'YARD-1')])\n"
        "evse._start_remotely(env['emobility.token'].search([('uid', '=', '04AA01')]))\nenv.cr.commit()\n"
    )
    [command] = operator.search("emobility.command", [("action", "=", "remote_start")], "uid")
    result = {"uid": "result-1", "station": "YARD-1", "kind": "command.result", "at": now,
              "payload": {"command_uid": command["uid"], "status": "accepted", "detail": False}}  # fmt: skip
    operator.rpc("emobility.ocpp.gateway", "push_events", [result], user="bridge")
    eventually("the provider hears what the station did", lambda: provider.search(
        "emobility.ocpi.command", [("state", "=", "done"), ("result", "=", "ACCEPTED")], "id"))  # fmt: skip
    charge(operator, "roam-1", command["uid"])
    billed(operator, provider, "roam-1", "2.2.1")
    [session] = provider.search("emobility.session", [("source", "=", "ocpi")], "authorization_reference")
    [asked] = provider.search("emobility.ocpi.command", [("direction", "=", "out")], "authorization_reference")
    assert session["authorization_reference"] == asked["authorization_reference"]


@pytest.mark.parametrize(("version", "hours"), [("2.1.1", 3), ("2.3.0", 5)])
def test_the_other_versions_do_the_same(sides: tuple[Side, Side], version: str, hours: int) -> None:
    operator, provider = sides
    known = operator.search("emobility.ocpi.connection", [("state", "=", "connected")], "id")
    for connection in known:
        operator.rpc("emobility.ocpi.connection", "action_unregister", [connection["id"]])
        assert provider.search("emobility.ocpi.connection", [], "state")[0]["state"] == "ended"
    register(operator, provider, version)
    eventually("the token arrives", lambda: operator.search(
        "emobility.token", [("uid", "=", "04AA01"), ("state", "=", "active")], "id"))  # fmt: skip
    uid = f"roam-{version}"
    charge(operator, uid, hours=hours)
    billed(operator, provider, uid, version)


def test_the_page_of_the_interface_lists_all_versions(sides: tuple[Side, Side]) -> None:
    paths = requests.get(f"{sides[0].url}/ocpi/openapi.json", timeout=30).json()["paths"]
    assert {path.split("/")[1] for path in paths} == {"versions", "2.1.1", "2.2.1", "2.3.0"}


def test_a_roaming_manager_sees_the_connection_and_tests_it(sides: tuple[Side, Side]) -> None:
    operator, _provider = sides
    product: Any = SimpleNamespace(
        odoo_url=operator.url, seed={"users": {"admin": {"login": "admin", "password": "admin"}}}
    )
    [connection] = operator.search("emobility.ocpi.connection", [("state", "=", "connected")], "id")
    with page_for(product, "admin", DESKTOP) as page:
        page.goto(f"{operator.url}/odoo/action-emobility_roaming.ocpi_connection_action/{connection['id']}")
        page.locator(".o_form_view .nav-link", has_text="Modules").click()
        page.wait_for_selector(".o_field_widget[name=module_ids] .o_data_row")
        picture(page, "roaming-connection")
        page.locator("button[name=action_self_test]").click()
        expect(page.locator(".modal .o_field_widget[name=report]")).to_contain_text("versions")
        verdict = page.locator(".modal .o_field_widget[name=verdict]").inner_text()
        picture(page, "roaming-self-test")
        assert verdict in ("All modules work", "Works, with remarks"), verdict
        page.goto(f"{operator.url}/odoo/action-emobility_roaming.ocpi_message_action")
        page.wait_for_selector(".o_list_view .o_data_row")
        picture(page, "roaming-messages")
        page.goto(f"{operator.url}/odoo/action-emobility_roaming.ocpi_connection_action")
        page.locator(".o_menu_sections").get_by_text("Roaming", exact=True).first.click()
        page.get_by_role("menuitem", name="Invite a Partner").click()
        page.locator(".modal .o_field_widget[name=name] input").fill("Another provider")
        page.locator(".modal button[name=action_invite]").click()
        page.wait_for_selector(".modal .o_field_widget[name=qr] img")
        picture(page, "roaming-invite")
