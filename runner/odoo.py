"""Running Odoo: its configuration for this machine, its commands, and databases that have our addons."""

from __future__ import annotations

import ast
import configparser
import hashlib
import os
import subprocess
from pathlib import Path

from runner.console import RunError, say, step
from runner.paths import (
    ADDONS,
    DATA_DIR,
    LOGS,
    OUR_ADDONS,
    PYTHON,
    REQUIREMENTS,
    ROOT,
    RUNTIME,
    TEST_ADDONS,
    core_addons,
    odoo_source,
)
from runner.postgres import Server

# Addons that the demo and the tests use beside those that ours depend on.
EXTRA_ADDONS = ("payment_demo", "l10n_de", "l10n_eu_oss")
_INSTALLED = "emobility_installed_"


def command(*args: str) -> list[str]:
    """The command line of an Odoo command, in our virtual environment."""
    return [str(PYTHON), str(ROOT / "runner" / "bin" / "odoo"), *args]


def write_config(name: str, server: Server, **changes: object) -> Path:
    """The shipped `odoo.conf` with what differs on this machine; returns the file."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / "odoo.conf")
    options = config["options"]
    options["addons_path"] = ",".join(str(path) for path in (ADDONS, TEST_ADDONS, *core_addons()))
    options["data_dir"] = str(DATA_DIR)
    login = {"db_host": server.host, "db_port": server.port, "db_user": server.user}
    if server.password:
        login["db_password"] = server.password
    for key, value in {**login, **changes}.items():
        options[key] = str(value)
    file = RUNTIME / f"{name}.conf"
    file.touch(0o600)
    with file.open("w") as out:
        config.write(out)
    return file


def run(config: Path, *args: str, log: str) -> None:
    """Runs Odoo until it ends; its log goes to a file, of which an error shows the last lines."""
    LOGS.mkdir(exist_ok=True)
    file = LOGS / f"{log}.log"
    with file.open("w") as out:
        done = subprocess.run(command("server", "-c", str(config), *args), stdout=out, stderr=subprocess.STDOUT,
                              env=os.environ | {"ODOO_RC": str(config)}, check=False)
    text = file.read_text(errors="replace")
    if done.returncode or " CRITICAL " in text:
        say("\n".join(text.splitlines()[-40:]))
        raise RunError(f"Odoo failed; its log is {file}")


def third_party_addons() -> list[str]:
    """What our addons depend on but do not contain."""
    needed: set[str] = set(EXTRA_ADDONS)
    for name in OUR_ADDONS:
        manifest = ast.literal_eval((ADDONS / name / "__manifest__.py").read_text())
        needed.update(manifest["depends"])
    return sorted(needed - set(OUR_ADDONS))


def template(server: Server, config: Path) -> str:
    """A database with everything but our addons, made once for a set of dependencies; returns its name."""
    addons = third_party_addons()
    key = hashlib.sha256((REQUIREMENTS / "requirements.lock").read_bytes())
    key.update(" ".join([*addons, str(odoo_source())]).encode())
    name = f"emobility_template_{key.hexdigest()[:12]}"
    if name not in server.databases():
        draft = f"{name}_draft"
        server.drop(draft)
        with step("Making the template database (once for a set of dependencies)"):
            server.create(draft)
            run(config, "-d", draft, "-i", ",".join(addons), "--stop-after-init", "--no-http", log="template")
            server.rename(draft, name)
    return name


def fresh_database(server: Server, config: Path, name: str) -> None:
    """A copy of the template under this name; an older one is dropped."""
    source = template(server, config)
    server.drop(name)
    server.create(name, source)


def installed(server: Server, config: Path) -> str:
    """A database in which all our addons are, made once for a state of their files; returns its name."""
    key = hashlib.sha256(template(server, config).encode())
    for file in sorted(ADDONS.rglob("*")):
        if file.is_file() and not {"tests", "__pycache__"} & set(file.parts):
            key.update(str(file.relative_to(ADDONS)).encode())
            key.update(file.read_bytes())
    name = f"{_INSTALLED}{key.hexdigest()[:12]}"
    known = server.databases()
    if name not in known:
        for old in known:
            if old.startswith(_INSTALLED):
                server.drop(old)
        draft = f"{_INSTALLED}draft"
        fresh_database(server, config, draft)
        with step("Installing the addons (once for a state of them)"):
            run(config, "-d", draft, "-i", ",".join(OUR_ADDONS), "--stop-after-init", "--no-http", log="installed")
            server.rename(draft, name)
    return name


def installed_database(server: Server, config: Path, name: str) -> None:
    """A copy, under this name, of the database in which all our addons are; an older one is dropped."""
    source = installed(server, config)
    server.drop(name)
    server.create(name, source)


def read_options(config: Path) -> dict[str, str]:
    """The `[options]` of a configuration file."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(config)
    return dict(parser["options"])


def run_script(config: Path, database: str, script: str, env: dict[str, str], *, log: str) -> None:
    """Runs a text in Odoo's shell, which hands it `env`."""
    LOGS.mkdir(exist_ok=True)
    file = LOGS / f"{log}.log"
    with file.open("w") as out:
        done = subprocess.run(command("shell", "-c", str(config), "-d", database, "--no-http"), input=script.encode(),
                              stdout=out, stderr=subprocess.STDOUT, env=os.environ | env, check=False)
    if done.returncode:
        raise RunError(f"a script in Odoo's shell failed:\n{file.read_text()[-3000:]}")
