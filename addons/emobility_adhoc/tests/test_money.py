from __future__ import annotations

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from odoo.addons.queue_job.tests.common import trap_jobs

from .common import AdhocCommon

PROVIDER_LOG = "odoo.addons.payment.models.payment_provider"


@tagged("post_install", "-at_install")
class TestMoney(AdhocCommon):
    def test_from_the_hold_to_the_receipt(self) -> None:
        adhoc = self.paid()
        self.assertEqual((adhoc.state, self.real(adhoc)), ("starting", (0, 2000)))
        self.answer_start(adhoc, "accepted")
        self.charge(adhoc, end=False, kwh="2")
        self.assertEqual(adhoc.state, "charging")
        self.charge(adhoc, kwh="10")
        self.assertEqual((adhoc.state, adhoc.amount_due, adhoc.amount_captured), ("settled", 5.9, 5.9))
        self.assertEqual(self.real(adhoc), (590, 0))
        receipt = adhoc.move_id
        self.assertEqual((receipt.state, receipt.amount_total, receipt.payment_state), ("posted", 5.9, "paid"))
        self.assertEqual(receipt.rating_ids.relation, "adhoc")
        self.assertFalse(adhoc.attention)

    def test_f37_price_is_the_one_that_was_shown_before_paying(self) -> None:
        adhoc = self.check_out()
        self.adhoc_tariff.version_ids.copy({"valid_from": fields.Datetime.now() - timedelta(hours=5)}).write(
            {"min_price": 9.0}
        )
        self.pay(adhoc)
        self.charge(adhoc)
        self.assertEqual(adhoc.amount_due, 5.9)

    def test_f59_cost_above_the_hold_is_captured_up_to_it_and_the_rest_is_a_claim(self) -> None:
        adhoc = self.paid()
        self.charge(adhoc, kwh="40", minutes=120, ago=180)
        self.assertEqual((adhoc.amount_due, adhoc.amount_captured, adhoc.amount_claim), (23.6, 20.0, 3.6))
        self.assertEqual((adhoc.state, adhoc.attention), ("settled", "claim"))
        self.assertEqual(self.real(adhoc), (2000, 0))
        self.assertAlmostEqual(adhoc.move_id.amount_residual, 3.6)

    def test_f59_charging_is_stopped_before_the_hold_is_exceeded(self) -> None:
        adhoc = self.paid()
        self.charge(adhoc, end=False, kwh="30", minutes=119)
        self.assertFalse(adhoc.stop_requested_at)
        self.charge(adhoc, end=False, kwh="33", minutes=119, uid=f"CS-{adhoc.id}")
        self.assertTrue(adhoc.stop_requested_at)
        stops = self.env["emobility.command"].search([("session_id", "=", adhoc.session_id.id)])
        self.assertEqual(stops.mapped("action"), ["remote_stop"])

    def test_hold_is_increased_before_charging_is_stopped(self) -> None:
        self.company.adhoc_hold_max = 60.0
        adhoc = self.paid()
        self.charge(adhoc, end=False, kwh="33", minutes=119)
        self.assertFalse(adhoc.stop_requested_at)
        self.assertEqual((adhoc.amount_held, self.real(adhoc)), (40.0, (0, 4000)))
        self.charge(adhoc, kwh="33.2", minutes=120)
        self.assertEqual((adhoc.amount_captured, self.real(adhoc)), (19.59, (1959, 0)))

    def test_f60_rejected_start_releases_the_hold_at_once(self) -> None:
        adhoc = self.paid()
        self.answer_start(adhoc, "rejected")
        self.assertEqual((adhoc.state, adhoc.ended_reason, self.real(adhoc)), ("released", "start_failed", (0, 0)))
        self.assertEqual(adhoc.token_id.state, "expired")

    def test_f60_start_that_does_not_come_releases_the_hold(self) -> None:
        adhoc = self.paid()
        self.answer_start(adhoc, "accepted")
        with freeze_time(fields.Datetime.now() + timedelta(minutes=4)), self.running_jobs():
            self.env["emobility.adhoc.session"]._cron_watch()
        self.assertEqual((adhoc.state, adhoc.ended_reason, self.real(adhoc)), ("released", "start_timeout", (0, 0)))

    def test_f60_second_payment_of_the_same_session_is_given_back(self) -> None:
        adhoc = self.check_out()
        first, second = self.pay(adhoc), self.pay(adhoc)
        self.assertEqual((first.state, second.state), ("authorized", "cancel"))
        self.assertEqual(self.real(adhoc), (0, 2000))

    def test_charging_point_that_was_taken_meanwhile_holds_nothing(self) -> None:
        late = self.check_out()
        self.paid()
        self.pay(late)
        self.assertEqual((late.state, late.ended_reason, self.real(late)), ("released", "not_available", (0, 0)))

    def test_charging_point_that_went_offline_holds_nothing(self) -> None:
        adhoc = self.check_out()
        self.set_online(False)
        self.pay(adhoc)
        self.assertEqual((adhoc.state, self.real(adhoc)), ("released", (0, 0)))

    def test_declined_card_starts_nothing(self) -> None:
        adhoc = self.check_out()
        tx = self.pay(adhoc, confirm=False)
        with self.running_jobs():
            self.confirm(tx, "pm_card_chargeDeclined")
        self.assertEqual((tx.state, adhoc.state), ("error", "draft"))
        self.pay(adhoc)
        self.assertEqual(adhoc.state, "starting")

    def test_zero_energy_captures_nothing(self) -> None:
        adhoc = self.paid()
        session = self.charge(adhoc, kwh="0", minutes=3)
        self.assertEqual((session.state, adhoc.state, adhoc.ended_reason), ("void", "released", "nothing"))
        self.assertEqual(self.real(adhoc), (0, 0))
        self.assertFalse(adhoc.move_id)

    def test_end_events_twice_charge_once(self) -> None:
        adhoc = self.paid()
        self.charge(adhoc)
        self.charge(adhoc)
        self.assertEqual(self.real(adhoc), (590, 0))
        self.assertEqual(len(adhoc.session_id.cdr_ids), 1)

    @mute_logger(PROVIDER_LOG)
    def test_f61_lost_answers_are_asked_for_and_charge_once(self) -> None:
        for kind, ago in (("after", 120), ("drop", 240)):
            adhoc = self.paid()
            self.psp.fault("/capture", kind)
            self.charge(adhoc, ago=ago)
            self.assertEqual((adhoc.state, self.real(adhoc)), ("settled", (590, 0)))

    @mute_logger(PROVIDER_LOG)
    def test_capture_that_fails_is_repeated_later_and_then_on_the_work_list(self) -> None:
        adhoc = self.paid()
        for _time in range(5):
            self.psp.fault("/capture", "before")
        self.charge(adhoc)
        self.assertEqual((adhoc.state, adhoc.attempts, adhoc.attention), ("ended", 1, False))
        for _time in range(4):
            with self.running_jobs():
                adhoc._capture_due()
        self.assertEqual(adhoc.attention, "capture_failed")
        with self.running_jobs():
            adhoc.action_retry()
        self.assertEqual((adhoc.state, adhoc.attention, self.real(adhoc)), ("settled", False, (590, 0)))

    @mute_logger(PROVIDER_LOG)
    def test_release_that_fails_is_repeated(self) -> None:
        adhoc = self.paid()
        self.psp.fault("/cancel", "before")
        self.answer_start(adhoc, "rejected")
        self.assertEqual((adhoc.state, self.real(adhoc)), ("released", (0, 2000)))
        with self.running_jobs():
            adhoc._finish()
        self.assertEqual(self.real(adhoc), (0, 0))

    def test_crash_after_the_capture_charges_once(self) -> None:
        adhoc = self.paid()
        target = type(adhoc)
        with patch.object(target, "_settle", side_effect=RuntimeError("the server goes down")):
            with self.assertRaises(RuntimeError), self.env.cr.savepoint():
                self.charge(adhoc)
        self.assertEqual(self.real(adhoc), (590, 0))
        self.assertEqual(adhoc.state, "starting", "nothing of it was committed")
        self.charge(adhoc)
        self.assertEqual((adhoc.state, adhoc.amount_captured, self.real(adhoc)), ("settled", 5.9, (590, 0)))

    def test_session_that_starts_after_the_release_is_stopped_and_a_claim(self) -> None:
        adhoc = self.paid()
        self.answer_start(adhoc, "rejected")
        self.charge(adhoc, end=False, kwh="1")
        self.assertEqual((adhoc.state, adhoc.attention), ("released", "late_start"))
        self.assertTrue(self.env["emobility.command"].search([("action", "=", "remote_stop")]))
        self.charge(adhoc, kwh="2")
        self.assertEqual((adhoc.amount_due, adhoc.amount_claim, self.real(adhoc)), (1.18, 1.18, (0, 0)))

    def test_second_session_with_the_same_token_is_for_a_person(self) -> None:
        adhoc = self.paid()
        self.charge(adhoc)
        self.charge(adhoc, uid="AGAIN", ago=30, minutes=10, kwh="1")
        self.assertEqual(adhoc.attention, "late_start")
        self.assertEqual(self.real(adhoc), (590, 0))

    def test_f68_money_of_another_company_is_given_back(self) -> None:
        adhoc = self.check_out()
        other = self.env["res.company"].create({"name": "Somebody else"})
        provider = self.stripe.copy({"company_id": other.id, "stripe_secret_key": self.psp.secret_key,
                                     "stripe_publishable_key": "pk"})  # fmt: skip
        provider.state = "test"
        with self.running_jobs():
            tx = self.start_hold(20.0, adhoc.currency_id, self.company._adhoc_payer(), adhoc_id=adhoc.id,
                                 provider_id=provider.id)  # fmt: skip
            self.confirm(tx)
        self.assertEqual((tx.state, adhoc.state, self.real(adhoc)), ("cancel", "draft", (0, 0)))

    def test_free_tariff_needs_no_payment(self) -> None:
        self.adhoc_tariff.version_ids.element_ids.component_ids.price = 0.0
        adhoc = self.check_out()
        self.assertEqual((adhoc.kind, adhoc.state), ("free", "starting"))
        self.charge(adhoc)
        self.assertEqual((adhoc.state, adhoc.amount_due), ("settled", 0.0))
        self.assertFalse(adhoc.transaction_ids)
        self.assertFalse(adhoc.session_id.cdr_ids.rating_ids.filtered("amount_total"))

    def test_voucher_pays_and_is_used_up(self) -> None:
        voucher = self.env["emobility.adhoc.voucher"].create(
            {"amount": 10.0, "company_id": self.company.id, "currency_id": self.euro.id}
        )
        find = self.env["emobility.adhoc.voucher"]._find
        self.assertEqual(find(f" {voucher.code.lower()} ", self.company, self.euro), voucher)
        adhoc = self.check_out(voucher=voucher)
        self.assertEqual((adhoc.kind, adhoc.state), ("voucher", "starting"))
        self.assertFalse(find(voucher.code, self.company, self.euro), "one session at a time")
        self.charge(adhoc)
        self.assertEqual((adhoc.state, voucher.amount_left), ("settled", 4.1))
        self.assertEqual(adhoc.session_id.cdr_ids.rating_ids.state, "free")

    def test_customer_stops_or_cancels(self) -> None:
        adhoc = self.paid()
        with self.running_jobs():
            adhoc._stop_by_customer()
        self.assertEqual((adhoc.state, self.real(adhoc)), ("released", (0, 0)))
        again = self.paid()
        self.charge(again, end=False, kwh="1")
        with self.running_jobs():
            again._stop_by_customer()
        self.assertEqual(again.stopped_by, "customer")

    def test_abandoned_payment_is_closed(self) -> None:
        adhoc = self.check_out()
        self.pay(adhoc, confirm=False)
        self.env.cr.execute("UPDATE emobility_adhoc_session SET create_date = create_date - interval '3 hours'")
        adhoc.invalidate_recordset()
        with self.running_jobs():
            self.env["emobility.adhoc.session"]._cron_watch()
        self.assertEqual((adhoc.state, adhoc.ended_reason), ("released", "abandoned"))

    def test_hold_of_which_no_job_heard_is_found(self) -> None:
        adhoc = self.check_out()
        with trap_jobs():
            tx = self.start_hold(20.0, adhoc.currency_id, self.company._adhoc_payer(), adhoc_id=adhoc.id)
            self.confirm(tx)
        with self.running_jobs():
            self.env["emobility.adhoc.session"]._cron_watch()
        self.assertEqual(adhoc.state, "starting")

    def test_receipt_is_replaced_by_an_invoice_with_a_name(self) -> None:
        adhoc = self.paid()
        self.charge(adhoc)
        receipt = adhoc.move_id
        before = self.real(adhoc)
        with self.running_jobs():
            germany = self.env.ref("base.de")
            invoice = adhoc._reissue(
                {"name": "Ampere GmbH", "vat": "DE136695976", "city": "Berlin", "country_id": germany.id}
            )
        self.assertEqual((invoice.partner_id.name, invoice.amount_total), ("Ampere GmbH", 5.9))
        self.assertEqual((invoice.state, invoice.payment_state), ("posted", "paid"))
        self.assertEqual((receipt.state, receipt.payment_state), ("posted", "reversed"))
        self.assertEqual(invoice.rating_ids, adhoc.session_id.cdr_ids.rating_ids)
        self.assertEqual((adhoc.move_id, self.real(adhoc)), (invoice, before))

    def test_receipt_is_mailed_once(self) -> None:
        adhoc = self.paid(email="wanda@example.com")
        self.charge(adhoc)
        with self.running_jobs():
            adhoc._mail_receipt()
        mails = self.env["mail.mail"].search([("email_to", "=", "wanda@example.com")])
        self.assertEqual(len(mails), 1)
        self.assertEqual(len(mails.attachment_ids), 1)
