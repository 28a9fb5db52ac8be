from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    emobility_debit_method_id = fields.Many2one(related="company_id.emobility_debit_method_id", readonly=False)
    emobility_prenotification_days = fields.Integer(related="company_id.emobility_prenotification_days", readonly=False)
    emobility_debit_lead_days = fields.Integer(related="company_id.emobility_debit_lead_days", readonly=False)
    emobility_return_fee = fields.Monetary(
        related="company_id.emobility_return_fee", readonly=False, currency_field="currency_id"
    )
    emobility_retry_max = fields.Integer(related="company_id.emobility_retry_max", readonly=False)
    emobility_retry_days = fields.Integer(related="company_id.emobility_retry_days", readonly=False)
    emobility_retry_pause_days = fields.Integer(related="company_id.emobility_retry_pause_days", readonly=False)
    emobility_wallet_account_id = fields.Many2one(related="company_id.emobility_wallet_account_id", readonly=False)
    emobility_wallet_journal_id = fields.Many2one(related="company_id.emobility_wallet_journal_id", readonly=False)

    def action_emobility_set_up_debit(self) -> None:
        """Make the payment method for direct debits."""
        self.company_id._emobility_set_up_debit()

    def action_emobility_set_up_wallets(self) -> None:
        """Make account and journal of prepaid balances."""
        self.company_id._emobility_set_up_wallets()

    def action_emobility_set_up_dunning(self) -> None:
        """Remind with the policy that ships with the product."""
        self.company_id._emobility_set_up_dunning()

    def action_emobility_set_up_references(self) -> None:
        """Print creditor references (ISO 11649) on invoices from now on."""
        self.company_id._emobility_set_up_references()
