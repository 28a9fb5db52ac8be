"""A month of roaming: two companies in our database, an outside partner in another, over HTTP; both sides to the cent.

We (DE*LHE) and the partner (DE*KAI) are operator and provider at once. Ours: drivers of the partner and of our sister
company charge at our station. Theirs: our driver charges at their station. Each test is a chapter of the same month.
"""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from browser import DESKTOP, PHONE, assert_fits_the_width, page_for, picture
from playwright.sync_api import Page, expect
from roaming_world import Side, eventually, side

from runner.paths import PYTHON
from runner.postgres import Server
from runner.services import Service, Services, free_port
from runner.stack import bridge_service

OUR_PRICE, THEIR_PRICE = 0.30, 0.40  # per kWh, wholesale, without taxes; drivers pay 0.50 on both sides
VAT = 1.19
THEIR_CARD, OUR_CARD, SISTER_CARD = "04AA01", "04BB02", "04CC03"
SISTER = """
# The country comes later: with it Odoo would install what a German company may want.
sister = env["res.company"].create({"name": "Lindenhof Fleet GmbH", "emobility_country_code": "DE",
                                    "emobility_party_id": "LHF"})
sister.partner_id.country_id = env.ref("base.de")
env["account.chart.template"].try_loading("de_skr03", sister, install_demo=False)
env.ref("base.user_admin").company_ids |= sister
env = env(context={"allowed_company_ids": sister.ids})
tariff = env["emobility.tariff"].search([("code", "=", "STANDARD")]).copy({"company_id": sister.id, "code": "FLEET"})
env["emobility.price.rule"].create({"tariff_id": tariff.id, "company_id": sister.id})
customer = env["res.partner"].create({"name": "Frieda Fleet", "email": "frieda@example.com", "company_id": sister.id})
plan = env["product.template"].search([("is_charging_plan", "=", True)], limit=1)
contract = env["contract.contract"].create({"name": "Frieda Fleet", "partner_id": customer.id, "is_charging": True,
                                            "plan_id": plan.id, "billing_trigger": "monthly", "company_id": sister.id})
contract.action_activate()
env["emobility.token"].create({"uid": "04CC03", "contract_id": contract.id, "state": "active",
                               "company_id": sister.id})
env.cr.commit()
"""
# What the partner calls us with: only its hash is kept here, and only its own database can read it.
THEIR_KEY = """
connection = env["emobility.ocpi.connection"].search([("state", "=", "connected")])
open({path!r}, "w").write(connection._client().token)
"""


@dataclass
class World:
    """Both databases, our bridge, and what the chapters hand on."""

    ours: Side
    theirs: Side
    bridge_url: str
    entity: dict[str, int]
    """The legal entity of the other side, by database."""
    key: dict[str, str]
    """The headers by which the partner's platform calls us."""


@pytest.fixture(scope="module")
def world(roaming_source: Server) -> Iterator[World]:
    with (
        Services() as services,
        side(roaming_source, services, "ours", ("DE", "LHE")) as ours,
        side(roaming_source, services, "theirs", ("DE", "KAI")) as theirs,
    ):
        ours.script(SISTER)
        port, odoo_port = free_port(9300), int(ours.url.split(":")[-1])
        login = {"login": "bridge", "api_key": "bridge"}
        bridge = bridge_service("roaming-bridge", roaming_source, ours.database, login, odoo_port, port)
        services.start(bridge).wait_until_healthy()
        entity = {
            ours.database: prepare(ours, "Lindenhof Energie GmbH", "Kaistrom AG", OUR_PRICE, OUR_CARD),
            theirs.database: prepare(theirs, "Kaistrom AG", "Lindenhof Energie GmbH", THEIR_PRICE, THEIR_CARD),
        }
        [place] = theirs.search("emobility.location", [("code", "=", "YARD")], "evse_ids")
        quay = {"name": "Harbour Quay", "code": "QUAY", "city": "Hamburg"}
        theirs.rpc("emobility.location", "write", [place["id"]], quay)
        theirs.rpc("emobility.evse", "write", place["evse_ids"], {"uid": "QUAY-1", "evse_id": "DE*KAI*E1"})
        yield World(ours, theirs, f"ws://127.0.0.1:{port}", entity, {})


