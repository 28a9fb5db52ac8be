from typing import Any

from odoo import models


class EmobilityInvoicing(models.AbstractModel):
    _inherit = "emobility.invoicing"

    def _move_values(
        self, ratings: Any, is_credit: bool, invoice_date: Any, known: dict[Any, Any]
    ) -> dict[str, Any]:
        """A credit note says why it was written, in the language of the payer."""
        values = super()._move_values(ratings, is_credit, invoice_date, known)
        reasons = ratings.cdr_id.filtered("credit_reason").mapped("credit_reason") if is_credit else []
        if reasons:
            env = self.with_context(lang=ratings[:1].partner_id.lang or self.env.lang).env
            labels = dict(env["emobility.cdr"]._fields["credit_reason"]._description_selection(env))
            # The same reason twice is one reason.
            texts = [labels[reason] for reason in dict.fromkeys(reasons)]
            values |= {
                "emobility_credit_reason": reasons[0],
                "ref": f"{values['ref']}: {', '.join(texts)}",
            }
        return values
