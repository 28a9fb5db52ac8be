from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import freeze_time, new_test_user, tagged

from odoo.addons.emobility_adhoc.models.payout import PayoutRow

from ..terminal_messages import Heartbeat, TerminalError, key_digest
from .common import TerminalCommon


@tagged("post_install", "-at_install")
class TestTerminalMoney(TerminalCommon):
    def test_from_the_card_to_the_receipt(self) -> None:
        adhoc = self.authorise()
        self.assertEqual((adhoc.state, adhoc.amount_held, adhoc.terminal_card), ("starting", 20.0, "Visa **** 1234"))
        self.answer_start(adhoc, "accepted")
        self.charge(adhoc, end=False, kwh="2")
        self.assertEqual(adhoc.state, "charging")
        self.charge(adhoc)
        self.assertEqual((adhoc.state, adhoc.amount_due, adhoc.amount_captured), ("ended", 5.9, 0.0))
        self.assertEqual(self.actions(), [("capture", "5.90")])
        self.assertEqual(self.confirm("5.90"), {"id": "fac-1", "booked": True, "attention": None})
        self.assertEqual((adhoc.state, adhoc.amount_captured, adhoc.attention), ("settled", 5.9, False))
        self.assertEqual((adhoc.transaction_id.state, self.poll()), ("done", []))
        receipt = adhoc.move_id
        self.assertEqual((receipt.state, receipt.amount_total, receipt.payment_state), ("posted", 5.9, "paid"))
        payment = adhoc.transaction_ids.child_transaction_ids.payment_id
        self.assertEqual((payment.amount, payment.journal_id), (5.9, self.provider.journal_id))
        self.assertIn("AID: A0000000031010", receipt.narration)
        lines = adhoc._terminal_status()["receipt"]
        for text in (self.company.name, "10.000 kWh", "0.59 EUR/kWh", "Charged 5.90 EUR", "Visa **** 1234", "Visa"):
            self.assertIn(text, lines)

    def test_f59_cost_above_the_hold_is_captured_up_to_it_and_the_rest_is_a_claim(self) -> None:
        adhoc = self.ended("40", minutes=120, ago=180)
        self.assertEqual(self.actions(), [("capture", "20.00")])
        self.confirm("20.00")
        self.assertEqual((adhoc.state, adhoc.amount_captured, adhoc.amount_claim), ("settled", 20.0, 3.6))
        self.assertEqual(adhoc.attention, "claim")

    def test_f59_less_captured_than_ordered_is_a_claim(self) -> None:
        adhoc = self.ended()
        self.poll()
        self.confirm("4.00", "PARTIAL_SUCCESS")
        self.assertEqual((adhoc.state, adhoc.amount_captured, adhoc.amount_claim), ("settled", 4.0, 1.9))
        self.assertEqual((adhoc.attention, adhoc.transaction_id.state), ("claim", "done"))
        self.assertAlmostEqual(adhoc.move_id.amount_residual, 1.9)

    def test_f60_rejected_start_cancels_the_hold_at_once(self) -> None:
        adhoc = self.authorise()
        self.answer_start(adhoc, "rejected")
        self.assertEqual((adhoc.state, adhoc.ended_reason, adhoc.attempts), ("released", "start_failed", 0))
        [order] = self.poll()
        self.assertEqual(order["action"], "cancel")
        self.assertEqual(adhoc.transaction_id.state, "authorized", "the terminal has not told yet")
        self.answer(order["order"], "DONE")
        self.answer(order["order"], "DONE")
        self.assertEqual((adhoc.transaction_id.state, adhoc.attention, self.poll()), ("cancel", False, []))

    def test_f60_cancel_that_fails_is_ordered_again(self) -> None:
        adhoc = self.authorise()
        self.answer_start(adhoc, "rejected")
        self.answer(self.poll()[0]["order"], "FAILED", "no line")
        self.assertEqual((adhoc.attempts, self.poll()), (1, []))
        with self.running_jobs():
            adhoc._finish()
        self.answer(self.poll()[0]["order"], "DONE")
        self.assertEqual(adhoc.transaction_id.state, "cancel")

    def test_f60_authorization_told_twice_holds_once(self) -> None:
        first, second = self.authorise(), self.authorise()
        self.assertEqual(first, second)
        self.assertEqual(len(first.transaction_ids), 1)
        with self.assertRaisesRegex(TerminalError, "another authorization"):
            self.authorise(amount=21)

    def test_zero_energy_captures_nothing(self) -> None:
        adhoc = self.ended("0", minutes=3)
        self.assertEqual((adhoc.state, self.actions()), ("released", [("cancel", "20.00")]))

    def test_f61_unknown_outcome_is_asked_for_before_it_is_repeated(self) -> None:
        adhoc = self.ended()
        [first] = self.poll()
        [again] = self.poll()
        self.assertEqual((first["action"], again["action"]), ("capture", "query"))
        self.assertEqual(self.answer(first["order"], "IN_PROGRESS")["state"], "sent")
        self.assertEqual(self.answer(first["order"], "NOT_EXECUTED")["state"], "waiting")
        [repeated] = self.poll()
        self.assertEqual((repeated["order"], repeated["action"]), (first["order"], "capture"))
        for _time in range(2):
            self.confirm("5.90")
        self.assertEqual(self.confirm("5.90", uid="fac-2")["booked"], True)
        self.assertEqual((adhoc.state, adhoc.amount_captured, adhoc.attention), ("settled", 5.9, False))
        self.assertEqual(self.answer(first["order"], "NOT_EXECUTED")["state"], "done")

    def test_f61_failed_capture_is_ordered_again_and_a_late_success_is_booked_once(self) -> None:
        adhoc = self.ended()
        self.poll()
        self.confirm("0.00", "FAILED")
        self.assertEqual((adhoc.state, adhoc.attempts, self.poll()), ("ended", 1, []))
        with self.running_jobs():
            adhoc._capture_due()
        self.assertEqual(self.actions(), [("capture", "5.90")])
        self.confirm("5.90", minutes=1)
        self.assertEqual((adhoc.state, adhoc.amount_captured, self.poll()), ("settled", 5.9, []))

    def test_confirmations_out_of_order_the_newest_counts(self) -> None:
        adhoc = self.ended()
        self.poll()
        self.confirm("5.90", minutes=5)
        self.confirm("0.00", "FAILED", minutes=1)
        self.assertEqual((self.confirmation().status, adhoc.state), ("SUCCESS", "settled"))

    def test_failure_after_five_times_is_on_the_work_list(self) -> None:
        adhoc = self.ended()
        for minute in range(5):
            self.poll()
            self.confirm("0.00", "FAILED", minutes=minute)
            with self.running_jobs():
                adhoc._capture_due()
        self.assertEqual((adhoc.state, adhoc.attention), ("ended", "capture_failed"))

    def test_captured_while_charging_is_booked_and_the_rest_is_a_claim(self) -> None:
        adhoc = self.authorise()
        self.charge(adhoc, end=False, kwh="2")
        self.confirm("3.00")
        self.assertEqual(self.confirmation().attention, "unordered")
        self.charge(adhoc)
        self.assertEqual((adhoc.state, adhoc.amount_captured, adhoc.amount_claim), ("settled", 3.0, 2.9))
        self.assertEqual(self.poll(), [])

    def test_what_does_not_fit_is_not_booked(self) -> None:
        adhoc = self.ended()
        self.poll()
        for uid, changes, reason in (
            ("a", {"reference": "pp-9"}, "unknown"),
            ("b", {"currency": "USD"}, "differs"),
            ("c", {"amount": "20.01"}, "differs"),
        ):
            with self.subTest(reason=reason, uid=uid):
                self.confirm(**{"amount": "5.90", "uid": uid, **changes})
                self.assertEqual(self.confirmation(uid).attention, reason)
        self.assertEqual((adhoc.state, adhoc.amount_captured), ("ended", 0.0))
        self.confirmation("a").action_close_attention()
        self.assertFalse(self.confirmation("a").attention)

    def test_other_amount_for_a_hold_that_was_captured_is_for_a_person(self) -> None:
        adhoc = self.ended()
        self.poll()
        self.confirm("5.90")
        self.confirm("6.90", uid="fac-2")
        self.assertEqual((self.confirmation("fac-2").attention, adhoc.amount_captured), ("differs", 5.9))

    def test_captured_after_the_release_is_booked_and_for_a_person(self) -> None:
        adhoc = self.authorise()
        self.answer_start(adhoc, "rejected")
        self.poll()
        self.confirm("5.90")
        self.assertEqual((self.confirmation().attention, adhoc.amount_captured), ("unordered", 5.9))
        self.assertEqual(self.poll(), [], "the order to cancel makes no sense any more")

    def test_session_that_starts_after_the_release_is_a_claim(self) -> None:
        adhoc = self.authorise()
        self.answer_start(adhoc, "rejected")
        [order] = self.poll()
        self.charge(adhoc, kwh="2")
        self.assertEqual((adhoc.amount_due, adhoc.amount_claim), (1.18, 0.0))
        self.answer(order["order"], "DONE")
        self.assertEqual((adhoc.amount_claim, adhoc.attention, adhoc.amount_captured), (1.18, "late_start", 0.0))

    def test_f59_hold_grows_where_the_terminal_can_before_the_limit_is_reached(self) -> None:
        self.company.adhoc_hold_max = 50.0
        adhoc = self.authorise(can_increase=True)
        self.charge(adhoc, end=False, kwh="10", ago=62)
        self.assertEqual(self.poll(), [], "there is time yet")
        self.charge(adhoc, end=False, kwh="22", minutes=61)
        for _time in range(2):
            self.assertEqual(self.actions(), [("increase", "40.00")])
        adhoc._hold_is_now(40.0)
        adhoc._hold_is_now(40.0)
        self.assertEqual((adhoc.amount_held, adhoc.stop_requested_at, self.poll()), (40.0, False, []))

    def test_f59_bank_that_holds_no_more_is_not_asked_again_and_the_session_stops_in_time(self) -> None:
        self.company.adhoc_hold_max = 50.0
        adhoc = self.authorise(can_increase=True)
        self.charge(adhoc, end=False, kwh="22", ago=62)
        self.assertEqual(self.actions(), [("increase", "40.00")])
        adhoc._hold_is_now(20.0)
        self.charge(adhoc, end=False, kwh="33.8", minutes=61)
        self.assertEqual((self.poll(), adhoc.amount_held, adhoc.stopped_by), ([], 20.0, "limit"))

    def test_payout_of_the_acquirer_fits_to_session_capture_and_receipt_by_the_reference_of_the_terminal(self) -> None:
        adhoc = self.ended()
        self.poll()
        self.confirm("5.90")
        row = PayoutRow("m1", "pp-1", "charge", Decimal("5.90"), Decimal("0.12"))
        wrong = PayoutRow("m2", "pp-2", "charge", Decimal("5.90"), Decimal(0))
        payout = self.env["emobility.payout"]._take_in(self.provider, "po1", date(2026, 1, 31), self.euro, [row, wrong])
        line = payout.line_ids[0]
        self.assertEqual((line.adhoc_id, line.move_id, line.difference), (adhoc, adhoc.move_id, False))
        self.assertEqual(payout.line_ids[1].difference, "unknown")

    def test_free_tariff_holds_nothing(self) -> None:
        self.adhoc_tariff.version_ids.element_ids.component_ids.price = 0.0
        [point] = self.terminal._describe_evses("en")
        self.assertEqual(point["preauthorize_amount"], "0.00")
        adhoc = self.authorise(amount=0)
        self.charge(adhoc)
        self.assertEqual((adhoc.state, adhoc.transaction_ids, self.poll()), ("settled", adhoc.transaction_ids, []))

    def test_person_who_looked_at_the_acquirer_decides(self) -> None:
        adhoc = self.ended()
        order = self.terminal.order_ids
        clerk = new_test_user(self.env, "terminal-clerk", "emobility_crm.group_user", company_id=self.company.id,
                              company_ids=[(6, 0, self.company.ids)])  # fmt: skip
        for action in ("action_mark_done", "action_mark_failed"):
            with self.assertRaises(UserError):
                getattr(order.with_user(clerk), action)()
        with self.running_jobs():
            order.action_mark_done()
        self.assertEqual((adhoc.state, adhoc.amount_captured, order.state), ("settled", 5.9, "done"))


