"""Two of us roam: an operator and a provider, in two databases, over HTTP, in each version with all its modules.

Register, publish, authorise, start from afar, session, limits of its power, stop, CDR; then what a hub tells of its
parties, and which CDRs an invoice is about.
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
from ocpi.versions import VERSIONS, modules_of
from playwright.sync_api import expect
from roaming_world import Side, eventually, side

from runner.postgres import Server
from runner.services import Services

HOURS_AGO = {"2.1.1": 5, "2.2.1": 3, "2.3.0": 1}
"""When the session of each version begins: one station has one session at a time."""
CALLS = {
    "credentials": ({"POST", "PUT"}, set()),
    "locations": ({"PUT"}, {"GET"}),
    "tariffs": ({"PUT"}, {"GET"}),
    "sessions": ({"PUT"}, {"GET"}),
    "cdrs": ({"POST"}, {"GET"}),
    "tokens": ({"GET", "POST"}, {"PUT"}),
    "commands": ({"POST"}, {"POST"}),
    "chargingprofiles": ({"POST", "PUT"}, {"GET", "PUT", "DELETE"}),
    "hubclientinfo": ({"PUT"}, {"GET"}),
    "invoicereconciliation": ({"GET", "POST"}, {"GET", "POST"}),
}
"""Of each module: what the operator calls at the provider, and what the provider calls at the operator."""


@pytest.fixture(scope="module")
def sides(roaming_source: Server) -> Iterator[tuple[Side, Side]]:
    with (
        Services() as services,
        side(roaming_source, services, "cpo", ("DE", "CPO")) as operator,
        side(roaming_source, services, "msp", ("NL", "MSP")) as provider,
    ):
        [driver] = provider.search("contract.contract", [("name", "=", "Driver")], "id")
        for uid, whitelist in (("04AA01", "ALLOWED"), ("04AA02", "NEVER")):
            provider.rpc("emobility.token", "create", {
                "uid": uid, "contract_id": driver["id"], "state": "active", "country_code": "NL", "party_id": "MSP",
                "whitelist": whitelist})  # fmt: skip
        second = operator.rpc("res.company", "create", {
            "name": "Second", "emobility_country_code": "DE", "emobility_party_id": "TWO"})  # fmt: skip
        operator.rpc("res.users", "write", [operator.uids["admin"]], {"company_ids": [(4, second)]})
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
    ours = ("company_id", "=", 1)
    [payer] = operator.search("contract.contract", [("name", "=", "Provider"), ours], "id")
    [partner] = operator.search("emobility.roaming.partner", [("party_id", "=", "MSP"), ours], "role")
    assert partner["role"] == "EMSP"
    operator.rpc("emobility.roaming.partner", "write", [partner["id"]], {"contract_id": payer["id"]})
    # Those that came before, and those that come at this moment.
    eventually("the tokens arrive and have a payer", lambda: len(operator.search(
        "emobility.token", [("uid", "in", ("04AA01", "04AA02")), ("state", "=", "active"), ours,
                            ("contract_id", "=", payer["id"])], "id")) == 2)  # fmt: skip


def push(operator: Side, *events: dict[str, Any]) -> None:
    """What the operator's bridge delivers."""
    results = operator.rpc("emobility.ocpp.gateway", "push_events", list(events), user="bridge")
    assert {result["status"] for result in results} == {"ok"}, results


def event(uid: str, kind: str, at: datetime, **payload: Any) -> dict[str, Any]:
    return {"uid": f"{uid}-{kind}", "station": "YARD-1", "kind": kind, "payload": payload,
            "at": at.strftime("%Y-%m-%dT%H:%M:%S.000Z")}  # fmt: skip


def station_does(operator: Side, action: str, **answer: Any) -> str:
    """The station accepts the command that waits for it; returns what the operator calls the command."""
    [command] = eventually(f"the station is asked: {action}", lambda: operator.search(
        "emobility.command", [("action", "=", action), ("state", "=", "new")], "uid"))  # fmt: skip
    push(operator, event(command["uid"], "command.result", datetime.now(UTC), command_uid=command["uid"],
                         status="accepted", detail=False, answer=answer))  # fmt: skip
    return str(command["uid"])


def heard(provider: Side, kind: str, version: str) -> dict[str, Any]:
    """The provider learns that its command was done."""
    [command] = eventually(f"the provider hears of {kind}", lambda: provider.search(
        "emobility.ocpi.command", [("kind", "=", kind), ("state", "=", "done"), ("result", "=", "ACCEPTED"),
                                   ("response_url", "like", f"/{version}/")],
        "authorization_reference"))  # fmt: skip
    return command


