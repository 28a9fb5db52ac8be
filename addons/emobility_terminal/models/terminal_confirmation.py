from __future__ import annotations

from datetime import UTC
from typing import Any, ClassVar

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.emobility_adhoc.models.adhoc_session import FINAL

from ..terminal_messages import Confirmation


class EmobilityTerminalConfirmation(models.Model):
    """What a terminal says that it took from a card: OCPI's FinancialAdviceConfirmation, word for word.

    It may come late, twice, and in any order. The newest word on a number counts; a hold is captured once; what does
    not fit is not booked, and waits for a person.
    """

    _name = "emobility.terminal.confirmation"
    _description = "Confirmation of a card terminal"
    _inherit = ["emobility.guarded"]
    _order = "id desc"
    _rec_name = "uid"
    _check_company_auto = True
    _guard_editable: ClassVar[frozenset[str]] = frozenset()

    uid = fields.Char("Number", required=True, readonly=True)
    terminal_id = fields.Many2one("emobility.terminal", required=True, readonly=True, index=True, ondelete="restrict")
    company_id = fields.Many2one(related="terminal_id.company_id", store=True, index=True)
    authorization_reference = fields.Char("Reference", required=True, readonly=True, index=True)
    adhoc_id = fields.Many2one("emobility.adhoc.session", "Ad-hoc session", readonly=True, index="btree_not_null")
    transaction_id = fields.Many2one("payment.transaction", "Booked as", readonly=True, index="btree_not_null")
    status = fields.Selection(
        [("SUCCESS", "Captured"), ("PARTIAL_SUCCESS", "Captured in part"), ("FAILED", "Not captured")],
        required=True,
        readonly=True,
    )
    amount = fields.Float("Captured", readonly=True, digits=(16, 2))
    currency = fields.Char(readonly=True)
    message = fields.Char(readonly=True)
    eft_data = fields.Text("Card slip", readonly=True)
    told_at = fields.Datetime("As of", required=True, readonly=True)
    attention = fields.Selection(
        [
            ("unknown", "No such pre-authorisation"),
            ("differs", "Differs from what is booked"),
            ("unordered", "Was not ordered"),
        ],
        "Work list",
        readonly=True,
        index="btree_not_null",
    )

    _uid_unique = models.UniqueIndex("(terminal_id, uid)", "The terminal has told this already.")

    @api.model
    def _receive(self, terminal: Any, told: Confirmation) -> dict[str, Any]:
        """Take it in, once; returns what the terminal is answered."""
        known = self.sudo()._as_system().search([("terminal_id", "=", terminal.id), ("uid", "=", told.id)])
        told_at = told.last_updated.astimezone(UTC).replace(tzinfo=None, microsecond=0)
        if known and told_at <= known.told_at:
            return known._receipt()
        values = {
            "terminal_id": terminal.id,
            "uid": told.id,
            "authorization_reference": told.authorization_reference,
            "status": told.capture_status_code,
            "amount": float(told.captured),
            "currency": told.currency,
            "message": told.capture_status_message or False,
            "eft_data": "\n".join(told.eft_data) or False,
            "told_at": told_at,
            "attention": False,
        }
        if known:
            known.write(values)
        else:
            known = self.sudo()._as_system().create(values)
        known._apply()
        return known._receipt()

    def _receipt(self) -> dict[str, Any]:
        return {"id": self.uid, "booked": bool(self.transaction_id), "attention": self.attention or None}

    def _apply(self) -> None:
        adhoc = self.terminal_id._adhoc_of(self.authorization_reference)
        hold = adhoc.transaction_ids.filtered(lambda tx: not tx.source_transaction_id)[:1]
        if not hold:
            self.attention = "unknown"
            return
        # Jobs that look at the money of the session wait, and so does another confirmation.
        adhoc = adhoc._locked()
        self.write({"adhoc_id": adhoc.id, "attention": False})
        orders = hold.child_transaction_ids.terminal_order_ids._as_system().filtered(lambda one: one.kind == "capture")
        open_order = orders.filtered(lambda one: one.state in ("waiting", "sent"))[:1]
        is_early = not adhoc.move_id and adhoc.state not in FINAL
        if is_early and not open_order and self.terminal_id._settles_alone():
            # What is due is not known yet: it is looked at again when it is.
            return
        if self.status == "FAILED" or not self.amount:
            if open_order:
                open_order._fail(self.message or "")
        elif self._fits(hold):
            self._book(hold, open_order or orders[:1])

    def _fits(self, hold: Any) -> bool:
        """Whether it can be booked. What says the same once more has nothing to say."""
        done = hold._terminal_captures().filtered(lambda child: child.state == "done")
        same = hold.currency_id.compare_amounts(sum(done.mapped("amount")), self.amount) == 0
        if self.currency != hold.currency_id.name or hold.currency_id.compare_amounts(self.amount, hold.amount) > 0:
            self.attention = "differs"
        elif done and same:
            self.transaction_id = done[:1]
        elif done:
            self.attention = "differs"
        else:
            return True
        return False

    def _book(self, hold: Any, order: Any) -> None:
        """The money was taken: the capture is done, with the amount that the terminal says (F59)."""
        capture = order.transaction_id or hold._create_child_transaction(self.amount)
        is_more = hold.currency_id.compare_amounts(self.amount, capture.amount) > 0
        if not order or is_more or hold.state != "authorized":
            self.attention = "unordered"
        capture.write({"amount": self.amount, "provider_reference": hold.provider_reference})
        if order:
            order._captured(self.message or "")
        else:
            hold.child_transaction_ids.terminal_order_ids._as_system()._withdraw()
        adhoc = self.adhoc_id._as_system()
        adhoc.terminal_eft_data = self.eft_data
        adhoc._put_slip_on_receipt()
        self.transaction_id = capture
        capture._set_done()

    def action_close_attention(self) -> None:
        """Take it off the work list: a person has seen to it."""
        self.check_access("read")
        if not self.env.su and not self.env.user.has_group("emobility_crm.group_user"):
            raise UserError(self.env._("You may not close confirmations."))
        for one in self.filtered("attention"):
            one.sudo()._as_system().attention = False
            if one.adhoc_id:
                one.sudo().adhoc_id.message_post(
                    body=self.env._("Confirmation %(number)s was closed by %(user)s.", number=one.uid,
                                    user=self.env.user.name)
                )  # fmt: skip
