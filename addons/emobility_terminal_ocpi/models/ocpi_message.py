from __future__ import annotations

from typing import Any

from odoo import api, fields, models

from odoo.addons.emobility_terminal.terminal_messages import masked


class EmobilityOcpiMessage(models.Model):
    _inherit = "emobility.ocpi.message"

    module = fields.Selection(selection_add=[("payments", "Payments")], ondelete={"payments": "cascade"})

    @api.model
    def _log(self, **values: Any) -> Any:
        """Card numbers that a terminal sends by mistake are not kept in the log either."""
        if values.get("module") == "payments":
            for name in ("request_body", "response_body"):
                if body := values.get(name):
                    text = body.decode(errors="replace") if isinstance(body, bytes) else body
                    values[name] = masked(text)
        return super()._log(**values)
