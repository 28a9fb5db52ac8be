"""Puts in place all that the product needs, once: system libraries, Odoo, the virtual environment.

Each part leaves a stamp with a hash of what it was made from, so that a second run checks a few
files and uses no network.
"""

from __future__ import annotations

import ctypes.util
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from runner.console import RunError, say, step
from runner.paths import PYTHON, REQUIREMENTS, ROOT, RUNTIME, STAMPS, VENV, odoo_source

# What Debian's package links to in other packages: pages and asset bundles break without them.
ODOO_COMPANIONS = (
    "fonts-font-awesome",
    "fonts-inconsolata",
    "fonts-ocr-b",
    "fonts-roboto-unhinted",
    "libjs-jquery",
    "libjs-jquery-form",
    "libjs-underscore",
)
SID_PACKAGES = ("odoo-19", "fonts-montserrat")
# `./run` itself is content with an older Python than the product.
OLDEST_RUN, OLDEST_PRODUCT, NEWEST = (3, 10), (3, 11), (3, 13)
FIRST_WITH_CAIRO = 13
"""From Python 3.13 on, QR codes are drawn by the system's cairo: see requirements.in."""
KEYRINGS = (
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/debian-archive-keyring.pgp",
)


def set_up(*, browser: bool = False) -> None:
    """Makes everything that is missing. With `browser` also what the browser tests drive."""
    if not OLDEST_RUN <= sys.version_info[:2] <= NEWEST:
        wanted = f"{_dotted(OLDEST_RUN)} to {_dotted(NEWEST)}"
        raise RunError(f"Python {wanted} is needed, this is {sys.version.split()[0]}.")
    RUNTIME.mkdir(exist_ok=True)
    STAMPS.mkdir(exist_ok=True)
    _system_packages(browser)
    _once("odoo", _odoo_key(), "Odoo 19", _install_odoo)
    _once("venv", _venv_key(), "Python packages", _install_venv)


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def interpreter() -> str | None:
    """The Python that the product shall run on: this one, or with an old one the newest that is installed beside it."""
    if sys.version_info[:2] >= OLDEST_PRODUCT:
        # Not the Python of a virtual environment, which may be the very one that is about to be made anew.
        return str(getattr(sys, "_base_executable", sys.executable))
    for minor in range(NEWEST[1], OLDEST_PRODUCT[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        # It may be a stand-in that only says that it is not installed.
        if found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0:
            return found
    return None


def _minor(python: str) -> int:
    """The y of 3.y."""
    done = subprocess.run([python, "-c", "import sys; print(sys.version_info[1])"], capture_output=True, text=True,
                          check=True)
    return int(done.stdout)


def _has_ensurepip(python: str) -> bool:
    return subprocess.run([python, "-c", "import ensurepip"], capture_output=True, check=False).returncode == 0


def _once(name: str, key: str, title: str, make: Callable[[], None]) -> None:
    stamp = STAMPS / name
    if stamp.exists() and stamp.read_text() == key:
        return
    # An interrupted attempt leaves half of it behind, which no old stamp may call done.
    stamp.unlink(missing_ok=True)
    with step(f"Setting up: {title}"):
        make()
    stamp.write_text(key)


# --- system libraries -------------------------------------------------------------------------


def _system_packages(browser: bool) -> None:
    wanted: list[str] = []
    if not ctypes.util.find_library("pangoft2-1.0"):
        wanted += ["libpango-1.0-0", "libpangoft2-1.0-0"]
    if not ctypes.util.find_library("harfbuzz-subset"):
        wanted.append("libharfbuzz-subset0")
    if not shutil.which("fc-list") or not _has_fonts():
        wanted += ["fontconfig", "fonts-dejavu-core"]
    python = interpreter()
    if python is None:
        wanted += [f"python{_dotted(OLDEST_PRODUCT)}", f"python{_dotted(OLDEST_PRODUCT)}-venv"]
    elif not _has_ensurepip(python):
        wanted.append("python3-venv" if sys.version_info[:2] >= OLDEST_PRODUCT else f"{Path(python).name}-venv")
    if python is not None and _minor(python) >= FIRST_WITH_CAIRO and not ctypes.util.find_library("cairo"):
        wanted.append("libcairo2")
    if browser and not shutil.which("chromium"):
        wanted.append("chromium")
    if wanted:
        with step(f"Installing system packages: {', '.join(wanted)}"):
            _apt_install(wanted)


def _has_fonts() -> bool:
    return bool(subprocess.run(["fc-list"], capture_output=True, check=False).stdout.strip())


def _apt_install(packages: Sequence[str]) -> None:
    command = f"apt-get install {' '.join(packages)}"
    prefix: list[str] = []
    if os.geteuid() != 0:
        sudo = shutil.which("sudo")
        if not sudo or subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode:
            raise RunError(f"these system packages are missing; install them as root: {command}")
        prefix = [sudo, "-n"]
    if not shutil.which("apt-get"):
        raise RunError(f"these system packages are missing, and there is no apt-get here: {' '.join(packages)}")
    quiet = {"stdout": subprocess.DEVNULL}
    # An update may fail for a source that has nothing to do with us; the install then decides.
    subprocess.run([*prefix, "apt-get", "update", "-qq"], check=False, **quiet)
    env = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive"]
    done = subprocess.run([*env, "apt-get", "install", "-y", "-qq", *packages], check=False, **quiet)
    if done.returncode:
        raise RunError(f"`{command}` failed; see above.")


# --- Odoo ---------------------------------------------------------------------------------------


def _odoo_key() -> str:
    if os.environ.get("ODOO_SRC"):
        if not (odoo_source() / "odoo").is_dir():
            raise RunError(f"ODOO_SRC={os.environ['ODOO_SRC']} holds no Odoo: there is no folder `odoo` in it.")
        return f"source {odoo_source()}"
    return f"deb {' '.join(SID_PACKAGES + ODOO_COMPANIONS)} in {RUNTIME}"


def _install_odoo() -> None:
    if os.environ.get("ODOO_SRC"):
        return
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        raise RunError("Odoo is unpacked from Debian's package, which needs apt-get and dpkg; "
                       "elsewhere set ODOO_SRC to a checkout of Odoo 19.")
    target, apt = RUNTIME / "odoo", RUNTIME / "apt"
    for folder in (target, apt):
        shutil.rmtree(folder, ignore_errors=True)
    debs = apt / "debs"
    debs.mkdir(parents=True)
    _download(_sid_options(apt), SID_PACKAGES, debs)
    _download(_own_options(apt), ODOO_COMPANIONS, debs)
    target.mkdir()
    for deb in sorted(debs.glob("*.deb")):
        say(f"    unpacking {deb.name}")
        subprocess.run(["dpkg", "-x", str(deb), str(target)], check=True)
    shutil.rmtree(apt)


def _private_options(apt: Path, name: str) -> list[str]:
    """Options that keep an apt run within `.runtime/`: its lists and cache are its own."""
    base = apt / name
    (base / "lists" / "partial").mkdir(parents=True)
    (base / "cache" / "archives" / "partial").mkdir(parents=True)
    return [
        "-o", f"Dir::State::lists={base}/lists",
        "-o", f"Dir::Cache={base}/cache",
        "-o", "APT::Sandbox::User=root",
    ]  # fmt: skip


def _own_options(apt: Path) -> list[str]:
    return _private_options(apt, "own")


def _sid_options(apt: Path) -> list[str]:
    keyring = next((path for path in KEYRINGS if Path(path).exists()), None)
    if keyring is None:
        raise RunError("the Debian archive keyring is missing; install the package debian-archive-keyring, "
                       "or set ODOO_SRC to a checkout of Odoo 19.")
    options = _private_options(apt, "sid")
    source = apt / "sid.list"
    source.write_text(f"deb [signed-by={keyring}] {_debian_mirror()} sid main\n")
    return [*options, "-o", f"Dir::Etc::sourcelist={source}", "-o", "Dir::Etc::sourceparts=/dev/null"]


def _debian_mirror() -> str:
    """The machine's own Debian mirror: the first archive in its apt sources that is not the security one."""
    if os.environ.get("DEBIAN_MIRROR"):
        return os.environ["DEBIAN_MIRROR"]
    folder = Path("/etc/apt")
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    for file in files:
        if file.suffix not in {".list", ".sources"} or not file.is_file():
            continue
        for line in file.read_text().splitlines():
            found = re.match(r"(?:URIs:|deb(?:\s+\[[^]]*\])?)\s+(\S+/debian/?)(?:\s|$)", line)
            if found:
                return found.group(1)
    raise RunError("no Debian mirror is named in this machine's apt sources; set DEBIAN_MIRROR to one, "
                   "or ODOO_SRC to a checkout of Odoo 19.")


def _download(options: list[str], packages: Sequence[str], folder: Path) -> None:
    """Fetches packages with their signatures checked, as apt does it."""
    say(f"    fetching {', '.join(packages)}")
    for command in (["update", "-qq"], ["download", "-qq", *packages]):
        done = subprocess.run(["apt-get", *options, *command], cwd=folder, check=False,
                              capture_output=True, text=True)
        if done.returncode:
            raise RunError(f"apt-get {' '.join(command)} failed:\n{done.stderr.strip()}")


# --- Python -------------------------------------------------------------------------------------


def _venv_key() -> str:
    digest = hashlib.sha256((REQUIREMENTS / "requirements.lock").read_bytes())
    # One Python has several names, and a test that starts `./run` must not make anew what it runs on.
    python = os.path.realpath(interpreter() or "")
    digest.update(f"{python} {sys.version} {odoo_source()} {ROOT}".encode())
    return digest.hexdigest()


def _install_venv() -> None:
    shutil.rmtree(VENV, ignore_errors=True)
    python = interpreter()
    if python is None:
        raise RunError(f"the product needs Python {_dotted(OLDEST_PRODUCT)} or newer, and none is installed.")
    _quietly([python, "-m", "venv", str(VENV)], "making the virtual environment")
    lock = REQUIREMENTS / "requirements.lock"
    uv = re.search(r"^uv==(\S+)", lock.read_text(), re.MULTILINE)
    if uv is None:
        raise RunError(f"{lock} names no version of uv.")
    _quietly([str(PYTHON), "-m", "pip", "install", "--quiet", f"uv=={uv.group(1)}"], "installing uv")
    _link_sources()
    # The lock is complete, so nothing is resolved here; Odoo, which no index has, is seen through the .pth file.
    _quietly([str(VENV / "bin" / "uv"), "pip", "install", "--quiet", "--python", str(PYTHON), "--no-deps",
              "--require-hashes", "--requirement", str(lock)], "installing Python packages")


def _link_sources() -> None:
    """Makes Odoo and the bridge importable; pip then also sees `odoo`, on which the OCA packages depend."""
    site = next((VENV / "lib").glob("python3.*/site-packages"))
    folders = (odoo_source(), ROOT / "bridge" / "src", ROOT / "bridge" / "simulator")
    (site / "emobility.pth").write_text("".join(f"{folder}\n" for folder in folders))


def _quietly(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RunError(f"{what} failed:\n{done.stdout}{done.stderr}".rstrip())


def lock() -> None:
    """Resolves requirements.in anew for all supported versions of Python."""
    set_up()
    with step("Resolving requirements.in"):
        _quietly([str(VENV / "bin" / "uv"), "pip", "compile", "--directory", str(REQUIREMENTS), "--quiet",
                  "--universal", "--python-version", "3.10",
                  "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-header",
                  "--constraint", "constraints.txt", "--override", "overrides.txt",
                  "requirements.in", "--output-file", "requirements.lock"], "resolving")
