from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

from odoo.tests import HttpCase, tagged
from odoo.tests.common import TEST_CURSOR_COOKIE_NAME
from odoo.tools import mute_logger

from odoo.addons.queue_job.tests.common import trap_jobs

from .common import TerminalCommon

PROGRAM = Path(__file__).resolve().parents[3] / "tests" / "terminal" / "local_terminal.py"
BASE = "/emobility/terminal/v1"


@tagged("post_install", "-at_install")
class TestProcess(TerminalCommon, HttpCase):
    """The simulated terminal is a process of its own, and talks to Odoo over HTTP."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.key = cls.terminal._new_key()

    def setUp(self) -> None:
        super().setUp()
        self.process: Any = None
        self.addCleanup(self.end)

    def end(self) -> None:
        if self.process:
            self.process.stdin.close()
            self.process.stdout.close()
            self.process.wait(timeout=10)

    def do(self, command: str, **values: Any) -> Any:
        """Let the terminal do something, and run the jobs that follow."""
        if not self.process:
            cookie = f"{TEST_CURSOR_COOKIE_NAME}={self.canonical_tag}__terminal"
            self.process = subprocess.Popen(
                [sys.executable, str(PROGRAM), "--url", self.base_url(), "--key", self.key, "--cookie", cookie],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
        self.env.flush_all()
        with trap_jobs() as trap, self.allow_requests():
            self.http_request_key = f"{self.canonical_tag}__terminal"
            self.process.stdin.write(json.dumps({"do": command, **values}) + "\n")
            self.process.stdin.flush()
            answer = json.loads(self.process.stdout.readline())
        self.env.invalidate_all()
        # The jobs were queued by requests that are over: they run on the cursor of the test.
        with self.running_jobs():
            for job in trap.enqueued_jobs:
                records = self.env[job.recordset._name].sudo().browse(job.recordset.ids)
                getattr(records, job.method_name)(*job.args)
        return answer

    def test_customer_pays_at_the_terminal_which_is_offline_for_a_while(self) -> None:
        [point] = self.do("evses")[1]["evses"]
        self.assertEqual((point["prices"][0]["text"], point["available"]), ("0.59 EUR/kWh", True))
        status, told = self.do("authorise", evse="E1", times=3)
        reference = told["authorization_reference"]
        adhoc = self.terminal.adhoc_ids
        self.assertEqual((status, adhoc.terminal_reference, adhoc.state), (200, reference, "starting"))
        self.charge(adhoc)
        self.do("forget", forgets=True)
        self.assertEqual([one["action"] for one in self.do("poll")["orders"]], ["capture"])
        self.do("forget", forgets=False)
        self.assertEqual([one["action"] for one in self.do("poll")["orders"]], ["query"])
        self.do("offline", offline=True)
        self.assertEqual([one["action"] for one in self.do("poll")["orders"]], ["capture"])
        self.assertEqual(adhoc.state, "ended", "it has captured, and could not tell")
        self.assertEqual([one["action"] for one in self.do("poll")["orders"]], ["query"])
        self.assertEqual([one[0] for one in self.do("offline", offline=False)], [200, 200])
        self.assertEqual((adhoc.state, adhoc.amount_captured), ("settled", 5.9))
        self.assertEqual(self.do("money"), {"held": {}, "captured": {reference: "5.90"}})
        status, told = self.do("status", reference=reference)
        self.assertIn("Charged 5.90 EUR", told["receipt"])
        self.assertEqual((told["state"], told["captured"]), ("settled", "5.90"))

    def test_customer_gives_up_before_it_begins(self) -> None:
        reference = self.do("authorise", evse="E1")[1]["authorization_reference"]
        self.do("stop", reference=reference)
        self.do("poll")
        adhoc = self.terminal.adhoc_ids
        self.assertEqual((adhoc.state, adhoc.transaction_id.state), ("released", "cancel"))
        self.assertEqual(self.do("money"), {"held": {}, "captured": {}})
        self.assertEqual(self.do("heartbeat")[1]["orders"], 0)
        self.assertEqual((self.terminal.state, self.terminal.model), ("online", "Local T1"))

    @mute_logger("odoo.addons.emobility_terminal.controllers.terminal")
    def test_nobody_gets_in_without_a_key_and_nothing_of_others_is_seen(self) -> None:
        for key in ("", "wrong", self.terminal.key_hash):
            answer = self.url_open(f"{BASE}/evses", headers={"Authorization": f"Bearer {key}"})
            self.assertEqual(answer.status_code, 401)
        other = self.terminal.copy({"name": "Other"})
        headers = {"Authorization": f"Bearer {other._new_key()}"}
        adhoc = self.ended()
        order = self.terminal.order_ids
        self.assertEqual(self.url_open(f"{BASE}/orders", headers=headers).json(), {"orders": []})
        for method, path in (
            ("GET", f"/authorizations/{adhoc.terminal_reference}"),
            ("POST", f"/authorizations/{adhoc.terminal_reference}/stop"),
            ("POST", f"/orders/{order.uid}"),
        ):
            answer = self.url_open(BASE + path, headers=headers, method=method)
            self.assertEqual(answer.status_code, 404, path)

    @mute_logger("odoo.sql_db")
    def test_the_same_at_the_same_time_is_told_to_repeat_and_holds_once(self) -> None:
        adhoc = self.authorise()
        headers = {"Authorization": f"Bearer {self.key}"}
        # The other request has not committed yet: this one does not see what it made.
        unseen = patch.object(type(self.terminal), "_adhoc_of", lambda terminal, _reference: adhoc.browse())
        with trap_jobs(), unseen:
            answer = self.url_open(f"{BASE}/authorizations", data=self.told().model_dump_json(), headers=headers)
            self.assertEqual((answer.status_code, answer.json()["error"]), (503, "BUSY"))
        self.assertEqual((self.terminal.adhoc_ids, len(adhoc.transaction_ids)), (adhoc, 1))

    def test_what_is_wrong_is_refused_and_leaves_nothing(self) -> None:
        headers = {"Authorization": f"Bearer {self.key}"}
        with trap_jobs() as trap:
            for path, data, status in (
                ("/authorizations", "{", 422),
                ("/authorizations", json.dumps({"amount": "1"}), 422),
                ("/authorizations", "x" * 70_000, 413),
                ("/confirmations", json.dumps(json.loads(self.told(price_id="x").model_dump_json())), 422),
                ("/authorizations", self.told(price_id="x").model_dump_json(), 409),
            ):
                answer = self.url_open(BASE + path, data=data, headers=headers)
                self.assertEqual(answer.status_code, status, answer.text)
            trap.assert_jobs_count(0)
        self.assertFalse(self.terminal.adhoc_ids)
