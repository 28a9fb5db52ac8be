"""A billing run while it runs, the portal in the colours of a brand, and a complaint that goes to and fro."""

from __future__ import annotations

import json

import pytest
from browser import DESKTOP, PHONE, assert_fits_the_width, page_for, picture
from playwright.sync_api import expect

from runner import odoo
from runner.paths import RUNTIME
from runner.stack import Stack

GREEN = "rgb(27, 127, 75)"
# Customers with a session each, a run over them, and one chunk of it done: what a large run looks like meanwhile.
PREPARE = """
import json, os
from datetime import datetime, timedelta
company = env["res.company"].search([("name", "=", "Lindenstrom GmbH")]) or env["res.company"].search([], limit=1)
env = env(context={**env.context, "allowed_company_ids": company.ids})
plan = env["product.template"].search([("is_charging_plan", "=", True)], limit=1)
evses = env["emobility.evse"].search([("company_id", "=", company.id), ("connector_ids", "!=", False)])
start = datetime(2026, 2, 3, 8)
events = []
for number in range(24):
    partner = env["res.partner"].create({"name": f"Customer {number + 1:02}", "company_id": company.id})
    contract = env["contract.contract"].create({
        "name": f"Charging {partner.name}", "partner_id": partner.id, "is_charging": True, "plan_id": plan.id,
        "billing_trigger": "quarterly", "company_id": company.id})
    contract.action_activate()
    evse = evses[number % len(evses)]
    at = start + timedelta(hours=number)
    started = {"evse_id": evse.id, "connector_id": evse.connector_ids[0].id, "contract_id": contract.id}
    for kind, moment, payload in (("started", at, started),
                                  ("ended", at + timedelta(minutes=45), {"energy_kwh": f"{6 + number / 10:.3f}"})):
        events.append({"uid": f"page-{number}-{kind}", "source": "import", "session_uid": f"page-{number}",
                       "kind": kind, "at": moment.isoformat() + "Z", "payload": payload})
env["emobility.session"]._ingest_events(events)
sessions = env["emobility.session"].search([("uid", "like", "page-%")])
for session in sessions.filtered(lambda one: one.state == "ended"):
    session._process()
anna = env["res.users"].search([("login", "=", "anna.becker@example.com")]).partner_id
run = env["emobility.billing.run"].create({"date_to": "2026-03-01", "billing_trigger": "quarterly",
                                           "company_id": company.id})
run.action_prepare()
run.state = "running"
run.line_ids[:9]._bill()
own = env["contract.contract"].search([("partner_id", "=", anna.id)], limit=1)
evse = evses[0]
for kind, moment, payload in (
    ("started", "2026-02-01T08:00:00Z", {"evse_id": evse.id, "connector_id": evse.connector_ids[0].id,
                                         "contract_id": own.id}),
    ("ended", "2026-02-01T08:40:00Z", {"energy_kwh": "9.500"}),
):
    env["emobility.session"]._ingest_events([{"uid": f"own-{kind}", "source": "import", "session_uid": "own",
                                              "kind": kind, "at": moment, "payload": payload}])
session = env["emobility.session"].search([("uid", "=", "own")])
if session.state == "ended":
    session._process()
brand = env["emobility.brand"].create({
    "name": "Lindenblitz", "company_id": company.id, "primary_color": "#1b7f4b", "secondary_color": "#14213d",
    "support_phone": "+49 30 5550 2000", "legal_url": "https://blitz.example.com/terms",
    "imprint_url": "https://blitz.example.com/imprint", "privacy_url": "https://blitz.example.com/privacy"})
own.emobility_brand_id = brand
with open(os.environ["EMOBILITY_RESULT"], "w") as out:
    json.dump({"run": run.id, "session": session.id, "states": sessions.mapped("state"), "own": session.state}, out)
env.cr.commit()
"""


@pytest.fixture(scope="module")
def prepared(product: Stack) -> dict[str, object]:
    result = RUNTIME / "billing-pages.json"
    odoo.run_script(RUNTIME / f"{product.database}.conf", product.database, PREPARE, {"EMOBILITY_RESULT": str(result)},
                    log="billing-pages")
    found = json.loads(result.read_text())
    assert (set(found["states"]), found["own"]) == ({"done"}, "done")
    return found


def test_a_run_shows_its_progress_and_can_be_paused_and_resumed(product: Stack, prepared: dict[str, object]) -> None:
    with page_for(product, "manager", DESKTOP) as page:
        page.goto(f"{product.odoo_url}/odoo/emobility.billing.run/{prepared['run']}")
        bar = page.locator(".o_field_widget[name=progress]")
        expect(bar).to_contain_text("38")
        picture(page, "billing-run-running")
        page.get_by_role("button", name="Pause").click()
        expect(page.get_by_role("button", name="Resume")).to_be_visible()
        picture(page, "billing-run-paused")
        page.get_by_role("button", name="Resume").click()
        for _attempt in range(60):
            page.wait_for_timeout(2000)
            page.reload()
            page.wait_for_selector(".o_field_widget[name=state]")
            [run] = product.call("manager", "emobility.billing.run", "read", [prepared["run"]], ["state", "progress"])
            if run["state"] == "done":
                break
        assert (run["state"], run["progress"]) == ("done", 100.0)
    with page_for(product, "manager", PHONE) as page:
        page.goto(f"{product.odoo_url}/odoo/emobility.billing.run/{prepared['run']}")
        page.wait_for_selector(".o_field_widget[name=progress]")
        picture(page, "billing-run-phone")


def test_the_portal_has_the_brand_of_the_contract(product: Stack, prepared: dict[str, object]) -> None:
    for viewport, name in ((DESKTOP, "portal-brand"), (PHONE, "portal-brand-phone")):
        with page_for(product, "driver Anna", viewport) as page:
            page.goto(f"{product.odoo_url}/my/charging")
            bar = page.locator(".o_charging_brand")
            expect(bar).to_contain_text("Lindenblitz")
            expect(bar.get_by_role("link", name="Imprint")).to_have_attribute(
                "href", "https://blitz.example.com/imprint"
            )
            expect(page.locator(".nav-pills .nav-link.active").first).to_have_css("background-color", GREEN)
            footer = page.locator(".o_charging_brand_footer")
            expect(footer).to_contain_text("Lindenblitz")
            expect(footer.get_by_role("link", name="Privacy")).to_have_css("color", GREEN)
            assert_fits_the_width(page)
            picture(page, name)
    with page_for(product, "driver Jonas", PHONE) as page:
        page.goto(f"{product.odoo_url}/my/charging")
        expect(page.locator(".o_charging_brand")).to_have_count(0)


def test_a_driver_adds_to_a_complaint_and_withdraws_it_on_a_phone(product: Stack, prepared: dict[str, object]) -> None:
    with page_for(product, "driver Anna", PHONE) as page:
        page.goto(f"{product.odoo_url}/my/charging/{prepared['session']}/dispute")
        page.check("input[name=reason][value=energy]")
        page.fill("#dispute_text_input", "The car took 8 kWh only.")
        page.locator("#dispute_form button[type=submit]").click()
        page.fill("#dispute_reply_text", "I have found the photo of the display.")
        page.locator("#dispute_reply button[type=submit]").click()
        expect(page.locator("#dispute_messages")).to_contain_text("photo of the display")
        assert_fits_the_width(page)
        picture(page, "dispute-reply-phone", full_page=True)
        page.locator("#dispute_withdraw button").click()
        expect(page.locator("#dispute_answer")).to_contain_text("withdrawn")
        expect(page.locator("#dispute_reply")).to_have_count(0)
