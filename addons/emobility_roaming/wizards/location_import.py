from typing import Any

from odoo import fields, models
from odoo.exceptions import UserError

from ..ocpi_location import LocationError, rows_of


class EmobilityLocationImport(models.TransientModel):
    _inherit = "emobility.location.import"

    format = fields.Selection(
        selection_add=[("ocpi", "OCPI 2.2.1: locations as JSON")], ondelete={"ocpi": "cascade"}
    )

    def _rows(self) -> list[dict[str, Any]]:
        if self.format != "ocpi":
            return super()._rows()
        try:
            rows = rows_of(self._text())
        except LocationError as error:
            raise UserError(
                self.env._("The file holds no locations of OCPI (%(error)s).", error=error)
            ) from error
        if not rows:
            raise UserError(self.env._("The file holds no connectors."))
        return rows
