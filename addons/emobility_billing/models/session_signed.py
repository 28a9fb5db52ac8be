from __future__ import annotations

from odoo import models


class EmobilitySession(models.Model):
    _inherit = "emobility.session"

    def _signed_values(self) -> list[dict[str, str]]:
        """What the meter signed in this session, byte for byte and in order, each text once."""
        self.ensure_one()
        found: dict[str, str] = {}
        for event in self.sudo().event_ids.sorted(lambda event: (event.at, event.uid)):
            for reading in (event.payload or {}).get("readings") or ():
                text = reading.get("signed") if isinstance(reading, dict) else None
                if isinstance(text, str) and text:
                    found.setdefault(text, reading.get("at") or "")
        key = self.evse_id._meter_key() if found else ""
        return [{"at": at, "text": text, "public_key": key} for text, at in found.items()]
