"""Whatever the operator answers, or does not: no hold is forgotten, and nothing is charged that nobody knows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from odoo import fields
from odoo.tests import tagged

from odoo.addons.emobility_roaming.ocpi_client import Answer
from odoo.addons.emobility_roaming.tests.ocpi_common import failed, ok

from .common import ACCEPTED, AdhocRoamingCommon

LOST = Answer(0, "", {}, 20.0, error="The partner does not answer in time.")
NEVER_SENT = Answer(0, "", {}, 5.0, error="The partner does not answer in time.", is_sent=False)


@tagged("post_install", "-at_install")
class TestStartFaults(AdhocRoamingCommon):
    def test_a_start_that_is_refused_at_once_gives_the_hold_back(self) -> None:
        for answer in (ok({"result": "REJECTED"}), ok({"result": "NOT_SUPPORTED"}), failed(404, 3001), NEVER_SENT):
            with self.subTest(answer=answer):
                adhoc, _asked = self.paid_at_operator(answer)
                self.assert_released(adhoc, "start_failed")
                self.assertEqual(adhoc.token_id.state, "expired")

    def test_a_start_that_the_station_refuses_later_gives_the_hold_back(self) -> None:
        for result in ("REJECTED", "TIMEOUT", "EVSE_OCCUPIED", "EVSE_INOPERATIVE", "FAILED", "UNKNOWN_RESERVATION"):
            with self.subTest(result=result):
                adhoc, _asked = self.paid_at_operator()
                self.result(adhoc, result)
                self.assert_released(adhoc, "start_failed")
                self.result(adhoc, "ACCEPTED")
                self.assert_released(adhoc, "start_failed")

    def test_an_operator_that_is_left_alone_for_a_while_is_not_asked(self) -> None:
        with self.partner_answers(failed(500)):
            for _time in range(5):
                self.connection._call("GET", "https://nlxyz.example.com/", module="locations")
        self.messages_are_of_now()
        self.assertFalse(self.connection._may_call())
        adhoc, asked = self.paid_at_operator()
        self.assertFalse(asked)
        self.assert_released(adhoc, "start_failed")

    def test_an_operator_without_the_module_commands_is_not_sold_from(self) -> None:
        adhoc = self.check_out()
        self.connection.module_ids.filtered(lambda one: one.module == "commands").unlink()
        self.pay(adhoc)
        self.assert_released(adhoc, "not_available")

    def test_a_company_without_a_party_gives_the_hold_back(self) -> None:
        adhoc = self.check_out()
        self.company.write({"emobility_country_code": False, "emobility_party_id": False})
        with self.partner_answers(ACCEPTED) as asked:
            self.pay(adhoc)
        self.assertFalse(asked)
        self.assert_released(adhoc, "start_failed")

    def test_a_lost_answer_is_waited_for_and_then_the_hold_is_given_back(self) -> None:
        for answer in (LOST, failed(504), ok(None)):
            with self.subTest(answer=answer):
                adhoc, asked = self.paid_at_operator(answer)
                self.assertEqual((adhoc.state, len(asked)), ("starting", 1), "asked once: it may have begun")
                self.assertEqual(self.real(adhoc), (0, 2000))
                adhoc._check_start()
                self.assertEqual(adhoc.state, "starting", "not yet")
                adhoc.sudo()._as_system().start_by = fields.Datetime.now()
                adhoc._check_start()
                self.assert_released(adhoc, "start_timeout")

    def test_the_result_of_a_start_whose_answer_was_lost_counts(self) -> None:
        adhoc, _asked = self.paid_at_operator(LOST)
        self.result(adhoc, "REJECTED")
        self.assert_released(adhoc, "start_failed")

    def test_a_job_that_runs_again_asks_the_operator_once(self) -> None:
        adhoc, _asked = self.paid_at_operator()
        with self.partner_answers(ACCEPTED) as asked:
            adhoc._start_at_operator()
        self.assertFalse(asked)

    def test_a_session_that_begins_after_all_is_stopped_and_seen_to(self) -> None:
        adhoc, _asked = self.paid_at_operator(LOST)
        adhoc.sudo()._as_system().start_by = fields.Datetime.now()
        adhoc._check_start()
        with self.partner_answers(failed(500)) as asked:
            self.tell(adhoc)
        self.assertEqual([call["url"].rsplit("/", 1)[1] for call in asked], ["STOP_SESSION"])
        self.assertEqual((adhoc.state, adhoc.attention), ("released", "late_start"), "also when the stop fails")
        self.assertEqual(self.real(adhoc), (0, 0))

    def test_a_session_that_is_only_announced_has_not_begun(self) -> None:
        adhoc, _asked = self.paid_at_operator()
        self.tell(adhoc, kwh=0, status="PENDING", minutes=1)
        self.assertEqual((adhoc.state, bool(adhoc.start_by)), ("starting", True))
        self.tell(adhoc, kwh=1, minutes=100)
        self.assertEqual(adhoc.state, "charging")


@tagged("post_install", "-at_install")
class TestEndFaults(AdhocRoamingCommon):
    def charging(self) -> Any:
        adhoc, _asked = self.paid_at_operator()
        self.tell(adhoc)
        return adhoc

    def test_an_operator_that_does_not_stop_is_asked_again_and_seen_to(self) -> None:
        adhoc = self.charging()
        with self.partner_answers(ok({"result": "REJECTED"})), self.running_jobs():
            adhoc._enqueue("stop")._stop_by_customer()
        self.assertEqual((adhoc.state, adhoc.attention), ("charging", "stop_failed"))
        self.assertEqual(self.real(adhoc), (0, 2000))
        adhoc.sudo()._as_system().stop_requested_at = fields.Datetime.now() - timedelta(minutes=6)
        with self.partner_answers(ACCEPTED) as asked, self.running_jobs():
            self.env["emobility.adhoc.session"]._cron_watch()
        self.assertEqual(len(asked), 1)
        self.bill(adhoc)
        self.assertEqual((adhoc.state, adhoc.attention, self.real(adhoc)), ("settled", False, (590, 0)))

    def test_zero_energy_charges_nothing(self) -> None:
        adhoc, _asked = self.paid_at_operator()
        self.tell(adhoc, kwh=0, minutes=100)
        self.tell(adhoc, kwh=0, status="COMPLETED", minutes=110)
        self.bill(adhoc, kwh=0.0)
        self.assert_released(adhoc, "nothing")

    def test_a_cdr_that_contradicts_the_session_waits_for_a_person(self) -> None:
        adhoc = self.charging()
        self.bill(adhoc, kwh=0.0)
        self.assertEqual((adhoc.state, adhoc.session_id.state), ("ended", "held"))
        self.assertEqual(self.real(adhoc), (0, 2000), "neither charged nor given back unseen")

    def test_a_cdr_that_never_comes_is_seen_to_before_the_hold_goes(self) -> None:
        adhoc = self.charging()
        self.tell(adhoc, kwh=10, status="COMPLETED", minutes=110)
        with self.running_jobs():
            self.env["emobility.adhoc.session"]._cron_watch()
        self.assertFalse(adhoc.attention)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE emobility_adhoc_session SET create_date = create_date - interval '6 days' WHERE id = %s", [adhoc.id]
        )
        self.env.invalidate_all()
        with self.running_jobs():
            self.env["emobility.adhoc.session"]._cron_watch()
        self.assertEqual((adhoc.state, adhoc.attention), ("ended", "no_cdr"))
        self.assertEqual(self.real(adhoc), (0, 2000), "nothing is charged that nobody knows")
        self.bill(adhoc)
        self.assertEqual((adhoc.state, adhoc.attention, self.real(adhoc)), ("settled", False, (590, 0)))

    def test_a_session_that_the_operator_calls_invalid_is_seen_to(self) -> None:
        adhoc = self.charging()
        self.tell(adhoc, kwh=3, status="INVALID", minutes=110)
        self.assertEqual((adhoc.state, adhoc.attention), ("ended", "no_cdr"))
        self.assertEqual(self.real(adhoc), (0, 2000))

    def test_a_cdr_that_is_taken_back_is_seen_to_and_changes_no_money(self) -> None:
        adhoc = self.charging()
        cdr = self.bill(adhoc)
        self.bill(adhoc, id="CDR-2", credit=True, credit_reference_id="CDR-1",
                  total_cost={"excl_vat": -4.0, "incl_vat": -4.76})  # fmt: skip
        self.assertTrue(cdr.credit_ids)
        self.assertEqual((adhoc.state, adhoc.attention, self.real(adhoc)), ("settled", "credited", (590, 0)))

    def test_the_same_cdr_twice_is_charged_once(self) -> None:
        adhoc = self.charging()
        self.bill(adhoc)
        self.bill(adhoc)
        self.assertEqual((self.real(adhoc), len(adhoc._captures("done"))), ((590, 0), 1))

    def test_a_hold_that_went_before_the_cdr_is_a_claim(self) -> None:
        adhoc = self.charging()
        self.tell(adhoc, kwh=10, status="COMPLETED", minutes=110)
        with self.running_jobs():
            adhoc.transaction_id._set_canceled()
        self.bill(adhoc)
        self.assertEqual((adhoc.attention, adhoc.amount_claim, self.real(adhoc)[0]), ("claim", 5.9, 0))
