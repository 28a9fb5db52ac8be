from typing import Any

from odoo import models


class IrWebsocket(models.AbstractModel):
    _inherit = "ir.websocket"

    def _build_bus_channel_list(self, channels: list[Any]) -> list[Any]:
        """What happens at stations is only told to those who may see the stations of the company."""
        return super()._build_bus_channel_list(self._without_foreign_stations(channels))

    def _without_foreign_stations(self, channels: list[Any]) -> list[Any]:
        wanted = [c for c in channels if isinstance(c, str) and c.startswith("emobility_stations_")]
        if not wanted:
            return channels
        may = self.env.user._is_internal() and self.env["emobility.station"].has_access("read")
        own = {f"emobility_stations_{company}" for company in self.env.user.company_ids.ids} if may else set()
        return [channel for channel in channels if channel not in wanted or channel in own]
