from odoo import fields, models


class EmobilitySettlementLine(models.Model):
    """One CDR on the invoice of a partner, beside what we know of it."""

    _name = "emobility.settlement.line"
    _description = "Line of a Partner's Invoice"
    _order = "status, cdr_ref, id"

    settlement_id = fields.Many2one("emobility.roaming.settlement", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(related="settlement_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="settlement_id.currency_id")
    invoice_ref = fields.Char("Their Invoice", required=True, readonly=True)
    cdr_ref = fields.Char("CDR ID", readonly=True)
    roaming_cdr_id = fields.Many2one("emobility.roaming.cdr", "CDR", readonly=True, index=True, ondelete="restrict")
    amount_invoiced = fields.Monetary("Invoiced", readonly=True)
    amount_accepted = fields.Monetary("Accepted", readonly=True)
    difference = fields.Monetary(readonly=True)
    status = fields.Selection(
        [
            ("0_no_cdr", "Invoiced without a CDR"),
            ("1_different", "Other amount"),
            ("2_extra", "Invoiced, not accepted"),
            ("3_missing", "Accepted, not invoiced"),
            ("4_matched", "Matches"),
        ],
        required=True,
        readonly=True,
        index=True,
    )

    _once = models.UniqueIndex(
        "(settlement_id, upper(cdr_ref)) WHERE cdr_ref IS NOT NULL",
        "The CDR is on an invoice of this settlement already.",
    )
