from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import LockError, UserError
from odoo.tools import float_compare, float_round, format_date

from odoo.addons.queue_job.exception import RetryableJobError

if TYPE_CHECKING:
    from .invoicing_tax import TaxDecision

# What drafts are made of: these are read for thousands of ratings at once, and nothing else of them.
RATING_FIELDS = (
    "company_id",
    "contract_id",
    "partner_id",
    "location_id",
    "currency_id",
    "price_mode",
    "relation",
    "end_at",
    "state",
    "move_id",
    "billing_line_id",
    "credited_rating_id",
)
LINE_FIELDS = ("rating_id", "product_id", "quantity", "unit", "unit_price", "amount")


class LineKey(NamedTuple):
    """What the rating lines of one invoice line have in common."""

    cost_centre: str
    product_id: int
    tax_ids: tuple[int, ...]
    country_id: int
    unit: str
    price_mode: str
    position_id: int | bool
    tax_reason: str


@dataclass
class Bucket:
    """Rating lines that become one invoice line, and what they add up to."""

    lines: list[Any] = field(default_factory=list)
    quantity: float = 0.0
    amount: float = 0.0


@dataclass(frozen=True)
class Draft:
    """A document to be made: what it bills, how that adds up to its lines, and its values."""

    ratings: Any
    buckets: dict[LineKey, Bucket]
    is_credit: bool
    values: dict[str, Any]
    fee_lines: list[Any] = field(default_factory=list)


