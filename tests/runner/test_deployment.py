"""What people deploy with: the compose file and the shipped configuration."""

import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yml"


def validates(file: Path) -> subprocess.CompletedProcess[str]:
    """Checks a file against the Compose Specification's schema, which check-jsonschema carries."""
    return subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_compose_file_follows_the_compose_specification():
    result = validates(COMPOSE)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_schema_check_refuses_a_wrong_compose_file(tmp_path):
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(COMPOSE.read_text().replace("healthcheck:", "health_check:", 1))
    assert validates(wrong).returncode != 0


@pytest.mark.parametrize("service", ["postgres", "odoo", "bridge"])
def test_each_service_has_a_health_check_and_restarts(service):
    definition = yaml.safe_load(COMPOSE.read_text())["services"][service]
    assert definition["healthcheck"]["test"]
    assert definition["restart"] == "unless-stopped"


def test_compose_builds_from_dockerfiles_that_copy_only_what_exists():
    services = yaml.safe_load(COMPOSE.read_text())["services"].values()
    dockerfiles = [service["build"]["dockerfile"] for service in services if "build" in service]
    assert dockerfiles
    for name in dockerfiles:
        for sources in re.findall(r"^COPY (?:--\S+ )*(.+) \S+$", (ROOT / name).read_text(), re.MULTILINE):
            for source in sources.split():
                assert (ROOT / source).exists(), f"{name} copies {source}"


def test_no_secret_is_written_in_what_we_ship():
    for file in (COMPOSE, ROOT / "odoo.conf"):
        for line in file.read_text().splitlines():
            assert not re.match(r"\s*(admin_passwd|db_password|POSTGRES_PASSWORD|\w+_API_KEY)\s*[=:]", line)


def test_configuration_has_production_shape():
    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / "odoo.conf")
    options = config["options"]
    assert {"base", "rpc", "web", "queue_job"} <= set(options["server_wide_modules"].split(","))
    assert int(options["workers"]) > 0
    assert options["proxy_mode"] == "True"
    assert options["list_db"] == "False"