def prepare(one: Side, name: str, other: str, price: float, card: str) -> int:
    """What each side has before they meet: a driver with a card, a wholesale price, the other one's address."""
    [euro] = one.search("res.currency", [("name", "=", "EUR")], "id")
    [germany] = one.search("res.country", [("code", "=", "DE")], "id")
    one.rpc("res.company", "write", [1], {"name": name})
    entity: int = one.rpc("res.partner", "create", {"name": other, "is_company": True, "country_id": germany["id"],
                                                    "email": "roaming@example.com"})  # fmt: skip
    component = {"dimension": "ENERGY", "price": price}
    version = {"valid_from": "2020-01-01", "element_ids": [(0, 0, {"component_ids": [(0, 0, component)]})]}
    tariff = one.rpc("emobility.tariff", "create", {
        "name": "Wholesale", "code": "WHOLESALE", "currency_id": euro["id"], "price_mode": "net",
        "version_ids": [(0, 0, version)]})  # fmt: skip
    one.rpc("emobility.price.rule", "create", {"tariff_id": tariff, "relation": "wholesale", "partner_id": entity})
    [driver] = one.search("contract.contract", [("name", "=", "Driver")], "partner_id")
    one.rpc("emobility.token", "create", {"uid": card, "contract_id": driver["id"], "state": "active",
                                          "partner_id": driver["partner_id"][0]})  # fmt: skip
    [portal] = one.search("ir.model.data", [("module", "=", "base"), ("name", "=", "group_portal")], "res_id")
    one.rpc("res.users", "create", {
        "name": "Driver", "login": "driver", "password": "driver", "partner_id": driver["partner_id"][0],
        "group_ids": [(6, 0, [portal["res_id"]])]})  # fmt: skip
    return entity


