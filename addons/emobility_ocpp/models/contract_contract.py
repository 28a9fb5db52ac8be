from typing import Any

from odoo import models

# What of a contract decides whether its tokens may charge.
_DECISIVE = {"charging_state", "is_charging", "active"}


class ContractContract(models.Model):
    _inherit = "contract.contract"

    def write(self, vals: dict[str, Any]) -> bool:
        result = super().write(vals)
        if vals.keys() & _DECISIVE:
            self.sudo().token_ids._record_ocpp_change()
        return result
