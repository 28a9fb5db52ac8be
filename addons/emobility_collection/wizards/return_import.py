from __future__ import annotations

import base64
from typing import Any

from odoo import fields, models


class EmobilityReturnImport(models.TransientModel):
    _name = "emobility.return.import"
    _description = "Import of returned debits"

    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    file = fields.Binary("File of the bank", required=True, help="camt.052, camt.053, camt.054 or pain.002.")
    file_name = fields.Char()

    def action_import(self) -> dict[str, Any]:
        """Take the file in and show what it held."""
        self.ensure_one()
        file = self.env["emobility.return.file"]._import(
            self.file_name or "bank.xml", base64.b64decode(self.file), self.company_id
        )
        return file.action_view_items()
