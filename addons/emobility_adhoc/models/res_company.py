from __future__ import annotations

from typing import Any

from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    adhoc_partner_id = fields.Many2one(
        "res.partner",
        "Walk-up customer",
        help="On whose name receipts are made for customers who did not say who they are. Made when first needed.",
    )
    adhoc_hold_ac = fields.Float("Hold at AC (amount)", default=40.0, digits=(16, 2))
    adhoc_hold_dc = fields.Float("Hold at DC (amount)", default=80.0, digits=(16, 2))
    adhoc_hold_max = fields.Float(
        "Highest hold (amount)", default=150.0, digits=(16, 2), help="Up to here a hold is increased while charging."
    )
    adhoc_start_minutes = fields.Integer(
        "Wait for the start (minutes)", default=3, help="A hold is released when charging has not begun by then."
    )
    adhoc_lead_seconds = fields.Integer(
        "Stop ahead (seconds)",
        default=120,
        help="Charging is stopped when it would cost more than is held within this time, at full power.",
    )

    adhoc_block_claim = fields.Float(
        "Block cards from (amount)", default=5.0, digits=(16, 2),
        help="Who owes as much as this cannot charge with the same card before it is paid. 0: nobody is blocked."
    )  # fmt: skip

    _adhoc_positive = models.Constraint(
        "CHECK (adhoc_hold_ac > 0 AND adhoc_hold_dc > 0 AND adhoc_hold_max >= 0 AND adhoc_start_minutes > 0"
        " AND adhoc_lead_seconds >= 0 AND adhoc_block_claim >= 0)",
        "Holds and times of ad-hoc charging are positive.",
    )

    def _adhoc_payer(self) -> Any:
        """The partner of receipts without a name."""
        self.ensure_one()
        company = self.sudo()
        if not company.adhoc_partner_id:
            company.adhoc_partner_id = self.env["res.partner"].sudo().create(
                {
                    "name": self.env._("Walk-up customer"),
                    "company_id": company.id,
                    "country_id": company.country_id.id,
                    "type": "other",
                }
            )
        return company.adhoc_partner_id
