from __future__ import annotations

from odoo import fields, models


class EmobilityAdhocReport(models.Model):
    """Somebody at a charging point says that something is wrong: a sticker that was pasted over, or a price."""

    _name = "emobility.adhoc.report"
    _description = "Report from a charging point"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    _rec_name = "evse_id"
    _check_company_auto = True

    evse_id = fields.Many2one("emobility.evse", "EVSE", required=True, index=True, check_company=True)
    company_id = fields.Many2one(related="evse_id.company_id", store=True, index=True)
    reason = fields.Selection(
        [("sticker", "The code or sticker looks wrong"), ("price", "The price is another one"), ("other", "Other")],
        required=True,
    )
    note = fields.Text()
    state = fields.Selection([("open", "Open"), ("done", "Done")], default="open", required=True, tracking=True)

    def action_done(self) -> None:
        """Somebody has seen to it."""
        self.state = "done"
