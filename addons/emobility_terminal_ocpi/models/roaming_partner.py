from odoo import fields, models


class EmobilityRoamingPartner(models.Model):
    _inherit = "emobility.roaming.partner"

    role = fields.Selection(
        selection_add=[("PTP", "Payment terminal provider (PTP)")], ondelete={"PTP": "cascade"}
    )
