from odoo import fields, models


class EmobilityEvse(models.Model):
    _inherit = "emobility.evse"

    bnetza_number = fields.Char(
        "Registration number",
        tracking=True,
        help="Under which the public charging point is registered with the regulator (Bundesnetzagentur).",
    )
    bnetza_registered_on = fields.Date(
        "Registered on", tracking=True, help="Energy before this day does not count for the THG quota."
    )