def limits(provider: Side, session: int) -> str:
    [row] = provider.rpc("emobility.session", "read", [session], ["roaming_limits_text"])
    return row["roaming_limits_text"] or ""


def limit_the_power(operator: Side, provider: Side, session: int, version: str) -> None:
    """Module chargingprofiles: set, told by the operator, asked for, ended."""

    def wizard(action: str) -> None:
        one = provider.rpc("emobility.ocpi.limit", "create", {"session_id": session})
        provider.rpc("emobility.ocpi.limit", action, [one])

    def plan(watts: int) -> None:
        station_does(operator, "composite_schedule", status="Accepted", chargingSchedule={
            "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": watts}]})  # fmt: skip
        eventually("the provider hears of the plan", lambda: limits(provider, session) == f"{watts} W")

    wizard("action_send")
    station_does(operator, "set_profile", status="Accepted")
    heard(provider, "SET_PROFILE", version)
    assert limits(provider, session) == "11000 W"
    plan(7000)
    wizard("action_ask")
    plan(6000)
    heard(provider, "GET_PROFILE", version)
    wizard("action_clear")
    station_does(operator, "clear_profile", status="Accepted")
    heard(provider, "CLEAR_PROFILE", version)
    assert limits(provider, session) == ""
    # Asked for by the operator itself, when a limit has ended too.
    plan(22000)


def session_events(uid: str, start: datetime, end: datetime, kwh: str, remote_ref: str | None = None) -> Any:
    """A session at the operator's station, from start to end, as its bridge tells it."""
    return [
        event(uid, "session.started", start, session_uid=uid, transaction_id=uid, evse=1, connector=1,
              token_uid="04AA01", token_type="RFID", meter_kwh="0", authorization="Accepted",
              remote_ref=remote_ref or False),
        event(uid, "session.ended", end, session_uid=uid, meter_kwh=kwh, reason="Remote"),
        event(uid, "session.unplugged", end, session_uid=uid),
    ]  # fmt: skip


def live_session(operator: Side, provider: Side, version: str) -> None:
    """The driver starts and stops from the portal of the provider; the station answers through the operator."""
    uid, start = f"live-{version}", datetime.now(UTC)
    push(operator, event(uid, "station.connected", start, ocpp="1.6", remote_address="127.0.0.1"))
    provider.act(
        "evse = env['emobility.evse'].search([('ocpi_uid', '=', 'YARD-1')])\n"
        "evse._start_remotely(env['emobility.token'].search([('uid', '=', '04AA01')]))"
    )
    reference = station_does(operator, "remote_start")
    asked = heard(provider, "START_SESSION", version)
    started, *_rest = session_events(uid, start, start, "0", reference)
    push(operator, started)
    [live] = eventually("the live session arrives", lambda: provider.search(
        "emobility.session", [("uid", "=ilike", f"DE*CPO*{uid}"), ("state", "=", "live")],
        "authorization_reference", "can_send_limits"))  # fmt: skip
    # 2.1.1 has neither the reference nor the limits.
    assert (live["authorization_reference"] == asked["authorization_reference"]) == (version != "2.1.1")
    assert live["can_send_limits"] == ("chargingprofiles" in modules_of(version))
    if live["can_send_limits"]:
        limit_the_power(operator, provider, live["id"], version)
    provider.act(f"env['emobility.session'].browse({live['id']})._stop_remotely()")
    station_does(operator, "remote_stop")
    heard(provider, "STOP_SESSION", version)
    _started, *ending = session_events(uid, start, datetime.now(UTC), "0.01")
    push(operator, *ending)


def charge(operator: Side, version: str) -> None:
    """A session of 50 minutes, some hours ago."""
    start = datetime.now(UTC) - timedelta(hours=HOURS_AGO[version])
    push(operator, *session_events(f"roam-{version}", start, start + timedelta(minutes=50), "10"))


def billed(operator: Side, provider: Side, version: str) -> str:
    """The CDR crosses the border once, and the provider's driver is billed; returns the name of the CDR."""
    sent = eventually("the operator's CDR was taken", lambda: operator.search(
        "emobility.roaming.cdr", [("session_ref", "=", f"roam-{version}"), ("exchanged_at", "!=", False)], "name",
        "total_net", "version", "receiver_url"))  # fmt: skip
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
    return str(sent[0]["name"])


