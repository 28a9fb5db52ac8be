"""Demonstration data: a small charging company. Runs inside `odoo shell`, which hands over `env`.

Writes the logins, the stations with their passwords and the bridge's API key to the file named in EMOBILITY_SEED_FILE.
"""

import base64
import io
import json
import os
import secrets
from datetime import datetime, timedelta
from pathlib import Path

from PIL import Image, ImageDraw

BAYS = 5  # at each station; the journeys use one each, so that none meets the sessions of another
PASSWORD = secrets.token_urlsafe(9)
env = env(context=dict(env.context, tracking_disable=True))  # noqa: F821  (given by the shell)
germany = env.ref("base.de")


def logo() -> bytes:
    """A plug on a green disc, drawn here so that the repository needs no picture of somebody's."""
    image = Image.new("RGBA", (480, 480), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.ellipse((10, 10, 470, 470), fill="#0f766e")
    draw.rounded_rectangle((150, 190, 330, 320), 30, fill="white")
    draw.rectangle((185, 110, 210, 195), fill="white")
    draw.rectangle((270, 110, 295, 195), fill="white")
    draw.rectangle((225, 320, 255, 400), fill="white")
    out = io.BytesIO()
    image.save(out, "PNG")
    return base64.b64encode(out.getvalue())


def make_company():
    company = env.company
    company.write({
        "name": "Lindenstrom Laden GmbH", "street": "Lindenallee 12", "zip": "10115", "city": "Berlin",
        "country_id": germany.id, "email": "billing@example.com", "phone": "+49 30 5550 1000",
        "website": "https://lindenstrom.example.com", "vat": "DE136695976", "logo": logo(),
        "primary_color": "#0f766e", "secondary_color": "#134e4a",
        "emobility_country_code": "DE", "emobility_party_id": "LIN",
    })
    env["account.chart.template"].try_loading("de_skr03", company, install_demo=False)
    env["res.partner.bank"].create({
        "acc_number": "DE75512108001245126199", "partner_id": company.partner_id.id, "allow_out_payment": True,
    })
    return company


def make_users(company):
    roles = {
        "admin": ("admin", None, "Mitchell Admin"),
        "clerk": ("clerk", "emobility_crm.group_user", "Clara Clerk"),
        "manager": ("manager", "emobility_crm.group_manager", "Max Manager"),
    }
    logins = {}
    for role, (login, group, name) in roles.items():
        if group is None:
            user = env.ref("base.user_admin")
            user.write({"password": PASSWORD, "email": "admin@example.com",
                        "group_ids": [(4, env.ref("emobility_crm.group_manager").id)]})
        else:
            groups = [group, "account.group_account_invoice"]
            env["res.users"].create({
                "name": name, "login": login, "password": PASSWORD, "email": f"{login}@example.com",
                "company_id": company.id, "company_ids": [(6, 0, company.ids)],
                "group_ids": [(4, env.ref(xmlid).id) for xmlid in groups],
            })
        logins[role] = {"login": login, "password": PASSWORD}
    return logins


def make_bridge_user(company):
    user = env["res.users"].create({
        "name": "OCPP bridge", "login": "bridge", "email": "bridge@example.com",
        "company_id": company.id, "company_ids": [(6, 0, company.ids)],
        "group_ids": [(6, 0, env.ref("emobility_ocpp.group_bridge").ids)],
    })
    key = env(user=user.id)["res.users.apikeys"]._generate(
        "rpc", "OCPP bridge", datetime.now() + timedelta(days=89))
    return {"login": user.login, "api_key": key}


def make_provider(company):
    provider = env.ref("payment.payment_provider_demo")
    if provider.company_id != company:
        provider = provider.copy({"company_id": company.id})
    provider.write({"state": "test", "is_published": True})
    return provider


def make_tariff(company):
    energy = lambda price: {"dimension": "ENERGY", "price": price, "step_size": 1}  # noqa: E731
    time = {"dimension": "TIME", "price": 0.60, "step_size": 1}
    parking = {"dimension": "PARKING_TIME", "price": 6.00, "step_size": 1}
    elements = [
        {"sequence": 10, "start_time": 8.0, "end_time": 20.0, "components": [energy(0.59)]},
        {"sequence": 20, "components": [energy(0.49), time, parking]},
    ]
    tariff = env["emobility.tariff"].create({
        "name": "Stadtladen", "code": "STADT", "currency_id": company.currency_id.id, "price_mode": "gross",
        "company_id": company.id,
    })
    env["emobility.tariff.version"].create({
        "tariff_id": tariff.id, "valid_from": "2016-01-01 00:00:00",
        "element_ids": [
            (0, 0, {**{k: v for k, v in element.items() if k != "components"},
                    "component_ids": [(0, 0, component) for component in element["components"]]})
            for element in elements
        ],
    })
    env["emobility.price.rule"].create({
        "tariff_id": tariff.id, "relation": "retail", "company_id": company.id, "sequence": 10,
    })
    return tariff


def make_walk_up(company, provider):
    """Charging without a contract: a price for it, and a provider that holds an amount and captures a part."""
    tariff = env["emobility.tariff"].create({
        "name": "Ad hoc", "code": "ADHOC", "currency_id": company.currency_id.id, "price_mode": "gross",
        "company_id": company.id,
    })
    env["emobility.tariff.version"].create({
        "tariff_id": tariff.id, "valid_from": "2016-01-01 00:00:00", "element_ids": [(0, 0, {"component_ids": [
            (0, 0, {"dimension": "ENERGY", "price": 0.59}), (0, 0, {"dimension": "TIME", "price": 0.60}),
        ]})],
    })
    env["emobility.price.rule"].create({"tariff_id": tariff.id, "relation": "adhoc", "company_id": company.id})
    holds = provider.copy({"name": "Demo holds", "company_id": company.id})
    holds.write({"state": "test", "is_published": True, "capture_manually": True})


def make_terminal(company, stations):
    """A card terminal for the points of the first station; returns its key."""
    provider = env.ref("emobility_terminal.payment_provider_terminal")
    if provider.company_id != company:
        provider = provider.copy({"company_id": company.id})
    provider.state = "test"
    station = env["emobility.station"].search([("identity", "=", stations[0]["identity"])])
    terminal = env["emobility.terminal"].create({
        "name": "Car park, entrance", "serial": "T1-0815", "provider_id": provider.id, "company_id": company.id,
        "evse_ids": [(6, 0, station.evse_ids.ids)],
    })
    return terminal.action_new_key()["context"]["default_secret"]


def make_contract(company, provider, customer, plan, trigger):
    contract = env["contract.contract"].create({
        "name": f"Charging {customer.name}", "partner_id": customer.id, "is_charging": True, "plan_id": plan.id,
        "billing_trigger": trigger, "company_id": company.id,
        "payment_token_id": env["payment.token"].create({
            "provider_id": provider.id, "partner_id": customer.id, "provider_ref": f"demo-{customer.id}",
            "payment_method_id": env.ref("payment_demo.payment_method_demo").id, "payment_details": "4242",
            "demo_simulated_state": "done",
        }).id,
    })
    contract.action_activate()
    return contract


def make_token(contract, uid, driver):
    token = env["emobility.token"].create({
        "uid": uid, "token_type": "RFID", "contract_id": contract.id, "partner_id": driver.id,
        "visual_number": f"LIN-{uid[-6:]}",
    })
    token.write({"state": "active"})
    return token


def make_stations(company):
    location = env["emobility.location"].create({
        "name": "Rathausplatz", "code": "LIN-0001", "street": "Rathausplatz 1", "zip": "10178", "city": "Berlin",
        "country_id": germany.id, "latitude": 52.5186, "longitude": 13.4083, "time_zone": "Europe/Berlin",
        "operator_id": company.partner_id.id, "company_id": company.id, "is_published": True,
    })
    rows = []
    for number, (identity, ocpp, power) in enumerate((("LIN-AC-16", "1.6", 22.0), ("LIN-DC-201", "2.0.1", 150.0)), 1):
        station = env["emobility.station"].create({
            "identity": identity, "location_id": location.id, "accepted": True, "company_id": company.id,
        })
        dc = power > 50
        for bay in range(1, BAYS + 1):
            env["emobility.evse"].create({
                "evse_id": f"DE*LIN*E{number:02d}{bay:02d}", "location_id": location.id, "station_id": station.id,
                "physical_reference": f"{identity} bay {bay}", "ocpp_evse_number": bay, "clock_certified": True,
                "connector_ids": [(0, 0, {
                    "code": "1", "standard": "IEC_62196_T2_COMBO" if dc else "IEC_62196_T2",
                    "power_type": "DC" if dc else "AC_3_PHASE", "max_power_kw": power, "ocpp_connector_number": 1,
                })],
            })
        secret = station.action_new_password()["context"]["default_secret"]
        rows.append({"identity": identity, "password": secret, "ocpp": ocpp})
    return rows


def main():
    company = make_company()
    users = make_users(company)
    provider = make_provider(company)
    make_tariff(company)
    make_walk_up(company, provider)
    plan = env["product.template"].create({
        "name": "Lindenstrom Basis", "type": "service", "is_charging_plan": True, "list_price": 0.0})
    group = env["emobility.customer.group"].create({"name": "Private", "code": "PRIVATE", "company_id": company.id})
    customers = [
        ("Anna Becker", "anna.becker@example.com", "04A1B2C3D4E501"),
        ("Jonas Vogel", "jonas.vogel@example.com", "04A1B2C3D4E502"),
    ]
    stations = make_stations(company)
    for station, (name, email, uid) in zip(stations, customers, strict=True):
        customer = env["res.partner"].create({
            "name": name, "email": email, "street": "Gartenweg 5", "zip": "10405", "city": "Berlin",
            "country_id": germany.id, "customer_group_id": group.id, "company_id": company.id, "lang": "en_US",
        })
        contract = make_contract(company, provider, customer, plan, "session")
        station["token"] = make_token(contract, uid, customer).uid
        env["res.users"].create({
            "name": name, "login": email, "partner_id": customer.id, "password": PASSWORD,
            "company_id": company.id, "company_ids": [(6, 0, company.ids)],
            "group_ids": [(6, 0, env.ref("base.group_portal").ids)],
        })
        users[f"driver {name.split()[0]}"] = {"login": email, "password": PASSWORD}
    env["ir.config_parameter"].set_param("web.base.url", os.environ["EMOBILITY_SEED_URL"])
    env["ir.config_parameter"].set_param("web.base.url.freeze", "True")
    result = {"bridge": make_bridge_user(company), "stations": stations, "users": users,
              "terminal": make_terminal(company, stations)}
    env.cr.commit()  # pylint: disable=invalid-commit
    file = Path(os.environ["EMOBILITY_SEED_FILE"])
    file.touch(0o600)
    file.write_text(json.dumps(result, indent=2))


main()
