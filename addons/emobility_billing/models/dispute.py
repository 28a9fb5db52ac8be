from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import plaintext2html

OPEN_STATES = ("new", "in_review")
REASONS = [
    ("energy", "The energy is wrong"),
    ("time", "The times are wrong"),
    ("price", "The price is wrong"),
    ("not_me", "I did not charge there"),
    ("not_charged", "The car did not charge"),
    ("double", "It was billed twice"),
    ("blocking", "The blocking fee is wrong"),
    ("other", "Something else"),
]
# What whoever opens a dispute says; the rest is said by the steps.
OPENING = frozenset({"partner_id", "session_id", "move_id", "reason", "text", "user_id", "deadline"})


class EmobilityDispute(models.Model):
    """A customer does not agree with what was billed: examined, answered, and credited where they are right."""

    _name = "emobility.dispute"
    _inherit = ["emobility.guarded", "portal.mixin", "mail.thread", "mail.activity.mixin"]
    _description = "Complaint about a bill"
    _order = "id desc"
    _check_company_auto = True
    _guard_editable: ClassVar[frozenset[str]] = frozenset({"user_id", "deadline", "reason", "access_token"})

    name = fields.Char(required=True, readonly=True, copy=False, default=lambda self: self.env._("New"))
    company_id = fields.Many2one("res.company", compute="_compute_company_id", store=True, index=True)
    partner_id = fields.Many2one("res.partner", "Customer", required=True, index=True, ondelete="restrict")
    session_id = fields.Many2one(
        "emobility.session",
        "Charging session",
        index=True,
        ondelete="restrict",
        check_company=True,
        domain="[('state', '=', 'done')]",
    )
    move_id = fields.Many2one(
        "account.move",
        "Invoice",
        index="btree_not_null",
        ondelete="restrict",
        check_company=True,
        domain="[('rating_ids', '!=', False), ('state', '=', 'posted')]",
        help="The whole invoice, instead of one session.",
    )
    reason = fields.Selection(REASONS, required=True, tracking=True)
    text = fields.Text("What is wrong", required=True)
    user_id = fields.Many2one("res.users", "Responsible", index="btree_not_null", tracking=True)
    deadline = fields.Date("Answer until", tracking=True)
    is_overdue = fields.Boolean(compute="_compute_is_overdue", search="_search_is_overdue")
    state = fields.Selection(
        [("new", "New"), ("in_review", "In Review"), ("answered", "Answered"), ("closed", "Closed")],
        default="new",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
        index=True,
    )
    result = fields.Selection(
        [
            ("accepted", "Accepted"),
            ("partly", "Accepted in Part"),
            ("rejected", "Not Accepted"),
            ("withdrawn", "Withdrawn"),
        ],
        readonly=True,
        copy=False,
        tracking=True,
    )
    answer = fields.Text(readonly=True, copy=False)
    answered_at = fields.Datetime(readonly=True, copy=False)
    answered_by_id = fields.Many2one("res.users", readonly=True, copy=False)
    correction_id = fields.Many2one("emobility.correction", readonly=True, copy=False, index="btree_not_null")
    amount = fields.Monetary(compute="_compute_amount", help="What was billed.")
    currency_id = fields.Many2one("res.currency", compute="_compute_amount")

    _one_open_per_session = models.UniqueIndex(
        "(session_id) WHERE state IN ('new', 'in_review')", "There is an open complaint about this session already."
    )
    _one_open_per_move = models.UniqueIndex(
        "(move_id) WHERE state IN ('new', 'in_review')", "There is an open complaint about this invoice already."
    )

    @api.depends("session_id", "move_id")
    def _compute_company_id(self) -> None:
        for dispute in self:
            dispute.company_id = dispute.session_id.company_id or dispute.move_id.company_id

    @api.depends("session_id", "move_id")
    def _compute_amount(self) -> None:
        for dispute in self:
            cdr = dispute.session_id._current_cdr() if dispute.session_id else self.env["emobility.cdr"]
            dispute.currency_id = cdr.currency_id or dispute.move_id.currency_id
            dispute.amount = cdr.retail_amount if cdr else dispute.move_id.amount_total

    @api.depends("deadline", "state")
    def _compute_is_overdue(self) -> None:
        today = fields.Date.context_today(self)
        for dispute in self:
            dispute.is_overdue = bool(
                dispute.state in OPEN_STATES and dispute.deadline and dispute.deadline < today
            )

    def _search_is_overdue(self, operator: str, value: Any) -> Any:
        if operator != "in":
            return NotImplemented
        today = fields.Date.context_today(self)
        overdue = [("state", "in", OPEN_STATES), ("deadline", "<", today)]
        return overdue if True in value else ["!", "&", *overdue]

    def _compute_access_url(self) -> None:
        for dispute in self:
            dispute.access_url = f"/my/charging/disputes/{dispute.id}"

    @api.constrains("session_id", "move_id")
    def _check_subject(self) -> None:
        for dispute in self:
            if bool(dispute.session_id) == bool(dispute.move_id):
                raise ValidationError(self.env._("A complaint is about a charging session or about an invoice."))
            if not dispute._disputed_cdrs():
                raise ValidationError(self.env._("Nothing was billed for it that one could complain about."))

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> EmobilityDispute:
        """Open complaints: whatever comes in, each begins as new, with a number and a day to answer."""
        system = self._as_system()
        opened = []
        for vals in vals_list:
            values = {name: value for name, value in vals.items() if name in OPENING}
            values["name"] = self.env["ir.sequence"].sudo().next_by_code("emobility.dispute")
            opened.append(values)
        disputes = super(EmobilityDispute, system).create(opened)
        for dispute in disputes:
            company = dispute.company_id
            if not dispute.deadline:
                dispute.deadline = fields.Date.context_today(self) + timedelta(days=company.emobility_dispute_days)
            if not dispute.user_id and company.emobility_dispute_user_id:
                dispute.user_id = company.emobility_dispute_user_id
            dispute._plan_answer()
            dispute._mail("emobility_billing.mail_dispute_received")
        return disputes.with_env(self.env)

    # Steps

    def action_review(self) -> None:
        """Take it on: you examine it."""
        self.check_access("write")
        for dispute in self._as_system():
            if dispute.state not in OPEN_STATES:
                raise UserError(self.env._("%s was answered already.", dispute.name))
            dispute.write({"state": "in_review", "user_id": dispute.user_id.id or self.env.uid})
            dispute._plan_answer()

    def action_answer(self) -> dict[str, Any]:
        """Open the dialogue with the answer to the customer."""
        self.ensure_one()
        self.check_access("write")
        return {
            "type": "ir.actions.act_window",
            "res_model": "emobility.dispute.answer",
            "name": self.env._("Answer"),
            "view_mode": "form",
            "target": "new",
            "context": {"default_dispute_id": self.id},
        }

    def action_close(self) -> None:
        """Nothing more is to be done about it."""
        self.check_access("write")
        for dispute in self._as_system():
            if dispute.state != "answered":
                raise UserError(self.env._("Answer %s first.", dispute.name))
            dispute.state = "closed"

    def _answer(self, result: str, answer: str, amount: float = 0.0, cdrs: Any = None) -> None:
        """Tell the customer, and credit what they are right about.

        :param amount: of a part, for each session
        :param cdrs: which of the sessions are meant; None: all
        """
        self.ensure_one()
        self.check_access("write")
        if self.state not in OPEN_STATES:
            raise UserError(self.env._("%s was answered already.", self.name))
        dispute = self._as_system()
        if result != "rejected":
            dispute.correction_id = self._credit(result, answer, amount, cdrs or self._disputed_cdrs())
        dispute.write(
            {
                "state": "answered",
                "result": result,
                "answer": answer,
                "answered_at": fields.Datetime.now(),
                "answered_by_id": self.env.uid,
                "user_id": self.user_id.id or self.env.uid,
            }
        )
        dispute.activity_unlink(["mail.mail_activity_data_todo"])
        dispute._mail("emobility_billing.mail_dispute_answered")

    # What the customer does

    def _reply(self, text: str, files: list[tuple[str, bytes]]) -> None:
        """The customer writes again. An answer that does not convince them is examined once more.

        :raises UserError: when it is closed
        """
        self.ensure_one()
        dispute = self.sudo()._as_system()
        if dispute.state == "closed":
            raise UserError(self.env._("%s is closed.", dispute.name))
        if dispute.state == "answered":
            deadline = fields.Date.context_today(self) + timedelta(days=dispute.company_id.emobility_dispute_days)
            dispute.write({"state": "in_review", "deadline": deadline})
            dispute._plan_answer()
        dispute.message_post(
            body=plaintext2html(text),
            author_id=dispute.partner_id.id,
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
            attachments=files,
        )

    def _withdraw(self) -> None:
        """The customer takes it back. :raises UserError: when it was answered already"""
        self.ensure_one()
        dispute = self.sudo()._as_system()
        if dispute.state not in OPEN_STATES:
            raise UserError(self.env._("%s was answered already.", dispute.name))
        dispute.write({"state": "closed", "result": "withdrawn"})
        dispute.activity_unlink(["mail.mail_activity_data_todo"])
        dispute.message_post(
            body=self.env._("Withdrawn by the customer."),
            author_id=dispute.partner_id.id,
            subtype_xmlid="mail.mt_comment",
        )

    def _conversation(self) -> Any:
        """What the customer and the office wrote to each other after the complaint, without internal notes."""
        return self.message_ids.filtered(
            lambda message: message.message_type == "comment" and not message.is_internal
            and not message.subtype_id.internal
        ).sorted("id")  # fmt: skip

    def _credit(self, result: str, answer: str, amount: float, cdrs: Any) -> Any:
        """The way of every correction: credit CDR, credit note, and for a part a new CDR."""
        cdrs._check_manager()
        correction = self.env["emobility.correction"].create(
            {
                "kind": "credit" if result == "accepted" else "reduce",
                "reason": "dispute",
                "note": f"{self.name}: {answer}",
                "cdr_ids": [fields.Command.set(cdrs.ids)],
                "amount": amount,
                "company_id": self.company_id.id,
            }
        )
        correction._apply_at_once()
        return correction

    def _disputed_cdrs(self) -> Any:
        """The CDRs that count of what the complaint is about."""
        cdrs = self.session_id.cdr_ids | self.move_id.rating_ids.cdr_id
        return cdrs.filtered(lambda cdr: not cdr.credit and not cdr.credit_cdr_ids)

    def _plan_answer(self) -> None:
        """Remind whoever is responsible before the deadline."""
        self.ensure_one()
        if self.user_id and not self.activity_ids:
            self.activity_schedule(
                "mail.mail_activity_data_todo",
                date_deadline=self.deadline,
                user_id=self.user_id.id,
                summary=self.env._("Answer %s", self.name),
            )

    def _mail(self, template: str) -> None:
        """Write to the customer in their language; the mail queue sends it."""
        if not self.partner_id.email:
            self.message_post(body=self.env._("Not mailed: %s has no email address.", self.partner_id.name))
            return
        self.env.ref(template).sudo().send_mail(
            self.id, email_layout_xmlid="mail.mail_notification_light"
        )

    # Buttons

    def action_open_moves(self) -> dict[str, Any]:
        """The invoices that it is about, and the credit notes that followed."""
        moves = self.move_id | self.session_id.cdr_ids.rating_ids.move_id | self.correction_id.move_ids
        return self.env["emobility.session"]._window(
            "account.move", [("id", "in", moves.ids)], self.env._("Invoices")
        )
