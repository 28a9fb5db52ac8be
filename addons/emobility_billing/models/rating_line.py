from __future__ import annotations

from collections.abc import Callable
from typing import Any

from odoo import fields, models

DIMENSIONS = [
    ("ENERGY", "Energy"),
    ("TIME", "Charging time"),
    ("PARKING_TIME", "Parking time"),
    ("FLAT", "Session fee"),
    ("RESERVATION_TIME", "Reservation"),
    ("RESERVATION_FLAT", "Reservation fee"),
    ("IDLE", "Blocking after charging"),
    ("CAP", "Cut to the cap of a price"),
    ("MIN_PRICE", "Rise to the lowest price"),
    ("MAX_PRICE", "Cut to the highest price"),
    ("MONTH_CAP", "Cut to the highest price of a month"),
]
DIMENSION_PRODUCTS = {
    "ENERGY": "emobility_billing.product_energy",
    "TIME": "emobility_billing.product_time",
    "PARKING_TIME": "emobility_billing.product_parking_time",
    "FLAT": "emobility_billing.product_flat",
}


class EmobilityRatingLine(models.Model):
    """A priced quantity of a session."""

    _name = "emobility.rating.line"
    _inherit = "emobility.guarded"
    _description = "Rating line"
    _order = "rating_id, sequence, id"
    _rec_name = "description"

    rating_id = fields.Many2one(
        "emobility.rating", required=True, readonly=True, index=True, ondelete="cascade"
    )
    sequence = fields.Integer(readonly=True)
    dimension = fields.Selection(DIMENSIONS, required=True, readonly=True)
    # Without an index, for there are few usage products and very many lines.
    product_id = fields.Many2one("product.product", required=True, readonly=True, ondelete="restrict")
    quantity = fields.Float(digits=(16, 6), readonly=True)
    unit = fields.Char(readonly=True)
    unit_price = fields.Float(digits=(16, 6), readonly=True)
    amount = fields.Monetary(readonly=True)
    description = fields.Char(readonly=True)
    move_line_id = fields.Many2one(
        "account.move.line", readonly=True, index="btree_not_null", ondelete="set null"
    )
    currency_id = fields.Many2one(related="rating_id.currency_id")
    company_id = fields.Many2one(related="rating_id.company_id")

    def _products(self, version: Any) -> Callable[[str, int | None], Any]:
        """Function (dimension, element index) -> usage product: of the component, else of the dimension."""
        elements = version._ordered_elements()

        def product(dimension: str, index: int | None) -> Any:
            if index is not None and 0 <= index < len(elements):
                component = elements[index].component_ids.filtered(lambda one: one.dimension == dimension)[:1]
                if component.product_id:
                    return component.product_id
            return self.env.ref(DIMENSION_PRODUCTS[dimension])

        return product
