from __future__ import annotations

from typing import Any

from odoo import api, fields, models
from odoo.fields import Domain


class EmobilityToken(models.Model):
    """Between companies of this database the cards of one charge at the stations of the other."""

    _inherit = "emobility.token"

    def _is_chargeable(self) -> bool:
        """Whether it is one token, and its provider pays for it now."""
        return len(self) == 1 and self._authorization_status() == "Accepted"

    @api.model
    def _accepted_in(self, company: Any) -> Domain:
        providers = self._internal_agreements(Domain("company_id", "=", company.id)).internal_company_id
        return super()._accepted_in(company) | Domain("company_id", "in", providers.ids)

    def _accepting_companies(self) -> Any:
        operators = self._internal_agreements(Domain("internal_company_id", "in", self.company_id.ids)).company_id
        return super()._accepting_companies() | operators

    @api.model
    def _internal_agreements(self, domain: Domain) -> Any:
        today = fields.Date.today()
        in_force = Domain("date_from", "<=", today) & (Domain("date_to", "=", False) | Domain("date_to", ">=", today))
        internal = Domain("direction", "=", "sell") & Domain("internal_company_id", "!=", False)
        return self.env["emobility.roaming.agreement"].sudo().search(domain & internal & in_force)
