from __future__ import annotations

from odoo import models

from odoo.addons.emobility_roaming.ocpi import internal


class EmobilityRoamingCdr(models.Model):
    _inherit = "emobility.roaming.cdr"

    def _pair_credit(self, party: internal.Party) -> None:  # pylint: disable=missing-return
        """What a walk-up was charged for does not count at the operator any more: a person decides on it."""
        super()._pair_credit(party)
        for adhoc in self.session_id.adhoc_id:
            adhoc._enqueue("credit")._on_credit()
