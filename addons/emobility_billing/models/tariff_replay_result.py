from __future__ import annotations

from odoo import api, fields, models


class EmobilityTariffReplayResult(models.Model):
    """One session in a replay: what it cost, and what it would have cost."""

    _name = "emobility.tariff.replay.result"
    _inherit = "emobility.guarded"
    _description = "Tariff Replay Result"
    _order = "replay_id desc, id"
    _rec_name = "cdr_id"

    replay_id = fields.Many2one(
        "emobility.tariff.replay", required=True, readonly=True, index=True, ondelete="cascade"
    )
    rating_id = fields.Many2one("emobility.rating", required=True, readonly=True, index=True, ondelete="cascade")
    cdr_id = fields.Many2one(related="rating_id.cdr_id", store=True, index=True)
    partner_id = fields.Many2one(related="rating_id.partner_id", store=True, index=True)
    customer_group_id = fields.Many2one(
        related="rating_id.partner_id.customer_group_id", store=True, index="btree_not_null"
    )
    location_id = fields.Many2one(related="rating_id.location_id", store=True, index=True)
    energy_kwh = fields.Float(related="rating_id.energy_kwh", store=True)
    end_at = fields.Datetime(related="rating_id.end_at", store=True)
    company_id = fields.Many2one(related="replay_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="replay_id.currency_id")
    old_amount = fields.Monetary(readonly=True, help="As the engine priced it, before discounts.")
    new_amount = fields.Monetary(readonly=True)
    difference = fields.Monetary(compute="_compute_difference", store=True)
    state = fields.Selection(
        [("pending", "Pending"), ("done", "Priced"), ("error", "Not priced")],
        default="pending",
        required=True,
        readonly=True,
        index=True,
    )
    error = fields.Char(readonly=True)

    _one_per_rating = models.UniqueIndex("(replay_id, rating_id)", "The session is in this replay already.")

    @api.depends("old_amount", "new_amount", "state")
    def _compute_difference(self) -> None:
        for result in self:
            result.difference = result.new_amount - result.old_amount if result.state == "done" else 0.0
