from typing import Any

from odoo import models
from odoo.exceptions import UserError

# What an issued invoice says.
ISSUED = frozenset({"name", "product_id", "quantity", "price_unit", "discount", "tax_ids"})


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    def write(self, vals: dict[str, Any]) -> bool:
        """Lines of a posted charging invoice stay as they were issued. :raises UserError: when one would change"""
        changed = ISSUED.intersection(vals)
        if changed:
            for line in self:
                if line.parent_state == "posted" and line.display_type == "product" and line.move_id.sudo().rating_ids:
                    raise UserError(
                        self.env._(
                            "%s was issued with charging sessions. It does not change any more: correct it instead.",
                            line.move_id.name,
                        )
                    )
        return super().write(vals)
