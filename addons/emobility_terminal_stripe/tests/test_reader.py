"""A reader of Stripe Terminal against the local provider: cards that are shown, refused, forgotten, and faults."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import HttpCase, freeze_time, tagged
from odoo.tools import mute_logger

from odoo.addons.emobility_adhoc.tests.common import AdhocCommon
from odoo.addons.queue_job.tests.common import trap_jobs

QUIET = ("odoo.addons.payment.models.payment_provider", "odoo.addons.payment.models.payment_transaction",
         "odoo.addons.payment_stripe.models.payment_transaction")  # fmt: skip


@tagged("post_install", "-at_install")
class TestReader(AdhocCommon, HttpCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.psp.add_reader()
        cls.terminal = cls.env["emobility.terminal"].create(
            {"name": "Reader", "provider_id": cls.stripe.id, "stripe_reader": "tmr_local", "company_id": cls.company.id,
             "evse_ids": [fields.Command.link(cls.evse.id)]}
        )  # fmt: skip

    def setUp(self) -> None:
        super().setUp()
        self.psp.readers["tmr_local"].update({"action": None, "status": "online"})
        self.psp.faults.clear()
        self.psp.incremental = True

    def ask(self) -> Any:
        """A customer chooses the charging point and the terminal."""
        with self.running_jobs():
            return self.env["emobility.adhoc.session"]._check_out_at_reader(
                self.evse, self.terminal, email=None, lang="en_US", client="test"
            )

    def look(self, adhoc: Any) -> None:
        with self.running_jobs():
            adhoc._check_reader()

    def shown(self, **values: Any) -> Any:
        adhoc = self.ask()
        self.psp.show_card(**values)
        self.look(adhoc)
        return adhoc

    def reader_status(self) -> Any:
        return (self.psp.readers["tmr_local"]["action"] or {}).get("status")

    @contextmanager
    def later(self, **delta: int) -> Any:
        with freeze_time(fields.Datetime.now() + timedelta(**delta)):
            yield

    def test_card_at_the_reader_from_the_hold_to_the_receipt(self) -> None:
        adhoc = self.ask()
        self.assertEqual((adhoc.state, self.reader_status()), ("draft", "in_progress"))
        self.look(adhoc)
        self.assertEqual(adhoc.state, "draft", "nobody has shown a card yet")
        self.psp.show_card()
        self.look(adhoc)
        self.assertEqual((adhoc.state, adhoc.amount_held, self.real(adhoc)), ("starting", 20.0, (0, 2000)))
        self.assertEqual(adhoc.terminal_card, "Visa **** 4242")
        self.answer_start(adhoc, "accepted")
        self.charge(adhoc)
        self.assertEqual((adhoc.state, adhoc.amount_captured, self.real(adhoc)), ("settled", 5.9, (590, 0)))
        self.assertIn("AID: A0000000031010", adhoc.move_id.narration)

    def test_hold_of_a_card_that_was_shown_grows(self) -> None:
        self.company.adhoc_hold_max = 60.0
        adhoc = self.shown()
        self.charge(adhoc, end=False, kwh="33")
        self.assertEqual((adhoc.amount_held, self.real(adhoc)), (40.0, (0, 4000)))
        self.psp.incremental = False

    def test_declined_card_starts_nothing(self) -> None:
        adhoc = self.ask()
        self.psp.show_card(method="pm_card_chargeDeclined")
        with mute_logger(*QUIET):
            self.look(adhoc)
        self.assertEqual((adhoc.state, adhoc.ended_reason, self.real(adhoc)), ("released", "card_refused", (0, 0)))
        self.assertEqual(self.psp.intents[adhoc.terminal_reference]["status"], "canceled")

    def test_customer_who_cancels_at_the_reader_or_on_the_page_pays_nothing(self) -> None:
        adhoc = self.ask()
        self.psp.fail_reader("customer_canceled", "The customer canceled.")
        self.look(adhoc)
        self.assertEqual((adhoc.state, adhoc.ended_reason), ("released", "cancelled"))
        other = self.ask()
        with self.running_jobs():
            other._stop_by_customer()
        self.assertEqual((other.state, self.reader_status()), ("released", None))
        self.assertEqual(self.psp.intents[other.terminal_reference]["status"], "canceled")

    def test_nobody_shows_a_card(self) -> None:
        adhoc = self.ask()
        with self.later(seconds=121):
            self.look(adhoc)
        self.assertEqual((adhoc.state, adhoc.ended_reason, self.reader_status()), ("released", "card_timeout", None))

    def test_f60_card_that_is_shown_at_the_last_moment_is_given_back(self) -> None:
        adhoc = self.ask()
        self.psp.fault("/cancel_action", "before")
        self.psp.fault("payment_intents", "before")
        self.psp.faults[-1].path = "/cancel"
        with mute_logger(*QUIET), self.running_jobs():
            adhoc._stop_by_customer()
        self.psp.show_card()
        self.assertEqual(self.real(adhoc), (0, 2000))
        self.look(adhoc)
        self.assertEqual((adhoc.state, self.real(adhoc)), ("released", (0, 0)))

    @mute_logger(*QUIET)
    def test_reader_that_is_offline_or_busy_is_told_at_once(self) -> None:
        self.psp.readers["tmr_local"]["status"] = "offline"
        adhoc = self.ask()
        self.assertEqual((adhoc.state, adhoc.ended_reason), ("released", "terminal_busy"))
        self.assertIn("offline", "".join(adhoc.message_ids.mapped("body")))
        self.psp.readers["tmr_local"].update({"status": "online", "action": {"status": "in_progress"}})
        adhoc = self.ask()
        self.assertEqual((adhoc.state, adhoc.ended_reason), ("released", "terminal_busy"))
        self.assertEqual(self.reader_status(), "in_progress", "what another shop does there goes on")

    @mute_logger(*QUIET)
    def test_f61_answer_that_got_lost_does_not_ask_twice(self) -> None:
        self.psp.fault("/process_payment_intent", "drop")
        adhoc = self.ask()
        self.assertEqual((adhoc.state, self.reader_status()), ("draft", "in_progress"))
        with self.running_jobs():
            adhoc._show_at_reader()
        self.assertEqual(len(adhoc.transaction_ids), 1)
        self.psp.show_card()
        self.look(adhoc)
        self.assertEqual((adhoc.state, self.real(adhoc)), ("starting", (0, 2000)))

    def test_webhook_that_comes_first_or_twice_holds_once(self) -> None:
        adhoc = self.ask()
        self.psp.show_card()
        intent = self.psp.intents[adhoc.terminal_reference]
        with self.running_jobs():
            for _time in range(2):
                adhoc.transaction_ids._stripe_process_intent(intent)
        self.assertEqual((adhoc.state, adhoc.amount_held), ("starting", 20.0))
        self.look(adhoc)
        self.assertEqual(adhoc.terminal_card, "Visa **** 4242")

    def test_job_that_was_lost_is_done_by_the_cron(self) -> None:
        with trap_jobs():
            adhoc = self.env["emobility.adhoc.session"]._check_out_at_reader(
                self.evse, self.terminal, email=None, lang="en_US", client="test"
            )
        with self.running_jobs():
            adhoc._cron_watch()
        self.assertEqual(self.reader_status(), "in_progress")
        self.psp.show_card()
        with self.running_jobs():
            adhoc._cron_watch()
        self.assertEqual(adhoc.state, "starting")

    def test_one_customer_at_a_time(self) -> None:
        self.ask()
        with self.assertRaisesRegex(UserError, "Somebody else is paying"):
            self.ask()

    def test_health_is_what_stripe_says(self) -> None:
        self.terminal._cron_watch()
        self.assertEqual((self.terminal.state, self.terminal.model), ("online", "simulated_wisepos_e"))
        self.psp.readers["tmr_local"]["status"] = "offline"
        for _time in range(2):
            self.terminal._cron_watch()
        self.assertEqual((self.terminal.state, len(self.terminal.activity_ids)), ("silent", 1))
        self.assertFalse(self.evse._adhoc_reader())
        self.psp.readers["tmr_local"]["status"] = "online"
        self.terminal._cron_watch()
        self.assertEqual((self.terminal.state, len(self.terminal.activity_ids)), ("online", 0))
        self.psp.fault("terminal/readers", "before")
        self.psp.faults[-1].path = "/terminal/readers"
        with mute_logger(*QUIET):
            self.terminal._cron_watch()
        self.assertEqual(self.terminal.state, "fault")
        self.terminal._cron_watch()
        self.assertEqual((self.terminal.state, self.terminal.fault), ("online", False))

    def test_what_does_not_fit_together_is_refused(self) -> None:
        own = self.env.ref("emobility_terminal.payment_provider_terminal").sudo().copy({"company_id": self.company.id})
        for values in ({"stripe_reader": False}, {"stripe_reader": "reader 1"}, {"provider_id": own.id}):
            with self.subTest(values=values), self.assertRaises(ValidationError), self.env.cr.savepoint():
                self.terminal.write(values)

    def test_page_of_the_charging_point_offers_the_terminal(self) -> None:
        path = f"/charge/{self.evse.adhoc_code}"
        page = self.url_open(path).text
        self.assertIn("Pay with a card at the terminal", page)
        with trap_jobs() as trap:
            token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
            answer = self.url_open(f"{path}/terminal", data={"csrf_token": token})
            trap.assert_jobs_count(1)
        self.assertIn("Show your card at the terminal", answer.text)
        self.assertIn("Reader", answer.text)
        self.assertEqual(self.terminal.adhoc_ids.state, "draft")
        self.terminal.state = "silent"
        self.assertNotIn("Pay with a card at the terminal", self.url_open(path).text)
