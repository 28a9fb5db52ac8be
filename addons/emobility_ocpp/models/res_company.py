from typing import Any

from odoo import models


class ResCompany(models.Model):
    _inherit = "res.company"

    def write(self, vals: dict[str, Any]) -> bool:
        result = super().write(vals)
        # Tokens of the company need a contract, tokens of others do not: its identity says which are which.
        if vals.keys() & {"emobility_country_code", "emobility_party_id"}:
            self.env["emobility.token"].sudo().search([("company_id", "in", self.ids)])._record_ocpp_change()
        return result
