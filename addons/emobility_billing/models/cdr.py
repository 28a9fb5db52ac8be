from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odoo import api, fields, models
from odoo.exceptions import LockError, UserError

from odoo.addons.queue_job.exception import RetryableJobError

from ..jobs import enqueue
from ..rating import SessionFacts, facts_from_json, facts_to_json
from .correction_reason import CREDIT_REASONS
from .session import ENERGY_DIGITS

if TYPE_CHECKING:
    from .rating import EmobilityRating


class EmobilityCdr(models.Model):
    """The immutable record of a charging session. It is corrected by a credit CDR, and a new one."""

    _name = "emobility.cdr"
    _inherit = ["emobility.guarded", "portal.mixin", "mail.thread"]
    _description = "Charge detail record"
    _order = "end_at desc, id desc"
    _check_company_auto = True
    # The portal's access token is about who may read the record, not about what it says.
    _guard_editable = frozenset({"access_token"})

    name = fields.Char(
        "CDR ID", required=True, readonly=True, help="Unique; at most 39 characters, as OCPI wants it."
    )
    session_id = fields.Many2one(
        "emobility.session", required=True, readonly=True, index=True, ondelete="restrict", check_company=True
    )
    revision = fields.Integer(required=True, readonly=True, default=1)
    contract_id = fields.Many2one("contract.contract", readonly=True, index=True, ondelete="restrict")
    partner_id = fields.Many2one("res.partner", "Payer", readonly=True, index=True, ondelete="restrict")
    token_uid = fields.Char("Token", readonly=True)
    evse_id = fields.Many2one("emobility.evse", "EVSE", readonly=True, index=True, ondelete="restrict")
    connector_id = fields.Many2one("emobility.connector", readonly=True, index=True, ondelete="restrict")
    location_id = fields.Many2one("emobility.location", readonly=True, index=True, ondelete="restrict")
    start_at = fields.Datetime(required=True, readonly=True)
    end_at = fields.Datetime(required=True, readonly=True, index=True)
    energy_kwh = fields.Float("Energy (kWh)", digits=ENERGY_DIGITS, readonly=True)
    # Long, and read for one CDR at a time.
    facts = fields.Json(readonly=True, prefetch=False)
    tariff_version_id = fields.Many2one(
        "emobility.tariff.version", "Tariff", readonly=True, index=True, ondelete="restrict"
    )
    credit = fields.Boolean(readonly=True, help="This CDR takes another one back.")
    credited_cdr_id = fields.Many2one(
        "emobility.cdr", "Takes back", readonly=True, index=True, ondelete="restrict"
    )
    credit_cdr_ids = fields.One2many("emobility.cdr", "credited_cdr_id", "Taken back by")
    credit_reason = fields.Selection(CREDIT_REASONS, "Reason of the credit", readonly=True)
    credit_note = fields.Text("Explanation of the credit", readonly=True)
    is_credited = fields.Boolean(compute="_compute_is_credited", search="_search_is_credited")
    rating_ids = fields.One2many("emobility.rating", "cdr_id", "Ratings")
    retail_rating_id = fields.Many2one(
        "emobility.rating", compute="_compute_retail_rating_id", store=True, index="btree_not_null"
    )
    retail_amount = fields.Monetary(compute="_compute_retail", store=True)
    currency_id = fields.Many2one("res.currency", compute="_compute_retail", store=True)
    # Read from the rating: a copy of its own would make a billing run write every CDR.
    billing_state = fields.Selection(related="retail_rating_id.state", string="Billing")
    move_count = fields.Integer(compute="_compute_move_count")
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)

    _name_unique = models.UniqueIndex("(name)", "This CDR ID exists already.")
    _one_per_revision = models.UniqueIndex(
        "(session_id, revision, credit)", "The session has this CDR already."
    )
    _one_credit = models.UniqueIndex(
        "(credited_cdr_id) WHERE credited_cdr_id IS NOT NULL", "The CDR has been taken back already."
    )

    @api.depends("credit_cdr_ids")
    def _compute_is_credited(self) -> None:
        for cdr in self:
            cdr.is_credited = bool(cdr.credit_cdr_ids)

    def _search_is_credited(self, operator: str, value: Any) -> Any:
        if operator not in ("in", "not in"):
            return NotImplemented
        wanted = (True in value) == (operator == "in")
        return [("credit_cdr_ids", "!=" if wanted else "=", False)]

    @api.depends("rating_ids.relation")
    def _compute_retail_rating_id(self) -> None:
        for cdr in self:
            cdr.retail_rating_id = cdr.rating_ids.filtered(lambda rating: rating.relation == "retail")[:1]

    @api.depends("retail_rating_id.amount_total", "retail_rating_id.currency_id")
    def _compute_retail(self) -> None:
        for cdr in self:
            cdr.retail_amount = cdr.retail_rating_id.amount_total
            cdr.currency_id = cdr.retail_rating_id.currency_id

    @api.depends("rating_ids.move_id")
    def _compute_move_count(self) -> None:
        for cdr in self:
            cdr.move_count = len(cdr.rating_ids.move_id)

    def _compute_access_url(self) -> None:
        for cdr in self:
            cdr.access_url = f"/my/charging/cdrs/{cdr.id}"

    # Making and rating

    @api.model
    def _create_from_session(self, session: Any, facts: SessionFacts) -> EmobilityCdr:
        """The CDR of a session that passed the gate. Token, tariff and place are those of its start."""
        revisions = session.cdr_ids.filtered(lambda cdr: not cdr.credit)
        return (
            self.sudo()
            ._as_system()
            .create(
                {
                    "name": self._next_name(session.company_id),
                    "session_id": session.id,
                    "revision": len(revisions) + 1,
                    "contract_id": session.contract_id.id,
                    "partner_id": session.partner_id.id,
                    "token_uid": session.token_uid,
                    "evse_id": session.evse_id.id,
                    "connector_id": session.connector_id.id,
                    "location_id": session.location_id.id,
                    "start_at": facts.start.replace(tzinfo=None),
                    "end_at": facts.end.replace(tzinfo=None),
                    "energy_kwh": float(facts.energy_kwh),
                    "facts": facts_to_json(facts),
                    "tariff_version_id": session.tariff_version_id.id,
                    "company_id": session.company_id.id,
                }
            )
        )

    @api.model
    def _next_name(self, company: Any) -> str:
        return self.env["ir.sequence"].with_company(company).sudo().next_by_code("emobility.cdr")

    def _facts(self) -> SessionFacts:
        return facts_from_json(self.facts)

    def _rate(self, relation: str, contract: Any, partner: Any, version: Any) -> EmobilityRating:
        """Price the CDR for one commercial relation.

        :raises RatingError: when the engine cannot price it.
        """
        self.ensure_one()
        version._freeze()
        if version._has_month_terms():
            # Two sessions of a contract at once must not both take the rest of its quota.
            try:
                contract.sudo().lock_for_update()
            except LockError:
                raise RetryableJobError("Another session of the contract is being rated.", seconds=10) from None
        result = version._price(self._facts(), contract)
        return self.env["emobility.rating"]._create_from_result(
            self, relation, contract, partner, version, result
        )

    def _after_rating(self) -> None:
        """Contracts that are billed per session get their invoice now, in a job of its own."""
        self._rate_others()
        for rating in self.rating_ids.filtered(lambda rating: rating.relation == "retail"):
            if rating.contract_id.billing_trigger == "session":
                rating._queue_invoice()

    def _rate_others(self) -> None:
        """Price the CDR for those who have a part in it beside the payer. An addon that knows some extends this."""

    # Correction

    def action_credit(self, reason: str = "other", note: str | None = None) -> None:
        """Take the CDR back: credit CDR, and credit notes for what was invoiced. That is final."""
        self._check_manager()
        self._take_back(reason, note)._queue_credit_notes()
        self.session_id.sudo()._as_system().write({"state": "void", "settle_at": False})

    def action_correct(self, reason: str = "other", note: str | None = None) -> None:
        """Take the CDR back and bill the session again from what its events and master data say now."""
        self._check_manager()
        self._take_back(reason, note)._queue_credit_notes()
        self.session_id._reopen()

    def action_open_correction(self) -> dict[str, Any]:
        """A new correction of these CDRs: it shows what it would change before it does."""
        self._check_manager()
        return self.env["emobility.correction"]._new_window(self)

    def _check_manager(self) -> None:
        self.check_access("read")
        if not self.env.user.has_group("emobility_crm.group_manager") and not self.env.su:
            raise UserError(self.env._("Only a manager may take a CDR back."))

    def _take_back(self, reason: str = "other", note: str | None = None) -> EmobilityCdr:
        """Issue the credit CDRs, with negative ratings. The caller sees to the credit notes."""
        credits = self.browse()
        for cdr in self:
            if cdr.credit:
                raise UserError(self.env._("%s is a credit CDR itself.", cdr.name))
            if cdr.credit_cdr_ids:
                raise UserError(
                    self.env._(
                        "%(cdr)s was taken back by %(credit)s already.",
                        cdr=cdr.name,
                        credit=cdr.credit_cdr_ids.name,
                    )
                )
            credit = cdr._create_credit(reason, note)
            for rating in cdr.rating_ids:
                rating.sudo()._as_system()._create_credit(credit)
            cdr.sudo().message_post(
                body=self.env._(
                    "Taken back by %(credit)s (%(user)s).", credit=credit.name, user=self.env.user.name
                )
            )
            credits |= credit
        return credits

    def _queue_credit_notes(self) -> None:
        """Credit what was invoiced, in one job: one credit note for each invoice that is corrected."""
        for company in self.company_id:
            ratings = self.rating_ids._billed_to_payer().filtered(
                lambda rating, company=company: rating.state == "open" and rating.company_id == company
            )
            if ratings:
                enqueue(
                    ratings,
                    f"emobility.rating.credit:{ratings[:1].id}",
                    self.env._("Credit %s charging sessions", len(ratings)),
                )._invoice_now()

    def _reissue(self, version: Any) -> EmobilityRating:
        """A new CDR about the same facts, priced with a version for the driver, and anew for all others."""
        cdr = self._issue_again(version)
        rating = cdr._rate("retail", self.contract_id, self.partner_id, version)
        cdr._rate_others()
        return rating

    def _issue_again(self, version: Any) -> EmobilityCdr:
        """A new CDR about the same facts, not priced yet."""
        self.ensure_one()
        system = self.sudo()._as_system()
        revisions = self.session_id.cdr_ids.filtered(lambda cdr: not cdr.credit)
        return system.create(
            system.copy_data()[0]
            | {
                "name": self._next_name(self.company_id),
                "session_id": self.session_id.id,
                "revision": max(revisions.mapped("revision")) + 1,
                "tariff_version_id": version.id,
            }
        )

    def _create_credit(self, reason: str, note: str | None) -> EmobilityCdr:
        """All data is copied; only amounts and energy change their sign, so that sums over CDRs are right."""
        system = self.sudo()._as_system()
        values = system.copy_data()[0] | {
            "name": self._next_name(self.company_id),
            "session_id": self.session_id.id,
            "revision": self.revision,
            "energy_kwh": -self.energy_kwh,
            "facts": self.facts,
            "credit": True,
            "credited_cdr_id": self.id,
            "credit_reason": reason,
            "credit_note": note,
        }
        return system.create(values)

    # Buttons

    def action_open_ratings(self) -> dict[str, Any]:
        """Ratings of these CDRs."""
        return self.session_id._window(
            "emobility.rating", [("cdr_id", "in", self.ids)], self.env._("Ratings")
        )

    def action_open_moves(self) -> dict[str, Any]:
        """Invoices and credit notes of these CDRs."""
        return self.session_id._window(
            "account.move", [("id", "in", self.rating_ids.move_id.ids)], self.env._("Invoices")
        )

    def action_open_session(self) -> dict[str, Any]:
        """The session of this CDR."""
        return self.session_id._window(
            "emobility.session", [("id", "in", self.session_id.ids)], self.env._("Session")
        )
