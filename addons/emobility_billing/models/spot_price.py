from odoo import fields, models

from .price_component import PRICE_DIGITS


class EmobilitySpotPrice(models.Model):
    """The market price of a kWh from an instant on."""

    _name = "emobility.spot.price"
    _description = "Market Price"
    _order = "series_id, at desc"
    _rec_name = "at"

    series_id = fields.Many2one("emobility.spot.series", required=True, index=True, ondelete="cascade")
    at = fields.Datetime("From", required=True, index=True)
    price = fields.Float(required=True, digits=(16, PRICE_DIGITS), help="Per kWh; can be negative.")
    company_id = fields.Many2one(related="series_id.company_id", store=True, index=True)

    _at_unique = models.UniqueIndex("(series_id, at)", "The series has a price from this time on already.")
