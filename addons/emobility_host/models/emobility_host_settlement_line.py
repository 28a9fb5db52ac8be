from odoo import fields, models

from ..terms import Kind

KINDS = [
    (Kind.SESSIONS.value, "Sessions"),
    (Kind.CAP_KWH.value, "Beyond the energy cap"),
    (Kind.FIXED.value, "Fixed amount"),
    (Kind.MINIMUM.value, "Rise to the minimum"),
    (Kind.CAP.value, "Cut to the cap"),
]


class EmobilityHostSettlementLine(models.Model):
    """One part of one month: what it is now, less what was settled before."""

    _name = "emobility.host.settlement.line"
    _inherit = "emobility.guarded"
    _description = "Host Settlement Line"
    _order = "settlement_id, month, sequence, id"
    _rec_name = "kind"

    settlement_id = fields.Many2one(
        "emobility.host.settlement", required=True, readonly=True, index=True, ondelete="cascade"
    )
    sequence = fields.Integer(readonly=True)
    month = fields.Date(
        required=True, readonly=True, help="First day of the month in which the sessions ended."
    )
    kind = fields.Selection(KINDS, required=True, readonly=True)
    description = fields.Char(readonly=True)
    energy_kwh = fields.Float("Energy (kWh)", digits=(16, 3), readonly=True)
    amount = fields.Monetary(readonly=True)
    currency_id = fields.Many2one(related="settlement_id.currency_id")
    agreement_id = fields.Many2one(related="settlement_id.agreement_id", store=True, index=True)
    company_id = fields.Many2one(related="settlement_id.company_id", store=True, index=True)

    _one_per_part = models.UniqueIndex(
        "(settlement_id, month, kind)", "The settlement has this part already."
    )

    def _text_on_document(self, *, is_one_of_many: bool) -> str:
        """The description; with the agreement where the document has several."""
        return f"{self.agreement_id.name}: {self.description}" if is_one_of_many else self.description
