from odoo import fields, models


class AccountMove(models.Model):
    _inherit = "account.move"

    host_settlement_ids = fields.One2many(
        "emobility.host.settlement", "move_id", "Host settlements", readonly=True
    )

    def _emobility_release_ratings(self) -> None:
        """A credit note that is cancelled gives its settlement back: it can be settled again."""
        result = super()._emobility_release_ratings()
        settlements = self.sudo().host_settlement_ids._as_system()
        settlements.write(
            {"state": "error", "move_id": False, "error": self.env._("The credit note was cancelled.")}
        )
        return result

    def _emobility_is_accrued(self) -> bool:
        """Credit notes of hosts too."""
        journal = self.company_id.emobility_self_billing_journal_id
        return super()._emobility_is_accrued() or bool(journal and self.journal_id == journal)
