from __future__ import annotations

from decimal import Decimal
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..jobs import SOON, enqueue
from ..rating import RatingError

BATCH = 500


class EmobilityTariffReplay(models.Model):
    """What the sessions of a period would have cost with another tariff version. It changes nothing."""

    _name = "emobility.tariff.replay"
    _description = "Tariff Replay"
    _order = "id desc"
    _check_company_auto = True

    version_id = fields.Many2one(
        "emobility.tariff.version", "Tariff", required=True, index=True, check_company=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="version_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="version_id.currency_id")
    date_from = fields.Date(
        "From", required=True, default=lambda self: self._first_of_last_month(), help="First day, by the session's end."
    )
    date_to = fields.Date(
        "Before",
        required=True,
        default=lambda self: fields.Date.context_today(self).replace(day=1),
        help="The first day that is not meant any more.",
    )
    tariff_id = fields.Many2one(
        "emobility.tariff",
        "Only sessions priced with",
        check_company=True,
        ondelete="set null",
        index="btree_not_null",
        help="Empty: all sessions with the currency and the price mode of the version.",
    )
    customer_group_ids = fields.Many2many("emobility.customer.group", string="Only customer groups")
    state = fields.Selection(
        [("draft", "New"), ("running", "Running"), ("done", "Done")],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        index=True,
    )
    result_ids = fields.One2many("emobility.tariff.replay.result", "replay_id", "Results", readonly=True)
    cdr_count = fields.Integer("Sessions", compute="_compute_totals")
    progress = fields.Float(compute="_compute_totals")
    error_count = fields.Integer("Not priced", compute="_compute_totals")
    old_total = fields.Monetary("Old total", compute="_compute_totals")
    new_total = fields.Monetary("New total", compute="_compute_totals")
    difference = fields.Monetary(compute="_compute_totals")
    difference_percent = fields.Float("Difference (%)", compute="_compute_totals", digits=(16, 1))

    _dates_in_order = models.Constraint("CHECK (date_to > date_from)", "The period must end after it begins.")

    @api.model
    def _first_of_last_month(self) -> Any:
        return fields.Date.subtract(fields.Date.context_today(self).replace(day=1), months=1)

    @api.depends("version_id", "date_from", "date_to")
    def _compute_display_name(self) -> None:
        for replay in self:
            replay.display_name = f"{replay.version_id.display_name}: {replay.date_from} – {replay.date_to}"

    @api.depends("result_ids.state", "result_ids.new_amount")
    def _compute_totals(self) -> None:
        rows = self.env["emobility.tariff.replay.result"]._read_group(
            [("replay_id", "in", self.ids)],
            ["replay_id", "state"],
            ["__count", "old_amount:sum", "new_amount:sum"],
        )
        for replay in self:
            by_state = {state: values for owner, state, *values in rows if owner == replay._origin}
            count = sum(values[0] for values in by_state.values())
            priced = by_state.get("done", (0, 0.0, 0.0))
            pending = by_state.get("pending", (0,))[0]
            replay.cdr_count = count
            replay.error_count = by_state.get("error", (0,))[0]
            replay.progress = 100.0 * (count - pending) / count if count else 0.0
            # Of the sessions that could be priced, so that both totals are about the same ones.
            replay.old_total, replay.new_total = priced[1], priced[2]
            replay.difference = priced[2] - priced[1]
            replay.difference_percent = 100.0 * replay.difference / priced[1] if priced[1] else 0.0

    # Steps

    def action_start(self) -> None:
        """Take the sessions down, and price them in the background."""
        for replay in self:
            if replay.state == "running":
                raise UserError(self.env._("%s is running.", replay.display_name))
            replay._snapshot()
            replay.state = "running"
            replay._enqueue_batch()

    def _snapshot(self) -> None:
        self.result_ids.sudo()._as_system().unlink()
        ratings = self.env["emobility.rating"].search(self._rating_domain())
        if not ratings:
            raise UserError(
                self.env._("There are no sessions of that period that this tariff could be compared with.")
            )
        self.env["emobility.tariff.replay.result"].sudo()._as_system().create(
            [
                {"replay_id": self.id, "rating_id": rating.id, "old_amount": float(Decimal(rating.trace["total"]))}
                for rating in ratings
            ]
        )

    def _rating_domain(self) -> list[Any]:
        """Retail ratings that count, and whose amounts mean the same as those of the version."""
        version = self.version_id
        domain: list[Any] = [
            ("company_id", "=", version.company_id.id),
            ("relation", "=", "retail"),
            ("state", "!=", "credited"),
            ("end_at", ">=", self.date_from),
            ("end_at", "<", self.date_to),
            ("currency_id", "=", version.currency_id.id),
            ("price_mode", "=", version.price_mode),
        ]
        if self.tariff_id:
            domain.append(("tariff_version_id.tariff_id", "=", self.tariff_id.id))
        if self.customer_group_ids:
            domain.append(("partner_id.customer_group_id", "in", self.customer_group_ids.ids))
        return domain

    def _enqueue_batch(self) -> None:
        pending = self.env["emobility.tariff.replay.result"].search_count(
            [("replay_id", "=", self.id), ("state", "=", "pending")]
        )
        enqueue(
            self,
            f"emobility.tariff.replay:{self.id}:{pending}",
            self.env._("Replay of %s", self.version_id.display_name),
            priority=SOON,
        )._run_batch()

    def _run_batch(self) -> None:
        """Job: price the next sessions, and queue the batch after them. Harmless when there is nothing left."""
        self.ensure_one()
        if self.state != "running":
            return
        results = self.env["emobility.tariff.replay.result"]._as_system()
        domain = [("replay_id", "=", self.id), ("state", "=", "pending")]
        self._price(results.search(domain, limit=BATCH, order="id"))
        if results.search_count(domain, limit=1):
            self._enqueue_batch()
        else:
            self.state = "done"

    def _price(self, results: Any) -> None:
        for result in results:
            try:
                total = self.version_id._price(result.cdr_id._facts()).total
            except RatingError as error:
                result.write({"state": "error", "error": str(error)})
            else:
                result.write({"state": "done", "new_amount": float(total)})

    def action_open_results(self) -> dict[str, Any]:
        """The sessions of this replay as a chart by customer group, with drill-down."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.display_name,
            "res_model": "emobility.tariff.replay.result",
            "view_mode": "graph,pivot,list",
            "domain": [("replay_id", "=", self.id)],
        }
