"""Databases that roam with each other over HTTP: each a company with an Odoo process of its own."""

from __future__ import annotations

import time
import xmlrpc.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from runner import odoo
from runner.postgres import Server, running
from runner.services import Service, Services, free_port
from runner.stack import aim_queue, odoo_service

SEED = Path(__file__).with_name("roaming_seed.py")
SOURCE = "emobility_roaming_source"
PATIENCE = 180


@dataclass
class Side:
    """One company in a database of its own."""

    database: str
    url: str
    config: Path
    uids: dict[str, int] = field(default_factory=dict)

    def rpc(self, model: str, method: str, *args: Any, user: str = "admin", **kwargs: Any) -> Any:
        if user not in self.uids:
            common = xmlrpc.client.ServerProxy(f"{self.url}/xmlrpc/2/common", allow_none=True)
            self.uids[user] = common.authenticate(self.database, user, user, {})
        models = xmlrpc.client.ServerProxy(f"{self.url}/xmlrpc/2/object", allow_none=True)
        try:
            return models.execute_kw(self.database, self.uids[user], user, model, method, list(args), kwargs)
        except xmlrpc.client.Fault as fault:
            # Odoo's XML-RPC has no way to say that a method returned nothing; it has been done by then.
            if "cannot marshal None" in fault.faultString:
                return None
            raise

    def search(self, model: str, domain: list[Any], *fields: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.rpc(model, "search_read", domain, fields=list(fields), order="id")
        return rows

    def act(self, text: str) -> None:
        """Run statements in the process of the side, as a server action: for what a page does and no RPC may."""
        [model] = self.search("ir.model", [("model", "=", "res.company")], "id")
        action = self.rpc("ir.actions.server", "create", {
            "name": "Act", "model_id": model["id"], "state": "code", "code": text})  # fmt: skip
        self.rpc("ir.actions.server", "run", [action])

    def script(self, text: str) -> None:
        odoo.run_script(self.config, self.database, text, {}, log=f"{self.database}-script")


def eventually(what: str, condition: Callable[[], Any]) -> Any:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if found := condition():
            return found
        time.sleep(0.5)
    raise AssertionError(f"waited in vain: {what}")


@contextmanager
def side(server: Server, services: Services, name: str, party: tuple[str, str]) -> Iterator[Side]:
    database = f"emobility_roaming_{name}"
    server.drop(database)
    server.create(database, SOURCE)
    port = free_port(8369)
    config = odoo.write_config(database, server, workers=0, max_cron_threads=0, proxy_mode=False, http_port=port,
                               gevent_port=free_port(8372), db_name=database)  # fmt: skip
    aim_queue(config, port)
    service: Service = odoo_service(database, config, port)
    services.start(service).wait_until_healthy()
    one = Side(database, f"http://127.0.0.1:{port}", config)
    one.rpc("res.company", "write", [1], {"emobility_country_code": party[0], "emobility_party_id": party[1]})
    one.rpc("ir.config_parameter", "set_param", "emobility_roaming.public_url", one.url)
    yield one


@pytest.fixture(scope="session")
def roaming_source() -> Iterator[Server]:
    """The database that all sides are copied from, made once."""
    with running() as server:
        config = odoo.write_config(SOURCE, server, workers=0, max_cron_threads=0, proxy_mode=False)
        odoo.installed_database(server, config, SOURCE)
        odoo.run_script(config, SOURCE, SEED.read_text(), {}, log="roaming-seed")
        yield server
