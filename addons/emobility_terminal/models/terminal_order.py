from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any, ClassVar

from odoo import api, fields, models
from odoo.exceptions import LockError, UserError

from odoo.addons.queue_job.exception import RetryableJobError

from ..terminal_messages import OrderAnswer, TerminalError

OPEN = ("waiting", "sent")


class EmobilityTerminalOrder(models.Model):
    """What a terminal is to do with a hold: capture an amount, or cancel it.

    It is handed out once. Whoever asks again while nobody knows what became of it is asked in turn: only an order that
    was certainly not executed is handed out again, with the same number (F61).
    """

    _name = "emobility.terminal.order"
    _description = "Order to a card terminal"
    _inherit = ["emobility.guarded"]
    _order = "id desc"
    _rec_name = "uid"
    _check_company_auto = True
    _guard_editable: ClassVar[frozenset[str]] = frozenset()

    uid = fields.Char(
        "Number", required=True, readonly=True, default=lambda self: secrets.token_hex(12), help="Tells repetitions."
    )
    kind = fields.Selection([("capture", "Capture"), ("cancel", "Cancel")], required=True, readonly=True)
    transaction_id = fields.Many2one("payment.transaction", required=True, readonly=True, ondelete="restrict")
    adhoc_id = fields.Many2one(
        related="transaction_id.source_transaction_id.adhoc_id", store=True, index=True, string="Ad-hoc session"
    )
    terminal_id = fields.Many2one(related="adhoc_id.terminal_id", store=True, index=True)
    company_id = fields.Many2one(related="adhoc_id.company_id", store=True, index=True)
    amount = fields.Monetary(related="transaction_id.amount", store=True)
    currency_id = fields.Many2one(related="transaction_id.currency_id", store=True)
    state = fields.Selection(
        [
            ("waiting", "Waiting"),
            ("sent", "Sent"),
            ("done", "Done"),
            ("failed", "Failed"),
            ("withdrawn", "Withdrawn"),
        ],
        required=True,
        readonly=True,
        default="waiting",
        index=True,
    )
    sent_at = fields.Datetime(readonly=True)
    sent_count = fields.Integer("Times sent", readonly=True)
    answered_at = fields.Datetime(readonly=True)
    message = fields.Char("What the terminal said", readonly=True)

    _uid_unique = models.UniqueIndex("(uid)", "This order exists already.")
    _one_per_transaction = models.UniqueIndex("(transaction_id)", "This capture or release was ordered already.")

    def _locked(self) -> EmobilityTerminalOrder:
        """:raises RetryableJobError: when somebody else answers at this moment"""
        orders = self.sudo()._as_system()
        try:
            orders.lock_for_update()
        except LockError:
            raise RetryableJobError("The order is being answered at this moment.", seconds=3) from None
        orders.invalidate_recordset()
        return orders

    # Out

    def _hand_out(self) -> list[dict[str, Any]]:
        """The open ones, oldest first: to be executed, or to be asked for when they were handed out before."""
        orders = self._locked().filtered(lambda order: order.state in OPEN).sorted("id")
        result = []
        for order in orders:
            action = order.kind if order.state == "waiting" else "query"
            result.append(
                {
                    "order": order.uid,
                    "action": action,
                    "kind": order.kind,
                    "authorization_reference": order.adhoc_id.terminal_reference,
                    "amount": f"{order.amount:.2f}",
                    "currency": order.currency_id.name,
                }
            )
            if order.state == "waiting":
                now = fields.Datetime.now()
                order.write({"state": "sent", "sent_at": now, "sent_count": order.sent_count + 1})
        return result

    def _known_to_terminal(self) -> None:
        """Nobody fetches it: the terminal knows when the session is over, and tells what it took."""
        if self.kind == "cancel":
            self._cancelled(self.env._("The terminal releases it by itself."))
            return
        self.write({"state": "sent", "sent_at": fields.Datetime.now(), "sent_count": 1})
        confirmations = self.env["emobility.terminal.confirmation"].sudo()._as_system()
        told = confirmations.search(
            [("terminal_id", "=", self.terminal_id.id), ("transaction_id", "=", False),
             ("authorization_reference", "=", self.adhoc_id.terminal_reference)], order="told_at desc", limit=1
        )  # fmt: skip
        if told:
            told._apply()

    # In

    def _answered(self, told: OrderAnswer) -> dict[str, Any]:
        """What the terminal says of it. A capture that was done comes as a confirmation, with its amount.

        :raises TerminalError: when it is said in the wrong way
        """
        order = self._locked()
        if told.status == "DONE" and order.kind == "capture":
            raise TerminalError(422, "INVALID", "Send the confirmation of the capture.")
        if told.status == "DONE":
            order._cancelled(told.message)
        elif order.state in OPEN and told.status == "FAILED":
            order._fail(told.message)
        elif order.state == "sent" and told.status == "NOT_EXECUTED":
            order.write({"state": "waiting", "message": told.message or False})
        return {"order": order.uid, "state": order.state}

    def _close(self, state: str, message: str) -> None:
        self.write({"state": state, "answered_at": fields.Datetime.now(), "message": message or False})

    def _cancelled(self, message: str) -> None:
        """The hold is free again. It may be told late, even after another order took its place."""
        if self.state == "done" or self.transaction_id.source_transaction_id.state != "authorized":
            return
        self._withdraw_others()
        self._close("done", message)
        self.transaction_id._set_canceled(extra_allowed_states=("error",))

    def _captured(self, message: str) -> None:
        self._withdraw_others()
        self._close("done", message)

    def _fail(self, message: str) -> None:
        """Certainly not done: it is tried again in a while, and then a person has to see to it."""
        adhoc = self.adhoc_id._locked()
        self._close("failed", message)
        self.transaction_id._set_error(message or self.env._("The terminal could not do it."))
        if self.kind == "capture":
            adhoc._try_again("capture_failed", "_capture_due")
        else:
            adhoc._try_again("release_failed", "_finish")

    def _withdraw_others(self) -> None:
        """What was done settles the hold: no other order for it makes sense any more."""
        children = self.transaction_id.source_transaction_id.child_transaction_ids - self.transaction_id
        children.terminal_order_ids._as_system()._withdraw()

    def _withdraw(self) -> None:
        for order in self.filtered(lambda one: one.state in OPEN):
            order._close("withdrawn", "")
            order.transaction_id._set_error(self.env._("Not needed any more."))

    @api.model
    def _flag_unanswered(self, before: datetime) -> None:
        """Orders that wait for so long are for a person: their sessions go on the work list."""
        for order in self.sudo().search([("state", "in", OPEN), ("create_date", "<", before)]):
            adhoc = order.adhoc_id._as_system()
            if not adhoc.attention:
                adhoc.attention = "capture_failed" if order.kind == "capture" else "release_failed"

    # Buttons

    def _check_may_decide(self) -> None:
        self.check_access("read")
        if not self.env.su and not self.env.user.has_group("emobility_crm.group_manager"):
            raise UserError(self.env._("You may not decide on orders to terminals."))

    def action_mark_done(self) -> None:
        """A person has seen at the acquirer that it was done, as ordered: the terminal will not tell any more."""
        self._check_may_decide()
        for order in self._locked().filtered(lambda one: one.state in OPEN):
            order._note(self.env._("done"))
            if order.kind == "cancel":
                order._cancelled("")
            else:
                order._captured("")
                order.transaction_id._set_done()

    def action_mark_failed(self) -> None:
        """A person has seen at the acquirer that it was not done: it is ordered again."""
        self._check_may_decide()
        for order in self._locked().filtered(lambda one: one.state in OPEN):
            order._note(self.env._("not done"))
            order._fail(self.env._("Decided by a person."))

    def _note(self, outcome: str) -> None:
        self.adhoc_id.message_post(
            body=self.env._(
                "Order %(number)s to the terminal was marked as %(outcome)s by %(user)s.",
                number=self.uid,
                outcome=outcome,
                user=self.env.user.name,
            )
        )
