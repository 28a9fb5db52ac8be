# Runs in Odoo's shell: a company with a portal user, twelve drivers on its contract, and their sessions of the month.
# ruff: noqa: F821
from datetime import timedelta

from odoo import Command, fields

company = env.company
# A place of their own, so that their sessions meet no others.
depot = env["emobility.location"].create(
    {"name": "Depot Nord", "code": "LIN-0009", "street": "Hafenstr. 9", "zip": "10317", "city": "Berlin",
     "country_id": env.ref("base.de").id, "time_zone": "Europe/Berlin", "company_id": company.id}
)
fleet = env["res.partner"].create(
    {"name": "Kurier Nord GmbH", "is_company": True, "email": "fleet@kurier-nord.example.com", "street": "Hafenstr. 7",
     "zip": "10317", "city": "Berlin", "country_id": env.ref("base.de").id, "lang": "en_US",
     "charging_customer_type": "fleet", "company_id": company.id}
)
env["res.users"].create(
    {"name": fleet.name, "login": fleet.email, "partner_id": fleet.id, "password": "fleet-of-twelve",
     "tz": "Europe/Berlin",
     "company_id": company.id, "company_ids": [Command.set(company.ids)],
     "group_ids": [Command.set([env.ref("base.group_portal").id])]}
)
contract = env["contract.contract"].create(
    {"name": "Fleet of Kurier Nord", "partner_id": fleet.id, "is_charging": True, "company_id": company.id,
     "plan_id": env["product.template"].search([("is_charging_plan", "=", True)], order="id", limit=1).id,
     "cost_centre": "Head office"}
)
contract.action_activate()
names = ["Aylin Demir", "Ben Krüger", "Carla Neumann", "Deniz Aydin", "Emil Hartwig", "Farah Haddad", "Greta Lindqvist",
         "Henrik von der Heide-Brinkmann", "Ines Kowalski", "Jakub Nowak", "Kim Tran", "Leo Zimmermann"]
for number, name in enumerate(names):
    driver = env["res.partner"].create({"name": name, "parent_id": fleet.id, "type": "contact"})
    token = env["emobility.token"].create(
        {"uid": f"04F1EE7{number:02X}", "contract_id": contract.id, "partner_id": driver.id, "state": "active",
         "visual_number": f"KN-{101 + number}", "label": f"Van {number + 1}" if number % 3 else False,
         "cost_centre": (False, "Parcels", "Food")[number % 3], "monthly_limit": (0, 60, 150)[number % 3],
         "company_id": company.id}
    )
    evse = env["emobility.evse"].create(
        {"evse_id": f"DE*LIN*E09{number:02d}", "location_id": depot.id, "connector_ids": [
            Command.create({"code": "1", "standard": "IEC_62196_T2", "power_type": "AC_3_PHASE", "max_power_kw": 22})]}
    )
    for ride in range(1 + number % 4):
        start = fields.Datetime.now() - timedelta(hours=2 + 7 * number + 90 * ride)
        uid, end = f"fleet-{number}-{ride}", start + timedelta(minutes=110)
        events = [
            (start, "started", {"evse_id": evse.id, "connector_id": evse.connector_ids.id, "token_uid": token.uid,
                                "token_type": "RFID", "meter_kwh": "0", "authorization": "Accepted"}),
            (end, "ended", {"meter_kwh": f"{14 + 1.7 * number + ride:.3f}", "reason": "EVDisconnected"}),
            (end, "unplugged", {}),
        ]
        env["emobility.session"]._ingest_events(
            [{"uid": f"{uid}-{kind}", "source": "import", "session_uid": uid, "kind": kind,
              "at": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "payload": payload} for at, kind, payload in events]
        )
        env["emobility.session"].search([("uid", "=", uid)])._process()
env.cr.commit()
