from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from odoo import api, models

from odoo.addons.emobility_billing.rating import RatingError
from odoo.addons.emobility_roaming import ocpi_export
from odoo.addons.emobility_roaming.ocpi.internal import Party


@dataclass(frozen=True)
class Public:
    """Takes the place of a connection where the publisher asks for whom it writes: everybody."""

    company_id: Any
    version: str

    def _our_party(self) -> Party:
        return Party.of(self.company_id.emobility_country_code, self.company_id.emobility_party_id)


class EmobilityNapOcpi(models.AbstractModel):
    """Locations and tariffs in OCPI as partners get them, but with the price for everybody."""

    _name = "emobility.nap.ocpi"
    _inherit = "emobility.ocpi.publisher"
    _description = "OCPI for Everybody"

    @api.model
    def _price_at(self, connection: Any, connector: Any) -> Any:
        """The tariff for charging without a contract, if OCPI can express it."""
        version = connector.evse_id._adhoc_version()
        return version if self._is_tariff(version) else version.browse()

    @api.model
    def _is_tariff(self, version: Any) -> bool:
        if not version or version.price_mode != "gross":
            return False
        try:
            return ocpi_export.can_express(version._engine_tariff())
        except RatingError:
            return False

    @api.model
    def _tariff(self, connection: Any, version: Any) -> dict[str, Any]:
        return super()._tariff(connection, version) | {"type": "AD_HOC_PAYMENT"}

    @api.model
    def _location(self, connection: Any, location: Any, evse: Any = None, connector: Any = None) -> Any:
        # Who operates may be a person; their name is not for everybody.
        company = location.company_id
        made = super()._location(connection, location, evse, connector)
        operator = location.operator_id if location.operator_id.is_company else company
        return replace(made, operator=operator.name[:100])
