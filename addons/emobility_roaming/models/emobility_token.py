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

    def _station_status(self) -> str:
        status = super()._station_status()
        if status == "Accepted" and self.roaming_partner_id:
            return {"NEVER": "Ask", "ALLOWED_OFFLINE": "AskOnline"}.get(self.whitelist or "", status)
        return status

    @api.model
    def _asks_about_unknown(self, company: models.BaseModel) -> bool:
        partners = self.env["emobility.roaming.partner"].sudo()
        return bool(partners._asked_about_unknown(company)) or super()._asks_about_unknown(company)

    @api.model
    def _authorize_at(
        self, uid: str, company: models.BaseModel, location: models.BaseModel, evse: models.BaseModel
    ) -> dict[str, str | bool]:
        token = self._find_by_uid(uid, company)
        partners = self.env["emobility.roaming.partner"].sudo()
        if not token:
            partners = partners._asked_about_unknown(company)
        elif token._station_status() in ("Ask", "AskOnline"):
            partners = token.roaming_partner_id.sudo()
        if not partners:
            return super()._authorize_at(uid, company, location, evse)
        silent: dict[str, str | bool] | None = None
        for partner in partners:
            answer = partner._ask_about(uid, token, location, evse)
            if answer and answer["status"] != "Unavailable":
                return answer
            silent = answer or silent
        # Who did not answer might know it.
        return silent or {"status": "Invalid", "type": False, "reference": False}

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
