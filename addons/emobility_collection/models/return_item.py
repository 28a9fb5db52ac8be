from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.emobility_billing.jobs import enqueue

from ..bank_message import Returned

# The rules of the SEPA scheme: a debit that was not paid may be presented again twice.
PRESENTATIONS = 3


class EmobilityReturnItem(models.Model):
    """A direct debit that a bank sent back, and what followed from it.

    What fits no debit of ours is kept as unknown, for a person to assign or to ignore with a reason.
    """

    _name = "emobility.return.item"
    _description = "Returned debit"
    _inherit = ["emobility.guarded", "mail.thread"]
    _order = "id desc"
    _rec_name = "end_to_end"
    _check_company_auto = True
    _guard_editable = frozenset({"payment_id", "note"})

    file_id = fields.Many2one("emobility.return.file", required=True, readonly=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(related="file_id.company_id", store=True, index=True)
    kind = fields.Selection([("camt", "Returned"), ("pain", "Rejected")], required=True, readonly=True)
    end_to_end = fields.Char("End-to-end reference", readonly=True)
    uid = fields.Char(readonly=True, required=True, help="What makes this return the same one in another file.")
    reason_id = fields.Many2one("payment.return.reason", readonly=True)
    text = fields.Char("Text of the bank", readonly=True)
    date = fields.Date(readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    amount = fields.Monetary(readonly=True)
    charges = fields.Monetary("Charges of the bank", readonly=True)
    debtor = fields.Char(readonly=True)
    iban = fields.Char("IBAN", readonly=True)
    mandate_reference = fields.Char(readonly=True)
    state = fields.Selection(
        [("unknown", "To clarify"), ("booked", "Booked"), ("ignored", "Ignored")],
        default="unknown",
        required=True,
        readonly=True,
        index=True,
        tracking=True,
    )
    problem = fields.Char(readonly=True, help="Why it was not booked by itself.")
    note = fields.Char("Why it is ignored", tracking=True)
    payment_id = fields.Many2one(
        "account.payment",
        "Collection",
        check_company=True,
        tracking=True,
        domain="[('payment_order_id.payment_type', '=', 'inbound'), ('company_id', '=', company_id)]",
    )
    partner_id = fields.Many2one(related="payment_id.partner_id")
    return_id = fields.Many2one("payment.return", "Booking of the return", readonly=True)
    move_ids = fields.Many2many("account.move", string="Invoices", readonly=True)
    fee_move_id = fields.Many2one("account.move", "Fee", readonly=True)

    _uid_uniq = models.UniqueIndex("(company_id, uid)", "This return has been taken in already.")
    _payment_uniq = models.UniqueIndex(
        "(payment_id) WHERE state = 'booked'", "This collection has been returned already."
    )

    # Taking in

    @api.model
    def _payments_of(self, returned: Returned, company: Any) -> Any:
        """Collections that a bank means, by the reference that we gave to it."""
        payments = self.env["account.payment"].sudo()
        domain = [("company_id", "=", company.id), ("payment_order_id.payment_type", "=", "inbound")]
        if returned.end_to_end:
            return payments.search([*domain, ("memo", "=", returned.end_to_end)])
        if returned.lot:
            return payments.search([*domain, ("payment_lot_id.name", "=", returned.lot)])
        if returned.order:
            return payments.search([*domain, ("payment_order_id.name", "=", returned.order)])
        return payments

    @api.model
    def _make(self, file: Any, returned: Returned, payment: Any) -> None:
        """The item of a return, unless another file told of it before."""
        uid = payment.memo or returned.end_to_end or _fingerprint(returned)
        if self.search_count([("company_id", "=", file.company_id.id), ("uid", "=", uid)], limit=1):
            return
        currency = self.env["res.currency"].search([("name", "=", returned.currency)], limit=1)
        item = self.create(
            {
                "file_id": file.id,
                "uid": uid,
                "kind": returned.kind,
                "end_to_end": payment.memo or returned.end_to_end,
                "reason_id": self.env["payment.return.reason"]._of_code(returned.reason).id,
                "text": returned.text,
                "date": returned.on or fields.Date.context_today(self),
                "currency_id": (currency or payment.currency_id or file.company_id.currency_id).id,
                "amount": float(returned.amount) if returned.amount is not None else payment.amount,
                "charges": float(returned.charges),
                "debtor": returned.debtor or payment.partner_id.name,
                "iban": returned.iban,
                "mandate_reference": returned.mandate,
                "payment_id": payment.id,
            }
        )
        item._try_to_book()

    def _try_to_book(self) -> None:
        """Book, or say on the work list why not."""
        self.ensure_one()
        problem = self._why_not()
        if not problem:
            try:
                with self.env.cr.savepoint():
                    self._book()
            except UserError as error:
                problem = str(error)
                self.invalidate_recordset()
        self.problem = problem

    def _why_not(self) -> str | None:
        payment = self.payment_id
        if not payment:
            return self.env._("No collection of ours has this reference.")
        if payment.payment_order_id.state != "uploaded":
            return self.env._("The file of %s is not marked as uploaded.", payment.payment_order_id.name)
        if not payment.move_id:
            return self.env._("The collection has no journal entry: set the outstanding account of its payment method.")
        if self.currency_id != payment.currency_id or payment.currency_id.compare_amounts(self.amount, payment.amount):
            return self.env._(
                "The bank returned %(returned)s, but %(collected)s were collected.",
                returned=self.currency_id.format(self.amount),
                collected=payment.currency_id.format(payment.amount),
            )
        return None

    # Booking and what follows

    def _book(self) -> None:
        self.ensure_one()
        payment = self.payment_id
        payment.lock_for_update()
        moves = payment.reconciled_invoice_ids
        _liquidity, counterpart, _write_off = payment._seek_for_lines()
        booking = (
            self.env["payment.return"]
            .with_company(self.company_id)
            .create(
                {
                    "company_id": self.company_id.id,
                    "journal_id": payment.journal_id.id,
                    "payment_method_line_id": payment.payment_method_line_id.id,
                    "date": self.date,
                    "name": self.end_to_end,
                    "line_ids": [fields.Command.create(self._return_line_values(counterpart))],
                }
            )
        )
        booking.action_confirm()
        self.write({"state": "booked", "return_id": booking.id, "move_ids": [fields.Command.set(moves.ids)]})
        self._follow_up(moves)

    def _return_line_values(self, counterpart: Any) -> dict[str, Any]:
        payment = self.payment_id
        values = {
            "reference": self.end_to_end,
            "reason_id": self.reason_id.id,
            "reason_additional_information": self.text,
            "move_line_ids": [fields.Command.set(counterpart.ids)],
            "partner_id": payment.partner_id.id,
            "amount": payment.amount,
            "date": self.date,
            "concept": payment.payment_reference,
        }
        account = payment.journal_id.default_expense_account_id
        if self.charges and account:
            values |= {
                "expense_amount": self.charges,
                "expense_account": account.id,
                "expense_partner_id": payment.journal_id.default_expense_partner_id.id,
            }
        return values

    def _follow_up(self, moves: Any) -> None:
        """What the reason asks for: revoke, retry, fee, block; and tell the customer."""
        self.ensure_one()
        reason = self.reason_id
        mandate = self.payment_id.payment_line_ids.mandate_id
        self._first_debit_is_still_to_come(mandate)
        if reason.revokes_mandate:
            mandate._revoke(reason)
        for move in moves:
            move._emobility_debit_returned(reason, self.date)
        contracts = moves.emobility_contract_id
        if reason.charges_fee and contracts:
            self._invoice_fee(contracts[:1])
        contracts._review_payment_block()
        enqueue(self, f"emobility.return.mail:{self.id}", self.env._("Tell of a returned debit"))._mail_customer()

    def _first_debit_is_still_to_come(self, mandate: Any) -> None:
        """A first debit that was rejected before it was booked does not count: the next one is the first."""
        if self.kind == "pain" and self.payment_id.payment_lot_id.sequence_type == "FRST":
            mandate.last_debit_date = False

    def _invoice_fee(self, contract: Any) -> None:
        fee = self.company_id.emobility_return_fee
        if fee:
            self.fee_move_id = contract._invoice_payment_fee(
                self.env.ref("emobility_collection.product_return_fee").product_variant_id,
                fee,
                self.payment_id.payment_reference,
            )

    def _mail_customer(self) -> None:
        """Job."""
        if self.payment_id.partner_id.email:
            self.env.ref("emobility_collection.mail_returned_debit").send_mail(self.id, force_send=False)

    # Work list

    def action_assign(self) -> None:
        """Book the return on the collection that a person chose."""
        for item in self:
            if item.state != "unknown":
                raise UserError(self.env._("%s is clarified already.", item.display_name))
            if not item.payment_id:
                raise UserError(self.env._("Choose the collection that was returned first."))
            problem = item._why_not()
            if problem:
                raise UserError(problem)
            system = item.sudo()._as_system()
            system._book()
            system.problem = False

    def action_ignore(self) -> None:
        """It is none of ours, or settled elsewhere. The reason is kept."""
        for item in self:
            if item.state != "unknown":
                raise UserError(self.env._("%s is clarified already.", item.display_name))
            if not (item.note or "").strip():
                raise UserError(self.env._("Say why it is ignored."))
        self.sudo()._as_system().write({"state": "ignored", "problem": False})


def _fingerprint(returned: Returned) -> str:
    """A key for a return without any reference: the same message has the same one."""
    return "sha:" + hashlib.sha256(repr(returned).encode()).hexdigest()[:32]


def next_presentation(attempts: int, reason: Any, day: Any) -> Any:
    """The day of the next presentation of a debit, or False when there is none."""
    if not reason.retry_after_days or reason.revokes_mandate or attempts >= PRESENTATIONS:
        return False
    return day + timedelta(days=reason.retry_after_days)
