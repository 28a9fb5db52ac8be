"""``odoo --addons-path=… import_sessions``: take in a session file without the web client and without a job
runner.

Odoo looks for commands before it reads a configuration file, so the addons path comes first.
"""

# A command line talks to the terminal.
# pylint: disable=print-used
import argparse
import base64
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from odoo import SUPERUSER_ID, api
from odoo.cli import Command
from odoo.modules.registry import Registry
from odoo.tools import config

# Few: a running server may take the same sessions from the queue, and a long transaction would not see that.
_SESSIONS_PER_COMMIT = 20
_SESSIONS_PER_LINE = 500


class import_sessions(Command):  # noqa: N801 - the name of the command is the name of the class
    """Import charging sessions from a CSV file and bring each of them to a CDR or a hold."""

    name = "import_sessions"

    def run(self, cmdargs: list[str]) -> None:
        """Parse the arguments and run the import; what happens is printed, each batch is committed."""
        parser = self.parser
        parser.add_argument("-c", "--config", help="configuration file of the server")
        parser.add_argument("-d", "--database", required=True)
        parser.add_argument("-p", "--profile", required=True, help="code of the import profile")
        parser.add_argument("--company", type=int, help="database id; default: the company of the profile")
        parser.add_argument(
            "--no-process",
            action="store_true",
            help="leave the sessions to the queue instead of processing them here",
        )
        parser.add_argument("file", type=Path)
        arguments = parser.parse_args(cmdargs)
        server = ["--no-http", "-d", arguments.database, "--log-level", "warn"]
        config.parse_config(
            server + (["-c", arguments.config] if arguments.config else []), setup_logging=True
        )
        with Registry(arguments.database).cursor() as cursor:
            run_import(api.Environment(cursor, SUPERUSER_ID, {}), arguments, cursor.commit)


def run_import(env: api.Environment, arguments: argparse.Namespace, commit: Callable[[], None]) -> None:
    """Import, then process; ``commit`` is called after each batch."""
    domain = [("code", "=", arguments.profile)]
    if arguments.company:
        domain.append(("company_id", "=", arguments.company))
    profile = env["emobility.import.profile"].search(domain, limit=1)
    if not profile:
        sys.exit(f"There is no import profile with the code {arguments.profile}.")
    started = monotonic()
    record = env["emobility.session.import"].create(
        {
            "name": arguments.file.name,
            "profile_id": profile.id,
            "company_id": profile.company_id.id,
            "file": base64.b64encode(arguments.file.read_bytes()),
        }
    )
    for done in record._run_here():
        commit()
        print(f"{done} of {record.row_count} rows, {monotonic() - started:.0f} s", flush=True)
    if not arguments.no_process:
        _process(record, commit, started)
    record.invalidate_recordset()
    print(
        f"{record.row_count} rows: {record.duplicate_count} known before, "
        f"{record.problem_count} with problems. "
        f"{record.session_count} sessions: {record.cdr_count} CDRs, {record.held_count} held."
    )
    for reason, count in record._hold_counts():
        print(f"{count:>8}  {reason}")


def _process(record: object, commit: Callable[[], None], started: float) -> None:
    sessions = record._unprocessed_sessions()
    for offset in range(0, len(sessions), _SESSIONS_PER_COMMIT):
        for session in sessions[offset : offset + _SESSIONS_PER_COMMIT]:
            session._process_safely()
        commit()
        record.env.invalidate_all()
        done = min(offset + _SESSIONS_PER_COMMIT, len(sessions))
        if done % _SESSIONS_PER_LINE == 0 or done == len(sessions):
            print(f"{done} of {len(sessions)} sessions processed, {monotonic() - started:.0f} s", flush=True)
