from __future__ import annotations

from typing import Any

from odoo import api, fields, models

from odoo.addons.emobility_billing.derivation import Event


class EmobilitySession(models.Model):
    """A session of a partner's driver at our station: the partner pays, by the agreement of that day."""

    _inherit = "emobility.session"

    roaming_agreement_id = fields.Many2one(
        "emobility.roaming.agreement", readonly=True, index="btree_not_null", ondelete="restrict", check_company=True
    )

    @api.depends("roaming_agreement_id.legal_entity_id")
    def _compute_partner_id(self) -> None:
        result = super()._compute_partner_id()
        for session in self:
            if session.roaming_agreement_id:
                session.partner_id = session.roaming_agreement_id.legal_entity_id
        return result

    def _identity(self, started: Event) -> dict[str, Any]:
        values = super()._identity(started)
        if not self.roaming_agreement_id and not values.get("contract_id"):
            agreement = self._roaming_agreement(values, started)
            if agreement:
                values["roaming_agreement_id"] = agreement.id
        return values

    def _roaming_agreement(self, values: dict[str, Any], started: Event) -> Any:
        """By whose agreement the token charges here."""
        partner = self._provider_of(values)
        evse = self.env["emobility.evse"].browse(values.get("evse_id") or self.evse_id.id)
        agreements = self.env["emobility.roaming.agreement"]
        if not partner or not evse:
            return agreements
        zone = evse.location_id.time_zone
        day = fields.Datetime.context_timestamp(self.with_context(tz=zone), started.at.replace(tzinfo=None)).date()
        return agreements._find(partner, "sell", day, evse.location_id.country_id)

    def _provider_of(self, values: dict[str, Any]) -> Any:
        """The partner that issued the token, or an empty recordset."""
        token = self.env["emobility.token"].browse(values.get("token_id") or False)
        partners = self.env["emobility.roaming.partner"]
        if not token or token._is_own():
            return partners
        return partners.search(
            [
                ("company_id", "=", token.company_id.id),
                ("role", "=", "EMSP"),
                ("country_code", "=", token.country_code),
                ("party_id", "=", token.party_id),
            ],
            limit=1,
        )

    def _relation(self) -> str:
        return "wholesale" if self.roaming_agreement_id else super()._relation()

    def _has_payer(self) -> bool:
        return bool(self.roaming_agreement_id and self.partner_id) or super()._has_payer()
