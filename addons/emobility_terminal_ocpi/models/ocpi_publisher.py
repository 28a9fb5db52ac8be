from __future__ import annotations

from typing import Any

from odoo import api, models


class EmobilityOcpiPublisher(models.AbstractModel):
    """A payment terminal provider sees the sessions that were paid at its terminals, and walk-up prices."""

    _inherit = "emobility.ocpi.publisher"

    @api.model
    def _domain(self, connection: Any, module: str) -> list[Any]:
        domain = super()._domain(connection, module)
        if module not in ("sessions", "cdrs") or not connection._is_terminal_provider():
            return domain
        mine = ("roaming_partner_id", "in", connection.party_ids.ids)
        return [mine if leaf[0] == "roaming_partner_id" else leaf for leaf in domain]

    @api.model
    def _tariffs_of(self, connection: Any) -> Any:
        tariffs = super()._tariffs_of(connection)
        if not connection._is_terminal_provider():
            return tariffs
        rules = self.env["emobility.price.rule"].sudo().search(
            [("company_id", "=", connection.company_id.id), ("relation", "=", "adhoc")]
        )
        return tariffs | rules.tariff_id.filtered(lambda tariff: not tariff.roaming_partner_id)

    @api.model
    def _price_at(self, connection: Any, connector: Any) -> Any:
        if connection._is_terminal_provider():
            return connector.evse_id._adhoc_version()
        return super()._price_at(connection, connector)

    @api.model
    def _tariff(self, connection: Any, version: Any) -> dict[str, Any]:
        data = super()._tariff(connection, version)
        # Everybody, to whom public data is told, is no connection.
        is_provider = isinstance(connection, models.BaseModel) and connection._is_terminal_provider()
        if connection.version == "2.3.0" and is_provider:
            data["preauthorize_amount"] = self._preauthorize_amount(connection, version)
        return data

    @api.model
    def _preauthorize_amount(self, connection: Any, version: Any) -> float:
        """What a terminal holds for this tariff: the highest hold of the charging points where it counts."""
        evses = connection.sudo().terminal_ids.evse_ids.filtered(lambda evse: evse._adhoc_version() == version)
        return max((evse._adhoc_hold() for evse in evses), default=connection.company_id.sudo().adhoc_hold_ac)
