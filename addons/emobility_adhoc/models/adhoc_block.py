from __future__ import annotations

import hashlib
import hmac
from typing import Any, ClassVar

from odoo import api, fields, models
from odoo.exceptions import UserError


class EmobilityAdhocBlock(models.Model):
    """A card that cannot start a session: a claim is open, or somebody has seen it misused."""

    _name = "emobility.adhoc.block"
    _description = "Blocked card"
    _inherit = ["emobility.guarded", "mail.thread"]
    _order = "id desc"
    _rec_name = "label"
    _check_company_auto = True
    _guard_editable: ClassVar[frozenset[str]] = frozenset({"until", "note"})

    label = fields.Char("Card", required=True, readonly=True)
    digest = fields.Char(
        required=True, readonly=True, groups="base.group_system",
        help="Tells the same card again; no number can be found from it."
    )  # fmt: skip
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    active = fields.Boolean("Blocked", default=True, readonly=True, tracking=True)
    reason = fields.Selection(
        [("claim", "Open claim"), ("clerk", "Blocked by a person")], required=True, readonly=True
    )
    adhoc_id = fields.Many2one(
        "emobility.adhoc.session", "Because of", required=True, readonly=True, index=True, ondelete="restrict"
    )
    amount_claim = fields.Monetary(related="adhoc_id.amount_claim")
    currency_id = fields.Many2one(related="adhoc_id.currency_id")
    until = fields.Datetime("Blocked until", tracking=True, help="Empty: until somebody lifts it.")
    note = fields.Text()

    _one_per_card = models.UniqueIndex("(company_id, digest) WHERE active", "This card is blocked already.")

    @api.model
    def _digest(self, fingerprint: str) -> str:
        """What is stored of a card. With the secret of the database nobody can compare it with other lists."""
        secret = self.env["ir.config_parameter"].sudo().get_param("database.secret") or ""
        return hmac.new(secret.encode(), f"adhoc-card:{fingerprint}".encode(), hashlib.sha256).hexdigest()[:32]

    @api.model
    def _is_blocked(self, digest: str | bool, company: Any) -> bool:
        now = fields.Datetime.now()
        domain = [("digest", "=", digest), ("company_id", "=", company.id)]
        return bool(digest) and bool(
            self.sudo().search_count([*domain, "|", ("until", "=", False), ("until", ">", now)], limit=1)
        )

    @api.model
    def _block(self, adhoc: Any, reason: str) -> EmobilityAdhocBlock:
        """Block the card of a session; when it is blocked already, that one counts."""
        blocks = self.sudo()._as_system()
        known = blocks.search([("digest", "=", adhoc.card_digest), ("company_id", "=", adhoc.company_id.id)])
        if known.filtered(lambda one: one.until and one.until <= fields.Datetime.now()):
            # Its time is over: this is a new reason.
            known.active = False
            known.flush_recordset()
            known = blocks.browse()
        return known or blocks.create(
            {
                "label": adhoc._card_label(),
                "digest": adhoc.card_digest,
                "company_id": adhoc.company_id.id,
                "reason": reason,
                "adhoc_id": adhoc.id,
            }
        )

    def _lift(self) -> None:
        self.filtered("active").sudo()._as_system().write({"active": False})

    def action_lift(self) -> None:
        """The card may be used again."""
        self.check_access("read")
        if not self.env.su and not self.env.user.has_group("emobility_crm.group_user"):
            raise UserError(self.env._("You may not lift blocks of cards."))
        for block in self.filtered("active"):
            block.sudo().message_post(body=self.env._("Lifted by %(user)s.", user=self.env.user.name))
            block._lift()

    @api.autovacuum
    def _gc_expired(self) -> None:
        self.sudo().search([("until", "<=", fields.Datetime.now())])._lift()