def parties_of_a_hub(operator: Side, provider: Side, version: str) -> None:
    """Module hubclientinfo: the operator is a hub to the provider, with a company that joins and leaves."""
    connected = [("state", "=", "connected"), ("version", "=", version)]
    [connection] = provider.search("emobility.ocpi.connection", connected, "id")
    hub = {"is_hub": True, "hub_country_code": "DE", "hub_party_id": "CPO"}
    provider.rpc("emobility.ocpi.connection", "write", [connection["id"]], hub)
    provider.rpc("emobility.ocpi.connection", "action_pull_all", [connection["id"]])

    def status(party: str, wanted: str) -> None:
        eventually(f"{party} is {wanted} at the hub", lambda: provider.search(
            "emobility.roaming.partner", [("party_id", "=", party), ("hub_status", "=", wanted)], "id"))  # fmt: skip

    status("CPO", "CONNECTED")
    [root] = operator.search("emobility.ocpi.connection", connected, "id")
    [second] = operator.search("res.company", [("name", "=", "Second")], "id")
    joined = operator.rpc("emobility.ocpi.connection", "create", {
        "parent_id": root["id"], "company_id": second["id"], "our_roles": "CPO"})  # fmt: skip
    status("TWO", "CONNECTED")
    operator.rpc("emobility.ocpi.connection", "write", [joined], {"active": False})
    status("TWO", "SUSPENDED")


def invoices_are_reconciled(operator: Side, provider: Side, cdr: str) -> None:
    """Module invoicereconciliation: each tells the other which CDRs an invoice is about, and shows it when asked."""
    for one, other in ((operator, provider), (provider, operator)):
        invoice = f"INV-{one.database}"
        one.act(
            f"cdr = env['emobility.roaming.cdr'].search([('name', '=', '{cdr}')])\n"
            f"env['emobility.ocpi.reconciliation']._tell(cdr.connection_id, '{invoice}', cdr)"
        )
        eventually("the partner knows the invoice of the CDR", lambda other=other, invoice=invoice: other.search(
            "emobility.roaming.cdr", [("name", "=", cdr), ("invoice_reference", "=", invoice)], "id"))  # fmt: skip


def calls_of(one: Side, direction: str, version: str) -> dict[str, set[str]]:
    """By module the methods that were called and did what was asked."""
    found: dict[str, set[str]] = {}
    for row in one.search("emobility.ocpi.message", [
        ("direction", "=", direction), ("state", "=", "ok"), ("path", "like", f"/{version}/"),
        ("module", "!=", "versions")], "module", "method"):  # fmt: skip
        found.setdefault(row["module"], set()).add(row["method"])
    return found


def every_module_was_called(operator: Side, provider: Side, version: str) -> None:
    """Both sides have logged each call of each module of the version as done."""
    modules = ["credentials", *modules_of(version)]

    def missing(one: Side, direction: str, caller: int) -> dict[str, set[str]]:
        called = calls_of(one, direction, version)
        left = {module: CALLS[module][caller] - called.get(module, set()) for module in modules}
        return {module: methods for module, methods in left.items() if methods}

    for caller, (one, other) in enumerate(((operator, provider), (provider, operator))):
        for side_, direction in ((one, "out"), (other, "in")):
            what = (side_, direction, caller)
            try:
                eventually("all calls are logged", lambda what=what: not missing(*what))
            except AssertionError:
                pytest.fail(f"{side_.database}, {direction}, {version}: {missing(*what)}")


@pytest.mark.parametrize("version", VERSIONS)
def test_an_operator_and_a_provider_roam(sides: tuple[Side, Side], version: str) -> None:
    operator, provider = sides
    for connection in operator.search("emobility.ocpi.connection", [("state", "=", "connected")], "id"):
        operator.rpc("emobility.ocpi.connection", "action_unregister", [connection["id"]])
        assert provider.search("emobility.ocpi.connection", [], "state")[0]["state"] == "ended"
    register(operator, provider, version)
    # What each side has arrives at the other, pulled or pushed.
    eventually("the location arrives", lambda: provider.search(
        "emobility.location", [("ocpi_id", "=", "YARD")], "evse_ids"))  # fmt: skip
    eventually("the tariff arrives", lambda: provider.search(
        "emobility.tariff", [("ocpi_id", "=", "STANDARD-1")], "price_mode"))  # fmt: skip
    decided = operator.rpc("emobility.ocpp.gateway", "authorize", "YARD-1", "04AA02", 1, user="bridge")
    assert (decided["status"], bool(decided["reference"])) == ("Accepted", version != "2.1.1")
    live_session(operator, provider, version)
    charge(operator, version)
    cdr = billed(operator, provider, version)
    if "hubclientinfo" in modules_of(version):
        # A company that joins brings new tokens with it.
        parties_of_a_hub(operator, provider, version)
    else:
        [connection] = operator.search("emobility.ocpi.connection", [("state", "=", "connected")], "id")
        operator.rpc("emobility.ocpi.connection", "action_rotate", [connection["id"]])
    if "invoicereconciliation" in modules_of(version):
        invoices_are_reconciled(operator, provider, cdr)
    every_module_was_called(operator, provider, version)


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
