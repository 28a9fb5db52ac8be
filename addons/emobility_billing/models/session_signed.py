from __future__ import annotations

from odoo import models

# The values of the begin first and those of the end last, as transparency software reads them.
ORDER = {"Transaction.Begin": 0, "Transaction.End": 2}


class EmobilitySession(models.Model):
    _inherit = "emobility.session"

    def _signed_values(self) -> list[dict[str, str]]:
        """What the meter signed in this session, byte for byte and in order, each text once.

        ``public_key`` is empty when nobody knows it; ``context`` is ``Transaction.Begin``, ``Transaction.End``, or
        empty for what lies between.
        """
        self.ensure_one()
        found: dict[str, dict[str, str]] = {}
        for event in self.sudo().event_ids.sorted(lambda event: (event.at, event.uid)):
            for reading in (event.payload or {}).get("readings") or ():
                text = reading.get("signed") if isinstance(reading, dict) else None
                if isinstance(text, str) and text and text not in found:
                    found[text] = {
                        "at": str(reading.get("at") or ""),
                        "text": text,
                        "public_key": reading.get("signed_key") or self.evse_id._meter_key(),
                        "context": reading.get("signed_context") or "",
                    }
        return sorted(found.values(), key=lambda value: (ORDER.get(value["context"], 1), value["at"]))
