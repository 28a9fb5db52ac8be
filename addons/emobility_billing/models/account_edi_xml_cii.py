from __future__ import annotations

from typing import Any

from odoo import models
from odoo.tools import float_repr

from .account_edi_xml_ubl_bis3 import PRICE_DIGITS


class AccountEdiXmlCii(models.AbstractModel):
    _inherit = "account.edi.xml.cii"

    def _export_invoice_vals(self, invoice: Any) -> dict[str, Any]:
        """Unit prices with all their digits: two decimals of a price per kWh are wrong by several euros in a
        month, and receivers compute quantity times price again.
        """
        values = super()._export_invoice_vals(invoice)
        digits = PRICE_DIGITS if invoice.emobility_contract_id else 2
        for line_values in values["invoice_line_vals_list"]:
            line = line_values["line"]
            if digits > 2 and line_values["quantity"]:
                price = line_values["line_total_amount"] / line_values["quantity"]
                line_values["price_subtotal_unit"] = price
                if not line.discount:
                    line_values["gross_price_total_unit"] = price
        values["format_price"] = lambda price: float_repr(price, digits)
        return values
