from odoo import fields, models


class EmobilityEvse(models.Model):
    _inherit = "emobility.evse"

    nap_station_id = fields.Char(
        "Registered Station ID",
        tracking=True,
        help="The ID that the authority gave to the station of this EVSE, in Germany that of the Bundesnetzagentur. "
        "It is part of the public data.",
    )
