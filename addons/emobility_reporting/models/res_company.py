from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    emobility_invoice_days = fields.Integer(
        "Days until a session is invoiced",
        default=40,
        help="A session that is still not invoiced after these days is a break in the reconciliation.",
    )
    emobility_payout_days = fields.Integer(
        "Days until a payout",
        default=7,
        help="A payment by a provider that is not matched with the bank after these days is a break.",
    )
    emobility_analytic = fields.Selection(
        [
            ("none", "None"),
            ("location", "By location"),
            ("group", "By customer group"),
            ("both", "By location and customer group"),
        ],
        "Analytic accounts on invoices",
        default="none",
        required=True,
    )
    emobility_accrued_account_id = fields.Many2one(
        "account.account",
        "Accrued revenue",
        domain="[('account_type', 'in', ('asset_current', 'asset_prepayments'))]",
        check_company=True,
        help="What was earned but not invoiced at the end of a month.",
    )
    emobility_deferred_account_id = fields.Many2one(
        "account.account",
        "Deferred revenue",
        domain="[('account_type', '=', 'liability_current')]",
        check_company=True,
        help="What was invoiced in a month but is earned later, as fees in advance.",
    )
    emobility_accrual_journal_id = fields.Many2one(
        "account.journal", "Journal of accruals", domain="[('type', '=', 'general')]", check_company=True
    )
    emobility_report_partner_ids = fields.Many2many(
        "res.partner",
        "emobility_report_partner_rel",
        "company_id",
        "partner_id",
        string="Readers of the monthly report",
    )

    _emobility_days = models.Constraint(
        "CHECK (emobility_invoice_days >= 0 AND emobility_payout_days >= 0)", "Days are 0 or more."
    )
