import hashlib
import json
from typing import Any

from odoo import models

from odoo.addons.emobility_billing.rating import Dimension, RatingError, to_ocpp

_LONGEST_TEXT = 1024  # OCPP 2.1 part 2, MessageContentType


class EmobilityTariffVersion(models.Model):
    _inherit = "emobility.tariff.version"

    def _ocpp_tariff(self) -> tuple[dict[str, Any] | None, list[str]]:
        """The prices as TariffType of OCPP 2.1, and what that lacks; None when it cannot say anything of them.

        Its id comes from what it says, so that the same prices are the same tariff.
        """
        self.ensure_one()
        version = self.sudo()
        try:
            data, lost = to_ocpp(
                version._engine_tariff(), "", lambda dimension, element: version._vat_of(dimension, element)
            )
        except RatingError as error:
            return None, [str(error)]
        tariff = json.loads(json.dumps(data, default=float))
        lang = self.company_id.partner_id.lang or "en_US"
        words = version.with_context(lang=lang).price_summary
        if words:
            tariff["description"] = [{"format": "UTF8", "language": lang[:2], "content": words[:_LONGEST_TEXT]}]
        tariff["tariffId"] = hashlib.sha256(json.dumps(tariff, sort_keys=True).encode()).hexdigest()[:32]
        return tariff, lost

    def _vat_of(self, dimension: Dimension, element: int) -> Any:
        return self._usage_vat(dimension.value, element)
