from __future__ import annotations

from typing import Any

from odoo import fields, models


class ContractContract(models.Model):
    _inherit = "contract.contract"

    emobility_brand_id = fields.Many2one(
        "emobility.brand",
        "Charging Brand",
        index="btree_not_null",
        check_company=True,
        help="Under which name its sessions are invoiced. Empty: that of the plan, the place, the payer, the company.",
    )

    def _prepare_invoice(self, date_invoice: Any, journal: Any = None) -> dict[str, Any]:
        """Invoices with nothing but fees have the look and the numbers of the brand too."""
        values = super()._prepare_invoice(date_invoice, journal=journal)
        if self.is_charging:
            brand = self.env["emobility.brand"]._brand_for(self.company_id, self)
            values |= {"emobility_contract_id": self.id, "emobility_brand_id": brand.id}
            if brand.journal_id and not journal:
                values["journal_id"] = brand.journal_id.id
        return values
