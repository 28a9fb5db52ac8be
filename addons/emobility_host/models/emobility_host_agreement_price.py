from odoo import fields, models

from odoo.addons.emobility_billing.models.price_component import PRICE_DIGITS


class EmobilityHostAgreementPrice(models.Model):
    """What a host pays for a kWh to the electricity supplier, from a day on."""

    _name = "emobility.host.agreement.price"
    _description = "Electricity Price of a Host"
    _order = "agreement_id, date_from desc"
    _rec_name = "date_from"

    agreement_id = fields.Many2one("emobility.host.agreement", required=True, index=True, ondelete="cascade")
    date_from = fields.Date("From", required=True)
    price = fields.Float("Price per kWh", required=True, digits=(16, PRICE_DIGITS))
    proof = fields.Char(required=True, help="The contract or bill of the supplier that says so.")
    company_id = fields.Many2one(related="agreement_id.company_id", store=True, index=True)

    _one_per_day = models.UniqueIndex(
        "(agreement_id, date_from)", "There is a price from this day on already."
    )
    _price_not_negative = models.Constraint("CHECK (price >= 0)", "A price is 0 or more.")
