from typing import Any

from odoo import api, models


class IrRule(models.Model):
    _inherit = "ir.rule"

    @api.model
    def _eval_context(self) -> dict[str, Any]:
        """Rules for the technical user of OCPI are about the partner that calls."""
        return super()._eval_context() | {"ocpi_connection_ids": self.env.context.get("ocpi_connection_ids", ())}

    def _compute_domain_keys(self) -> list[str]:
        return [*super()._compute_domain_keys(), "ocpi_connection_ids"]
