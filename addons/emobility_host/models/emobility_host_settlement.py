from __future__ import annotations

import logging
from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import LockError, UserError
from odoo.tools import format_date

from odoo.addons.emobility_billing.jobs import enqueue
from odoo.addons.queue_job.exception import RetryableJobError

from ..terms import Kind, Part, month_parts, valid_share

_logger = logging.getLogger(__name__)


class EmobilityHostSettlement(models.Model):
    """What an agreement comes to: a preview first, then a credit note that we issue for the host."""

    _name = "emobility.host.settlement"
    _inherit = ["emobility.guarded", "portal.mixin", "mail.thread"]
    _description = "Host Settlement"
    _order = "month desc, id desc"
    _check_company_auto = True
    _guard_editable = frozenset({"access_token"})

    name = fields.Char(compute="_compute_name", store=True)
    run_id = fields.Many2one(
        "emobility.host.run", required=True, readonly=True, index=True, ondelete="cascade", check_company=True
    )
    agreement_id = fields.Many2one(
        "emobility.host.agreement",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
        check_company=True,
    )
    partner_id = fields.Many2one(related="agreement_id.partner_id", string="Host", store=True, index=True)
    relation = fields.Selection(related="agreement_id.relation", string="Kind", store=True)
    month = fields.Date(related="run_id.month", store=True, index=True)
    company_id = fields.Many2one(related="run_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="agreement_id.currency_id", store=True)
    line_ids = fields.One2many("emobility.host.settlement.line", "settlement_id", "Parts", readonly=True)
    rating_ids = fields.One2many("emobility.rating", "settlement_id", "Sessions", readonly=True)
    rating_count = fields.Integer("Number of sessions", readonly=True)
    energy_kwh = fields.Float("Energy (kWh)", digits=(16, 3), readonly=True)
    amount = fields.Monetary("Amount (net)", readonly=True)
    problems = fields.Text(readonly=True, help="Why sessions could not be priced: they are not part of it.")
    state = fields.Selection(
        [("draft", "Preview"), ("done", "Settled"), ("error", "Error")],
        default="draft",
        required=True,
        readonly=True,
        tracking=True,
        index=True,
    )
    error = fields.Text(readonly=True)
    move_id = fields.Many2one(
        "account.move",
        "Credit note",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        check_company=True,
    )
    payment_state = fields.Selection(related="move_id.payment_state", string="Payment")
    netting_move_id = fields.Many2one(
        "account.move", "Netting", readonly=True, index="btree_not_null", check_company=True
    )
    is_sent = fields.Boolean("Sent", readonly=True)

    _one_per_agreement = models.UniqueIndex(
        "(run_id, agreement_id)", "The run has a settlement of this agreement already."
    )

    @api.depends("agreement_id.name", "month")
    def _compute_name(self) -> None:
        for settlement in self:
            month = f"{settlement.month:%Y-%m}" if settlement.month else ""
            settlement.name = f"{settlement.agreement_id.name or ''} {month}".strip()

    def _compute_access_url(self) -> None:
        for settlement in self:
            settlement.access_url = f"/my/charging/host/statements/{settlement.id}"

    # Preview

    def _prepare(self) -> None:
        """Price what is missing, collect what is open, and work the months out. Can be repeated."""
        for settlement in self:
            agreement = settlement.agreement_id
            problems = [
                f"{cdr.session_id.uid}: {problem}"
                for cdr in agreement._unrated_cdrs(settlement._last_day())
                if (problem := cdr._rate_for_host(agreement))
            ]
            settlement.rating_ids.write({"settlement_id": False})
            ratings = settlement._open_ratings().filtered(lambda rating: not rating.settlement_id)
            ratings.write({"settlement_id": settlement.id})
            settlement.line_ids.unlink()
            lines = settlement._month_lines(ratings)
            settlement.write(
                {
                    "line_ids": [fields.Command.create(line) for line in lines],
                    "rating_count": len(ratings),
                    "energy_kwh": sum(ratings.mapped("energy_kwh")),
                    "amount": settlement.currency_id.round(sum(line["amount"] for line in lines)),
                    "problems": "\n".join(problems) or False,
                }
            )

    def _last_day(self) -> date:
        return fields.Date.end_of(self.month, "month")

    def _open_ratings(self) -> Any:
        """Everything up to the end of the month that no credit note has: late sessions and credits too, and what is in
        previews.
        """
        ratings = (
            self.env["emobility.rating"]
            .sudo()
            ._as_system()
            .search(
                [
                    ("agreement_id", "=", self.agreement_id.id),
                    ("state", "=", "open"),
                    ("move_id", "=", False),
                    ("end_at", "<", fields.Date.add(self._last_day(), days=2)),
                ],
                order="end_at, id",
            )
        )
        return ratings.filtered(lambda rating: rating.cdr_id._local_month() <= self.month)

    def _month_lines(self, ratings: Any) -> list[dict[str, Any]]:
        months = {rating.cdr_id._local_month() for rating in ratings} | self._months_without_settlement()
        lines = []
        for month in sorted(months):
            before = self._settled_before(month)
            for sequence, (kind, part) in enumerate(self._month_parts(month, ratings).items()):
                settled = before[kind]
                energy, amount = part.energy_kwh - settled.energy_kwh, part.amount - settled.amount
                if energy or amount:
                    lines.append(
                        {
                            "month": month,
                            "sequence": sequence,
                            "kind": kind.value,
                            "energy_kwh": float(energy),
                            "amount": float(amount),
                            "description": self._line_text(kind, month, float(energy), ratings),
                        }
                    )
        return lines

    def _months_without_settlement(self) -> set[date]:
        """Months since the first day for which a fixed amount or a minimum is due, sessions or not."""
        agreement = self.agreement_id
        if not (agreement.fixed_amount or agreement.minimum):
            return set()
        settled = (
            self.env["emobility.host.settlement.line"]
            .sudo()
            ._read_group(
                [("agreement_id", "=", agreement.id), ("settlement_id.state", "=", "done")], ["month:month"]
            )
        )
        known = {month for [month] in settled}
        last = min(self.month, agreement.date_to or self.month)
        at, months = agreement.date_from.replace(day=1), set()
        while at <= last:
            months.add(at)
            at = fields.Date.add(at, months=1)
        return months - known

    def _month_parts(self, month: date, ratings: Any) -> dict[Kind, Part]:
        """What the month comes to with all that is settled or in this settlement."""
        agreement = self.agreement_id
        settled = (
            self.env["emobility.rating"]
            .sudo()
            .search(
                [
                    ("agreement_id", "=", agreement.id),
                    ("settlement_id.state", "=", "done"),
                    ("end_at", ">=", fields.Date.subtract(month, days=1)),
                    ("end_at", "<", fields.Date.add(fields.Date.end_of(month, "month"), days=2)),
                ]
            )
        )
        both = (settled | ratings).filtered(lambda rating: rating.cdr_id._local_month() == month)
        # A credit and what it takes back are nothing together.
        counting = both.filtered(lambda rating: not rating.credited_rating_id) - both.credited_rating_id
        return month_parts(
            counting._priced(),
            agreement._terms(),
            valid_share(month, agreement.date_from, agreement.date_to or None),
        )

    def _settled_before(self, month: date) -> dict[Kind, Part]:
        lines = self.env["emobility.host.settlement.line"].sudo()
        groups = lines._read_group(
            [
                ("agreement_id", "=", self.agreement_id.id),
                ("month", "=", month),
                ("settlement_id.state", "=", "done"),
            ],
            ["kind"],
            ["energy_kwh:sum", "amount:sum"],
        )
        digits = self.currency_id.decimal_places
        known: dict[Kind, Part] = defaultdict(lambda: Part(Decimal(0), Decimal(0)))
        for kind, energy, amount in groups:
            known[Kind(kind)] = Part(Decimal(f"{energy:.3f}"), Decimal(f"{amount:.{digits}f}"))
        return known

    def _line_text(self, kind: Kind, month: date, energy: float, ratings: Any) -> str:
        """The line in the language of the host; it is printed on the credit note."""
        env = self.with_context(lang=self.partner_id.lang or self.env.lang).env
        agreement = self.agreement_id.with_env(env)
        values = {
            "month": format_date(env, month, date_format="MMMM yyyy"),
            "count": len(ratings.filtered(lambda rating: rating.cdr_id._local_month() == month)),
            "energy": f"{abs(energy):.3f}",
            "product": agreement._product().name,
            "cap": f"{agreement.cap_kwh:g}",
        }
        if kind is Kind.SESSIONS:
            return env._("%(product)s %(month)s: %(count)s sessions, %(energy)s kWh", **values)
        if kind is Kind.CAP_KWH:
            return env._("%(month)s: %(energy)s kWh beyond the cap of %(cap)s kWh", **values)
        if kind is Kind.FIXED:
            return env._("Fixed amount %(month)s", **values)
        if kind is Kind.MINIMUM:
            return env._("Rise to the guaranteed minimum %(month)s", **values)
        return env._("Cut to the agreed cap %(month)s", **values)

    # Credit note

    def _queue_settle(self) -> None:
        """A job per credit note: per settlement, or one for all of a host that wants one document."""
        for group in self.sorted("id").grouped(lambda one: one._document_key()).values():
            enqueue(
                group,
                f"emobility.host.settlement:{group[0].id}",
                self.env._("Settle %s", ", ".join(group.mapped("name"))),
            )._settle_safely()

    def _document_key(self) -> tuple[Any, ...]:
        """Settlements with the same key share a credit note."""
        agreement, host = self.agreement_id, self.partner_id
        if not host.emobility_one_credit_note:
            return (self.id,)
        return (self.run_id.id, host.id, self.currency_id.id, agreement.has_vat, agreement.is_netting)

    def _settle_safely(self) -> None:
        """Job: settle; an error is kept here and stops no other host."""
        settlements = self.sudo()._as_system().with_company(self.company_id)
        try:
            with self.env.cr.savepoint():
                settlements._settle()
        except (UserError, LockError) as error:
            _logger.info("Settlements %s: %s", settlements.ids, error)
            settlements.filtered(lambda one: one.state != "done").write({"state": "error", "error": str(error)})
            return
        settlements._queue_send()

    def _settle(self) -> None:
        """Make and post the credit note over exactly what the previews showed. Harmless when that is done.

        :raises UserError: when something changed since the preview, or the host's data are not complete
        """
        todo = self.filtered(lambda one: one.state != "done")
        try:
            todo.lock_for_update()
            todo.rating_ids.lock_for_update()
        except LockError:
            raise RetryableJobError("The settlement is being changed at this moment.", seconds=60) from None
        for settlement in todo:
            settlement._check_preview()
        move = todo._make_move()
        for settlement in todo:
            own = move if settlement._paid_lines() else move.browse()
            settlement.rating_ids.write({"state": "invoiced" if own else "free", "move_id": own.id})
            settlement.write({"state": "done", "error": False, "move_id": own.id})
        if move:
            move.action_post()
            if todo[0].agreement_id.is_netting:
                todo.filtered("move_id")._net()

    def _check_preview(self) -> None:
        seen = self.amount
        self._prepare()
        if self.currency_id.compare_amounts(seen, self.amount):
            raise UserError(
                self.env._(
                    "Sessions came in or were taken back since the preview of %(before)s: it is %(now)s now. Look at "
                    "it again, and confirm again.",
                    before=self.currency_id.format(seen),
                    now=self.currency_id.format(self.amount),
                )
            )

    def _paid_lines(self) -> Any:
        return self.line_ids.filtered(lambda line: not line.currency_id.is_zero(line.amount))

    def _make_move(self) -> Any:
        """The self-billed credit note (a bill in our books); empty when there is nothing to pay."""
        moves = self.env["account.move"].sudo().with_company(self.company_id)
        if not self._paid_lines():
            return moves
        for settlement in self:
            settlement._check_host()
        amount = sum(self.mapped("amount"))
        sign = -1 if amount < 0 else 1
        lines = [line for settlement in self for line in settlement._paid_lines()]
        move = moves.create(
            {
                "move_type": "in_refund" if sign < 0 else "in_invoice",
                "journal_id": self.company_id._emobility_self_billing_journal().id,
                "partner_id": self.partner_id.id,
                "currency_id": self.currency_id.id,
                "invoice_date": fields.Date.context_today(self),
                "delivery_date": self[0]._last_day(),
                "ref": ", ".join(self.mapped("name")),
                "invoice_line_ids": [
                    fields.Command.create(
                        {
                            "sequence": sequence,
                            "product_id": line.agreement_id._product().id,
                            "name": line._text_on_document(is_one_of_many=len(self) > 1),
                            "quantity": 1.0,
                            "price_unit": sign * line.amount,
                            "tax_ids": [fields.Command.set(line.settlement_id._taxes().ids)],
                        }
                    )
                    for sequence, line in enumerate(lines)
                ],
            }
        )
        if self.currency_id.compare_amounts(move.amount_untaxed, abs(amount)):
            raise UserError(
                self.env._(
                    "The credit note would be %(computed)s instead of %(settled)s.",
                    computed=self.currency_id.format(move.amount_untaxed),
                    settled=self.currency_id.format(amount),
                )
            )
        return move

    def _check_host(self) -> None:
        """A credit note in place of an invoice carries what an invoice has to."""
        partner = self.partner_id.commercial_partner_id
        missing = [
            partner._fields[name]._description_string(self.env)
            for name in ("street", "city", "country_id")
            if not partner[name]
        ]
        if self.agreement_id.has_vat and not partner.vat:
            missing.append(partner._fields["vat"]._description_string(self.env))
        if missing:
            raise UserError(
                self.env._(
                    "The credit note of %(partner)s lacks: %(fields)s.",
                    partner=partner.display_name,
                    fields=", ".join(missing),
                )
            )

    def _taxes(self) -> Any:
        """VAT of a host that is registered for it; nothing for private owners and small businesses (F76)."""
        if not self.agreement_id.has_vat:
            return self.env["account.tax"]
        product = self.agreement_id._product()
        taxes = product.supplier_taxes_id._filter_taxes_by_company(self.company_id)
        taxes = taxes or self.company_id.account_purchase_tax_id
        position = (
            self.env["account.fiscal.position"]
            .with_company(self.company_id)
            ._get_fiscal_position(self.partner_id)
        )
        taxes = position.map_tax(taxes)
        if not taxes:
            raise UserError(self.env._("There is no purchase tax for %s.", product.display_name))
        return taxes._emobility_variant(included=False)

    def _net(self) -> None:
        """Set off what the host owes as a customer: one entry, reconciled with both sides."""
        partner = self.partner_id.commercial_partner_id
        payable = self._open_lines(partner, "liability_payable").filtered(
            lambda line: line.move_id == self.move_id
        )
        debts = self._open_lines(partner, "asset_receivable")
        # An entry has one receivable account: that of the oldest debt.
        receivable = debts.filtered(lambda line: line.account_id == debts[:1].account_id)
        amount = min(-sum(payable.mapped("amount_residual")), sum(receivable.mapped("amount_residual")))
        if self.company_id.currency_id.compare_amounts(amount, 0.0) <= 0:
            return
        journal = self.env["account.journal"].search(
            [("type", "=", "general"), *self.env["account.journal"]._check_company_domain(self.company_id)],
            limit=1,
        )
        entry = (
            self.env["account.move"]
            .sudo()
            .create(
                {
                    "journal_id": journal.id,
                    "ref": self.env._(
                        "Netting %(move)s, %(partner)s", move=self.move_id.name, partner=partner.name
                    ),
                    "line_ids": [
                        fields.Command.create(
                            {
                                "account_id": account.id,
                                "partner_id": partner.id,
                                "debit": debit,
                                "credit": credit,
                            }
                        )
                        for account, debit, credit in (
                            (payable.account_id[:1], amount, 0.0),
                            (receivable.account_id[:1], 0.0, amount),
                        )
                    ],
                }
            )
        )
        entry.action_post()
        for lines in (payable, receivable):
            account = lines.account_id[:1]
            (lines | entry.line_ids).filtered(
                lambda line, account=account: line.account_id == account and not line.reconciled
            ).reconcile()
        self.write({"netting_move_id": entry.id})

    def _open_lines(self, partner: Any, account_type: str) -> Any:
        currency = self.company_id.currency_id
        return (
            self.env["account.move.line"]
            .sudo()
            .search(
                [
                    ("company_id", "=", self.company_id.id),
                    ("partner_id", "child_of", partner.id),
                    ("account_id.account_type", "=", account_type),
                    ("parent_state", "=", "posted"),
                    ("reconciled", "=", False),
                    ("currency_id", "=", currency.id),
                ],
                order="date_maturity, id",
            )
        )

    # Sending

    def _queue_send(self) -> None:
        for settlements in self.filtered("move_id").grouped("move_id").values():
            enqueue(
                settlements[0],
                f"emobility.host.settlement.send:{settlements[0].id}",
                self.env._("Send the statement %s", settlements[0].name),
            )._send()

    def _send(self) -> None:
        """Job: mail the statement with its files to the host, once for each credit note."""
        self.ensure_one()
        settlement = self.sudo()._as_system()
        parts = settlement._parts()
        if not settlement.move_id or any(parts.mapped("is_sent")):
            return
        files = settlement._make_files()
        if not settlement.partner_id.email:
            settlement.message_post(
                body=self.env._(
                    "The statement was not mailed: %s has no email address.", self.partner_id.name
                )
            )
            return
        template = self.env.ref("emobility_host.mail_template_settlement")
        template.send_mail(settlement.id, email_values={"attachment_ids": [(4, one.id) for one in files]})
        parts.write({"is_sent": True})

    def _parts(self) -> Any:
        """All settlements that are on the same credit note."""
        self.ensure_one()
        return (self.sudo().move_id.host_settlement_ids.with_env(self.env) | self).sorted("id")

    # Buttons

    def action_settle(self) -> None:
        """Make the credit note now. A settlement with an error is tried again with what is there now."""
        self._check_manager()
        for settlement in self.sudo()._as_system():
            if settlement.state == "done":
                raise UserError(self.env._("%s is settled already.", settlement.name))
            settlement.write({"state": "draft", "error": False})
        self.sudo()._as_system()._queue_settle()

    def action_refresh(self) -> None:
        """Work the preview out again."""
        self._check_manager()
        for settlement in self.sudo()._as_system():
            if settlement.state == "done":
                raise UserError(self.env._("%s is settled already.", settlement.name))
            settlement.write({"state": "draft", "error": False})
            settlement._prepare()

    def _check_manager(self) -> None:
        self.check_access("read")
        if not self.env.user.has_group("emobility_crm.group_manager") and not self.env.su:
            raise UserError(self.env._("Only a manager may settle with hosts."))

    def action_open_ratings(self) -> dict[str, Any]:
        """The sessions of this settlement."""
        return self.env["emobility.session"]._window(
            "emobility.rating", [("settlement_id", "in", self.ids)], self.env._("Sessions")
        )

    def action_open_move(self) -> dict[str, Any]:
        """The credit note."""
        return self.env["emobility.session"]._window(
            "account.move", [("id", "in", self.move_id.ids)], self.env._("Credit note")
        )
