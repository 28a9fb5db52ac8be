from typing import Any

from odoo import models


class EmobilityInvoicing(models.AbstractModel):
    """An invoice has one brand, with its look and its number range."""

    _inherit = "emobility.invoicing"

    def _brand(self, rating: Any) -> Any:
        """A correction goes out under the name of what it corrects."""
        if rating.credited_rating_id.move_id:
            return rating.credited_rating_id.move_id.emobility_brand_id
        return self.env["emobility.brand"]._brand_for(rating.company_id, rating.contract_id, rating.location_id)

    def _move_key(self, rating: Any) -> tuple[Any, ...]:
        return (*super()._move_key(rating), self._brand(rating).id)

    def _move_values(self, ratings: Any, is_credit: bool, invoice_date: Any) -> dict[str, Any]:
        values = super()._move_values(ratings, is_credit, invoice_date)
        brand = self._brand(ratings[:1])
        values["emobility_brand_id"] = brand.id
        if brand.journal_id:
            values["journal_id"] = brand.journal_id.id
        return values
