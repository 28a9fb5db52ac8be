from __future__ import annotations

import hashlib
import hmac
import secrets

from odoo import api, fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    nap_access = fields.Selection(
        [("token", "With a token"), ("open", "Open to anybody")],
        "Access to public data",
        required=True,
        default="token",
    )
    nap_token_hash = fields.Char("Digest of the token", copy=False, groups="base.group_system")
    nap_has_token = fields.Boolean("Has a token", compute="_compute_nap_has_token")

    @api.depends("nap_token_hash")
    def _compute_nap_has_token(self) -> None:
        for company in self:
            company.nap_has_token = bool(company.sudo().nap_token_hash)

    def _nap_new_token(self) -> str:
        """Make a token; the one before ends. Only a digest is kept: of 256 random bits a plain one will do."""
        self.ensure_one()
        token = secrets.token_urlsafe(32)
        self.sudo().nap_token_hash = hashlib.sha256(token.encode()).hexdigest()
        return token

    def _nap_admits(self, token: str) -> bool:
        """Whether the public data may be read with this token, or without any."""
        self.ensure_one()
        if self.nap_access == "open":
            return True
        digest = hashlib.sha256(token.encode()).hexdigest()
        return hmac.compare_digest(self.sudo().nap_token_hash or "", digest)
