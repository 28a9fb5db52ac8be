from typing import Any, Self

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

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> Self:
        connectors = super().create(vals_list)
        connectors.evse_id.location_id._ocpi_changed()
        return connectors

    def write(self, vals: dict[str, Any]) -> bool:
        result = super().write(vals)
        self.evse_id.location_id._ocpi_changed()
        return result