@tagged("post_install", "-at_install")
class TestTerminal(TerminalCommon):
    def test_prices_are_those_of_the_price_sheet_in_the_order_of_the_law(self) -> None:
        self.adhoc_tariff.version_ids.element_ids.component_ids.copy({"dimension": "FLAT", "price": 1.0})
        self.adhoc_tariff.version_ids.element_ids.component_ids[:1].copy({"dimension": "TIME", "price": 6.0})
        [point] = self.terminal._describe_evses("en")
        self.assertEqual([line["kind"] for line in point["prices"]], ["energy", "time", "session"])
        self.assertEqual(point["prices"][0]["text"], "0.59 EUR/kWh")
        self.assertEqual((point["preauthorize_amount"], point["tax_included"]), ("20.00", True))
        self.assertTrue(point["available"])
        self.assertEqual(point["price_id"], self.evse._adhoc_sheet(lang="en").fingerprint())

    def test_taken_or_unreachable_charging_point_is_not_available(self) -> None:
        self.authorise()
        self.assertFalse(self.terminal._describe_evses("")[0]["available"])
        self.set_online(False)
        self.assertFalse(self.terminal._describe_evses("")[0]["available"])

    def test_nothing_is_sold_that_was_not_shown(self) -> None:
        cases: list[tuple[dict[str, Any], str]] = [
            ({"price_id": "old"}, "PRICE_CHANGED"),
            ({"evse_uid": "E9"}, "UNKNOWN_EVSE"),
            ({"currency": "USD"}, "INVALID"),
            ({"amount": 0}, "INVALID"),
        ]
        for values, code in cases:
            with self.subTest(code=code), self.assertRaises(TerminalError) as raised:
                self.authorise(**values)
            self.assertEqual(raised.exception.code, code)
        self.provider.state = "disabled"
        with self.assertRaises(TerminalError):
            self.authorise()
        self.assertFalse(self.terminal.adhoc_ids)

    def test_key_is_stored_as_a_hash_and_the_old_one_is_refused(self) -> None:
        key = self.terminal._new_key()
        self.assertEqual(self.terminal.key_hash, key_digest(key))
        find = self.terminal._find_by_key
        self.assertEqual(find(key), self.terminal)
        self.terminal._new_key()
        self.assertFalse(find(key) or find("") or find("x"))
        key = self.terminal._new_key()
        self.terminal.active = False
        self.assertFalse(find(key))

    def test_silent_terminal_is_an_activity_once_until_it_is_back(self) -> None:
        self.terminal._seen()
        self.assertEqual(self.terminal.state, "online")
        with freeze_time(fields.Datetime.now() + timedelta(minutes=16)):
            for _time in range(2):
                self.terminal._cron_watch()
        self.assertEqual((self.terminal.state, len(self.terminal.activity_ids)), ("silent", 1))
        self.terminal._seen()
        self.assertEqual((self.terminal.state, len(self.terminal.activity_ids)), ("online", 0))

    def test_fault_is_shown_until_it_is_gone(self) -> None:
        self.terminal._beat(Heartbeat(status="FAULT", message="Printer", model="T1"))
        self.assertEqual((self.terminal.state, self.terminal.fault, self.terminal.model), ("fault", "Printer", "T1"))
        self.assertEqual(len(self.terminal.activity_ids), 1)
        self.terminal._beat(Heartbeat())
        self.assertEqual((self.terminal.state, self.terminal.fault, self.terminal.model), ("online", False, "T1"))
        self.assertFalse(self.terminal.activity_ids)

    def test_order_that_nobody_answers_is_on_the_work_list_and_goes_off_it(self) -> None:
        adhoc = self.ended()
        with freeze_time(fields.Datetime.now() + timedelta(hours=2)):
            self.terminal._cron_watch()
        self.assertEqual(adhoc.attention, "capture_failed")
        self.confirm("5.90")
        self.assertEqual((adhoc.state, adhoc.attention), ("settled", False))

    def test_no_web_page_offers_the_provider(self) -> None:
        found = self.env["payment.provider"].sudo()._get_compatible_providers(
            self.company.id, self.company._adhoc_payer().id, 20.0, currency_id=self.euro.id
        )
        self.assertIn(self.stripe, found)
        self.assertNotIn(self.provider, found)

    def test_terminal_in_the_words_of_ocpi(self) -> None:
        ocpi = self.terminal._to_ocpi()
        self.assertEqual((ocpi["terminal_id"], ocpi["evse_uids"]), (self.terminal.identity, ["E1"]))
        self.assertEqual((ocpi["invoice_creator"], ocpi["location_ids"]), ("CPO", []))

    def test_terminal_that_was_used_is_not_deleted(self) -> None:
        self.authorise()
        with self.assertRaises(UserError):
            self.terminal.unlink()

    def test_blocked_card_is_refused_before_anything_is_started(self) -> None:
        adhoc = self.authorise(card_hash="hash-of-a-card")
        with self.running_jobs():
            adhoc._stop_by_customer()
        adhoc.action_block_card()
        self.assertEqual(adhoc.block_id.label, "Visa **** 1234")
        with self.assertRaises(TerminalError) as raised:
            self.authorise(authorization_reference="pp-2", card_hash="hash-of-a-card")
        self.assertEqual(raised.exception.code, "CARD_BLOCKED")
        self.assertTrue(self.authorise(authorization_reference="pp-3", card_hash="another"))
