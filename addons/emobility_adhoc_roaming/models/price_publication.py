from __future__ import annotations

from typing import Any

from odoo import api, models


class EmobilityPricePublication(models.Model):
    _inherit = "emobility.price.publication"

    @api.model
    def _publish(self, evses: Any) -> Any:
        """The price at the station of an operator is the operator's to publish."""
        return super()._publish(evses.filtered(lambda evse: not evse.sudo().location_id.roaming_partner_id))
