from odoo import fields, models


class EmobilityTariff(models.Model):
    _inherit = "emobility.tariff"

    roaming_partner_id = fields.Many2one(
        "emobility.roaming.partner",
        "Roaming Operator",
        readonly=True,
        copy=False,
        index=True,
        check_company=True,
        ondelete="restrict",
        help="The operator whose tariff this is. Empty: your own.",
    )
    ocpi_id = fields.Char("ID of the Operator", readonly=True, copy=False)
