from __future__ import annotations

from typing import Any

from odoo import api, fields, models

from ..rating import SessionFacts


class EmobilityCdr(models.Model):
    _inherit = "emobility.cdr"

    signed_values = fields.Json(
        readonly=True,
        prefetch=False,
        help="Records that the meter signed, as they came, with the public key that the meter had then.",
    )
    has_signed_values = fields.Boolean("Signed", readonly=True, help="The invoice carries what the meter signed.")

    @api.model
    def _create_from_session(self, session: Any, facts: SessionFacts) -> EmobilityCdr:
        cdr = super()._create_from_session(session, facts)
        if values := session._signed_values():
            cdr.write({"signed_values": values, "has_signed_values": True})
        return cdr
