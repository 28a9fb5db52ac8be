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
