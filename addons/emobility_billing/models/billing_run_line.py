from __future__ import annotations

import logging
from typing import Any

import psycopg2

from odoo import api, fields, models

from odoo.addons.queue_job.exception import RetryableJobError

_logger = logging.getLogger(__name__)


class EmobilityBillingRunLine(models.Model):
    """What a billing run does for one contract and payer."""

    _name = "emobility.billing.run.line"
    _inherit = "emobility.guarded"
    _description = "Billing run line"
    _order = "run_id desc, id"
    _rec_name = "contract_id"
    _check_company_auto = True

    run_id = fields.Many2one(
        "emobility.billing.run", required=True, readonly=True, index=True, ondelete="cascade"
    )
    contract_id = fields.Many2one("contract.contract", readonly=True, index=True, ondelete="restrict")
    partner_id = fields.Many2one(
        "res.partner", "Payer", required=True, readonly=True, index=True, ondelete="restrict"
    )
    rating_ids = fields.One2many("emobility.rating", "billing_line_id", "Ratings", readonly=True)
    rating_count = fields.Integer("Sessions", readonly=True)
    rated_amount = fields.Monetary(
        "Rated",
        currency_field="rated_currency_id",
        readonly=True,
        help="What the sessions add up to in their tariffs, before anything is invoiced.",
    )
    rated_currency_id = fields.Many2one("res.currency", readonly=True)
    move_ids = fields.Many2many("account.move", string="Invoices", readonly=True)
    move_id = fields.Many2one("account.move", "Invoice", compute="_compute_move_id", store=True, index=True)
    amount_total = fields.Monetary(related="move_id.amount_total", string="Amount")
    currency_id = fields.Many2one(related="move_id.currency_id")
    payment_state = fields.Selection(related="move_id.payment_state", string="Payment")
    state = fields.Selection(
        [("pending", "Pending"), ("done", "Done"), ("error", "Error")],
        default="pending",
        required=True,
        readonly=True,
        index=True,
    )
    error = fields.Text(readonly=True)
    company_id = fields.Many2one(related="run_id.company_id", store=True, index=True)

    @api.depends("move_ids")
    def _compute_move_id(self) -> None:
        for line in self:
            line.move_id = line.move_ids[:1]

    def _bill(self) -> None:
        """Invoice this line in a savepoint: an error is kept on the line and stops no other."""
        self.ensure_one()
        line = self.sudo()._as_system()
        try:
            with self.env.cr.savepoint():
                moves = self.env["emobility.invoicing"]._invoice(line.rating_ids, line.run_id.invoice_date)
                line.write({"state": "done", "error": False, "move_ids": [fields.Command.set(moves.ids)]})
        except (RetryableJobError, psycopg2.errors.SerializationFailure):
            raise
        except Exception as error:
            _logger.info(
                "%s: contract %s was not invoiced", line.run_id.name, line.contract_id.id, exc_info=True
            )
            line.write({"state": "error", "error": str(error)})
            return
        if line.run_id.auto_collect:
            moves._queue_post_and_collect()

    def action_open_move(self) -> dict[str, Any]:
        """Invoices of this line."""
        return self.env["emobility.session"]._window(
            "account.move", [("id", "in", self.move_ids.ids)], self.env._("Invoice")
        )
