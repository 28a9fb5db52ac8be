from __future__ import annotations

from typing import Any

from odoo import fields, models

from .brand import Look


class AccountMove(models.Model):
    _inherit = "account.move"

    emobility_brand_id = fields.Many2one(
        "emobility.brand",
        "Charging Brand",
        index="btree_not_null",
        readonly=True,
        copy=False,
        check_company=True,
        help="Under which name this invoice goes out.",
    )

    def _reverse_moves(self, default_values_list: list[dict[str, Any]] | None = None, cancel: bool = False) -> Any:
        """A correction goes out under the name of what it corrects."""
        given = default_values_list or [{} for _move in self]
        values = [
            {"emobility_brand_id": move.emobility_brand_id.id, "emobility_contract_id": move.emobility_contract_id.id}
            | defaults
            for move, defaults in zip(self, given, strict=True)
        ]
        return super()._reverse_moves(values, cancel=cancel)

    def _emobility_look(self) -> Look:
        """How the document presents itself, in the language of the context."""
        self.ensure_one()
        return self.emobility_brand_id._look(self.company_id)

    def _get_mail_template(self) -> Any:
        """That of the brand; invoices of several brands at once have none of their own."""
        template = self.emobility_brand_id.sudo().mail_template_id
        if len(template) == 1 and all(self.mapped("emobility_brand_id.mail_template_id")):
            return template.with_env(self.env)
        return super()._get_mail_template()

    def _emobility_total_in_words(self) -> str | None:
        """The total in the language of the context, where company or customer ask for it."""
        self.ensure_one()
        if not (self.company_id.emobility_amount_in_words or self.partner_id.emobility_amount_in_words):
            return None
        return self.currency_id.amount_to_text(self.amount_total)
