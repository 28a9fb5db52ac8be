from __future__ import annotations

from typing import Any

from odoo import models


class AccountMoveSend(models.AbstractModel):
    _inherit = "account.move.send"

    def _get_mail_default_field_value_from_template(
        self, mail_template: Any, lang: str, move: Any, field: str, **kwargs: Any
    ) -> Any:
        """Mails with invoices of a brand come from the brand, whatever template they use."""
        sender = field == "email_from" and move.emobility_brand_id.sudo().email_from
        return sender or super()._get_mail_default_field_value_from_template(
            mail_template, lang, move, field, **kwargs
        )
