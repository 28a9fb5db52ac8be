"""Settings and log, as an operator meets them."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from emobility_bridge.config import Config
from emobility_bridge.logs import JsonFormatter

REQUIRED = {"DSN": "dbname=x", "ODOO_URL": "http://odoo", "ODOO_DB": "odoo", "ODOO_LOGIN": "bridge"}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in REQUIRED.items():
        monkeypatch.setenv(f"EMOBILITY_BRIDGE_{name}", value)
    monkeypatch.setenv("EMOBILITY_BRIDGE_ODOO_API_KEY", "secret-key")


def test_the_command_line_overrules_the_environment_and_that_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text("port = 1\nheartbeat_interval = 60\nkeep_days = 7\n")
    monkeypatch.setenv("EMOBILITY_BRIDGE_FILE", str(file))
    monkeypatch.setenv("EMOBILITY_BRIDGE_PORT", "2")
    monkeypatch.setenv("EMOBILITY_BRIDGE_HEARTBEAT_INTERVAL", "90")
    config = Config.load(["--port", "3"])
    assert (config.port, config.heartbeat_interval, config.keep_days) == (3, 90, 7)


def test_the_back_gets_the_settings_of_the_front(monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config.load(["--log-json", "true", "--node", "4"])
    for name, value in config.environment().items():
        monkeypatch.setenv(name, value)
    assert Config.load([]) == config


def test_the_api_key_is_in_no_representation_of_the_settings() -> None:
    config = Config.load([])
    assert "secret-key" not in repr(config)
    assert config.odoo_api_key.get_secret_value() == "secret-key"


def test_a_missing_setting_ends_the_bridge_with_its_name() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "EMOBILITY_BRIDGE_ODOO_URL"}
    source = Path(__file__).parents[1] / "src"
    done = subprocess.run(
        [sys.executable, "-m", "emobility_bridge"],
        env=environment | {"PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "EMOBILITY_BRIDGE_ODOO_URL: Field required" in done.stderr


def test_a_line_of_the_json_log_names_station_and_transaction() -> None:
    record = logging.LogRecord("bridge", logging.ERROR, "", 0, "A message of %s is lost", ("CS-1",), None)
    record.station, record.transaction = "CS-1", "77"
    line = orjson.loads(JsonFormatter().format(record))
    assert (line["level"], line["message"]) == ("ERROR", "A message of CS-1 is lost")
    assert (line["station"], line["transaction"]) == ("CS-1", "77")