class EmobilityInvoicing(models.AbstractModel):
    """From open ratings to draft invoices and credit notes.

    Rated lines are summed by product, taxes and country. The price of a sum is its amount divided by its
    quantity, with all digits, so that what Odoo computes from both is the sum of the rated amounts, to the cent.
    """

    _name = "emobility.invoicing"
    _description = "Invoicing of ratings"

    @api.model
    def _invoice(self, ratings: Any, invoice_date: Any = None, fees: dict[Any, Any] | None = None) -> Any:
        """Make draft moves: one per payer, contract, currency and sign. A rating is invoiced at most once.

        All of them are made in one go: a move costs little more than what Odoo takes to create and compute it.

        :param fees: recurring lines of contracts that are due, by contract: they go on the same invoices
        :raises RetryableJobError: when another transaction is invoicing one of them.
        :raises UserError: when a tax or an account is missing; nothing is kept then.
        """
        # Ids of their own: what they came from may not be in the cache any more, and then each is read alone.
        ratings = self.env["emobility.rating"].sudo()._as_system().browse(ratings.ids)
        try:
            ratings.lock_for_update()
        except LockError:
            raise RetryableJobError("The ratings are being invoiced at this moment.", seconds=60) from None
        ratings.invalidate_recordset(["state", "move_id"])
        ratings.fetch(RATING_FIELDS)
        ratings.line_ids.fetch(LINE_FIELDS)
        moves = self.env["account.move"]
        for company, drafts in self._drafts(ratings, invoice_date, fees).items():
            moves |= self._make_moves(company, drafts)
        return moves

    def _drafts(
        self, ratings: Any, invoice_date: Any, fees: dict[Any, Any] | None = None
    ) -> dict[Any, list[Draft]]:
        """What is to be made in each company; what is free and gets no document is closed."""
        known: dict[Any, Any] = {}
        groups: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        for rating in ratings:
            if rating.state == "open" and not rating.move_id:
                groups[self._move_key(rating, known)].append(rating.id)
        drafts: dict[Any, list[Draft]] = defaultdict(list)
        for ids in groups.values():
            group = ratings.browse(ids).with_prefetch(ratings._prefetch_ids)
            if self._is_unwanted_zero(group):
                group.write({"state": "free"})
            else:
                drafts[group.company_id].append(self._draft(group, invoice_date, known))
        return drafts

    def _draft(self, ratings: Any, invoice_date: Any, known: dict[Any, Any]) -> Draft:
        """:param known: what was found out so far for documents of the batch"""
        is_credit = bool(ratings[:1].credited_rating_id)
        buckets = self.with_company(ratings.company_id)._buckets(ratings, known)
        values = self._move_values(ratings, is_credit, invoice_date, known)
        positions = {key.position_id for key in buckets}
        values["fiscal_position_id"] = positions.pop() if len(positions) == 1 else False
        values["invoice_line_ids"] = [
            fields.Command.create(self._line_values(key, bucket, is_credit, sequence, known))
            for sequence, (key, bucket) in enumerate(buckets.items())
        ]
        return Draft(ratings, buckets, is_credit, values)

    def _is_unwanted_zero(self, ratings: Any) -> bool:
        """Whether all of these were free and the company makes no invoices of 0.00."""
        return not ratings.company_id.emobility_zero_invoices and not any(
            line.amount for line in ratings.line_ids
        )

    def _move_key(self, rating: Any, known: dict[Any, Any]) -> tuple[Any, ...]:
        is_credit = bool(rating.credited_rating_id)
        return (
            rating.company_id.id,
            rating.partner_id.id,
            self._contract_scope(rating),
            rating.currency_id.id,
            # One document has one price mode: its total or its untaxed total is the sum of the sessions.
            rating.price_mode,
            # A credit note names the invoice that it corrects.
            rating.credited_rating_id.move_id.id if is_credit else 0,
        )

    def _make_moves(self, company: Any, drafts: list[Draft]) -> Any:
        moves = self._create_moves(company, drafts)
        move_of: dict[int, int] = {}
        move_line_of: dict[int, int] = {}
        for move, draft in zip(moves, drafts, strict=True):
            if not draft.buckets:
                continue
            lines = move.invoice_line_ids.sorted("sequence")[: len(draft.buckets)]
            for line, bucket in zip(lines, draft.buckets.values(), strict=True):
                move_line_of.update((one.id, line.id) for one in bucket.lines)
            self._check_sums(lines, draft.buckets, draft.is_credit)
            move_of.update((rating.id, move.id) for rating in draft.ratings)
        self.env["emobility.rating"].sudo()._as_system()._link_to_moves(move_of, move_line_of)
        self._after_create(moves, drafts)
        return moves

    def _create_moves(self, company: Any, drafts: list[Draft]) -> Any:
        """The moves, with the message that they were created.

        Odoo posts it to each one and looks who follows it. Nobody can follow a move that is not there yet, so it is
        logged for all at once.
        """
        moves = self.env["account.move"].sudo().with_company(company)
        made = moves.with_context(mail_create_nolog=True).create([draft.values for draft in drafts])
        moves = made.with_env(moves.env)
        for group in moves.grouped("move_type").values():
            messages = group._message_log_batch({move.id: move._creation_message() for move in group})
            if subtype := group[:1]._creation_subtype():
                messages.write({"subtype_id": subtype.id, "is_internal": subtype.internal})
        return moves

    def _after_create(self, moves: Any, drafts: list[Draft]) -> None:
        """Hook: the moves of these drafts are there."""

    def _contract_scope(self, rating: Any) -> int:
        """Ratings with the same number may share an invoice."""
        return rating.contract_id.id

    def _fee_scope(self, contract: Any) -> tuple[Any, ...]:
        """Contracts whose fees share an invoice when there are no sessions to go with."""
        return (contract.id,)

    def _cost_centre(self, rating: Any) -> str:
        """What has lines of its own within an invoice; "" for nothing."""
        return ""

    def _buckets(self, ratings: Any, known: dict[Any, Any]) -> dict[LineKey, Bucket]:
        buckets: dict[LineKey, Bucket] = defaultdict(Bucket)
        decisions: dict[tuple[Any, ...], TaxDecision] = {}
        for rating in ratings:
            country = rating.location_id.country_id or rating.company_id.country_id
            cost_centre = self._cost_centre(rating)
            for line in rating.line_ids:
                charged = (line.product_id, country, rating.relation, rating.contract_id)
                if charged not in decisions:
                    decisions[charged] = self._tax_decision(line.product_id, rating, country, known)
                decision = decisions[charged]
                key = LineKey(
                    cost_centre,
                    line.product_id.id,
                    tuple(decision.taxes.ids),
                    country.id,
                    line.unit,
                    rating.price_mode,
                    decision.position.id,
                    decision.reason,
                )
                bucket = buckets[key]
                bucket.lines.append(line)
                bucket.quantity += line.quantity
                bucket.amount += line.amount
        for bucket in buckets.values():
            bucket.amount = ratings.currency_id.round(bucket.amount)
        return dict(sorted(buckets.items()))

    def _move_values(
        self, ratings: Any, is_credit: bool, invoice_date: Any, known: dict[Any, Any]
    ) -> dict[str, Any]:
        first = ratings[:1]
        # On an invoice for several contracts the oldest one stands for all of them.
        contract = ratings.contract_id.sorted("id")[:1]
        values = {
            "move_type": "out_refund" if is_credit else "out_invoice",
            "partner_id": first.partner_id.id,
            "currency_id": first.currency_id.id,
            "invoice_date": invoice_date or fields.Date.context_today(self),
            "invoice_origin": contract.code or contract.name,
            "delivery_date": max(ratings.mapped("end_at")).date(),
            "emobility_contract_id": contract.id,
            "emobility_billing_line_id": first.billing_line_id.id,
        }
        if contract.payment_term_id:
            values["invoice_payment_term_id"] = contract.payment_term_id.id
        if is_credit:
            values["reversed_entry_id"] = first.credited_rating_id.move_id.id
            payer = first.partner_id
            values["ref"] = self.with_context(lang=payer.lang or self.env.lang).env._(
                "Correction of %(invoice)s",
                invoice=first.credited_rating_id.move_id.name or first.credited_rating_id.cdr_id.name,
            )
        return values

    def _line_values(
        self, key: LineKey, bucket: Bucket, is_credit: bool, sequence: int, known: dict[Any, Any]
    ) -> dict[str, Any]:
        sign = -1 if is_credit else 1
        quantity, price = self._quantity_and_price(bucket, sign)
        return {
            "sequence": sequence,
            "product_id": key.product_id,
            "name": self._line_name(key, bucket, known),
            "quantity": quantity,
            "price_unit": price,
            "tax_ids": [fields.Command.set(key.tax_ids)],
            **self._line_extras(bucket),
            "emobility_country_id": key.country_id,
            "emobility_tax_reason": key.tax_reason,
        }

    def _line_extras(self, bucket: Bucket) -> dict[str, Any]:
        """More values of an invoice line, for addons: called once per line, with the rating lines that it sums."""
        return {}

    def _quantity_and_price(self, bucket: Bucket, sign: int) -> tuple[float, float]:
        """Quantity in the precision of invoices, and the price that gives exactly the amount.

        The tariff's own price is kept where it gives the amount; several prices get their average.
        """
        digits = self.env["decimal.precision"].precision_get("Product Unit")
        quantity = float_round(sign * bucket.quantity, precision_digits=digits)
        amount = sign * bucket.amount
        if not quantity:
            return 1.0, amount
        prices = {line.unit_price for line in bucket.lines}
        if len(prices) == 1 and self._gives(quantity * (price := prices.pop()), amount, bucket):
            return quantity, price
        return quantity, amount / quantity

    def _gives(self, product: float, amount: float, bucket: Bucket) -> bool:
        """Whether a line of this unrounded product has the amount, whatever the other lines are.

        A company that rounds taxes globally sums unrounded lines, so that only an exact product will do.
        """
        rating = bucket.lines[0].rating_id
        currency = rating.currency_id
        if rating.company_id.tax_calculation_rounding_method == "round_globally":
            return float_compare(product, amount, precision_digits=currency.decimal_places + 6) == 0
        return currency.compare_amounts(currency.round(product), amount) == 0

    def _line_name(self, key: LineKey, bucket: Bucket, known: dict[Any, Any]) -> str:
        """What was charged, how often, when and in which country, in the language of the payer."""
        lang = bucket.lines[0].rating_id.partner_id.lang or self.env.lang
        env = self.with_context(lang=lang).env
        ratings = {line.rating_id for line in bucket.lines}
        ends = sorted((rating.end_at, rating.location_id.time_zone or "UTC") for rating in ratings)
        days = [_local_day(*ends[0]), _local_day(*ends[-1])]
        for day in days:
            if (lang, day) not in known:
                known[lang, day] = format_date(env, day)
        values = {
            "product": env["product.product"].browse(key.product_id).name,
            "country": env["res.country"].browse(key.country_id).code or "",
            "first": known[lang, days[0]],
            "last": known[lang, days[-1]],
            "count": len(ratings),
        }
        if key.cost_centre:
            values["product"] = f"{key.cost_centre}, {values['product']}"
        if len(ratings) == 1:
            return env._("%(product)s: 1 session on %(first)s (%(country)s)", **values)
        if days[0] == days[-1]:
            return env._("%(product)s: %(count)s sessions on %(first)s (%(country)s)", **values)
        return env._("%(product)s: %(count)s sessions, %(first)s to %(last)s (%(country)s)", **values)

    def _check_sums(self, lines: Any, buckets: dict[LineKey, Bucket], is_credit: bool) -> None:
        """What the customer sees adds up, or there is no invoice."""
        sign = -1 if is_credit else 1
        for line, (key, bucket) in zip(lines, buckets.items(), strict=True):
            computed = line.price_total if key.price_mode == "gross" else line.price_subtotal
            if line.currency_id.compare_amounts(computed, sign * bucket.amount):
                raise UserError(
                    self.env._(
                        "'%(line)s' would be %(computed)s, but its sessions add up to %(rated)s.",
                        line=line.name,
                        computed=line.currency_id.format(computed),
                        rated=line.currency_id.format(sign * bucket.amount),
                    )
                )
        rated = sum(sign * bucket.amount for bucket in buckets.values())
        self._check_total(lines, next(iter(buckets)).price_mode, rated)

    def _check_total(self, lines: Any, price_mode: str, rated: float) -> None:
        """Fees have prices of their own; taxes that are rounded over all lines can move a cent between the two."""
        move = lines.move_id
        fees = move.invoice_line_ids - lines
        if fees and move.company_id.tax_calculation_rounding_method == "round_globally":
            return
        if price_mode == "gross":
            total = move.amount_total - sum(fees.mapped("price_total"))
        else:
            total = move.amount_untaxed - sum(fees.mapped("price_subtotal"))
        if move.currency_id.compare_amounts(total, rated):
            raise UserError(
                self.env._(
                    "The invoice would total %(total)s instead of the %(rated)s that its sessions add up to.",
                    total=move.currency_id.format(total),
                    rated=move.currency_id.format(rated),
                )
            )


def _local_day(moment: datetime, zone: str) -> date:
    """Day of a naive UTC instant on the clock of a place."""
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()
