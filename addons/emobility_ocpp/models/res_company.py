from typing import Any

from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    # Whoever reads the key can be any station: only the system does.
    emobility_station_ca_key = fields.Text(readonly=True, copy=False, groups="base.group_system")
    emobility_station_ca_certificate = fields.Text(
        "Certificate of the Station Authority",
        readonly=True,
        copy=False,
        help="The bridge needs it as tls_client_ca, to know the certificates of stations.",
    )

    def write(self, vals: dict[str, Any]) -> bool:
        result = super().write(vals)
        # Tokens of the company need a contract, tokens of others do not: its identity says which are which.
        if vals.keys() & {"emobility_country_code", "emobility_party_id"}:
            self._tokens_of_bridge()._record_ocpp_change()
        if "emobility_match_reversed_uid" in vals:
            self._tokens_of_bridge()._record_ocpp_reversed()
        return result

    def _tokens_of_bridge(self) -> models.Model:
        return self.env["emobility.token"].sudo().search([("company_id", "in", self.ids)])
