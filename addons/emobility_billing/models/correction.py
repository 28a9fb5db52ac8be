from __future__ import annotations

from collections.abc import Callable
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..jobs import SOON, enqueue
from .correction_reason import CREDIT_REASONS

CHUNK_PAYERS = 10
KINDS = [
    ("rerate", "Price again with another tariff"),
    ("rebill", "Cancel and bill again"),
    ("reduce", "Credit a part"),
    ("credit", "Credit"),
]
REBILLED = ("rerate", "rebill", "reduce")


class EmobilityCorrection(models.Model):
    """A correction of billed sessions: preview, then credit CDRs, new CDRs and their documents, payer by payer.

    Nothing that was issued changes. The preview is the correction itself, done and rolled back for each payer, so
    that it knows of discounts, quotas and holds exactly what will be.
    """

    _name = "emobility.correction"
    _inherit = ["mail.thread"]
    _description = "Correction of billed sessions"
    _order = "id desc"
    _check_company_auto = True

    name = fields.Char(required=True, readonly=True, copy=False, default=lambda self: self.env._("New"))
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company, readonly=True
    )
    kind = fields.Selection(KINDS, "What to do", required=True, default="rerate")
    reason = fields.Selection(CREDIT_REASONS, required=True, default="price", help="It is printed on the credit note.")
    note = fields.Text("Explanation", help="Kept with each credit CDR.")
    cdr_ids = fields.Many2many("emobility.cdr", string="These CDRs", check_company=True)
    date_from = fields.Date("From", help="First day, by the end of the session.")
    date_to = fields.Date("Before", help="The first day that is not meant any more.")
    tariff_id = fields.Many2one(
        "emobility.tariff",
        "Priced with",
        check_company=True,
        index="btree_not_null",
        help="Only sessions that were priced with this tariff. Empty: all.",
    )
    payer_ids = fields.Many2many("res.partner", string="Payers", help="Only these payers. Empty: all.")
    customer_group_ids = fields.Many2many(
        "emobility.customer.group", string="Customer groups", check_company=True, help="Empty: all."
    )
    pricing = fields.Selection(
        [("version", "This tariff version"), ("rules", "What the price rules say now")],
        "New price",
        required=True,
        default="version",
    )
    version_id = fields.Many2one(
        "emobility.tariff.version", "Tariff version", check_company=True, index="btree_not_null"
    )
    amount = fields.Monetary("Credit for each session", help="Gross or net, as the tariff of the session.")
    auto_collect = fields.Boolean(
        "Post and send", default=True, help="Post, mail and charge the documents. Otherwise they stay drafts."
    )
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("preparing", "Being Calculated"),
            ("ready", "Ready"),
            ("applying", "Running"),
            ("error", "Errors"),
            ("done", "Done"),
        ],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
        index=True,
    )
    line_ids = fields.One2many("emobility.correction.line", "correction_id", "Sessions", readonly=True, copy=False)
    move_ids = fields.One2many("account.move", "emobility_correction_id", "Documents", readonly=True)
    line_count = fields.Integer("Session Count", compute="_compute_totals")
    payer_count = fields.Integer(compute="_compute_totals")
    error_count = fields.Integer("Not Possible", compute="_compute_totals")
    move_count = fields.Integer(compute="_compute_move_count")
    progress = fields.Float(compute="_compute_totals", help="Percentage of sessions that are finished.")
    old_total = fields.Monetary("Billed", compute="_compute_totals")
    new_total = fields.Monetary("Right", compute="_compute_totals")
    difference = fields.Monetary(compute="_compute_totals", help="More than 0: customers pay more.")
    currency_id = fields.Many2one("res.currency", compute="_compute_currency_id", store=True)

    @api.depends("version_id", "cdr_ids", "company_id")
    def _compute_currency_id(self) -> None:
        for correction in self:
            correction.currency_id = (
                correction.version_id.currency_id
                or correction.cdr_ids[:1].currency_id
                or correction.company_id.currency_id
            )

    @api.depends("line_ids.state", "line_ids.new_amount")
    def _compute_totals(self) -> None:
        lines = self.env["emobility.correction.line"]
        groups = lines._read_group(
            [("correction_id", "in", self.ids)],
            ["correction_id", "state"],
            ["__count", "old_amount:sum", "new_amount:sum"],
        )
        payers = dict(
            lines._read_group(
                [("correction_id", "in", self.ids)], ["correction_id"], ["partner_id:count_distinct"]
            )
        )
        for correction in self:
            by_state = {state: values for owner, state, *values in groups if owner == correction._origin}
            count = sum(values[0] for values in by_state.values())
            left = by_state.get("priced" if correction.state == "applying" else "pending", (0,))[0]
            known = [by_state[state] for state in ("priced", "done") if state in by_state]
            correction.line_count = count
            correction.payer_count = payers.get(correction._origin, 0)
            correction.error_count = by_state.get("error", (0,))[0]
            correction.progress = 100.0 * (count - left) / count if count else 0.0
            # Of the sessions that can be corrected, so that both totals are about the same ones.
            correction.old_total = sum(values[1] for values in known)
            correction.new_total = sum(values[2] for values in known)
            correction.difference = correction.new_total - correction.old_total

    @api.depends("move_ids")
    def _compute_move_count(self) -> None:
        for correction in self:
            correction.move_count = len(correction.move_ids)

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> EmobilityCorrection:
        for vals in vals_list:
            vals["name"] = self.env["ir.sequence"].sudo().next_by_code("emobility.correction")
        return super().create(vals_list)

    @api.ondelete(at_uninstall=False)
    def _unlink_before_it_is_done_only(self) -> None:
        for correction in self:
            if correction.state not in ("draft", "ready"):
                raise UserError(
                    self.env._("%s has made documents and cannot be deleted.", correction.name)
                )

    # Steps

    def action_prepare(self) -> None:
        """Take the sessions down and calculate what would change, in jobs. Nothing is issued."""
        self.check_access("write")
        for correction in self:
            if correction.state not in ("draft", "ready"):
                raise UserError(self.env._("%s has been started already.", correction.name))
            correction._check_complete()
            correction._snapshot()
            correction.state = "preparing"
            correction._queue_chunks("pending", "_prepare_chunk")

    def action_apply(self) -> None:
        """Issue the credits and what takes their place, in jobs."""
        self.check_access("write")
        for correction in self:
            if correction.state != "ready":
                raise UserError(self.env._("Calculate %s first.", correction.name))
            if not correction.line_ids.filtered(lambda line: line.state == "priced"):
                raise UserError(self.env._("There is nothing that %s could correct.", correction.name))
            correction._start_applying()

    def action_retry(self) -> None:
        """Try again what was left: after an error, or when the server stopped in between."""
        self.check_access("write")
        for correction in self:
            if correction.state not in ("applying", "error"):
                raise UserError(self.env._("%s waits for nothing.", correction.name))
            failed = correction.line_ids.filtered(lambda line: line.state == "error")
            failed.sudo()._as_system().write({"state": "priced", "error": False})
            correction._start_applying()

    def _start_applying(self) -> None:
        self.state = "applying"
        self._queue_chunks("priced", "_apply_chunk")

    def _apply_at_once(self) -> None:
        """Without a preview: what a person has decided on already, such as a dispute."""
        self._check_complete()
        self._snapshot()
        self.line_ids.sudo()._as_system().write({"state": "priced"})
        self._start_applying()

    def _check_complete(self) -> None:
        if self.kind == "rerate" and self.pricing == "version" and not self.version_id:
            raise UserError(self.env._("Choose the tariff version of the new price."))
        if self.kind == "reduce" and self.currency_id.compare_amounts(self.amount, 0) <= 0:
            raise UserError(self.env._("Enter how much is to be credited for each session."))
        if not self.cdr_ids and not (self.date_from and self.date_to and self.date_from < self.date_to):
            raise UserError(self.env._("Choose a period that begins before it ends, or single CDRs."))

    def _snapshot(self) -> None:
        self.line_ids.sudo()._as_system().unlink()
        ratings = self.env["emobility.rating"].search(self._rating_domain(), order="end_at, id")
        if not ratings:
            raise UserError(self.env._("There is no billed session that fits."))
        self.env["emobility.correction.line"].sudo()._as_system().create(
            [
                {"correction_id": self.id, "rating_id": rating.id, "old_amount": rating.amount_total}
                for rating in ratings
            ]
        )

    def _rating_domain(self) -> list[Any]:
        """Retail ratings that count, and whose amounts mean the same as those of the new version."""
        domain: list[Any] = [
            ("company_id", "=", self.company_id.id),
            ("relation", "=", "retail"),
            ("state", "!=", "credited"),
            ("credited_rating_id", "=", False),
        ]
        if self.cdr_ids:
            domain.append(("cdr_id", "in", self.cdr_ids.ids))
        else:
            domain += [("end_at", ">=", self.date_from), ("end_at", "<", self.date_to)]
        if self.tariff_id:
            domain.append(("tariff_version_id.tariff_id", "=", self.tariff_id.id))
        if self.payer_ids:
            domain.append(("partner_id", "in", self.payer_ids.ids))
        if self.customer_group_ids:
            domain.append(("partner_id.customer_group_id", "in", self.customer_group_ids.ids))
        if self.kind == "rerate" and self.pricing == "version":
            version = self.version_id
            domain += [
                ("currency_id", "=", version.currency_id.id),
                ("price_mode", "=", version.price_mode),
                ("tariff_version_id", "!=", version.id),
            ]
        return domain

    # Chunks: some payers each, a savepoint per payer

    def _queue_chunks(self, state: str, step: str) -> None:
        payers = self.line_ids.filtered(lambda line: line.state == state).partner_id.ids
        for start in range(0, len(payers), CHUNK_PAYERS):
            ids = payers[start : start + CHUNK_PAYERS]
            job = enqueue(
                self,
                f"emobility.correction:{self.id}:{step}:{ids[0]}",
                self.env._("%(correction)s: %(count)s payers", correction=self.name, count=len(ids)),
                priority=SOON,
            )
            getattr(job, step)(ids)

    def _prepare_chunk(self, payer_ids: list[int]) -> None:
        """Job: calculate what would change for these payers. Harmless when it is known already."""
        self.ensure_one()
        for lines in self._by_payer(payer_ids, "pending"):
            self._in_savepoint(lines, lines._preview)
        self._queue_finish(payer_ids)

    def _apply_chunk(self, payer_ids: list[int]) -> None:
        """Job: correct the sessions of these payers. What is done stays done, so it can be repeated."""
        self.ensure_one()
        for lines in self._by_payer(payer_ids, "priced"):
            self._in_savepoint(lines, lines._apply)
        self._queue_finish(payer_ids)

    def _by_payer(self, payer_ids: list[int], state: str) -> list[Any]:
        lines = self.env["emobility.correction.line"].sudo()._as_system()
        domain = [("correction_id", "=", self.id), ("state", "=", state), ("partner_id", "in", payer_ids)]
        return [group for _payer, group in lines._read_group(domain, ["partner_id"], ["id:recordset"])]

    def _in_savepoint(self, lines: Any, step: Callable[[], None]) -> None:
        """An error of one payer is kept on the lines and stops no other."""
        error = lines._attempt(step)
        if error:
            lines.write({"state": "error", "error": error})

    def _has_lines(self, state: str) -> bool:
        self.env.flush_all()
        lines = self.env["emobility.correction.line"].sudo()
        return bool(lines.search_count([("correction_id", "=", self.id), ("state", "=", state)], limit=1))

    def _queue_finish(self, payer_ids: list[int]) -> None:
        """Each chunk looks for the end of the whole when it is committed: of two at once the later one finds it."""
        enqueue(
            self,
            f"emobility.correction.finish:{self.id}:{self.state}:{payer_ids[0]}",
            self.env._("Finish %s", self.name),
            priority=SOON,
        )._finish()

    def _finish(self) -> None:
        """Job: take the next state when no session is left. Harmless when there is one."""
        if self.state == "preparing" and not self._has_lines("pending"):
            self.state = "ready"
        elif self.state == "applying" and not self._has_lines("priced"):
            self.state = "error" if self._has_lines("error") else "done"

    # Buttons

    @api.model
    def _new_window(self, cdrs: Any) -> dict[str, Any]:
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "name": self.env._("Correction"),
            "view_mode": "form",
            "context": {
                "default_kind": "credit",
                "default_reason": "other",
                "default_cdr_ids": [fields.Command.set(cdrs.ids)],
                "default_company_id": cdrs[:1].company_id.id,
            },
        }

    def action_open_lines(self) -> dict[str, Any]:
        """The differences: by payer as a list, a chart and a table."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Differences"),
            "res_model": "emobility.correction.line",
            "view_mode": "list,graph,pivot",
            "domain": [("correction_id", "=", self.id)],
            "context": {"search_default_group_partner": 1},
        }

    def action_open_moves(self) -> dict[str, Any]:
        """The credit notes and invoices of this correction."""
        return self.env["emobility.session"]._window(
            "account.move", [("id", "in", self.move_ids.ids)], self.env._("Documents")
        )
