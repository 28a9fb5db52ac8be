# Runs in Odoo's shell: what an operator and a provider need, in the database that both are copied from.
# ruff: noqa: F821
from odoo import Command

env["res.lang"]._activate_lang("en_US")
company = env.company
company.write({"name": "Roaming", "country_id": env.ref("base.de").id})
env["account.chart.template"].try_loading("de_skr03", company, install_demo=False)
admin = env.ref("base.user_admin")
admin.group_ids |= env.ref("emobility_crm.group_manager")
euro = env.ref("base.EUR")
euro.active = True
plan = env["product.template"].create({"name": "Plan", "type": "service", "is_charging_plan": True})
tariff = env["emobility.tariff"].create(
    {
        "name": "Standard",
        "code": "STANDARD",
        "currency_id": euro.id,
        "price_mode": "net",
        "version_ids": [
            Command.create(
                {
                    "valid_from": "2020-01-01",
                    "element_ids": [
                        Command.create({"component_ids": [Command.create({"dimension": "ENERGY", "price": 0.5})]})
                    ],
                }
            )
        ],
    }
)
env["emobility.price.rule"].create({"tariff_id": tariff.id, "relation": "retail"})
location = env["emobility.location"].create(
    {"name": "Yard", "code": "YARD", "street": "Road 1", "zip": "10115", "city": "Berlin", "latitude": 52.5,
     "longitude": 13.4, "time_zone": "Europe/Berlin", "country_id": env.ref("base.de").id}
)
station = env["emobility.station"].create(
    {"identity": "YARD-1", "location_id": location.id, "accepted": True}
)
evse = env["emobility.evse"].create(
    {"uid": "YARD-1", "evse_id": "DE*CPO*E1", "location_id": location.id, "station_id": station.id,
     "ocpp_evse_number": 1}
)
env["emobility.connector"].create(
    {"evse_id": evse.id, "code": "1", "max_power_kw": 22, "ocpp_connector_number": 1}
)
for name in ("Driver", "Provider"):
    partner = env["res.partner"].create({"name": name, "email": f"{name.lower()}@example.com"})
    contract = env["contract.contract"].create(
        {"name": name, "partner_id": partner.id, "is_charging": True, "plan_id": plan.id,
         "billing_trigger": "monthly"}
    )
    contract.action_activate()
bridge = env["res.users"].create(
    {"name": "Bridge", "login": "bridge", "password": "bridge",
     "group_ids": [Command.set([env.ref("emobility_ocpp.group_bridge").id])]}
)
env.cr.commit()
