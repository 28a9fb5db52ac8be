from odoo import fields, models


class EmobilityFlatRate(models.Model):
    """The price of a kWh that the tax authorities of a country accept without proof, for a year."""

    _name = "emobility.flat.rate"
    _description = "Flat Electricity Rate"
    _order = "country_id, year desc"
    _rec_name = "year"

    country_id = fields.Many2one("res.country", required=True, index=True, ondelete="restrict")
    year = fields.Integer(required=True)
    currency_id = fields.Many2one("res.currency", required=True, ondelete="restrict")
    price = fields.Float("Price per kWh", required=True, digits=(16, 6))
    source = fields.Char(required=True, help="Where the rate is published: it is printed on statements.")

    _one_per_year = models.UniqueIndex("(country_id, year)", "This country has a rate for this year already.")
    _price_positive = models.Constraint("CHECK (price > 0)", "A flat rate is more than 0.")
