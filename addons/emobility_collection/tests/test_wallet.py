from __future__ import annotations

from psycopg2 import IntegrityError

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import CollectionCommon


@tagged("post_install", "-at_install")
class TestWallet(CollectionCommon):
    def test_top_up_is_a_liability_in_the_books_and_is_booked_once(self) -> None:
        wallet = self.ready_wallet(50)
        self.assertEqual(wallet.balance, 50)
        account = self.company.emobility_wallet_account_id
        self.assertEqual(account.account_type, "liability_current")
        self.assertEqual(wallet.line_ids.account_id, account)
        self.assertEqual(sum(wallet.line_ids.mapped("balance")), -50)
        transaction = wallet.transaction_ids
        transaction._post_process()
        wallet._top_up(transaction)
        wallet.invalidate_recordset()
        self.assertEqual(wallet.balance, 50)
        receivable = transaction.payment_id.move_id.line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
        )
        self.assertTrue(receivable.reconciled)

    def test_prepaid_contract_without_balance_cannot_charge_until_it_is_topped_up(self) -> None:
        wallet = self.ready_wallet()
        self.assertEqual((self.contract.charging_state, self.contract.suspension_reason), ("suspended", "wallet"))
        self.assertEqual(self.token._authorization_status(), "Blocked")
        self.top_up(wallet, 20)
        self.assertEqual(self.contract.charging_state, "active")

    def test_contract_that_is_prepaid_from_the_start_is_active_only_with_a_balance(self) -> None:
        self.company._emobility_set_up_wallets()
        contract = self._make_contract(self.driver, "04PREPAID", is_prepaid=True)
        self.assertTrue(contract._wallet())
        self.assertEqual((contract.charging_state, contract.suspension_reason), ("suspended", "wallet"))

    def test_posted_invoice_is_paid_from_the_balance(self) -> None:
        wallet = self.ready_wallet(50)
        move = self.charge()
        self.assertEqual(move.payment_state, "paid")
        wallet.invalidate_recordset()
        self.assertAlmostEqual(wallet.balance, 45.1)
        self.assertFalse(move.transaction_ids)

    def test_balance_pays_what_it_can_and_the_next_top_up_pays_the_rest(self) -> None:
        wallet = self.ready_wallet(3)
        move = self.charge()
        self.assertAlmostEqual(move.amount_residual, 1.9)
        self.assertEqual(self.contract.suspension_reason, "wallet")
        self.top_up(wallet, 10)
        self.assertEqual(move.payment_state, "paid")
        wallet.invalidate_recordset()
        self.assertAlmostEqual(wallet.balance, 8.1)
        self.assertEqual(self.contract.charging_state, "active")

    def test_session_that_is_not_invoiced_yet_counts_against_the_balance(self) -> None:
        wallet = self.ready_wallet(5)
        self.contract.billing_trigger = "monthly"
        wallet.minimum = 2
        self.ingest(self.events())
        wallet.invalidate_recordset()
        self.assertEqual((wallet.balance, round(wallet.available, 2)), (5, 0.1))
        self.assertEqual(self.contract.suspension_reason, "wallet")

    def _reloading(self, state: str = "done"):
        wallet = self.ready_wallet(20)
        token = self._make_payment_token(self.contract, simulated_state=state)
        self.contract.payment_token_id = False
        wallet.write({"payment_token_id": token.id, "reload_below": 18, "reload_amount": 25})
        return wallet

    def test_low_balance_reloads_itself(self) -> None:
        wallet = self._reloading()
        self.charge()
        wallet.invalidate_recordset()
        self.assertAlmostEqual(wallet.balance, 40.1)
        self.assertEqual(len(wallet.transaction_ids.filtered(lambda tx: tx.operation == "offline")), 1)

    def test_f16_f66_held_session_never_triggers_a_reload(self) -> None:
        wallet = self._reloading()
        session = self.ingest(self.events("ODD", minutes=10, kwh="400"))
        self.assertEqual(session.state, "held")
        with self.running_jobs():
            wallet._cron_review()
        self.assertFalse(wallet.transaction_ids.filtered(lambda tx: tx.operation == "offline"))
        self.assertEqual(self.contract.charging_state, "active")

    def test_f66_session_that_is_held_again_after_its_price_triggers_no_reload(self) -> None:
        wallet = self._reloading()
        wallet.reload_below = 0
        self.contract.billing_trigger = "monthly"
        session = self.ingest(self.events())
        session.sudo()._as_system().hold_ids = [(0, 0, {"reason_code": "zero_energy", "severity": "1_warning"})]
        wallet.reload_below = 18
        with self.running_jobs():
            wallet._cron_review()
        self.assertFalse(wallet.transaction_ids.filtered(lambda tx: tx.operation == "offline"))

    def test_f66_reloads_of_a_day_are_limited(self) -> None:
        wallet = self._reloading()
        wallet.reload_below = 10000
        for _again in range(4):
            with self.running_jobs():
                wallet._reload_if_low()
        self.assertEqual(len(wallet.transaction_ids.filtered(lambda tx: tx.operation == "offline")), 2)

    def test_second_reload_at_a_time_is_refused_by_the_database(self) -> None:
        wallet = self._reloading("pending")
        wallet.reload_below = 10000
        with self.running_jobs():
            wallet._reload_if_low()
            wallet._reload_if_low()
        self.assertEqual(len(wallet.transaction_ids.filtered(lambda tx: tx.operation == "offline")), 1)
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError), self.env.cr.savepoint():
            wallet._reload()
            self.env.flush_all()

    def test_failed_reload_is_noted_blocks_nothing_that_is_paid_and_is_not_repeated(self) -> None:
        wallet = self._reloading("error")
        self.env["emobility.decline.reason"].create(
            {"name": "Demo", "pattern": "demo payment status", "kind": "hard", "sequence": 1}
        )
        wallet.reload_below = 10000
        for _again in range(3):
            with self.running_jobs():
                wallet._reload_if_low()
        self.assertEqual(len(wallet.transaction_ids.filtered(lambda tx: tx.operation == "offline")), 1)
        self.assertTrue(wallet.reload_problem)

    def test_f57_another_currency_is_neither_paid_nor_counted(self) -> None:
        wallet = self.ready_wallet(50)
        dollar = self.env.ref("base.USD")
        dollar.active = True
        move = self.open_invoice()
        move.button_draft()
        move.currency_id = dollar
        move.action_post()
        wallet._pay(move)
        wallet.invalidate_recordset()
        self.assertEqual((wallet.balance, wallet.available, move.payment_state), (50, 50, "not_paid"))

    def test_balance_goes_back_the_way_it_came_when_the_contract_ends(self) -> None:
        wallet = self.ready_wallet(50)
        self.charge()
        self.contract._give_notice(self.contract.earliest_end, "customer", force=True)
        self.contract.action_terminate()
        self.assertTrue(wallet.closing)
        with self.running_jobs():
            wallet._cron_review()
        wallet.invalidate_recordset()
        self.assertEqual((wallet.balance, wallet.closing), (0, False))
        refund = wallet.transaction_ids.filtered(lambda tx: tx.operation == "refund")
        self.assertAlmostEqual(refund.amount, -45.1)
        self.assertTrue(
            all(
                line.reconciled
                for line in wallet.payout_move_id.line_ids
                if line.account_id.account_type == "asset_receivable"
            )
        )

    def test_what_cannot_be_refunded_is_prepared_as_a_transfer(self) -> None:
        wallet = self.ready_wallet(50)
        wallet.transaction_ids.provider_id.sudo().code = "none"
        wallet.action_pay_out()
        payment = self.env["account.payment"].search(
            [("partner_id", "=", self.driver.id), ("payment_type", "=", "outbound")]
        )
        self.assertEqual((payment.amount, payment.state), (50, "draft"))
        with self.assertRaises(UserError):
            wallet.action_pay_out()

    def test_ledger_cannot_be_moved_to_somebody_else(self) -> None:
        wallet = self.ready_wallet()
        with self.assertRaises(UserError):
            wallet.partner_id = self.env["res.partner"].create({"name": "Thief"})
