from __future__ import annotations

from datetime import timedelta
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

OPEN = ("draft", "open")


class EmobilityRoamingDispute(models.Model):
    """What a partner and we disagree on: one CDR, theirs or ours, with reason, evidence and deadline."""

    _name = "emobility.roaming.dispute"
    _description = "Roaming Dispute"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "deadline, id desc"
    _check_company_auto = True

    name = fields.Char("Number", required=True, readonly=True, copy=False, default="/")
    direction = fields.Selection(
        [("ours", "We dispute their CDR"), ("theirs", "They dispute our CDR")], required=True, default="theirs"
    )
    roaming_partner_id = fields.Many2one(
        "emobility.roaming.partner", required=True, index=True, ondelete="restrict", check_company=True
    )
    company_id = fields.Many2one(related="roaming_partner_id.company_id", store=True, index=True)
    roaming_cdr_id = fields.Many2one(
        "emobility.roaming.cdr",
        "Their CDR",
        index=True,
        ondelete="restrict",
        check_company=True,
        domain="[('direction', '=', 'in'), ('roaming_partner_id', '=', roaming_partner_id)]",
    )
    cdr_id = fields.Many2one(
        "emobility.cdr",
        "Our CDR",
        index=True,
        ondelete="restrict",
        check_company=True,
        domain="[('credit', '=', False)]",
    )
    reason = fields.Selection(
        [
            ("price", "Wrong price"),
            ("energy", "Implausible energy or time"),
            ("duplicate", "Charged twice"),
            ("late", "Too late"),
            ("token", "Unknown token or no contract"),
            ("session", "There was no such session"),
            ("other", "Something else"),
        ],
        required=True,
        default="price",
        tracking=True,
    )
    description = fields.Text(required=True, help="What is wrong, in words that the other side understands.")
    evidence = fields.Json("Evidence Data", readonly=True, help="What both sides said when the dispute was made.")
    evidence_text = fields.Text("Evidence", compute="_compute_evidence_text")
    currency_id = fields.Many2one("res.currency", compute="_compute_currency_id", store=True)
    amount = fields.Monetary("Disputed Amount", help="Without taxes.", tracking=True)
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("open", "Waiting for an answer"),
            ("accepted", "Accepted, credit expected"),
            ("closed", "Settled by a credit CDR"),
            ("rejected", "Rejected"),
        ],
        required=True,
        readonly=True,
        default="draft",
        copy=False,
        tracking=True,
        index=True,
    )
    opened_on = fields.Date(readonly=True, copy=False)
    deadline = fields.Date(tracking=True, copy=False)
    is_overdue = fields.Boolean(compute="_compute_is_overdue", search="_search_is_overdue")
    answer = fields.Text(tracking=True)

    _one_about_theirs = models.UniqueIndex(
        "(roaming_cdr_id) WHERE roaming_cdr_id IS NOT NULL AND state IN ('draft', 'open')",
        "This CDR is in dispute already.",
    )
    _one_about_ours = models.UniqueIndex(
        "(cdr_id) WHERE cdr_id IS NOT NULL AND state IN ('draft', 'open')", "This CDR is in dispute already."
    )

    @api.depends("roaming_cdr_id.currency_id", "cdr_id.currency_id")
    def _compute_currency_id(self) -> None:
        for dispute in self:
            dispute.currency_id = dispute.roaming_cdr_id.currency_id or dispute.cdr_id.currency_id

    @api.depends("evidence")
    def _compute_evidence_text(self) -> None:
        for dispute in self:
            dispute.evidence_text = "\n".join(f"{name}: {value}" for name, value in (dispute.evidence or {}).items())

    @api.depends("state", "deadline")
    def _compute_is_overdue(self) -> None:
        today = fields.Date.context_today(self)
        for dispute in self:
            dispute.is_overdue = dispute.state == "open" and bool(dispute.deadline) and dispute.deadline < today

    def _search_is_overdue(self, operator: str, value: Any) -> Any:
        if operator not in ("in", "not in"):
            return NotImplemented
        overdue = [("state", "=", "open"), ("deadline", "<", fields.Date.context_today(self))]
        return overdue if (True in value) == (operator == "in") else ["!", "&", *overdue]

    @api.constrains("direction", "roaming_cdr_id", "cdr_id")
    def _check_subject(self) -> None:
        for dispute in self:
            if bool(dispute.roaming_cdr_id) == bool(dispute.cdr_id) or bool(dispute.cdr_id) != (
                dispute.direction == "theirs"
            ):
                raise ValidationError(self.env._("A dispute is about one CDR: theirs, or one of ours."))

    @api.onchange("cdr_id")
    def _onchange_cdr_id(self) -> None:
        if self.cdr_id:
            self.amount = sum(
                self.cdr_id.rating_ids.filtered(lambda one: one.relation == "wholesale").mapped("amount_total")
            )

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> EmobilityRoamingDispute:
        for vals in vals_list:
            if vals.get("name", "/") == "/":
                vals["name"] = self.env["ir.sequence"].next_by_code("emobility.roaming.dispute")
        return super().create(vals_list)

    @api.ondelete(at_uninstall=False)
    def _unlink_drafts_only(self) -> None:
        if self.filtered(lambda dispute: dispute.state != "draft"):
            raise UserError(self.env._("A dispute that the other side knows of cannot be deleted."))

    @api.model
    def _about_theirs(self, cdr: Any) -> EmobilityRoamingDispute:
        """The open dispute about a received CDR, made if there is none."""
        known = self.search([("roaming_cdr_id", "=", cdr.id), ("state", "in", OPEN)], limit=1)
        if known:
            return known
        wrong_price = cdr.is_repriced and cdr.currency_id and not cdr.currency_id.is_zero(cdr.difference)
        return self.create(
            {
                "direction": "ours",
                "roaming_partner_id": cdr.roaming_partner_id.id,
                "roaming_cdr_id": cdr.id,
                "reason": "price" if wrong_price else "other",
                "description": cdr.findings or self.env._("Please explain this CDR."),
                "amount": cdr.difference if wrong_price else cdr.total_net,
                "evidence": cdr._evidence(),
            }
        )

    # Actions

    def action_open(self) -> None:
        """Send it to the other side, and wait for the answer until the deadline."""
        for dispute in self:
            dispute._expect("draft")
            today = fields.Date.context_today(dispute)
            agreement = dispute._agreement()
            days = agreement.dispute_days or 30
            dispute.write(
                {"state": "open", "opened_on": today, "deadline": dispute.deadline or today + timedelta(days=days)}
            )
            if dispute.roaming_cdr_id:
                dispute.roaming_cdr_id._decide("disputed")
                dispute._tell_partner(agreement)
            dispute.activity_schedule(
                "mail.mail_activity_data_todo", dispute.deadline, self.env._("Answer to the dispute is due")
            )

    def _agreement(self) -> Any:
        if self.roaming_cdr_id:
            return self.roaming_cdr_id.agreement_id
        return self.cdr_id.session_id.roaming_agreement_id

    def _tell_partner(self, agreement: Any) -> None:
        """By mail, in the language of the legal entity. (OCPI has no module for disputes.)"""
        receiver = agreement.legal_entity_id or self.roaming_partner_id.partner_id
        if not receiver.email:
            return
        self.with_context(lang=receiver.lang or self.env.lang).message_post(
            body=self.env._(
                "We dispute your CDR %(cdr)s: %(description)s Please answer until %(deadline)s.",
                cdr=self.roaming_cdr_id.name,
                description=self.description,
                deadline=self.deadline,
            ),
            partner_ids=receiver.ids,
            subtype_xmlid="mail.mt_comment",
        )

    def action_accept(self) -> None:
        """The one who made the CDR agrees. One of ours is taken back at once: credit CDR and credit note."""
        for dispute in self:
            dispute._expect("open")
            if dispute.cdr_id:
                dispute.cdr_id.action_credit()
                dispute.write({"state": "closed"})
            else:
                dispute.write({"state": "accepted"})
            dispute.activity_unlink(["mail.mail_activity_data_todo"])

    def action_reject(self) -> None:
        """The CDR stays as it is, and is paid."""
        for dispute in self:
            dispute._expect("open", "accepted")
            if not dispute.answer:
                raise UserError(self.env._("Enter the answer first: it is what the other side gets to read."))
            if dispute.roaming_cdr_id:
                dispute.roaming_cdr_id._decide("accepted")
            dispute.write({"state": "rejected"})
            dispute.activity_unlink(["mail.mail_activity_data_todo"])

    def _expect(self, *states: str) -> None:
        if self.state not in states:
            raise UserError(self.env._("%(dispute)s is %(state)s.", dispute=self.name, state=self.state))

    def _credited_by(self, credit: Any) -> None:
        """The credit CDR has come: nothing is left to disagree on."""
        for dispute in self.filtered(lambda one: one.state in ("draft", "open", "accepted")):
            dispute.write({"state": "closed"})
            dispute.message_post(body=self.env._("The partner took the CDR back by %s.", credit.name))
            dispute.activity_unlink(["mail.mail_activity_data_todo"])
