from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from odoo import models

from odoo.addons.emobility_billing.models.gate import Finding


class EmobilityGate(models.AbstractModel):
    """A session without a contract is paid by the hold that was made for it, at the price that was shown."""

    _inherit = "emobility.gate"

    def _check_token(self, session: Any, derived: Any) -> Iterator[Finding]:
        if not session.adhoc_id or derived.started.payload.get("authorization"):
            yield from super()._check_token(session, derived)
