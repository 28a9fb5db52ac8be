from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    emobility_bridge_url = fields.Char(
        "Address of the OCPP Bridge",
        config_parameter="emobility_ocpp.bridge_url",
        help="Commissioning shows it to installers, with the identity of the station at its end.",
    )