def charge(one: Side, station: str, uid: str, card: str, kwh: str, hours: int) -> None:
    """A session of an hour at a station, so many hours ago, as the bridge of that side tells it."""
    start = datetime.now(UTC) - timedelta(hours=hours)

    def event(kind: str, minutes: int, **payload: Any) -> dict[str, Any]:
        at = (start + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return {"uid": f"{uid}-{kind}", "station": station, "kind": kind, "at": at, "payload": payload}

    events = [
        event("session.started", 0, session_uid=uid, transaction_id=uid, evse=1, connector=1, token_uid=card,
              token_type="RFID", meter_kwh="0", authorization="Accepted"),
        event("session.ended", 60, session_uid=uid, meter_kwh=kwh, reason="EVDisconnected"),
        event("session.unplugged", 60, session_uid=uid),
    ]  # fmt: skip
    results = one.rpc("emobility.ocpp.gateway", "push_events", events, user="bridge")
    assert {result["status"] for result in results} == {"ok"}, results


def received(one: Side, *domain: Any) -> list[dict[str, Any]]:
    return one.search("emobility.roaming.cdr", [("direction", "=", "in"), *domain], "name", "session_ref", "total_net",
                      "repriced_net", "check_state", "margin", "findings", "data")  # fmt: skip


def as_user(one: Side, name: str = "admin") -> Any:
    """What the helpers of the browser need to know."""
    return SimpleNamespace(odoo_url=one.url, seed={"users": {name: {"login": name, "password": name}}})


def open_form(page: Page, one: Side, action: str, record: int) -> None:
    page.goto(f"{one.url}/odoo/action-{action}/{record}")
    page.wait_for_selector(".o_form_view .o_field_widget")


def test_they_register_and_publish(world: World) -> None:
    ours, theirs = world.ours, world.theirs
    wizard = theirs.rpc("emobility.ocpi.invite", "create", {"name": "Lindenhof Energie", "our_roles": "BOTH"})
    theirs.rpc("emobility.ocpi.invite", "action_invite", [wizard])
    [connection] = theirs.search("emobility.ocpi.connection", [], "id")
    theirs.rpc("emobility.ocpi.connection", "write", [connection["id"]], {"allow_private_address": True})
    [invitation] = theirs.rpc("emobility.ocpi.invite", "read", [wizard], ["file"])
    accept = ours.rpc("emobility.ocpi.accept", "create", {
        "name": "Kaistrom", "our_roles": "BOTH", "newest_version": "2.3.0", "allow_private_address": True,
        "file": invitation["file"]})  # fmt: skip
    ours.rpc("emobility.ocpi.accept", "action_accept", [accept])
    for one in (ours, theirs):
        eventually(f"{one.database} is connected", lambda one=one: one.search(
            "emobility.ocpi.connection", [("state", "=", "connected"), ("version", "=", "2.3.0")], "id"))  # fmt: skip
        agree(one, world.entity[one.database])
    for one, place, card, price in ((ours, "QUAY", THEIR_CARD, THEIR_PRICE), (theirs, "YARD", OUR_CARD, OUR_PRICE)):
        eventually("the location arrives", lambda one=one, place=place: one.search(
            "emobility.location", [("ocpi_id", "=", place)], "id"))  # fmt: skip
        eventually("the token arrives", lambda one=one, card=card: one.search(
            "emobility.token", [("uid", "=", card), ("state", "=", "active")], "id"))  # fmt: skip
        foreign = ("element_id.version_id.tariff_id.ocpi_id", "!=", False)
        eventually("the agreed price arrives", lambda one=one, price=price, foreign=foreign: one.search(
            "emobility.price.component", [("price", "=", price), foreign], "id"))  # fmt: skip


def agree(one: Side, entity: int) -> None:
    """To sell to the partner as provider, and to buy from it as operator."""
    [euro] = one.search("res.currency", [("name", "=", "EUR")], "id")
    partners = one.search("emobility.roaming.partner", [("connection_id", "!=", False)], "role")
    assert {partner["role"] for partner in partners} == {"CPO", "EMSP"}
    for partner in partners:
        one.rpc("emobility.roaming.partner", "write", [partner["id"]], {"partner_id": entity})
        fee = {"hub_name": "Roaming hub", "hub_fee_per_cdr": 0.05} if partner["role"] == "CPO" else {}
        one.rpc("emobility.roaming.agreement", "create", {
            "roaming_partner_id": partner["id"], "direction": "sell" if partner["role"] == "EMSP" else "buy",
            "legal_entity_id": entity, "currency_id": euro["id"], "date_from": "2020-01-01", **fee})  # fmt: skip


def test_the_operator_asks_in_real_time(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The partner's platform asks us about the card of our driver, and about one that nobody has."""
    file = tmp_path_factory.mktemp("key") / "key"
    world.theirs.script(THEIR_KEY.format(path=str(file)))
    world.key["Authorization"] = f"Token {base64.b64encode(file.read_bytes()).decode()}"
    headers = world.key
    base = f"{world.ours.url}/ocpi/2.3.0/emsp/tokens"
    known = requests.post(f"{base}/{OUR_CARD}/authorize", headers=headers, timeout=30).json()
    assert (known["data"]["allowed"], known["data"]["token"]["uid"]) == ("ALLOWED", OUR_CARD)
    unknown = requests.post(f"{base}/0499FF/authorize", headers=headers, timeout=30)
    assert (unknown.status_code, unknown.json()["status_code"]) == (404, 2004)


def is_online(one: Side, station: Service) -> bool:
    """Whether the station is; the bridge learns the new password a moment later, and turns it away until then."""
    if station.process and station.process.poll() is not None:
        station.start()
    online = [("identity", "=", "YARD-1"), ("connection_state", "=", "online")]
    return bool(one.search("emobility.station", online, "id"))


def test_a_driver_of_the_partner_starts_at_our_station_from_the_phone(world: World) -> None:
    ours, theirs = world.ours, world.theirs
    [station] = ours.search("emobility.station", [("identity", "=", "YARD-1")], "id")
    action = ours.rpc("emobility.station", "action_new_password", [station["id"]])
    simulator = Service("roaming-station", [
        str(PYTHON), "-m", "station_simulator", "--url", world.bridge_url, "--identity", "YARD-1", "--password",
        action["context"]["default_secret"], "--ocpp", "2.0.1", "--serve", "--minutes", "30", "--time-scale", "120",
        "--energy-kwh", "8"]).start()  # fmt: skip
    try:
        eventually("the station is online", lambda: is_online(ours, simulator))
        with page_for(as_user(theirs, "driver"), "driver", PHONE) as page:
            page.goto(f"{theirs.url}/my/charging/prices?q=Yard")
            start = page.get_by_role("button", name="Start charging").first
            expect(start).to_be_visible()
            assert_fits_the_width(page)
            picture(page, "roaming-portal-start")
            start.click()
            for one in (ours, theirs):
                eventually("the session is live on both sides", lambda one=one: one.search(
                    "emobility.session", [("state", "=", "live")], "id"))  # fmt: skip
            page.goto(f"{theirs.url}/my/charging")
            assert_fits_the_width(page)
            picture(page, "roaming-portal-live")
        command = eventually("the partner hears what our station did", lambda: theirs.search(
            "emobility.ocpi.command", [("state", "=", "done"), ("result", "=", "ACCEPTED")],
            "authorization_reference"))  # fmt: skip
        [sold] = eventually("our session is billed", lambda: ours.search(
            "emobility.session", [("state", "=", "done")], "energy_kwh", "authorization_reference"))  # fmt: skip
    finally:
        simulator.stop()
    assert (sold["energy_kwh"], sold["authorization_reference"]) == (8.0, command[0]["authorization_reference"])
    [cdr] = eventually("the CDR is checked", lambda: received(theirs, ("check_state", "=", "accepted")))
    assert (cdr["total_net"], cdr["repriced_net"]) == (2.4, 2.4)


def test_sessions_of_the_month_are_priced_alike_on_both_sides(world: World) -> None:
    ours, theirs = world.ours, world.theirs
    charge(ours, "YARD-1", "sold-2", THEIR_CARD, "10.123", 30)
    charge(ours, "YARD-1", "sold-3", THEIR_CARD, "18", 40)
    charge(theirs, "YARD-1", "bought-1", OUR_CARD, "10", 30)
    charge(theirs, "YARD-1", "bought-2", OUR_CARD, "5.333", 40)
    for one, amounts in ((theirs, [2.4, 3.04, 5.4]), (ours, [2.13, 4.0])):
        cdrs = eventually("all CDRs are accepted", lambda one=one, amounts=amounts: (
            len(found := received(one, ("check_state", "=", "accepted"))) == len(amounts) and found))  # fmt: skip
        assert sorted(cdr["total_net"] for cdr in cdrs) == amounts
        other = ours if one is theirs else theirs
        ratings = other.search("emobility.rating", [("relation", "=", "wholesale")], "amount_total")
        assert sorted(rating["amount_total"] for rating in ratings) == amounts
    # Our driver pays 0.50 per kWh; less what the partner gets and 0.05 for the hub.
    margins = eventually("our driver is billed", lambda: (
        len(found := received(ours, ("has_margin", "=", True))) == 2 and found))  # fmt: skip
    assert sorted(row["margin"] for row in margins) == [pytest.approx(2.67 - 2.13 - 0.05), pytest.approx(0.95)]


def push(world: World, cdr: dict[str, Any]) -> None:
    """The partner's platform sends a CDR of its own making."""
    answer = requests.post(f"{world.ours.url}/ocpi/2.3.0/emsp/cdrs", json=cdr, headers=world.key, timeout=30)
    assert answer.json()["status_code"] == 1000, answer.text


def test_a_wrong_cdr_is_disputed_and_credited(world: World) -> None:
    """Their price is not that of the tariff; they see it, and take the CDR back."""
    ours = world.ours
    [good] = received(ours, ("total_net", "=", 2.13))
    data = good["data"]
    cost = {"before_taxes": 2.63, "taxes": []}
    wrong = data | {"id": "KAI-WRONG", "session_id": "KAI-NEVER", "total_cost": cost, "total_energy_cost": cost}
    push(world, wrong)
    push(world, wrong)
    [cdr] = eventually("the CDR waits for a person", lambda: received(ours, ("name", "=", "KAI-WRONG"),
                                                                      ("check_state", "=", "to_check")))  # fmt: skip
    assert "by its tariff it is 2.13" in cdr["findings"]
    with page_for(as_user(ours), "admin", DESKTOP) as page:
        page.goto(f"{ours.url}/odoo/action-emobility_settlement.action_partner_cdr")
        page.wait_for_selector(".o_list_view .o_data_row")
        page.locator(".o_facet_remove").first.click()
        expect(page.locator(".o_list_view .o_data_row")).to_have_count(3)
        picture(page, "settlement-cdrs")
        open_form(page, ours, "emobility_settlement.action_partner_cdr", cdr["id"])
        page.locator("button[name=action_dispute]").click()
        page.wait_for_selector(".o_form_view .o_field_widget[name=deadline]")
        page.locator("button[name=action_open]").click()
        expect(page.locator(".o_arrow_button_current[data-value=open]")).to_be_visible()
        picture(page, "settlement-dispute")
    [dispute] = ours.search("emobility.roaming.dispute", [], "amount", "reason", "deadline", "direction")
    assert (dispute["amount"], dispute["reason"], dispute["direction"]) == (0.5, "price", "ours")
    assert dispute["deadline"] == str(date.today() + timedelta(days=30))
    minus = {"before_taxes": -2.63, "taxes": []}
    push(world, wrong | {"id": "KAI-CREDIT", "credit": True, "credit_reference_id": "KAI-WRONG", "total_cost": minus,
                         "last_updated": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")})  # fmt: skip
    eventually("both cancel each other", lambda: len(received(ours, ("check_state", "=", "credited"))) == 2)
    assert ours.search("emobility.roaming.dispute", [], "state")[0]["state"] == "closed"


def settle(one: Side) -> int:
    """Collect what counts until today."""
    [partner] = one.search("emobility.roaming.partner", [("connection_id", "!=", False), ("role", "=", "EMSP")], "id")
    settlement: int = one.rpc("emobility.roaming.settlement", "create", {
        "roaming_partner_id": partner["id"], "date_from": str(date.today() - timedelta(days=31)),
        "date_to": str(date.today() + timedelta(days=1))})  # fmt: skip
    one.rpc("emobility.roaming.settlement", "action_collect", [settlement])
    return settlement


def state_of(one: Side, settlement: int) -> dict[str, Any]:
    names = ["sold_amount", "bought_amount", "hub_fee", "balance", "held_count", "move_ids"]
    [row] = one.rpc("emobility.roaming.settlement", "read", [settlement], names)
    return dict(row)


def documents(one: Side, settlement: int) -> dict[str, list[float]]:
    """What the settlement led to: amounts with taxes by kind of document."""
    result: dict[str, list[float]] = {}
    for move in one.search("account.move", [("id", "in", state_of(one, settlement)["move_ids"]),
                                            ("move_type", "!=", "entry")], "move_type", "amount_total"):  # fmt: skip
        result.setdefault(move["move_type"], []).append(move["amount_total"])
    return result


def invoice_list(one: Side, settlement: int) -> tuple[str, dict[str, float]]:
    """The number of our or their invoice, and the list of CDRs that comes with it."""
    [move] = eventually("the invoice is posted", lambda: one.search(
        "account.move", [("id", "in", state_of(one, settlement)["move_ids"]), ("state", "=", "posted"),
                         ("move_type", "=", "out_invoice")], "name", "amount_untaxed"))  # fmt: skip
    action = one.rpc("emobility.roaming.settlement", "action_download_cdr_list", [settlement])
    attachment = int(action["url"].split("/")[-1].split("?")[0])
    [file] = one.rpc("ir.attachment", "read", [attachment], ["datas"])
    rows = csv.DictReader(io.StringIO(base64.b64decode(file["datas"]).decode("utf-8-sig")))
    amounts = {row["cdr_id"]: float(row["amount"]) for row in rows}
    assert move["amount_untaxed"] == pytest.approx(sum(amounts.values()))
    return move["name"], amounts


def compare(one: Side, settlement: int, number: str, amounts: dict[str, float]) -> dict[str, str]:
    """Read the list of CDRs of an invoice; what became of each, by CDR."""
    rows = "\n".join(f"{name};{amount:.2f}" for name, amount in amounts.items())
    wizard = one.rpc("emobility.partner.invoice.import", "create", {
        "settlement_id": settlement, "invoice_ref": number,
        "file": base64.b64encode(f"cdr_id;amount\n{rows}\n".encode()).decode()})  # fmt: skip
    one.rpc("emobility.partner.invoice.import", "action_import", [wizard])
    lines = one.search("emobility.settlement.line", [("settlement_id", "=", settlement)], "cdr_ref", "status")
    return {line["cdr_ref"]: line["status"] for line in lines}


def pay(one: Side, settlement: int) -> None:
    """Post the bill of what matches."""
    one.rpc("emobility.roaming.settlement", "action_bill", [settlement])
    [bill] = one.search("account.move", [("id", "in", state_of(one, settlement)["move_ids"]),
                                         ("move_type", "=", "in_invoice")], "id")  # fmt: skip
    one.rpc("account.move", "action_post", [bill["id"]])


def test_the_month_is_settled_on_both_sides(world: World) -> None:
    """Also what they dispute after our invoice: credit CDR and credit note, and both sides agree on what is left."""
    ours, theirs = world.ours, world.theirs
    [doubtful] = received(theirs, ("total_net", "=", 5.4))
    action = theirs.rpc("emobility.roaming.cdr", "action_dispute", [doubtful["id"]])
    theirs.rpc("emobility.roaming.dispute", "write", [action["res_id"]], {
        "reason": "energy", "description": "18 kWh in one hour: our driver says it was another car."})  # fmt: skip
    theirs.rpc("emobility.roaming.dispute", "action_open", [action["res_id"]])
    mine, yours = settle(ours), settle(theirs)
    assert [state_of(ours, mine)[key] for key in ("sold_amount", "bought_amount", "hub_fee", "held_count")] == [
        pytest.approx(10.84), pytest.approx(6.13), pytest.approx(0.10), 0]  # fmt: skip
    assert [state_of(theirs, yours)[key] for key in ("sold_amount", "bought_amount", "held_count")] == [
        pytest.approx(6.13), pytest.approx(5.44), 1]  # fmt: skip
    for one, settlement in ((ours, mine), (theirs, yours)):
        one.rpc("emobility.roaming.settlement", "action_invoice", [settlement])
    our_number, our_list = invoice_list(ours, mine)
    their_number, their_list = invoice_list(theirs, yours)
    assert documents(ours, mine) == {"out_invoice": [pytest.approx(10.84 * VAT, abs=0.005)]}
    assert documents(theirs, yours) == {"out_invoice": [pytest.approx(6.13 * VAT, abs=0.005)]}
    told = eventually("they told which CDRs their invoice is about", lambda: ours.search(
        "emobility.roaming.cdr", [("invoice_reference", "=", their_number)], "name"))  # fmt: skip
    assert {row["name"] for row in told} == set(their_list)
    wrong = their_list | {"KAI-WRONG": 2.63}
    wrong[next(name for name, amount in their_list.items() if amount == 2.13)] = 2.31
    wrong.pop(next(name for name, amount in their_list.items() if amount == 4.0))
    assert sorted(compare(ours, mine, their_number, wrong).values()) == ["1_different", "2_extra", "3_missing"]
    with page_for(as_user(ours), "admin", DESKTOP) as page:
        open_form(page, ours, "emobility_settlement.action_roaming_settlement", mine)
        page.wait_for_selector(".o_field_widget[name=line_ids] .o_data_row")
        picture(page, "settlement-differences")
    assert set(compare(ours, mine, their_number, their_list).values()) == {"4_matched"}
    assert sorted(compare(theirs, yours, our_number, our_list).values()) == ["2_extra", "4_matched", "4_matched"]
    pay(ours, mine)
    pay(theirs, yours)
    # They are right about the 18 kWh: our credit CDR and credit note end the dispute on both sides.
    [cdr] = ours.search("emobility.cdr", [("name", "=", doubtful["name"])], "id")
    [provider] = ours.search("emobility.roaming.partner", [("connection_id", "!=", False), ("role", "=", "EMSP")], "id")
    dispute = ours.rpc("emobility.roaming.dispute", "create", {
        "direction": "theirs", "roaming_partner_id": provider["id"], "cdr_id": cdr["id"], "reason": "energy",
        "amount": 5.4, "description": "18 kWh in one hour: it was another car."})  # fmt: skip
    ours.rpc("emobility.roaming.dispute", "action_open", [dispute])
    ours.rpc("emobility.roaming.dispute", "write", [dispute], {"answer": "You are right, the card was read wrongly."})
    with page_for(as_user(ours), "admin", DESKTOP) as page:
        open_form(page, ours, "emobility_settlement.action_roaming_dispute", dispute)
        picture(page, "settlement-dispute-theirs")
        page.locator("button[name=action_accept]").click()
        page.locator(".modal .btn-primary").click()
        expect(page.locator(".o_arrow_button_current[data-value=closed]")).to_be_visible()
    eventually("their CDR and our credit CDR cancel each other", lambda: len(
        received(theirs, ("check_state", "=", "credited"))) == 2)  # fmt: skip
    assert theirs.search("emobility.roaming.dispute", [], "state")[0]["state"] == "closed"
    eventually("the credit note is posted", lambda: ours.search(
        "account.move", [("move_type", "=", "out_refund"), ("state", "=", "posted")], "id"))  # fmt: skip
    assert documents(ours, mine)["out_refund"] == [pytest.approx(5.4 * VAT, abs=0.005)]
    left = round(5.44 * VAT, 2) - round(6.13 * VAT, 2)
    assert state_of(ours, mine)["balance"] == pytest.approx(left)
    assert state_of(theirs, yours)["balance"] == pytest.approx(-left)
    for one, settlement in ((ours, mine), (theirs, yours)):
        one.rpc("emobility.roaming.settlement", "action_net", [settlement])
    assert state_of(ours, mine)["balance"] == pytest.approx(left), "the set-off changes nothing of what is left"
    for one, settlement, kind in ((ours, mine, "in_invoice"), (theirs, yours, "out_invoice")):
        unpaid = one.search("account.move", [("id", "in", state_of(one, settlement)["move_ids"]),
                                             ("amount_residual", "!=", 0)], "move_type", "amount_residual")  # fmt: skip
        assert [(row["move_type"], row["amount_residual"]) for row in unpaid] == [(kind, pytest.approx(-left))]


def test_companies_of_our_database_roam_without_a_network(world: World) -> None:
    """Their sister's driver: the operator sees a roaming customer; both have their document; a correction follows."""
    ours = world.ours
    [sister] = ours.search("res.company", [("name", "=", "Lindenhof Fleet GmbH")], "partner_id")
    partner = ours.rpc("emobility.roaming.partner", "create", {
        "name": "Lindenhof Fleet", "country_code": "DE", "party_id": "LHF", "role": "EMSP",
        "partner_id": sister["partner_id"][0], "internal_company_id": sister["id"]})  # fmt: skip
    ours.rpc("emobility.roaming.agreement", "create", {
        "roaming_partner_id": partner, "direction": "sell", "legal_entity_id": sister["partner_id"][0],
        "date_from": "2020-01-01", "pricing": "percent", "share_percent": 70})  # fmt: skip
    charge(ours, "YARD-1", "sister-1", SISTER_CARD, "12", 50)
    [own] = eventually("the operator's session is billed", lambda: ours.search(
        "emobility.session", [("uid", "=", "sister-1"), ("state", "=", "done")], "contract_id", "token_id",
        "partner_id"))  # fmt: skip
    assert (own["contract_id"], own["token_id"], own["partner_id"][1]) == (False, False, "Lindenhof Fleet GmbH")
    eventually("the share is 70 % of 6.00", lambda: amounts_of(ours, "wholesale", own["id"]) == [4.2])
    settlement: int = ours.rpc("emobility.roaming.settlement", "create", {
        "roaming_partner_id": partner, "date_from": str(date.today() - timedelta(days=31)),
        "date_to": str(date.today())})  # fmt: skip
    ours.rpc("emobility.roaming.settlement", "action_collect", [settlement])
    ours.rpc("emobility.roaming.settlement", "action_invoice", [settlement])
    assert both_sides(ours, sister["id"], settlement, 1) == [("in_invoice", 4.2, round(4.2 * VAT, 2))]
    # The sister gives her driver 2.00 back: he pays 4.00, of which the share is 2.80.
    [mirror] = ours.search("emobility.session", [("origin_session_id", "=", own["id"])], "cdr_ids")
    correction = ours.rpc("emobility.correction", "create", {
        "kind": "reduce", "amount": 2.0, "cdr_ids": [(6, 0, mirror["cdr_ids"])], "company_id": sister["id"]},
        context={"allowed_company_ids": [sister["id"]]})  # fmt: skip
    ours.rpc("emobility.correction", "action_prepare", [correction])
    eventually("the preview is there", lambda: ours.search(
        "emobility.correction", [("id", "=", correction), ("state", "=", "ready")], "id"))  # fmt: skip
    ours.rpc("emobility.correction", "action_apply", [correction])
    eventually("the share is corrected", lambda: amounts_of(ours, "wholesale", own["id"]) == [4.2, -4.2, 2.8])
    assert both_sides(ours, sister["id"], settlement, 2) == [
        ("in_invoice", 4.2, round(4.2 * VAT, 2)), ("in_refund", 4.2, round(4.2 * VAT, 2))]  # fmt: skip
    with page_for(as_user(ours), "admin", DESKTOP) as page:
        open_form(page, ours, "emobility_billing.action_session", own["id"])
        picture(page, "roaming-internal-session")
        open_form(page, ours, "emobility_settlement.action_roaming_settlement", settlement)
        picture(page, "roaming-internal")
        page.locator("button[name=action_open_moves]").click()
        page.wait_for_selector(".o_list_view .o_data_row")
        picture(page, "roaming-internal-documents")


def amounts_of(one: Side, relation: str, session: int) -> list[float]:
    domain = [("session_id", "=", session), ("relation", "=", relation)]
    ratings = one.search("emobility.rating", domain, "amount_total")
    return [rating["amount_total"] for rating in ratings]


def both_sides(one: Side, sister: int, settlement: int, count: int) -> list[tuple[str, float, float]]:
    """The documents of the sister company, each the counterpart of one of ours."""
    def posted() -> Any:
        moves = state_of(one, settlement)["move_ids"]
        found = one.search("account.move", [("id", "in", moves), ("state", "=", "posted")], "name")
        return len(found) == count and found

    numbers = [move["name"] for move in eventually("our documents are posted", posted)]

    def theirs() -> Any:
        found = one.search("account.move", [("company_id", "=", sister), ("ref", "in", numbers)], "move_type",
                           "amount_untaxed", "amount_total")  # fmt: skip
        return len(found) == count and found

    return [(bill["move_type"], bill["amount_untaxed"], bill["amount_total"])
            for bill in eventually("so are theirs", theirs)]  # fmt: skip


def test_the_pages_of_the_month(world: World) -> None:
    ours = world.ours
    with page_for(as_user(ours), "admin", DESKTOP) as page:
        [agreement] = ours.search("emobility.roaming.agreement", [("direction", "=", "buy")], "id")
        open_form(page, ours, "emobility_settlement.action_roaming_agreement", agreement["id"])
        picture(page, "settlement-agreement")
        settlement = ours.search("emobility.roaming.settlement", [], "id")[0]
        open_form(page, ours, "emobility_settlement.action_roaming_settlement", settlement["id"])
        page.wait_for_selector(".o_field_widget[name=line_ids] .o_data_row")
        picture(page, "settlement-month")
        page.goto(f"{ours.url}/odoo/action-emobility_settlement.action_roaming_margin")
        page.wait_for_selector(".o_pivot table")
        picture(page, "settlement-margin")
        page.click(".o_switch_view.o_list")
        page.wait_for_selector(".o_list_view .o_data_row")
        picture(page, "settlement-margin-sessions")
        page.click(".o_data_row td[name=location_name]")
        page.wait_for_selector(".o_form_view .o_field_widget[name=uid]")
    with page_for(as_user(world.theirs, "driver"), "driver", PHONE) as page:
        page.goto(f"{world.theirs.url}/my/charging")
        assert_fits_the_width(page)
        picture(page, "roaming-portal-sessions")
