from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import LockError, UserError

from odoo.addons.queue_job.exception import RetryableJobError

from ..jobs import enqueue
from .correction import REBILLED

_logger = logging.getLogger(__name__)


class _Undo(Exception):
    """Leaves the savepoint of a preview."""


class EmobilityCorrectionLine(models.Model):
    """One session in a correction: what was billed, what is right, and what was issued for it."""

    _name = "emobility.correction.line"
    _inherit = "emobility.guarded"
    _description = "Corrected session"
    _order = "correction_id desc, partner_id, end_at, id"
    _rec_name = "cdr_id"

    correction_id = fields.Many2one(
        "emobility.correction", required=True, readonly=True, index=True, ondelete="cascade"
    )
    rating_id = fields.Many2one(
        "emobility.rating", "Billed Rating", required=True, readonly=True, index=True, ondelete="restrict"
    )
    cdr_id = fields.Many2one(related="rating_id.cdr_id", store=True, index=True, string="CDR")
    partner_id = fields.Many2one(related="rating_id.partner_id", store=True, index=True, string="Payer")
    location_id = fields.Many2one(related="rating_id.location_id", store=True, index=True)
    energy_kwh = fields.Float(related="rating_id.energy_kwh", store=True)
    end_at = fields.Datetime(related="rating_id.end_at", store=True)
    move_id = fields.Many2one(related="rating_id.move_id", string="Invoice")
    currency_id = fields.Many2one(related="rating_id.currency_id", store=True)
    company_id = fields.Many2one(related="correction_id.company_id", store=True, index=True)
    old_amount = fields.Monetary("Billed", readonly=True)
    new_amount = fields.Monetary("Right", readonly=True)
    difference = fields.Monetary(compute="_compute_difference", store=True)
    state = fields.Selection(
        [("pending", "Pending"), ("priced", "Calculated"), ("error", "Not Possible"), ("done", "Corrected")],
        default="pending",
        required=True,
        readonly=True,
        index=True,
    )
    error = fields.Char("Why Not", readonly=True)
    remark = fields.Char(readonly=True)
    credit_cdr_id = fields.Many2one("emobility.cdr", "Credit CDR", readonly=True, index="btree_not_null")
    new_cdr_id = fields.Many2one("emobility.cdr", "New CDR", readonly=True, index="btree_not_null")
    credit_move_id = fields.Many2one("account.move", "Credit Note", compute="_compute_moves")
    new_move_id = fields.Many2one("account.move", "New Invoice", compute="_compute_moves")

    _one_per_rating = models.UniqueIndex(
        "(correction_id, rating_id)", "The session is in this correction already."
    )

    @api.depends("old_amount", "new_amount", "state")
    def _compute_difference(self) -> None:
        for line in self:
            line.difference = line.new_amount - line.old_amount if line.state in ("priced", "done") else 0.0

    @api.depends("credit_cdr_id.rating_ids.move_id", "new_cdr_id.rating_ids.move_id")
    def _compute_moves(self) -> None:
        for line in self:
            line.credit_move_id = _retail(line.credit_cdr_id).move_id
            line.new_move_id = _retail(line.new_cdr_id).move_id

    # The lines of one payer together

    def _attempt(self, step: Callable[[], None]) -> str | None:
        """Do a step for these lines: all of it or nothing. Returns what was wrong, in words."""
        try:
            with self.env.cr.savepoint():
                step()
        except LockError:
            raise RetryableJobError("A session is being changed at this moment.", seconds=30) from None
        except (RetryableJobError, psycopg2.errors.SerializationFailure):
            raise
        except Exception as error:
            _logger.info("%s: not corrected", self.correction_id.name, exc_info=True)
            return str(error)
        return None

    def _preview(self) -> None:
        """Do it, look at it, and undo it."""
        outcome: dict[int, tuple[float, str | bool]] = {}
        try:
            with self.env.cr.savepoint():
                self._reissue()
                outcome = {line.id: (_retail(line.new_cdr_id).amount_total, line.remark) for line in self}
                raise _Undo
        except _Undo:
            self.env.invalidate_all(flush=False)
        for line in self:
            line.new_amount, line.remark = outcome[line.id]
            line.state = "priced"

    def _apply(self) -> None:
        """Credit CDRs, new CDRs, and the documents about both together."""
        was_invoiced = self.filtered(lambda line: line.rating_id.move_id)
        self._reissue()
        ratings = self.credit_cdr_id.rating_ids | was_invoiced.new_cdr_id.rating_ids
        ratings = ratings.filtered(lambda rating: rating.relation == "retail" and rating.state == "open")
        moves = self.env["emobility.invoicing"]._invoice(ratings)
        correction = self.correction_id
        moves.write({"emobility_correction_id": correction.id})
        for line in self:
            line.write({"state": "done", "new_amount": _retail(line.new_cdr_id).amount_total})
        if correction.auto_collect and moves:
            # Credit notes first: what they leave is set off against the new invoices before anything is charged.
            moves = moves.sorted(lambda move: move.move_type != "out_refund")
            enqueue(
                moves,
                f"emobility.correction.post:{moves[:1].id}",
                self.env._("Post the documents of %s", correction.name),
            )._emobility_post_and_collect()

    def _reissue(self) -> None:
        """All are taken back before the first is made anew: what they used of quotas and discounts is free again."""
        correction = self.correction_id
        lines = self.sorted(lambda line: (line.end_at, line.id))
        for line in lines:
            if line.move_id.state == "draft":
                raise UserError(
                    self.env._("%s is on a draft: delete the draft instead.", line.cdr_id.name)
                )
            line.credit_cdr_id = line.cdr_id._take_back(correction.reason, correction.note)
        for line in lines:
            if correction.kind in REBILLED:
                getattr(line, f"_make_{correction.kind}")()
            else:
                line.cdr_id.session_id.sudo()._as_system().write({"state": "void", "settle_at": False})

    def _make_rerate(self) -> None:
        cdr, correction = self.cdr_id, self.correction_id
        version = correction.version_id if correction.pricing == "version" else self._version_by_rules()
        self.new_cdr_id = cdr._reissue(version).cdr_id

    def _version_by_rules(self) -> Any:
        cdr = self.cdr_id
        version = self.env["emobility.price.rule"]._select_version(
            cdr.company_id, cdr.contract_id, cdr.evse_id, cdr.connector_id, cdr.start_at, relation="retail"
        )
        if not version:
            raise UserError(self.env._("No tariff applies to %s.", cdr.name))
        return version

    def _make_reduce(self) -> None:
        """The same price once more, less what is credited."""
        correction = self.correction_id
        rating = self.cdr_id._reissue(self.rating_id.tariff_version_id)
        amount = min(correction.amount, rating.amount_total)
        if rating.currency_id.compare_amounts(amount, 0) > 0:
            labels = dict(
                correction.with_context(lang=rating.partner_id.lang)
                ._fields["reason"]
                ._description_selection(correction.with_context(lang=rating.partner_id.lang).env)
            )
            rating._take_off_amount(amount, labels[correction.reason])
        self.new_cdr_id = rating.cdr_id

    def _make_rebill(self) -> None:
        """From what the events and the master data say now, through the gate."""
        session = self.cdr_id.session_id.with_context(emobility_no_jobs=True)
        session._reopen()
        session._process_now()
        self.new_cdr_id = session._current_cdr()
        if not self.new_cdr_id:
            self.remark = self.env._(
                "Held: %s", ", ".join(hold._reason_label() for hold in session._open_holds())
            )


def _retail(cdr: Any) -> Any:
    return cdr.rating_ids.filtered(lambda rating: rating.relation == "retail")[:1]
