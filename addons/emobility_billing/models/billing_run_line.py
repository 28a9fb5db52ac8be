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
    move_ids = fields.One2many("account.move", "emobility_billing_line_id", "Invoices", readonly=True)
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

    @api.depends("contract_id", "partner_id")
    def _compute_display_name(self) -> None:
        for line in self:
            line.display_name = line.contract_id.display_name or line.partner_id.display_name

    def _contracts(self) -> Any:
        """The contracts of these lines; a line without one is about all that its payer pays."""
        payers = self.filtered(lambda line: not line.contract_id).partner_id
        others = self.env["contract.contract"].sudo()
        if payers:
            others = others.search(
                [
                    ("company_id", "in", self.company_id.ids),
                    ("is_charging", "=", True),
                    "|",
                    ("invoice_partner_id", "in", payers.ids),
                    "&",
                    ("invoice_partner_id", "=", False),
                    ("partner_id", "in", payers.ids),
                ]
            )
        return self.contract_id | others

    def _bill(self) -> None:
        """Invoice these lines and post what they make, together and in a savepoint: Odoo computes and tracks a move
        that is made and posted in one go once. When that fails each line is tried alone, so that an error stops no
        other.
        """
        lines = self.sudo()._as_system()
        try:
            with self.env.cr.savepoint():
                moves = lines._make_moves()
                if lines.run_id.auto_collect:
                    moves._emobility_post_together()
        except (RetryableJobError, psycopg2.errors.SerializationFailure):
            raise
        except Exception:
            _logger.info("%s: %s contracts are invoiced one by one", lines.run_id.name, len(lines), exc_info=True)
            for line in lines:
                line._bill_alone()

    def _bill_alone(self) -> None:
        """Invoice this line, or keep the error on it. Posting is a job of its own: when it fails, the draft stays."""
        try:
            with self.env.cr.savepoint():
                moves = self._make_moves()
        except (RetryableJobError, psycopg2.errors.SerializationFailure):
            raise
        except Exception as error:
            _logger.info("%s: contract %s was not invoiced", self.run_id.name, self.contract_id.id, exc_info=True)
            self.write({"state": "error", "error": str(error)})
            return
        if self.run_id.auto_collect:
            moves._queue_post_and_collect()

    def _make_moves(self) -> Any:
        """Invoice what is open on these lines of one run, and say so on them."""
        run = self.run_id
        fees = {} if run.late_only else self._contracts()._fees_by_contract(run.date_to)
        moves = self.env["emobility.invoicing"]._invoice(self.rating_ids, run.invoice_date, fees)
        lines = {(line.contract_id, line.partner_id): line for line in self}
        for move in moves.filtered(lambda move: not move.emobility_billing_line_id):
            none = self.env["contract.contract"]
            for contract in (move.emobility_contract_id, none):
                if line := lines.get((contract, move.partner_id)):
                    move.emobility_billing_line_id = line
                    break
        self.write({"state": "done", "error": False})
        return moves

    def action_open_move(self) -> dict[str, Any]:
        """Invoices of this line."""
        return self.env["emobility.session"]._window(
            "account.move", [("id", "in", self.move_ids.ids)], self.env._("Invoice")
        )
