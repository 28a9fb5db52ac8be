"""Runs in Odoo's shell, which hands over `env`: fills the database with customers and measures what must not grow.

Rows are cloned in the database from one that the ORM made, because the ORM would take hours for so many.
"""

import json
import os
import time
from pathlib import Path

CUSTOMERS = int(os.environ["BENCH_CUSTOMERS"])
EVSES = int(os.environ["BENCH_EVSES"])
RULES = 200
env = env  # noqa: F821, PLW0127  (given by the shell)
cr = env.cr


def clone(record, count, **expressions):
    """Copy one row `count` times; `expressions` are SQL over the counter g. Returns the first new id."""
    table = record._table
    env.flush_all()
    cr.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table])
    columns = [name for (name,) in cr.fetchall() if name != "id"]
    cr.execute(f"SELECT max(id) + 1 FROM {table}")
    first = cr.fetchone()[0]
    values = [expressions.get(name, f't."{name}"') for name in columns]
    names = ", ".join(f'"{name}"' for name in columns)
    cr.execute(
        f"INSERT INTO {table} (id, {names}) SELECT {first} + g - 1, {', '.join(values)}"
        f" FROM {table} t CROSS JOIN generate_series(1, {count}) g WHERE t.id = {record.id}"
    )
    cr.execute(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))")
    return first


def seed():
    company = env.company
    company.write({"emobility_country_code": "DE", "emobility_party_id": "BEN"})
    plan = env["product.template"].create({"name": "Bench plan", "type": "service", "is_charging_plan": True})
    partner = env["res.partner"].create(
        {"name": "Bench customer", "email": "bench@example.com", "phone": "030 1234567"}
    )
    contract = env["contract.contract"].create(
        {"name": "Bench contract", "partner_id": partner.id, "is_charging": True, "plan_id": plan.id}
    )
    token = env["emobility.token"].create({"uid": "BENCH", "contract_id": contract.id, "state": "active"})
    location = env["emobility.location"].create({"name": "Bench place", "time_zone": "Europe/Berlin"})
    evse = env["emobility.evse"].create({"location_id": location.id, "evse_id": "DE*BEN*E0"})
    connector = env["emobility.connector"].create({"evse_id": evse.id, "max_power_kw": 22})
    tariff = env["emobility.tariff"].create({
        "name": "Bench", "code": "BENCH", "currency_id": company.currency_id.id,
        "version_ids": [(0, 0, {"valid_from": "2020-01-01", "element_ids": [
            (0, 0, {"component_ids": [(0, 0, {"dimension": "ENERGY", "price": 0.5})]})]})],
    })
    rules = [{"tariff_id": tariff.id}]
    rules += [{"tariff_id": tariff.id, "plan_id": plan.copy().id} for _number in range(RULES)]
    env["emobility.price.rule"].create(rules)
    contract.action_activate()

    partners = env["res.partner"].search([], order="id desc", limit=1).id + 1
    clone(partner, CUSTOMERS, name="'Customer ' || g", complete_name="'Customer ' || g",
          email="'customer' || g || '@example.com'", email_normalized="'customer' || g || '@example.com'",
          phone_key="lpad(g::text, 8, '0')", commercial_partner_id=f"{partners} + g - 1")
    contracts = clone(contract, CUSTOMERS, name="'Contract ' || g", code="'C-' || g",
                      partner_id=f"{partners} + g - 1", invoice_partner_id=f"{partners} + g - 1",
                      commercial_partner_id=f"{partners} + g - 1",
                      emaid="'DEBENC' || lpad((g + 1000)::text, 8, '0')")
    clone(contract.phase_ids, CUSTOMERS, contract_id=f"{contracts} + g - 1")
    clone(token, CUSTOMERS, uid="'04' || upper(lpad(to_hex(g), 12, '0'))", visual_number="'BEN-' || g",
          contract_id=f"{contracts} + g - 1", partner_id=f"{partners} + g - 1")
    places = clone(location, max(1, EVSES // 4), name="'Place ' || g", code="'PLACE' || g")
    evses = clone(evse, EVSES, uid="'BENCH' || g", evse_id="'DE*BEN*E' || g", location_id=f"{places} + (g - 1) / 4")
    clone(connector, EVSES, evse_id=f"{evses} + g - 1")
    cr.execute("ANALYZE")
    env.invalidate_all()
    return contracts + CUSTOMERS // 2, evses + EVSES // 2


def measure(call):
    """Milliseconds and queries of a call with an empty cache: the least of five, after one to warm up."""
    times, queries = [], []
    for _number in range(6):
        env.invalidate_all()
        before, start = cr.sql_log_count, time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1000)
        queries.append(cr.sql_log_count - before)
    return {"ms": min(times[1:]), "queries": min(queries[1:])}


def plan(query, *params):
    cr.execute("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) " + query, params)
    return [line for (line,) in cr.fetchall()]


contract_id, evse_id = seed()
middle = CUSTOMERS // 2
uid = f"04{middle:012x}".upper()
tokens, rules = env["emobility.token"], env["emobility.price.rule"]
calls = {
    "authorise a token": lambda: tokens._find_by_uid(uid, env.company)._authorization_status(),
    "explain a price": lambda: rules._answer(
        env.company, env["contract.contract"].browse(contract_id), env["emobility.evse"].browse(evse_id),
        env["emobility.connector"], cr.now()),
    "list of contracts, first page": lambda: env["contract.contract"].web_search_read(
        [("is_charging", "=", True)], {"name": {}, "partner_id": {"fields": {"display_name": {}}},
                                       "token_count": {}, "charging_state": {}}, limit=80),
    "list of tokens, first page": lambda: tokens.web_search_read(
        [], {"uid": {}, "state": {}, "contract_id": {"fields": {"display_name": {}}}}, limit=80),
    "search a token by its printed number": lambda: tokens.name_search(f"BEN-{middle}", operator="=", limit=8),
    "search an EVSE by its ID": lambda: env["emobility.evse"].name_search(
        f"DE*BEN*E{EVSES // 2}", operator="=", limit=8),
    "duplicates of a customer": lambda: env["res.partner"]._find_charging_duplicates(
        f"customer{middle}@example.com", "030 1234567"),
}
result = {"measures": {name: measure(call) for name, call in calls.items()}}
result["plans"] = {
    "token by UID": plan("SELECT id FROM emobility_token WHERE company_id = %s AND uid IN (%s)", env.company.id, uid),
    "phases of a contract": plan("SELECT id FROM emobility_contract_phase WHERE contract_id = %s", contract_id),
    "first page of the contracts": plan(
        "SELECT id FROM contract_contract WHERE is_charging ORDER BY code, name LIMIT 80"),
    "duplicates by e-mail or phone": plan(
        "SELECT id FROM res_partner WHERE email_normalized = %s OR phone_key = %s", f"customer{middle}@example.com",
        f"{middle:08d}"),
    "contracts of a customer": plan(
        "SELECT id FROM contract_contract WHERE partner_id = %s", env["res.partner"].search([], limit=1).id),
}
Path(os.environ["BENCH_RESULT"]).write_text(json.dumps(result))
cr.rollback()
