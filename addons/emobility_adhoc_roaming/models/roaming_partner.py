from __future__ import annotations

from odoo import fields, models


class EmobilityRoamingPartner(models.Model):
    _inherit = "emobility.roaming.partner"

    sells_adhoc = fields.Boolean(
        "Ad-hoc Charging at Its Stations",
        tracking=True,
        help="Whoever opens your page of a charging point of this operator can pay and charge there without a "
        "contract, at your ad-hoc price. You buy the session from the operator at the price of your agreement, and who "
        "pays is no customer of yours: choose an ad-hoc price that covers it. Off: nobody can charge there without a "
        "contract.",
    )

    def _sells_adhoc(self) -> bool:
        """Whether we sell to walk-ups at the stations of this operator."""
        return self.role == "CPO" and self.sells_adhoc
