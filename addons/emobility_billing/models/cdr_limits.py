from odoo import models


class EmobilityCdr(models.Model):
    _inherit = "emobility.cdr"

    def _after_rating(self) -> None:
        result = super()._after_rating()
        retail = self.rating_ids.filtered(lambda rating: rating.relation == "retail")
        retail.contract_id._after_new_rating()
        for rating in retail:
            rating.session_id.token_id._after_new_rating(rating._local_start())
        return result
