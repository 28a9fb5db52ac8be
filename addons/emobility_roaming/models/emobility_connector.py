from odoo import api, fields, models


class EmobilityConnector(models.Model):
    _inherit = "emobility.connector"

    connector_format = fields.Selection(
        [("SOCKET", "Socket"), ("CABLE", "Cable")],
        compute="_compute_connector_format",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
        help="Whether the station has a socket, or a cable of its own (OCPI ConnectorFormat).",
    )

    @api.depends("power_type")
    def _compute_connector_format(self) -> None:
        # Direct current always comes with a cable; most stations for alternating current have a socket.
        for connector in self:
            connector.connector_format = "CABLE" if connector.power_type == "DC" else "SOCKET"
