# Runs in Odoo's shell: how fast messages of OCPI come in, beside Odoo's own `create` of the same rows.
# ruff: noqa: F821
import json
import os
import time
from datetime import UTC, datetime, timedelta

from fastapi.testclient import TestClient

from odoo.addons.emobility_roaming.ocpi.transport import authorization
from odoo.addons.fastapi.context import odoo_env_ctx

CDRS = int(os.environ["BENCH_CDRS"])
OBJECTS = int(os.environ["BENCH_OBJECTS"])
# Each is three objects: with an EVSE and a connector.
PLACES = OBJECTS // 3
SINGLE = min(CDRS, 300)
CALLS = 400
PAGE = 500
AT = datetime(2026, 3, 1, 10, tzinfo=UTC)

company = env.company
company.write({"emobility_country_code": "DE", "emobility_party_id": "ABC"})
connection = env["emobility.ocpi.connection"].create({"name": "Bench", "versions_url": "https://x.example.com/v",
                                                      "rate_limit": 10_000_000})  # fmt: skip
secret = connection._issue_token("credentials")
connection.write({"state": "connected", "version": "2.2.1"})
for role in ("CPO", "EMSP"):
    env["emobility.roaming.partner"].create({"name": role, "country_code": "NL", "party_id": "XYZ", "role": role,
                                             "connection_id": connection.id})  # fmt: skip
env["emobility.token"].create({"uid": "04AABB", "country_code": "DE", "party_id": "ABC", "state": "active"})
receiver = env["emobility.ocpi.receiver"]


