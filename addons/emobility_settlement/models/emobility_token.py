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
        agreements = self.env["emobility.roaming.agreement"]
        providers = agreements._internal_in_force(Domain("company_id", "=", company.id)).internal_company_id
        return super()._accepted_in(company) | Domain("company_id", "in", providers.ids)

    def _accepting_companies(self) -> Any:
        today = fields.Date.today()
        operators = {
            operator
            for company in self.company_id
            for operator in self.env["emobility.roaming.agreement"]._operators_for(company.id, today)
        }
        return super()._accepting_companies() | self.env["res.company"].browse(sorted(operators))
