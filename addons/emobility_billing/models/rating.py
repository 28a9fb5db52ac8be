from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odoo import api, fields, models
from odoo.tools import SQL

from ..jobs import enqueue
from ..rating import Dimension
from .session import ENERGY_DIGITS

if TYPE_CHECKING:
    from ..rating import Line, Rating

RELATIONS = [
    ("retail", "Retail (provider to driver)"),
    ("wholesale", "Wholesale (operator to provider)"),
    ("adhoc", "Ad hoc"),
    ("reimbursement", "Reimbursement (payer to host)"),
]


class EmobilityRating(models.Model):
    """One CDR priced for one commercial relation, and what became of the amount."""

    _name = "emobility.rating"
    _inherit = "emobility.guarded"
    _description = "Rating"
    _order = "end_at desc, id desc"
    _check_company_auto = True

    cdr_id = fields.Many2one(
        "emobility.cdr",
        "CDR",
        required=True,
        readonly=True,
        ondelete="restrict",
        check_company=True,
    )
    session_id = fields.Many2one(related="cdr_id.session_id", store=True, index=True)
    relation = fields.Selection(RELATIONS, required=True, readonly=True)
    partner_id = fields.Many2one("res.partner", required=True, readonly=True, index=True, ondelete="restrict")
    contract_id = fields.Many2one("contract.contract", readonly=True, index=True, ondelete="restrict")
    tariff_version_id = fields.Many2one(
        "emobility.tariff.version", "Tariff", required=True, readonly=True, index=True, ondelete="restrict"
    )
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    price_mode = fields.Selection(
        [("gross", "Gross (taxes included)"), ("net", "Net (taxes on top)")], required=True, readonly=True
    )
    amount_total = fields.Monetary(
        readonly=True, help="Sum of the lines: gross or net as the price mode says."
    )
    line_ids = fields.One2many("emobility.rating.line", "rating_id", "Lines")
    # Long, and read for one rating at a time.
    trace = fields.Json(readonly=True, prefetch=False, help="How the engine came to the amount.")
    flags = fields.Char(readonly=True, help="What the engine had to assume.")
    energy_kwh = fields.Float(related="cdr_id.energy_kwh", store=True, digits=ENERGY_DIGITS)
    end_at = fields.Datetime(related="cdr_id.end_at", store=True, index=True)
    location_id = fields.Many2one(related="cdr_id.location_id", store=True)
    state = fields.Selection(
        [("open", "To invoice"), ("invoiced", "Invoiced"), ("free", "Nothing to pay"), ("credited", "Credited")],
        default="open",
        required=True,
        readonly=True,
    )
    move_id = fields.Many2one(
        "account.move", "Invoice", readonly=True, index="btree_not_null", ondelete="restrict", check_company=True
    )
    payment_state = fields.Selection(related="move_id.payment_state", string="Payment")
    billing_line_id = fields.Many2one(
        "emobility.billing.run.line", readonly=True, index="btree_not_null", ondelete="set null"
    )
    credited_rating_id = fields.Many2one("emobility.rating", "Takes back", readonly=True, index="btree_not_null")
    company_id = fields.Many2one(related="cdr_id.company_id", store=True)

    # To invoice a rating is to write its row and each of its indexes anew, so there are only those that find few rows.
    _one_per_relation = models.UniqueIndex(
        "(cdr_id, relation, partner_id)", "The CDR is priced for this relation already."
    )
    _open = models.Index("(company_id, end_at) WHERE state = 'open'")

    @api.depends("cdr_id.name", "relation")
    def _compute_display_name(self) -> None:
        for rating in self:
            rating.display_name = f"{rating.cdr_id.name} ({rating.relation})"

    @api.model
    def _create_from_result(
        self, cdr: Any, relation: str, contract: Any, partner: Any, version: Any, result: Rating
    ) -> EmobilityRating:
        """Store what the engine said; :param result: priced lines, rounded to the currency."""
        tariff = version.tariff_id
        products = self.env["emobility.rating.line"]._products(version)
        return (
            self.sudo()
            ._as_system()
            .create(
                {
                    "cdr_id": cdr.id,
                    "relation": relation,
                    "partner_id": partner.id,
                    "contract_id": contract.id,
                    "tariff_version_id": version.id,
                    "currency_id": tariff.currency_id.id,
                    "price_mode": tariff.price_mode,
                    "amount_total": float(result.total),
                    "trace": result.to_json(),
                    "flags": ", ".join(result.flags) or False,
                    "line_ids": [
                        fields.Command.create(
                            {
                                "sequence": index,
                                "dimension": str(line.dimension),
                                "product_id": products(self._posting_dimension(line), line.element).id,
                                "quantity": float(line.quantity),
                                "unit": line.unit,
                                "unit_price": float(line.unit_price),
                                "amount": float(line.amount),
                                "description": line.sentence(partner.lang or "en"),
                            }
                        )
                        for index, line in enumerate(result.lines)
                    ],
                }
            )
        )

    @api.model
    def _posting_dimension(self, line: Line) -> str:
        """Blocking the connector is parking, also with a tariff that has no price for parking itself."""
        return "PARKING_TIME" if line.counts_for is Dimension.IDLE else str(line.posts_to)

    def _create_credit(self, credit_cdr: Any) -> EmobilityRating:
        """The same rating with the opposite sign, for a credit CDR.

        What was not invoiced yet is simply closed on both sides; what was, gets a credit note.
        """
        self.ensure_one()
        invoiced = bool(self.move_id)
        credit = self.create(
            {
                "cdr_id": credit_cdr.id,
                "relation": self.relation,
                "partner_id": self.partner_id.id,
                "contract_id": self.contract_id.id,
                "tariff_version_id": self.tariff_version_id.id,
                "currency_id": self.currency_id.id,
                "price_mode": self.price_mode,
                "amount_total": -self.amount_total,
                "trace": self.trace,
                "flags": self.flags,
                "state": "open" if invoiced else "credited",
                "credited_rating_id": self.id,
                "line_ids": [
                    fields.Command.create(
                        {
                            "sequence": line.sequence,
                            "dimension": line.dimension,
                            "product_id": line.product_id.id,
                            "quantity": -line.quantity,
                            "unit": line.unit,
                            "unit_price": line.unit_price,
                            "amount": -line.amount,
                            "description": line.description,
                        }
                    )
                    for line in self.line_ids
                ],
            }
        )
        self.write({"state": "credited", "billing_line_id": False})
        return credit

    @api.model
    def _link_to_moves(self, move_of: dict[int, int], move_line_of: dict[int, int]) -> None:
        """Say that ratings are invoiced, and where. A job invoices thousands of them: a statement for each table does
        what the ORM would need longer for than for the invoices themselves.

        :param move_of: invoice of each rating, by ids
        :param move_line_of: invoice line of each rating line, by ids
        """
        ratings, lines = self.browse(move_of), self.env["emobility.rating.line"].browse(move_line_of)
        self._update_rows(ratings, "move_id", move_of, {"state": "invoiced"})
        self._update_rows(lines, "move_line_id", move_line_of)
        self.env["account.move"].browse(set(move_of.values())).invalidate_recordset(["rating_ids"], flush=False)

    @api.model
    def _link_to_lines(self, line_of: dict[int, int]) -> None:
        """:param line_of: line of a billing run for each rating, by ids"""
        self._update_rows(self.browse(line_of), "billing_line_id", line_of)
        lines = self.env["emobility.billing.run.line"].browse(set(line_of.values()))
        lines.invalidate_recordset(["rating_ids"], flush=False)

    @api.model
    def _update_rows(
        self, records: Any, name: str, value_of: dict[int, int], same: dict[str, str] | None = None
    ) -> None:
        """Write a value of its own to each record, and the same ones to all, in one statement.

        What is computed from these fields is computed again, as after a write.
        """
        values = (same or {}) | {"write_uid": self.env.uid, "write_date": self.env.cr.now()}
        records.flush_model([name, *values])
        self.env.cr.execute(
            SQL(
                "UPDATE %(table)s SET %(name)s = new.value, %(values)s"
                " FROM unnest(%(ids)s::int[], %(each)s::int[]) AS new(id, value) WHERE %(table)s.id = new.id",
                table=SQL.identifier(records._table),
                name=SQL.identifier(name),
                values=SQL(", ").join(SQL("%s = %s", SQL.identifier(key), value) for key, value in values.items()),
                ids=list(value_of.keys()),
                each=list(value_of.values()),
            )
        )
        records.invalidate_recordset([name, *values], flush=False)
        records.modified([name, *values])

    def _billed_to_payer(self) -> EmobilityRating:
        """Those that become invoices and credit notes; what is settled in another way, its addon leaves out."""
        return self

    def _queue_invoice(self) -> None:
        """Invoice each of these ratings (a credit: by a credit note) in a job, at once."""
        for rating in self._billed_to_payer():
            enqueue(
                rating,
                f"emobility.rating.invoice:{rating.id}",
                self.env._("Invoice charging session %s", rating.session_id.uid),
            )._invoice_now()

    def _invoice_now(self) -> None:
        """Job: invoice, post and collect. Harmless when the rating is invoiced already."""
        open_ratings = self.filtered(lambda rating: rating.state == "open" and not rating.move_id)
        moves = self.env["emobility.invoicing"]._invoice(open_ratings)
        moves._queue_post_and_collect()

    def action_open_move(self) -> dict[str, Any]:
        """The invoice that carries these ratings."""
        return self.session_id._window(
            "account.move", [("id", "in", self.move_id.ids)], self.env._("Invoice")
        )