def instant(number: int) -> str:
    return (AT + timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%SZ")


def cdr(number: int, prefix: str) -> dict:
    return {
        "country_code": "NL", "party_id": "XYZ", "id": f"{prefix}-{number}", "session_id": f"{prefix}-S{number}",
        "start_date_time": instant(number), "end_date_time": instant(number + 60),
        "cdr_token": {"country_code": "DE", "party_id": "ABC", "uid": "04AABB", "type": "RFID", "contract_id": "C"},
        "auth_method": "WHITELIST",
        "cdr_location": {
            "id": "L1", "address": "A", "city": "B", "country": "NLD",
            "coordinates": {"latitude": "52.1", "longitude": "4.1"}, "evse_uid": "E1", "evse_id": "NL*XYZ*E1",
            "connector_id": "1", "connector_standard": "IEC_62196_T2", "connector_format": "SOCKET",
            "connector_power_type": "AC_3_PHASE",
        },
        "currency": "EUR",
        "charging_periods": [
            {"start_date_time": instant(number + part), "dimensions": [{"type": "ENERGY", "volume": 1.5}]}
            for part in range(0, 60, 15)
        ],
        "total_cost": {"excl_vat": 4.0, "incl_vat": 4.76}, "total_energy": 6.0, "total_time": 1.0,
        "last_updated": instant(number + 60),
    }  # fmt: skip


def location(number: int) -> dict:
    connector = {"id": "1", "standard": "IEC_62196_T2", "format": "SOCKET", "power_type": "AC_3_PHASE",
                 "max_voltage": 230, "max_amperage": 32, "last_updated": instant(0)}  # fmt: skip
    return {
        "country_code": "NL", "party_id": "XYZ", "id": f"L-{number}", "publish": True, "name": f"Place {number}",
        "address": "A", "city": "B", "country": "NLD", "coordinates": {"latitude": "52.1", "longitude": "4.1"},
        "time_zone": "Europe/Amsterdam", "last_updated": instant(0),
        "evses": [{"uid": f"E-{number}", "status": "AVAILABLE", "connectors": [connector],
                   "last_updated": instant(0)}],
    }  # fmt: skip


def token(number: int) -> dict:
    return {"country_code": "NL", "party_id": "XYZ", "uid": f"05{number:08X}", "type": "RFID",
            "contract_id": f"C{number}", "issuer": "XYZ", "valid": True, "whitelist": "ALLOWED",
            "last_updated": instant(0)}  # fmt: skip


def per_second(count: int, work) -> float:
    begun = time.perf_counter()
    work()
    env.flush_all()
    env.cr.commit()
    return count / (time.perf_counter() - begun)


def pages(items: list, size: int = PAGE) -> list:
    return [items[start : start + size] for start in range(0, len(items), size)]


def pulled(module: str, items: list) -> float:
    """Pages as they arrive, as JSON; each is read, checked, kept, and made into records."""
    texts = [json.dumps(page) for page in pages(items)]

    def work() -> None:
        for text in texts:
            receiver._receive(connection, module, json.loads(text))
            env.flush_all()
            env.invalidate_all()

    return per_second(len(items), work)


def created(model, rows: list) -> float:
    """The same rows by `create`, in the same pages."""

    def work() -> None:
        for page in pages(rows):
            model.create(page)
            env.flush_all()
            env.invalidate_all()

    return per_second(len(rows), work)


def created_cdrs() -> float:
    rows = []
    for number in range(CDRS):
        data = cdr(number, "RAW")
        rows.append({
            "name": data["id"], "direction": "in", "connection_id": connection.id, "company_id": company.id,
            "country_code": "NL", "party_id": "XYZ", "version": "2.2.1", "session_ref": data["session_id"],
            "start_at": (AT + timedelta(minutes=number)).replace(tzinfo=None),
            "end_at": (AT + timedelta(minutes=number + 60)).replace(tzinfo=None), "energy_kwh": 6.0,
            "currency_code": "EUR", "currency_id": company.currency_id.id, "total_net": 4.0, "total_gross": 4.76,
            "has_gross": True, "token_uid": "04AABB", "contract_ref": "C", "data": data,
        })  # fmt: skip
    return created(env["emobility.roaming.cdr"]._as_system(), rows)


def created_tokens() -> float:
    rows = [{"uid": f"06{number:08X}", "token_type": "RFID", "country_code": "NL", "party_id": "XYZ",
             "state": "active"} for number in range(OBJECTS)]  # fmt: skip
    model = env["emobility.token"].with_context(tracking_disable=True)
    return created(model, rows)


def created_locations() -> float:
    def row(number: int) -> dict:
        connector = {"code": "1", "max_power_kw": 22.08}
        return {"name": f"Raw {number}", "code": f"RAW-{number}", "city": "B", "latitude": 52.1, "longitude": 4.1,
                "time_zone": "Europe/Amsterdam",
                "evse_ids": [(0, 0, {"uid": f"RAW-{number}", "connector_ids": [(0, 0, connector)]})]}  # fmt: skip

    model = env["emobility.location"].with_context(tracking_disable=True)
    rows = [row(number) for number in range(PLACES)]
    return created(model, rows)


def p99(times: list) -> float:
    return sorted(times)[int(len(times) * 0.99)] * 1000


def calls(client: TestClient, method: str, paths: list, bodies: list | None = None) -> list:
    times = []
    for number, path in enumerate(paths):
        begun = time.perf_counter()
        answer = client.request(method, path, json=bodies[number] if bodies else None)
        env.flush_all()
        env.cr.commit()
        times.append(time.perf_counter() - begun)
        assert answer.json()["status_code"] == 1000, answer.text
    return times


def over_the_application() -> dict:
    """Through routes, authentication, log and commit, without a network."""
    endpoint = env.ref("emobility_roaming.fastapi_endpoint_ocpi")
    mark = odoo_env_ctx.set(env(user=endpoint.user_id.id))
    try:
        headers = {"Authorization": authorization(secret, raw=False)}
        with TestClient(endpoint._get_app(), headers=headers) as client:
            calls(client, "GET", ["/versions"] * 20)
            empty = calls(client, "GET", ["/versions"] * CALLS)
            authorise = calls(client, "POST", ["/2.2.1/emsp/tokens/04AABB/authorize"] * CALLS)
            bodies = [cdr(number, "ONE") for number in range(SINGLE)]
            pushed = calls(client, "POST", ["/2.2.1/emsp/cdrs"] * SINGLE, bodies)
    finally:
        odoo_env_ctx.reset(mark)
    return {"empty": p99(empty), "authorise": p99(authorise), "pushed": SINGLE / sum(pushed)}


measures = {"cdr_create": created_cdrs(), "cdr_pull": pulled("cdrs", [cdr(number, "PULL") for number in range(CDRS)])}
app = over_the_application()
measures |= {
    "cdr_push": app["pushed"],
    "authorize_p99": app["authorise"],
    "empty_p99": app["empty"],
    "token_create": created_tokens(),
    "token_sync": pulled("tokens", [token(number) for number in range(OBJECTS)]),
    "location_create": created_locations(),
    "location_sync": pulled("locations", [location(number) for number in range(PLACES)]),
}
waiting = env["emobility.roaming.cdr"].search([("name", "=like", "PULL-%")], limit=min(CDRS, 500))
measures["cdr_to_session"] = per_second(len(waiting), waiting._apply)
with open(os.environ["BENCH_RESULT"], "w") as out:
    json.dump(measures, out)
