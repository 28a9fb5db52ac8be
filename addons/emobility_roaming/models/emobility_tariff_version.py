from __future__ import annotations

from typing import Any, Self

from odoo import api, models

_TOLD = frozenset({"valid_from", "valid_to", "element_ids", "min_price", "max_price"})


class EmobilityTariffVersion(models.Model):
    _inherit = "emobility.tariff.version"

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> Self:
        versions = super().create(vals_list)
        versions._ocpi_changed()
        return versions

    def write(self, vals: dict[str, Any]) -> bool:
        result = super().write(vals)
        if vals.keys() & _TOLD:
            self._ocpi_changed()
        return result

    def _ocpi_changed(self) -> None:
        """Tell the providers that pay these prices; which those are, the job finds out."""
        own = self.filtered(lambda version: not version.tariff_id.roaming_partner_id)
        self.env["emobility.ocpi.connection"]._queue_push("tariffs", own, "CPO")

    def _ocpi_tariff_id(self) -> str:
        """The ID in OCPI, where each version is a tariff of its own."""
        return f"{self.tariff_id.code}-{self.number}"
