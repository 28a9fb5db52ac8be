from datetime import UTC
from typing import Any

from odoo import models


class EmobilitySessionEvent(models.Model):
    _inherit = "emobility.session.event"

    def _handed_on(self) -> dict[str, Any]:
        """The event as the provider gets it: the same content under a uid of its own."""
        self.ensure_one()
        return {
            "uid": f"{self.source}:{self.uid}",
            "source": "internal",
            "session_uid": f"{self.source}:{self.session_id.uid}",
            "kind": self.kind,
            "at": self.at.replace(tzinfo=UTC).isoformat(),
            "payload": self.payload,
        }
