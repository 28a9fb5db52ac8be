from __future__ import annotations

from typing import Any

from odoo import fields, models


class EmobilityLocation(models.Model):
    _inherit = "emobility.location"

    roaming_partner_id = fields.Many2one(
        "emobility.roaming.partner",
        "Roaming Operator",
        readonly=True,
        copy=False,
        index=True,
        check_company=True,
        ondelete="restrict",
        help="The operator whose location this is. Empty: your own.",
    )
    ocpi_id = fields.Char("ID of the Operator", readonly=True, copy=False)
    ocpi_updated_at = fields.Datetime(
        "Changed", readonly=True, copy=False, default=fields.Datetime.now, index=True,
        help="When the location, or an EVSE or connector of it, changed last.",
    )  # fmt: skip

    # A partner's ID is found without regard to upper and lower case, also among 100,000.
    _ocpi_id_unique = models.UniqueIndex(
        "(roaming_partner_id, upper(ocpi_id)) WHERE roaming_partner_id IS NOT NULL",
        "This location of the operator is known already.",
    )

    def write(self, vals: dict[str, Any]) -> bool:
        result = super().write(vals)
        if vals.keys() - {"ocpi_updated_at", "activity_ids", "message_follower_ids"}:
            self._ocpi_changed()
        return result

    def _ocpi_changed(self) -> None:
        """Tell the providers whose drivers charge here."""
        own = self.sudo().filtered(lambda location: not location.roaming_partner_id)
        if own:
            own.write({"ocpi_updated_at": fields.Datetime.now()})
            self.env["emobility.ocpi.connection"]._queue_push("locations", own, "CPO")
