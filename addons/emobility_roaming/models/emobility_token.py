from __future__ import annotations

from typing import Any, Self

from odoo import api, fields, models


class EmobilityToken(models.Model):
    _inherit = "emobility.token"

    roaming_partner_id = fields.Many2one(
        "emobility.roaming.partner",
        compute="_compute_roaming_partner_id",
        store=True,
        index=True,
        help="The provider that issued the token, when it is a roaming partner.",
    )
    contract_ref = fields.Char(
        "Contract of the Provider",
        readonly=True,
        copy=False,
        help="The contract of the driver, as its provider names it.",
    )
    whitelist = fields.Selection(
        [("ALWAYS", "Always"), ("ALLOWED", "Allowed"), ("ALLOWED_OFFLINE", "Allowed offline"), ("NEVER", "Never")],
        help="Whether the token may charge without asking its provider first.",
    )

    @api.depends("country_code", "party_id", "company_id")
    def _compute_roaming_partner_id(self) -> None:
        providers = self.env["emobility.roaming.partner"].sudo()._providers_by_party(self.company_id)
        for token in self:
            party = (token.company_id.id, token.country_code, token.party_id)
            token.roaming_partner_id = providers.get(party, False)

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> Self:
        tokens = super().create(vals_list)
        tokens._ocpi_changed()
        return tokens

    def write(self, vals: dict[str, Any]) -> bool:
        result = super().write(vals)
        if vals.keys() & {"state", "valid_until", "token_type", "visual_number", "contract_id", "whitelist"}:
            self._ocpi_changed()
        return result

    def _ocpi_changed(self) -> None:
        """Tell the operators of our own tokens; those of providers are theirs to tell."""
        own = self.filtered(lambda token: not token.roaming_partner_id and token.state not in ("ordered", "shipped"))
        self.env["emobility.ocpi.connection"]._queue_push("tokens", own, "EMSP")
