"""The whole product on loopback: PostgreSQL, a mail sink, Odoo, the bridge; used by the demo and by the journeys."""

from __future__ import annotations

import json
import shutil
import xmlrpc.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner import odoo
from runner.console import step
from runner.paths import PYTHON, ROOT, RUNTIME
from runner.postgres import Server, running
from runner.services import Service, Services, free_port

SEED = ROOT / "demo" / "seed.py"


@dataclass
class Stack:
    """The running product and how to reach it."""

    database: str
    odoo_url: str
    bridge_url: str
    mail_folder: Path
    seed: dict[str, Any]
    odoo: Service
    bridge: Service

    def clerk(self, model: str, method: str, *args: Any, **kwargs: Any) -> Any:
        """Calls Odoo over XML-RPC as the demo's clerk would."""
        return self.call("clerk", model, method, *args, **kwargs)

    def call(self, role: str, model: str, method: str, *args: Any, **kwargs: Any) -> Any:
        """Calls Odoo over XML-RPC as one of the seeded users would."""
        user = self.seed["users"][role]
        common = xmlrpc.client.ServerProxy(f"{self.odoo_url}/xmlrpc/2/common", allow_none=True)
        uid = common.authenticate(self.database, user["login"], user["password"], {})
        models = xmlrpc.client.ServerProxy(f"{self.odoo_url}/xmlrpc/2/object", allow_none=True)
        return models.execute_kw(self.database, uid, user["password"], model, method, list(args), kwargs)

    def station_command(self, station: dict[str, Any], *options: str) -> list[str]:
        """The command line of a simulated station, one of the seeded ones, that charges with its driver's token."""
        return self._simulator(station, "--token", station["token"], *options)

    def waiting_station(self, station: dict[str, Any], evse: int, energy_kwh: int = 11) -> Service:
        """A simulated station that stays connected and charges, in real time, when Odoo starts it remotely."""
        command = self._simulator(station, "--serve", "--live", "--evse", str(evse), "--minutes", "60",
                                  "--energy-kwh", str(energy_kwh))
        return Service(f"{self.database}-{station['identity']}", command)

    def card_terminal(self, port: int) -> Service:
        """The simulated card terminal, whose display is a page at this port of loopback."""
        program = ROOT / "demo" / "terminal.py"
        options = ["--url", self.odoo_url, "--key", self.seed["terminal"], "--port", str(port)]
        return Service(f"{self.database}-terminal", [str(PYTHON), str(program), *options])

    def _simulator(self, station: dict[str, Any], *options: str) -> list[str]:
        return [str(PYTHON), "-m", "station_simulator", "--url", self.bridge_url, "--identity", station["identity"],
                "--password", station["password"], "--ocpp", station["ocpp"], *options]


@contextmanager
def stack(database: str, *, fresh: bool, test_addons: tuple[str, ...] = (), ports: int = 8000) -> Iterator[Stack]:
    """Starts everything; `fresh` makes the database anew, else an existing one is used as it is.

    :param ports: its servers listen at free ports from here on; two that start at the same time need different ones
    """
    with running() as server, Services() as services:
        mail_port, odoo_port, bridge_port = free_port(ports + 25), free_port(ports + 69), free_port(ports + 1000)
        config = odoo.write_config(database, server, workers=0, max_cron_threads=1, proxy_mode=False,
                                   http_port=odoo_port, gevent_port=free_port(ports + 72), smtp_server="127.0.0.1",
                                   smtp_port=mail_port, email_from="billing@example.com", db_name=database)
        aim_queue(config, odoo_port)
        seed_file = RUNTIME / f"{database}.json"
        mails = RUNTIME / "mail" / database
        if fresh or database not in server.databases() or not seed_file.exists():
            # Mails of a database that is gone name invoices that the new one will have too.
            shutil.rmtree(mails, ignore_errors=True)
            _make_database(server, config, database, seed_file, odoo_port, test_addons)
        services.start(Service(f"{database}-mail", [str(PYTHON), str(ROOT / "demo" / "mail_sink.py"), str(mail_port),
                                                    str(mails)]))
        seed = json.loads(seed_file.read_text())
        web = odoo_service(f"{database}-odoo", config, odoo_port)
        bridge = bridge_service(f"{database}-bridge", server, database, seed["bridge"], odoo_port, bridge_port)
        for title, service in (("Odoo", web), ("the OCPP bridge", bridge)):
            with step(f"Starting {title}"):
                services.start(service).wait_until_healthy()
        yield Stack(database, f"http://127.0.0.1:{odoo_port}", f"ws://127.0.0.1:{bridge_port}", mails, seed, web,
                    bridge)


def aim_queue(config: Path, port: int) -> None:
    """queue_job calls Odoo over HTTP; the shipped file names the production port."""
    config.write_text(config.read_text().replace("port = 8069", f"port = {port}"))


def _make_database(server: Server, config: Path, database: str, seed_file: Path, port: int,
                   test_addons: tuple[str, ...]) -> None:
    odoo.installed_database(server, config, database)
    # What the bridge kept for a database that is gone would mix with the sessions of the new one.
    server.drop(_bridge_store(database))
    if test_addons:
        odoo.run(config, "-d", database, "-i", ",".join(test_addons), "--stop-after-init", "--no-http",
                 log=f"{database}-install")
    with step("Seeding demonstration data"):
        odoo.run_script(config, database, SEED.read_text(),
                        {"EMOBILITY_SEED_FILE": str(seed_file), "EMOBILITY_SEED_URL": f"http://127.0.0.1:{port}"},
                        log=f"{database}-seed")


def _bridge_store(database: str) -> str:
    """The bridge's own database beside Odoo's."""
    return f"{database}_bridge"


def odoo_service(name: str, config: Path, port: int) -> Service:
    """Odoo as this configuration says."""
    return Service(name, odoo.command("server", "-c", str(config)),
                   health_url=f"http://127.0.0.1:{port}/web/health")


def bridge_service(name: str, server: Server, database: str, login: dict[str, str], odoo_port: int,
                   port: int) -> Service:
    """The bridge with a database of its own beside Odoo's; `login` has `login` and `api_key`."""
    store = _bridge_store(database)
    if store not in server.databases():
        server.create(store)
    env = server.environment() | {
        "EMOBILITY_BRIDGE_DSN": server.dsn(store),
        "EMOBILITY_BRIDGE_HOST": "127.0.0.1",
        "EMOBILITY_BRIDGE_PORT": str(port),
        "EMOBILITY_BRIDGE_ODOO_URL": f"http://127.0.0.1:{odoo_port}",
        "EMOBILITY_BRIDGE_ODOO_DB": database,
        "EMOBILITY_BRIDGE_ODOO_LOGIN": login["login"],
        "EMOBILITY_BRIDGE_ODOO_API_KEY": login["api_key"],
    }
    return Service(name, [str(PYTHON), "-m", "emobility_bridge"], env, health_url=f"http://127.0.0.1:{port}/healthz")
