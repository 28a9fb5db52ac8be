from __future__ import annotations

from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError


class EmobilityAdhocCard(models.Model):
    """Which card paid an ad-hoc session, and whether it may pay another one."""

    # A part of its own, beside the life of the session.
    _inherit = "emobility.adhoc.session"

    card_digest = fields.Char(readonly=True, copy=False, index="btree_not_null", groups="base.group_system")
    has_card = fields.Boolean(compute="_compute_card")
    block_id = fields.Many2one("emobility.adhoc.block", "Card is blocked", compute="_compute_card")

    @api.depends("card_digest")
    def _compute_card(self) -> None:
        blocks = self.env["emobility.adhoc.block"].sudo().search([("digest", "in", self.sudo().mapped("card_digest"))])
        for adhoc in self:
            digest = adhoc.sudo().card_digest
            adhoc.has_card = bool(digest)
            adhoc.block_id = blocks.filtered(
                lambda one, adhoc=adhoc, digest=digest: one.digest == digest and one.company_id == adhoc.company_id
            )[:1]

    def _card_label(self) -> str:
        """How people call the card: its session, when nothing else is known of it."""
        return self.env._("Card of %s", self.name)

    def _note_card(self, fingerprint: str) -> bool:
        """Keep which card it is. Returns whether it is blocked."""
        blocks = self.env["emobility.adhoc.block"]
        if fingerprint:
            self.card_digest = blocks._digest(fingerprint)
        return blocks._is_blocked(self.card_digest, self.company_id)

    def _settle(self, due: float) -> None:  # pylint: disable=missing-return
        """Who owes more than the limit does not charge again before it is paid."""
        super()._settle(due)
        limit = self.company_id.adhoc_block_claim
        if limit and self.card_digest and self.currency_id.compare_amounts(self.amount_claim, limit) >= 0:
            self.env["emobility.adhoc.block"]._block(self, "claim")

    def _claim_is_paid(self) -> None:
        """The card may be used again."""
        blocks = self.env["emobility.adhoc.block"].sudo().search(
            [("adhoc_id", "in", self.ids), ("reason", "=", "claim")]
        )
        blocks._lift()
        paid = self.sudo()._as_system().filtered(lambda adhoc: adhoc.attention == "claim")
        paid.attention = False

    def action_block_card(self) -> dict[str, Any]:
        """This card starts no session any more."""
        self.ensure_one()
        self.check_access("read")
        if not self.env.su and not self.env.user.has_group("emobility_crm.group_user"):
            raise UserError(self.env._("You may not block cards."))
        if not self.sudo().card_digest:
            raise UserError(self.env._("It is not known which card this session was paid with."))
        block = self.env["emobility.adhoc.block"]._block(self.sudo(), "clerk")
        block.message_post(body=self.env._("Blocked by %(user)s.", user=self.env.user.name))
        return self.action_open_block()

    def action_open_block(self) -> dict[str, Any]:
        """Why the card is blocked."""
        self.ensure_one()
        self.invalidate_recordset(["block_id"])
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_adhoc.action_adhoc_block")
        return action | {"res_id": self.block_id.id, "view_mode": "form", "views": [(False, "form")]}
