from odoo import models


class EmobilityToken(models.Model):
    _inherit = "emobility.token"

    def _is_chargeable(self) -> bool:
        """Whether it is one token, and its provider pays for it now."""
        return len(self) == 1 and self._authorization_status() == "Accepted"
