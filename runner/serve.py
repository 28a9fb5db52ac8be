"""`./run serve` and `./run shell`: the product for real use, from `odoo.conf`."""

from __future__ import annotations

import json
import secrets
import subprocess
import time
from pathlib import Path

from runner import odoo
from runner.console import RunError, say, step
from runner.paths import ADDONS, LOGS, OUR_ADDONS, RUNTIME
from runner.postgres import Server, running
from runner.services import Services, free_port
from runner.setup import set_up
from runner.stack import aim_queue, bridge_service, odoo_service

# The first start gives the administrator a random password (Odoo's own is well known) and the bridge its user.
_FIRST_START = """
import json, os
env.ref("base.user_admin").password = os.environ["EMOBILITY_ADMIN_PASSWORD"]
login, key = env["emobility.bridge.access.wizard"].create({})._create_key()
env.cr.commit()
with open(os.environ["EMOBILITY_KEY_FILE"], "w") as out:
    json.dump({"login": login, "api_key": key}, out)
"""


def serve(database: str, port: int | None, gevent_port: int | None, station_port: int) -> int:
    """Starts Odoo and the bridge on this database, which is made without demonstration data when it is missing.

    The ports of Odoo are those of `odoo.conf` where none are given.
    """
    set_up()
    with running() as server, Services() as services:
        given = {"http_port": port, "gevent_port": gevent_port}
        changes = {name: value for name, value in given.items() if value is not None}
        config = odoo.write_config("serve", server, db_name=database, **changes)
        options = odoo.read_options(config)
        port = int(options["http_port"])
        for wanted in (port, int(options["gevent_port"]), station_port):
            if free_port(wanted) != wanted:
                raise RunError(f"port {wanted} is taken by another program")
        aim_queue(config, port)
        key_file = RUNTIME / f"{database}.bridge.json"
        if database not in server.databases():
            _make_database(server, config, database, key_file)
        if not key_file.exists():
            raise RunError(f"{key_file} is missing: it holds the login and the API key of the bridge's user")
        web = odoo_service("serve-odoo", config, port)
        bridge = bridge_service("serve-bridge", server, database, json.loads(key_file.read_text()), port,
                                station_port)
        for title, service in (("Odoo", web), ("the OCPP bridge", bridge)):
            with step(f"Starting {title}"):
                services.start(service).wait_until_healthy()
        say(f"\nOdoo on {web.health_url.removesuffix('/web/health')}, stations on port {station_port}, logs in {LOGS}; "
            "Ctrl-C stops both.")
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            say("\nstopping")
    return 0


def shell(database: str) -> int:
    """An Odoo shell on this database."""
    set_up()
    with running() as server:
        _ensure_exists(server, database)
        config = odoo.write_config("shell", server, workers=0)
        return subprocess.run(odoo.command("shell", "-c", str(config), "-d", database, "--no-http"),
                              check=False).returncode


def import_sessions(file: Path, database: str, profile: str) -> int:
    """Takes in a CSV file of charging sessions; what became of them is printed."""
    set_up()
    if not file.is_file():
        raise RunError(f"there is no file {file}")
    with running() as server:
        _ensure_exists(server, database)
        config = odoo.write_config("import", server, workers=0)
        # Odoo looks for commands before it reads its configuration, so it is told twice where our addons are.
        return subprocess.run(odoo.command(f"--addons-path={ADDONS}", "import_sessions", "-c", str(config),
                                           "-d", database, "-p", profile, str(file.resolve())),
                              check=False).returncode


def _ensure_exists(server: Server, database: str) -> None:
    if database not in server.databases():
        raise RunError(f"there is no database {database}; there are: {', '.join(sorted(server.databases()))}")


def _make_database(server: Server, config: Path, database: str, key_file: Path) -> None:
    password = secrets.token_urlsafe(12)
    server.create(database)
    with step(f"Making the database {database}"):
        try:
            odoo.run(config, "-d", database, "-i", ",".join(OUR_ADDONS), "--stop-after-init", "--no-http",
                     log="serve-install")
            key_file.touch(0o600)
            odoo.run_script(config, database, _FIRST_START, log="serve-first", env={
                "EMOBILITY_ADMIN_PASSWORD": password, "EMOBILITY_KEY_FILE": str(key_file)})  # fmt: skip
        except BaseException:
            # Half a database would be taken for a whole one at the next start.
            key_file.unlink(missing_ok=True)
            server.drop(database)
            raise
    say(f"    the administrator's login is admin, the password {password} (shown only now)")
