"""Runs in Odoo's shell, which hands over `env`: a charging point with a price, and sessions that phones watch."""

import json
import os
from pathlib import Path

from odoo.addons.bus.websocket import WebsocketConnectionHandler

WATCHING = int(os.environ["BENCH_WATCHING"])
env = env  # noqa: F821, PLW0127  (given by the shell)
company = env.company
tariff = env["emobility.tariff"].create({
    "name": "Ad hoc", "code": "BENCH", "price_mode": "gross", "version_ids": [(0, 0, {
        "valid_from": "2020-01-01", "idle_price": 6.0, "idle_grace": 30, "element_ids": [(0, 0, {"component_ids": [
            (0, 0, {"dimension": "ENERGY", "price": 0.59}), (0, 0, {"dimension": "FLAT", "price": 0.35}),
        ]})],
    })],
})
env["emobility.price.rule"].create({"tariff_id": tariff.id, "relation": "adhoc"})
location = env["emobility.location"].create({"name": "Bench", "time_zone": "Europe/Berlin", "is_public": True})
evse = env["emobility.evse"].create({"location_id": location.id, "connector_ids": [(0, 0, {
    "code": "1", "power_type": "DC", "max_power_kw": 150.0})]})
sessions = env["emobility.adhoc.session"]
made = [sessions._check_out(evse, email=None, lang="en_US", client=f"bench-{number}") for number in range(WATCHING)]
Path(os.environ["BENCH_RESULT"]).write_text(json.dumps({
    "page": f"/charge/{evse.adhoc_code}",
    "sessions": [[one._session_path(), one._channel()] for one in made],
    "version": WebsocketConnectionHandler._VERSION,
}))
env.cr.commit()  # pylint: disable=invalid-commit
