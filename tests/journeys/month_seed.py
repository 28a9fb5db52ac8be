# Runs in Odoo's shell: nine customers of the demonstration company, each with a site whose sessions they pay, and each
# with another way of paying. Writes their contracts to the file named in EMOBILITY_RESULT.
# ruff: noqa: F821
import json
import os
from pathlib import Path

from freezegun import freeze_time

from odoo import Command

env = env(context=dict(env.context, tracking_disable=True))
company = env.company
env.ref("base.user_admin").group_ids |= env.ref("account.group_account_basic")  # the accountant
germany = env.ref("base.de")
group = env["emobility.customer.group"].create({"name": "Business", "code": "BUSINESS", "company_id": company.id})
net_14 = env["account.payment.term"].create({
    "name": "14 days", "line_ids": [Command.create({"value": "percent", "value_amount": 100, "nb_days": 14})],
})
tariff = env["emobility.tariff"].create({
    "name": "Month", "code": "MONTH", "currency_id": company.currency_id.id, "price_mode": "gross",
    "company_id": company.id,
    "version_ids": [Command.create({"valid_from": "2016-01-01", "element_ids": [
        Command.create({"start_time": 8, "end_time": 20,
                        "component_ids": [Command.create({"dimension": "ENERGY", "price": 0.35})]}),
        Command.create({"component_ids": [Command.create({"dimension": "ENERGY", "price": 0.29}),
                                          Command.create({"dimension": "FLAT", "price": 0.38})]}),
    ]})],
})
env["emobility.price.rule"].create({
    "tariff_id": tariff.id, "relation": "retail", "company_id": company.id, "customer_group_id": group.id,
    "sequence": 5,
})
cheaper = tariff.copy({"name": "Month, agreed price", "code": "MONTH-AGREED"})
cheaper.version_ids.element_ids.component_ids.filtered(lambda row: row.dimension == "ENERGY").price = 0.25

plan = env["product.template"].create({
    "name": "Lindenstrom Business", "type": "service", "is_charging_plan": True, "list_price": 0.0,
    "plan_base_fee": 9.90, "plan_period": "monthly",
})

# Direct debit, reminders, prepaid balances, DATEV: as the settings do it.
bank = env["account.journal"].search([("type", "=", "bank"), ("company_id", "=", company.id)], limit=1)
bank.bank_account_id = company.partner_id.bank_ids[:1]
company.write({
    "sepa_creditor_identifier": "DE98ZZZ09999999999", "emobility_prenotification_days": 0, "emobility_return_fee": 4.50,
    "emobility_datev_consultant": "1001", "emobility_datev_client": "1",
})
company._emobility_set_up_debit()
company._emobility_set_up_dunning()
company._emobility_set_up_wallets()
company._emobility_set_up_references()

demo = env["payment.provider"].search([("code", "=", "demo"), ("company_id", "=", company.id)], limit=1)
demo.journal_id = bank


def card(partner, outcome):
    return env["payment.token"].create({
        "provider_id": demo.id, "partner_id": partner.id, "provider_ref": f"month-{partner.id}",
        "payment_method_id": env.ref("payment_demo.payment_method_demo").id, "payment_details": "4242",
        "demo_simulated_state": outcome,
    })


def top_up(contract, amount):
    """The payer pays by card in the portal; the balance reloads itself from the same card."""
    wallet = contract._wallet()
    wallet.write({"payment_token_id": contract.payment_token_id.id, "reload_below": 20, "reload_amount": 50})
    transaction = env["payment.transaction"].create({
        "provider_id": demo.id, "payment_method_id": contract.payment_token_id.payment_method_id.id,
        "reference": f"TOPUP-{contract.id}", "amount": amount, "currency_id": company.currency_id.id,
        "partner_id": wallet.partner_id.id, "token_id": contract.payment_token_id.id, "operation": "online_token",
        "emobility_wallet_id": wallet.id,
    })
    transaction._charge_with_token()
    transaction._post_process()


IBANS = {"debit": "DE02120300000000202051", "returned": "DE02500105170137075030"}
CUSTOMERS = (  # site in the file, customer, how they pay
    ("Broxden Park & Ride", "Kurierdienst Nord GmbH", "debit"),
    ("Kinross Park and Ride", "Pflege mobil GmbH", "returned"),
    ("South Inch Car Park", "Bäckerei Sommer GmbH", "card"),
    ("Rie-Achan Road Car Park, Pitlochry", "Handwerk Winter GmbH", "declined"),
    ("Leslie Street Car Park, Blairgowrie", "Kanzlei Morgen GbR", "transfer"),
    ("King Street Car Park", "Spedition Abend GmbH", "never"),
    ("Moness Terrace Car Park, Aberfeldy", "Gärtnerei Herbst GmbH", "correction"),
    ("Friarton Depot", "Stadtwerke Depot GmbH", "prepaid"),
    ("Crown Inn Wynd Car Park, Auchterarder", "Hotel Krone GmbH", "instalments"),
)
contracts = {}
for number, (site, name, pays) in enumerate(CUSTOMERS, 1):
    partner = env["res.partner"].create({
        "name": name, "email": f"{pays}@example.com", "street": f"Werkstraße {number}", "zip": "10999",
        "city": "Berlin", "country_id": germany.id, "customer_group_id": group.id, "company_id": company.id,
        "is_company": True, "lang": "en_US",
    })
    contract = env["contract.contract"].create({
        "name": f"Charging {name}", "partner_id": partner.id, "is_charging": True, "plan_id": plan.id,
        "billing_trigger": "monthly", "company_id": company.id, "payment_term_id": net_14.id,
        "date_start": "2016-10-01",
    })
    with freeze_time("2016-10-01 08:00:00"):
        contract.action_activate()
    if pays in IBANS:
        env["account.banking.mandate"]._sign(contract, IBANS[pays], name, {"signed_name": name})
    elif pays in ("card", "declined", "prepaid"):
        contract.payment_token_id = card(partner, "error" if pays == "declined" else "done")
    env["emobility.location"].create({
        "name": site, "street": site, "city": "Berlin", "zip": "10999", "country_id": germany.id,
        "time_zone": "Europe/Berlin", "operator_id": company.partner_id.id, "company_id": company.id,
        "default_contract_id": contract.id,
    })
    if pays == "prepaid":
        contract.is_prepaid = True
        top_up(contract, 400)
    contracts[pays] = contract.id

profile = env["emobility.import.profile"].search([("code", "=", "perth_kinross")], limit=1)
profile.write({"create_contracts": False, "time_zone": "Europe/Berlin"})
env.cr.commit()  # pylint: disable=invalid-commit
env.registry.signal_changes()  # Odoo is running, and knows the old rights
Path(os.environ["EMOBILITY_RESULT"]).write_text(json.dumps(contracts))
