from __future__ import annotations

from datetime import date, datetime
from typing import Any

from odoo.exceptions import UserError
from odoo.tests import freeze_time, tagged

from .common import HostCommon

JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)


@tagged("post_install", "-at_install")
@freeze_time("2026-07-03 08:00:00")
class TestHostAccrual(HostCommon):
    """What hosts are owed at the end of a month belongs to the costs of that month."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        accounts = cls.env["account.account"]
        kinds = {"accrued": "asset_current", "accrued_cost": "liability_current"}
        for number, (name, kind) in enumerate(kinds.items()):
            account = accounts.create({"name": name, "code": f"31999{number}", "account_type": kind})
            cls.company[f"emobility_{name}_account_id"] = account
        cls.owed = cls.company.emobility_accrued_cost_account_id

    def _accrual(self, month: date = JUNE) -> Any:
        accrual = self.env["emobility.accrual"].create(
            {"company_id": self.company.id, "month": month, "currency_id": self.euro.id}
        )
        accrual.action_prepare()
        return accrual

    def test_what_has_no_credit_note_is_owed_with_minimum_and_sessions(self) -> None:
        self._make_agreement(energy_source="fixed", energy_price=0.10, minimum=3)
        self._session("A1", datetime(2026, 6, 3, 8), "20")
        self._session("A2", datetime(2026, 7, 1, 8), "40")
        accrual = self._accrual()
        self.assertEqual(accrual.owed, 3.0)
        line = accrual.line_ids.filtered(lambda one: one.kind == "owed")
        self.assertEqual((line.source, line.rating_count), ("hosts", 1))
        expense = line.account_id
        accrual.action_post()
        moves = accrual.move_id | accrual.reversal_move_id
        self.assertEqual(moves.mapped("date"), [date(2026, 6, 30), JULY])
        balances = {one.account_id: one.balance for one in accrual.move_id.line_ids}
        self.assertEqual((balances[self.owed], balances[expense]), (-3.0, 3.0))
        self.assertEqual(sum(moves.line_ids.filtered(lambda one: one.account_id == self.owed).mapped("balance")), 0)

    def test_a_preview_pays_nobody_and_a_credit_note_of_july_is_still_cost_of_june(self) -> None:
        self._make_agreement(energy_source="fixed", energy_price=0.10)
        self._session("A3", datetime(2026, 6, 3, 8), "20")
        run = self._run(JUNE)
        accrual = self._accrual()
        self.assertEqual(accrual.owed, 2.0)
        move = self._confirm(run).move_id
        self.assertEqual(move.date, date(2026, 7, 3))
        accrual.action_prepare()
        self.assertEqual(accrual.owed, 2.0, "settled, but in July")
        self.assertEqual(accrual.line_ids.filtered(lambda one: one.kind == "owed").rating_count, 1)
        self.assertEqual(self._accrual(JULY).owed, 0, "and in July nothing is open")

    def test_nothing_is_owed_twice_when_a_credit_note_is_dated_in_the_closed_month(self) -> None:
        self._make_agreement(energy_source="fixed", energy_price=0.10)
        self._session("A5", datetime(2026, 6, 3, 8), "20")
        self._accrual().action_post()
        with freeze_time("2026-06-30 12:00:00"):
            move = self._confirm(self._run(JUNE)).move_id
        self.assertEqual((move.invoice_date, move.date), (date(2026, 6, 30), JULY))

    def test_sessions_that_were_taken_back_are_owed_to_nobody(self) -> None:
        self._make_agreement(energy_source="fixed", energy_price=0.10)
        session = self._session("A4", datetime(2026, 6, 3, 8), "20")
        with self.running_jobs():
            session.cdr_ids.action_credit()
        self.assertEqual(self._accrual().owed, 0)

    def test_the_account_has_to_be_chosen(self) -> None:
        self._make_agreement(fixed_amount=10)
        accrual = self._accrual()
        self.company.emobility_accrued_cost_account_id = False
        with self.assertRaisesRegex(UserError, "settings"):
            accrual.action_post()
