from __future__ import annotations

from typing import Any

from odoo import models

from odoo.addons.account_edi_ubl_cii.models.account_edi_common import FloatFmt

# Quantity times a price of so many decimals is the amount of the line to the cent, up to millions of kWh.
PRICE_DIGITS = 10


class AccountEdiXmlUblBis3(models.AbstractModel):
    _inherit = "account.edi.xml.ubl_bis3"

    def _get_party_node(self, vals: dict[str, Any]) -> dict[str, Any]:
        """A driver has no tax number. Core then names a tax scheme without one, which rule UBL-SR-53 forbids."""
        node = super()._get_party_node(vals)
        node["cac:PartyTaxScheme"] = [
            scheme for scheme in node["cac:PartyTaxScheme"] if scheme["cbc:CompanyID"]["_text"]
        ]
        return node

    def _add_invoice_line_price_nodes(self, line_node: dict[str, Any], vals: dict[str, Any]) -> Any:
        """Peppol (rule R120) and XRechnung compute the amount of a line again. The six decimals of core are not
        enough for the energy of a fleet.
        """
        result = super()._add_invoice_line_price_nodes(line_node, vals)
        base_line = vals["base_line"]
        if vals["invoice"].emobility_contract_id and base_line["quantity"]:
            price = base_line["tax_details"]["raw_gross_total_excluded_currency"] / base_line["quantity"]
            line_node["cac:Price"]["cbc:PriceAmount"]["_text"] = FloatFmt(price, min_dp=2, max_dp=PRICE_DIGITS)
        return result
