from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from odoo.addons.emobility_billing.jobs import SOON, enqueue


class EmobilityRoamingSettlement(models.Model):
    """A month with one partner, in one currency: what we sold, what we bought, and what is left of both."""

    _name = "emobility.roaming.settlement"
    _description = "Roaming Settlement"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "date_to desc, id desc"
    _check_company_auto = True

    name = fields.Char("Number", required=True, readonly=True, copy=False, default="/")
    roaming_partner_id = fields.Many2one(
        "emobility.roaming.partner", required=True, index=True, ondelete="restrict", check_company=True
    )
    company_id = fields.Many2one(related="roaming_partner_id.company_id", store=True, index=True)
    currency_id = fields.Many2one("res.currency", required=True, default=lambda self: self.env.company.currency_id)
    date_from = fields.Date(
        "First Day",
        required=True,
        default=lambda self: fields.Date.context_today(self).replace(day=1) - relativedelta(months=1),
    )
    date_to = fields.Date(
        "Last Day",
        required=True,
        default=lambda self: fields.Date.context_today(self).replace(day=1) - timedelta(days=1),
        help="What ended until this day counts; also what came too late for the months before.",
    )
    state = fields.Selection(
        [("draft", "Draft"), ("ready", "Collected"), ("invoiced", "Invoiced"), ("done", "Done")],
        required=True,
        readonly=True,
        default="draft",
        copy=False,
        tracking=True,
        index=True,
    )
    rating_ids = fields.One2many("emobility.rating", "roaming_settlement_id", "Sold One by One")
    roaming_cdr_ids = fields.One2many("emobility.roaming.cdr", "settlement_id", "Bought One by One")
    line_ids = fields.One2many("emobility.settlement.line", "settlement_id", "Their Invoice Compared")
    sold_count = fields.Integer("Sold CDRs", compute="_compute_sums")
    sold_amount = fields.Monetary("Sold", compute="_compute_sums", help="Without taxes.")
    bought_count = fields.Integer("Bought CDRs", compute="_compute_sums")
    bought_amount = fields.Monetary("Bought", compute="_compute_sums", help="Without taxes.")
    hub_fee = fields.Monetary("Hub Fees", compute="_compute_sums")
    difference_count = fields.Integer("Differences", compute="_compute_difference_count")
    held_count = fields.Integer("CDRs to Check", compute="_compute_held_count")
    move_ids = fields.Many2many("account.move", string="Documents", readonly=True, copy=False)
    move_count = fields.Integer(compute="_compute_move_count")
    balance = fields.Monetary(
        compute="_compute_balance", help="What is open of our invoices less what is open of theirs."
    )

    _one_per_month = models.UniqueIndex(
        "(roaming_partner_id, currency_id, date_from, date_to)", "This month is settled with the partner already."
    )
    _date_order = models.Constraint("CHECK (date_to >= date_from)", "The last day is before the first day.")

    @api.depends("rating_ids.amount_total", "roaming_cdr_ids.total_net", "roaming_cdr_ids.hub_fee")
    def _compute_sums(self) -> None:
        for settlement in self:
            settlement.sold_count = len(settlement.rating_ids)
            settlement.sold_amount = sum(rating._net_amount() for rating in settlement.rating_ids)
            settlement.bought_count = len(settlement.roaming_cdr_ids)
            settlement.bought_amount = sum(settlement.roaming_cdr_ids.mapped("total_net"))
            settlement.hub_fee = sum(settlement.roaming_cdr_ids.mapped("hub_fee"))

    @api.depends("line_ids.status")
    def _compute_difference_count(self) -> None:
        for settlement in self:
            settlement.difference_count = len(settlement.line_ids.filtered(lambda line: line.status != "4_matched"))

    @api.depends("roaming_partner_id", "date_to")
    def _compute_held_count(self) -> None:
        for settlement in self:
            settlement.held_count = self.env["emobility.roaming.cdr"].search_count(settlement._held_domain())

    @api.depends("move_ids")
    def _compute_move_count(self) -> None:
        for settlement in self:
            settlement.move_count = len(settlement.move_ids)

    @api.depends("move_ids.amount_residual_signed", "move_ids.state")
    def _compute_balance(self) -> None:
        for settlement in self:
            posted = settlement.move_ids.filtered(lambda move: move.state == "posted" and move.is_invoice())
            settlement.balance = sum(
                move.amount_residual * (1 if move.move_type in ("out_invoice", "in_refund") else -1) for move in posted
            )

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> EmobilityRoamingSettlement:
        for vals in vals_list:
            if vals.get("name", "/") == "/":
                vals["name"] = self.env["ir.sequence"].next_by_code("emobility.roaming.settlement")
        return super().create(vals_list)

    @api.ondelete(at_uninstall=False)
    def _unlink_without_documents(self) -> None:
        if self.move_ids:
            raise UserError(self.env._("A settlement with documents cannot be deleted."))

    @api.constrains("roaming_partner_id", "currency_id", "date_from", "date_to")
    def _check_once(self) -> None:
        """Who is operator and provider has one settlement for both, or nothing could be set off."""
        for settlement in self:
            twins = self.search_count(
                [
                    ("id", "!=", settlement.id),
                    ("roaming_partner_id", "in", settlement._roles().ids),
                    ("currency_id", "=", settlement.currency_id.id),
                    ("date_from", "=", settlement.date_from),
                    ("date_to", "=", settlement.date_to),
                ],
                limit=1,
            )
            if twins:
                raise ValidationError(self.env._("This month is settled with the partner already."))

    # What belongs to it

    def _roles(self) -> Any:
        """The partner as operator and as provider: the same party, and one account with it."""
        partner = self.roaming_partner_id
        return self.env["emobility.roaming.partner"].search(
            [
                ("company_id", "=", partner.company_id.id),
                ("country_code", "=", partner.country_code),
                ("party_id", "=", partner.party_id),
            ]
        )

    def _before(self) -> datetime:
        """The first instant after the last day, naive UTC: days are those of the company."""
        zone = ZoneInfo(self.company_id.partner_id.tz or "UTC")
        midnight = datetime.combine(self.date_to + timedelta(days=1), time(), zone)
        return midnight.astimezone(ZoneInfo("UTC")).replace(tzinfo=None)

    def _sold_domain(self) -> list[Any]:
        return [
            ("relation", "=", "wholesale"),
            ("session_id.roaming_agreement_id.roaming_partner_id", "in", self._roles().ids),
            ("currency_id", "=", self.currency_id.id),
            ("state", "=", "open"),
            ("move_id", "=", False),
            ("roaming_settlement_id", "=", False),
            ("end_at", "<", self._before()),
        ]

    def _bought_domain(self) -> list[Any]:
        return [
            ("direction", "=", "in"),
            ("roaming_partner_id", "in", self._roles().ids),
            ("currency_id", "=", self.currency_id.id),
            ("settlement_id", "=", False),
            ("end_at", "<", self._before()),
        ]

    def _held_domain(self) -> list[Any]:
        return [*self._bought_domain(), ("check_state", "in", ("new", "to_check", "disputed"))]

    def action_collect(self) -> None:
        """Take in what is accepted and not settled yet. Can be repeated until the invoice is made."""
        for settlement in self:
            settlement._expect("draft", "ready")
            ratings = self.env["emobility.rating"].sudo().search(settlement._sold_domain())
            ratings._as_system().write({"roaming_settlement_id": settlement.id})
            cdrs = (
                self.env["emobility.roaming.cdr"]
                .sudo()
                .search([*settlement._bought_domain(), ("check_state", "=", "accepted")])
            )
            cdrs._as_system().write({"settlement_id": settlement.id})
            settlement.state = "ready"

    def _expect(self, *states: str) -> None:
        if self.state not in states:
            raise UserError(self.env._("%(settlement)s is %(state)s already.", settlement=self.name, state=self.state))

    # Our documents

    def action_invoice(self) -> None:
        """Invoice what was sold, with the list of CDRs. In a job: a month may have many."""
        for settlement in self:
            settlement._expect("ready")
            settlement.state = "invoiced"
            enqueue(
                settlement,
                f"emobility.roaming.settlement:{settlement.id}",
                self.env._("Invoice the settlement %s", settlement.name),
                priority=SOON,
            )._make_invoices()

    def _make_invoices(self) -> None:
        """Job: harmless when it is repeated, because a rating is invoiced once."""
        self.ensure_one()
        moves = self.env["emobility.invoicing"]._invoice(self.rating_ids)
        for move in moves.filtered(lambda one: one.move_type == "out_invoice"):
            agreement = move.rating_ids.session_id.roaming_agreement_id[:1]
            if agreement.payment_term_id:
                move.invoice_payment_term_id = agreement.payment_term_id
            self._pass_on_fee(move, agreement)
        self.move_ids |= moves
        moves._queue_post_and_collect()

    def _pass_on_fee(self, move: Any, agreement: Any) -> None:
        """What the hub takes for the CDRs of this invoice, when that was agreed."""
        if agreement.hub_fee_policy != "pass_on":
            return
        fee = sum(float(agreement._hub_fee_of(rating)) for rating in move.rating_ids)
        if self.currency_id.is_zero(fee):
            return
        move.invoice_line_ids = [
            fields.Command.create(
                {
                    "product_id": self.env.ref("emobility_settlement.product_hub_fee").id,
                    "quantity": 1.0,
                    "price_unit": self.currency_id.round(fee),
                }
            )
        ]

    def action_download_cdr_list(self) -> dict[str, Any]:
        """The list of CDRs of our newest invoice of this month, as the partner gets it."""
        self.ensure_one()
        invoices = self.move_ids.filtered(lambda move: move.state == "posted" and move.move_type == "out_invoice")
        if not invoices:
            raise UserError(self.env._("Make the invoice first: the list of CDRs goes with it."))
        attachment = invoices[-1]._cdr_list()
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{attachment.id}?download=true",
            "target": "download",
        }

    # Their invoice

    def _compare(self, invoice_ref: str, amounts: dict[str, float], total: float | None = None) -> None:
        """Lay the CDRs of their invoice beside those that we accepted. A list that comes again replaces the first.

        :param amounts: without taxes, by CDR id as they write it
        :param total: of the invoice, without taxes; what the list does not explain is a line of its own (F58)
        :raises UserError: when there is a bill of this invoice already
        """
        self.ensure_one()
        if invoice_ref in self._billed():
            raise UserError(self.env._("There is a bill of %s already.", invoice_ref))
        self.line_ids.filtered(lambda line: line.invoice_ref == invoice_ref).unlink()
        accepted = {cdr.name.upper(): cdr for cdr in self.roaming_cdr_ids}
        values = []
        for cdr_ref, amount in amounts.items():
            cdr = accepted.get(cdr_ref.upper())
            ours = cdr.total_net if cdr else 0.0
            same = cdr and self.currency_id.compare_amounts(amount, ours) == 0
            values.append(
                self._line_values(invoice_ref, cdr_ref, cdr, amount, "4_matched" if same else "1_different")
                if cdr
                else self._line_values(invoice_ref, cdr_ref, self._known(cdr_ref), amount, "2_extra")
            )
        unexplained = 0.0 if total is None else total - sum(amounts.values())
        if not self.currency_id.is_zero(unexplained):
            values.append(self._line_values(invoice_ref, False, False, unexplained, "0_no_cdr"))
        invoiced = {ref.upper() for ref in amounts} | {
            (line.cdr_ref or "").upper() for line in self.line_ids if line.status != "3_missing"
        }
        self.line_ids.filtered(lambda line: line.status == "3_missing").unlink()
        values += [
            self._line_values(invoice_ref, cdr.name, cdr, 0.0, "3_missing")
            for name, cdr in accepted.items()
            if name not in invoiced
        ]
        self.env["emobility.settlement.line"].create(values)

    def _known(self, cdr_ref: str) -> Any:
        """A CDR that they invoice and we did not accept, for one look at why."""
        return self.env["emobility.roaming.cdr"].search(
            [
                ("direction", "=", "in"),
                ("roaming_partner_id", "in", self._roles().ids),
                ("name", "=ilike", cdr_ref),
            ],
            limit=1,
        )

    def _told_amounts(self, invoice_ref: str) -> dict[str, float]:
        """What we know of the CDRs that the partner told an invoice to be about (2.3.0, invoicereconciliation)."""
        told = self.env["emobility.ocpi.object"].sudo().search(
            [
                ("module", "=", "invoicereconciliation"),
                ("connection_id", "in", self._roles().connection_id.ids),
                ("country_code", "=", self.roaming_partner_id.country_code),
                ("party_id", "=", self.roaming_partner_id.party_id),
            ]
        )
        refs = [ref for one in told if one.data.get("invoice_id") == invoice_ref for ref in one.data.get("cdrs") or []]
        return {ref: self._known(ref).total_net for ref in refs}

    def _line_values(
        self, invoice_ref: str, cdr_ref: str | bool, cdr: Any, amount: float, status: str
    ) -> dict[str, Any]:
        accepted = cdr.total_net if cdr and status != "2_extra" else 0.0
        return {
            "settlement_id": self.id,
            "invoice_ref": invoice_ref,
            "cdr_ref": cdr_ref,
            "roaming_cdr_id": cdr.id if cdr else False,
            "amount_invoiced": amount,
            "amount_accepted": accepted,
            "difference": amount - accepted,
            "status": status,
        }

    def action_bill(self) -> dict[str, Any]:
        """A draft bill for what matches. What differs is not paid before it is agreed on."""
        self.ensure_one()
        matched = self.line_ids.filtered(lambda line: line.status == "4_matched")
        refs = sorted(set(matched.mapped("invoice_ref")))
        billed = self._billed()
        for ref in refs:
            if ref not in billed:
                amount = sum(matched.filtered(lambda line, ref=ref: line.invoice_ref == ref).mapped("amount_invoiced"))
                self.move_ids |= self._make_bill(ref, amount)
        return self.action_open_moves()

    def _billed(self) -> set[str]:
        """The numbers of their invoices for which there is a bill."""
        bills = self.move_ids.filtered(lambda move: move.is_purchase_document() and move.state != "cancel")
        return set(bills.mapped("ref"))

    def _make_bill(self, ref: str, amount: float) -> Any:
        agreement = self.roaming_cdr_ids.agreement_id[:1]
        partner = agreement.legal_entity_id or self.roaming_partner_id.partner_id
        if not partner:
            raise UserError(self.env._("%s has no business partner.", self.roaming_partner_id.display_name))
        return self._bill_in(self.company_id, partner, ref, amount, self.currency_id, self.date_to)

    @api.model
    def _bill_in(self, company: Any, partner: Any, ref: str, amount: float, currency: Any, day: Any) -> Any:
        """:param amount: without taxes; below zero it is a credit note"""
        product = self.env.ref("emobility_settlement.product_roaming_purchase")
        return (
            self.env["account.move"]
            .with_company(company)
            .create(
                {
                    "move_type": "in_invoice" if amount >= 0 else "in_refund",
                    "company_id": company.id,
                    "partner_id": partner.id,
                    "currency_id": currency.id,
                    "invoice_date": fields.Date.context_today(self),
                    "delivery_date": day,
                    "ref": ref,
                    "invoice_line_ids": [
                        fields.Command.create({"product_id": product.id, "quantity": 1.0, "price_unit": abs(amount)})
                    ],
                }
            )
        )

    # Netting

    def action_net(self) -> dict[str, Any]:
        """Set both sides off: one entry that closes the smaller one, and leaves the rest to be paid.

        What one legal entity owes is not set off against what another one gets.
        """
        self.ensure_one()
        posted = self.move_ids.filtered(lambda move: move.state == "posted")
        entries = self.env["account.move"]
        for _entity, moves in posted.grouped("commercial_partner_id").items():
            entries |= self._net(moves)
        if not entries:
            raise UserError(self.env._("There is nothing to set off: both sides need a posted document that is open."))
        self.move_ids |= entries
        return self.action_open_moves()

    def _net(self, moves: Any) -> Any:
        """The entry that sets off what is open of these documents of one partner, or an empty recordset."""
        receivable = self._open_lines(moves, "asset_receivable")
        payable = self._open_lines(moves, "liability_payable")
        amount = min(
            sum(receivable.mapped("amount_residual_currency")), -sum(payable.mapped("amount_residual_currency"))
        )
        if self.currency_id.compare_amounts(amount, 0) <= 0:
            return self.env["account.move"]
        entry = self._netting_entry(receivable[:1], payable[:1], amount)
        for line in entry.line_ids:
            (line | (receivable if line.account_id in receivable.account_id else payable)).reconcile()
        return entry

    def _open_lines(self, moves: Any, account_type: str) -> Any:
        return moves.line_ids.filtered(
            lambda line: line.account_id.account_type == account_type and not line.reconciled
        )

    def _netting_entry(self, receivable: Any, payable: Any, amount: float) -> Any:
        company = self.company_id
        value = self.currency_id._convert(amount, company.currency_id, company, fields.Date.context_today(self))
        journal = self.env["account.journal"].search(
            [("type", "=", "general"), ("company_id", "=", company.id)], limit=1
        )
        sides = ((receivable, -1), (payable, 1))
        entry = self.env["account.move"].create(
            {
                "move_type": "entry",
                "journal_id": journal.id,
                "ref": self.name,
                "line_ids": [
                    fields.Command.create(
                        {
                            "name": self.env._("Set-off %s", self.name),
                            "partner_id": line.partner_id.id,
                            "account_id": line.account_id.id,
                            "currency_id": self.currency_id.id,
                            "amount_currency": sign * amount,
                            "balance": sign * value,
                        }
                    )
                    for line, sign in sides
                ],
            }
        )
        entry.action_post()
        return entry

    def action_done(self) -> None:
        """Nothing is left to do for this month."""
        for settlement in self:
            settlement._expect("invoiced")
            settlement.state = "done"

    # Going on from here

    def _open(self, name: str, model: str, domain: list[Any]) -> dict[str, Any]:
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": model,
            "view_mode": "list,form",
            "domain": domain,
        }

    def action_open_moves(self) -> dict[str, Any]:
        """Documents of these settlements."""
        return self._open(self.env._("Documents"), "account.move", [("id", "in", self.move_ids.ids)])

    def action_open_sold(self) -> dict[str, Any]:
        """What was sold."""
        return self._open(self.env._("Sold"), "emobility.rating", [("roaming_settlement_id", "in", self.ids)])

    def action_open_bought(self) -> dict[str, Any]:
        """What was bought."""
        return self._open(self.env._("Bought"), "emobility.roaming.cdr", [("settlement_id", "in", self.ids)])

    def action_open_held(self) -> dict[str, Any]:
        """CDRs of the partner that somebody has to look at before they are settled."""
        self.ensure_one()
        return self._open(self.env._("CDRs to Check"), "emobility.roaming.cdr", self._held_domain())

    @api.model
    def _cron_collect(self) -> None:
        """At the start of a month: a settlement for each partner with which there is something to settle."""
        for partner in self.env["emobility.roaming.partner"].search([("agreement_ids", "!=", False)]):
            for currency in partner.agreement_ids.currency_id:
                settlement = self.new({"roaming_partner_id": partner.id, "currency_id": currency.id})
                values = {"roaming_partner_id": partner.id, "currency_id": currency.id}
                known = self.search_count(
                    [
                        ("roaming_partner_id", "in", settlement._roles().ids),
                        ("currency_id", "=", currency.id),
                        ("date_to", ">=", settlement.date_to),
                    ]
                )
                if not known and settlement._has_anything():
                    self.with_company(partner.company_id).create(values).action_collect()

    def _has_anything(self) -> bool:
        ratings, cdrs = self.env["emobility.rating"], self.env["emobility.roaming.cdr"]
        return bool(
            ratings.search_count(self._sold_domain(), limit=1) or cdrs.search_count(self._bought_domain(), limit=1)
        )
