from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import LockError, UserError
from odoo.tools import float_compare, float_round, format_date

from odoo.addons.queue_job.exception import RetryableJobError


class LineKey(NamedTuple):
    """What the rating lines of one invoice line have in common."""

    product_id: int
    tax_ids: tuple[int, ...]
    country_id: int
    unit: str
    price_mode: str


@dataclass
class Bucket:
    """Rating lines that become one invoice line. The amount is rounded to the currency at each step."""

    lines: list[Any] = field(default_factory=list)
    quantity: float = 0.0
    amount: float = 0.0


class EmobilityInvoicing(models.AbstractModel):
    """From open ratings to draft invoices and credit notes.

    Rated lines are summed by product, taxes and country. The price of a sum is its amount divided by its
    quantity, with all digits, so that what Odoo computes from both is the sum of the rated amounts, to the cent.
    """

    _name = "emobility.invoicing"
    _description = "Invoicing of ratings"

    @api.model
    def _invoice(self, ratings: Any, invoice_date: Any = None) -> Any:
        """Make draft moves: one per payer, contract, currency and sign. A rating is invoiced at most once.

        :raises RetryableJobError: when another transaction is invoicing one of them.
        :raises UserError: when a tax or an account is missing; nothing is kept then.
        """
        ratings = ratings.sudo()._as_system()
        try:
            ratings.lock_for_update()
        except LockError:
            raise RetryableJobError("The ratings are being invoiced at this moment.", seconds=60) from None
        ratings.invalidate_recordset(["state", "move_id"])
        groups: dict[tuple[Any, ...], Any] = defaultdict(lambda: ratings.browse())
        for rating in ratings:
            if rating.state == "open" and not rating.move_id:
                groups[self._move_key(rating)] |= rating
        moves = self.env["account.move"]
        for group in groups.values():
            if self._is_unwanted_zero(group):
                group.write({"state": "free"})
            else:
                moves |= self._make_move(group, invoice_date)
        return moves

    def _is_unwanted_zero(self, ratings: Any) -> bool:
        """Whether all of these were free and the company makes no invoices of 0.00."""
        return not ratings.company_id.emobility_zero_invoices and not any(
            line.amount for line in ratings.line_ids
        )

    def _move_key(self, rating: Any) -> tuple[Any, ...]:
        is_credit = bool(rating.credited_rating_id)
        return (
            rating.company_id.id,
            rating.partner_id.id,
            rating.contract_id.id,
            rating.currency_id.id,
            # One document has one price mode: its total or its untaxed total is the sum of the sessions.
            rating.price_mode,
            # A credit note names the invoice that it corrects.
            rating.credited_rating_id.move_id.id if is_credit else 0,
        )

    def _make_move(self, ratings: Any, invoice_date: Any) -> Any:
        company = ratings.company_id
        move_model = self.env["account.move"].sudo().with_company(company)
        is_credit = bool(ratings[:1].credited_rating_id)
        buckets = self.with_company(company)._buckets(ratings)
        values = self._move_values(ratings, is_credit, invoice_date)
        values["invoice_line_ids"] = [
            fields.Command.create(self._line_values(key, bucket, is_credit, sequence))
            for sequence, (key, bucket) in enumerate(buckets.items())
        ]
        move = move_model.create(values)
        lines = move.invoice_line_ids.sorted("sequence")
        for line, bucket in zip(lines, buckets.values(), strict=True):
            self.env["emobility.rating.line"].browse(
                [one.id for one in bucket.lines]
            ).sudo()._as_system().write({"move_line_id": line.id})
        self._check_sums(lines, buckets, is_credit)
        ratings.write({"move_id": move.id, "state": "invoiced"})
        return move

    def _buckets(self, ratings: Any) -> dict[LineKey, Bucket]:
        buckets: dict[LineKey, Bucket] = defaultdict(Bucket)
        taxes: dict[tuple[int, str, int], tuple[int, ...]] = {}
        for rating in ratings:
            country = rating.location_id.country_id or rating.company_id.country_id
            for line in rating.line_ids:
                known = (line.product_id.id, rating.price_mode, country.id)
                if known not in taxes:
                    taxes[known] = tuple(self._taxes(line.product_id, rating.price_mode, rating, country).ids)
                bucket = buckets[
                    LineKey(line.product_id.id, taxes[known], country.id, line.unit, rating.price_mode)
                ]
                bucket.lines.append(line)
                bucket.quantity += line.quantity
                bucket.amount = rating.currency_id.round(bucket.amount + line.amount)
        return dict(sorted(buckets.items()))

    def _taxes(self, product: Any, price_mode: str, rating: Any, country: Any) -> Any:
        """Taxes of the place of charging, in the price mode of the tariff."""
        company = rating.company_id
        taxes = product.taxes_id._filter_taxes_by_company(company) or company.account_sale_tax_id
        place = self.env["res.partner"].new(
            {"name": rating.partner_id.name, "country_id": country.id, "vat": rating.partner_id.vat}
        )
        positions = self.env["account.fiscal.position"].with_company(company)
        position = rating.contract_id.fiscal_position_id or positions._get_fiscal_position(
            rating.partner_id, place
        )
        return position.map_tax(taxes)._emobility_variant(price_mode == "gross")

    def _move_values(self, ratings: Any, is_credit: bool, invoice_date: Any) -> dict[str, Any]:
        first = ratings[:1]
        contract = first.contract_id
        values = {
            "move_type": "out_refund" if is_credit else "out_invoice",
            "partner_id": first.partner_id.id,
            "currency_id": first.currency_id.id,
            "invoice_date": invoice_date or fields.Date.context_today(self),
            "invoice_origin": contract.code or contract.name,
            "delivery_date": max(ratings.mapped("end_at")).date(),
            "emobility_contract_id": contract.id,
        }
        if contract.payment_term_id:
            values["invoice_payment_term_id"] = contract.payment_term_id.id
        if contract.fiscal_position_id:
            values["fiscal_position_id"] = contract.fiscal_position_id.id
        if is_credit:
            values["reversed_entry_id"] = first.credited_rating_id.move_id.id
            payer = first.partner_id
            values["ref"] = self.with_context(lang=payer.lang or self.env.lang).env._(
                "Correction of %(invoice)s",
                invoice=first.credited_rating_id.move_id.name or first.credited_rating_id.cdr_id.name,
            )
        return values

    def _line_values(self, key: LineKey, bucket: Bucket, is_credit: bool, sequence: int) -> dict[str, Any]:
        sign = -1 if is_credit else 1
        quantity, price = self._quantity_and_price(bucket, sign)
        return {
            "sequence": sequence,
            "product_id": key.product_id,
            "name": self._line_name(key, bucket),
            "quantity": quantity,
            "price_unit": price,
            "tax_ids": [fields.Command.set(key.tax_ids)],
        }

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
        currency = bucket.lines[0].currency_id
        if bucket.lines[0].company_id.tax_calculation_rounding_method == "round_globally":
            return float_compare(product, amount, precision_digits=currency.decimal_places + 6) == 0
        return currency.compare_amounts(currency.round(product), amount) == 0

    def _line_name(self, key: LineKey, bucket: Bucket) -> str:
        """What was charged, how often, when and in which country, in the language of the payer."""
        partner = bucket.lines[0].rating_id.partner_id
        env = self.with_context(lang=partner.lang or self.env.lang).env
        cdrs = {line.rating_id.cdr_id for line in bucket.lines}
        days = sorted(_local_day(cdr) for cdr in cdrs)
        values = {
            "product": env["product.product"].browse(key.product_id).name,
            "country": env["res.country"].browse(key.country_id).code or "",
            "first": format_date(env, days[0]),
            "last": format_date(env, days[-1]),
            "count": len(cdrs),
        }
        if len(cdrs) == 1:
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
        self._check_total(lines.move_id, next(iter(buckets)).price_mode, rated)

    def _check_total(self, move: Any, price_mode: str, rated: float) -> None:
        total = move.amount_total if price_mode == "gross" else move.amount_untaxed
        if move.currency_id.compare_amounts(total, rated):
            raise UserError(
                self.env._(
                    "The invoice would total %(total)s instead of the %(rated)s that its sessions add up to.",
                    total=move.currency_id.format(total),
                    rated=move.currency_id.format(rated),
                )
            )


def _local_day(cdr: Any) -> date:
    """The day on which the session ended, on the clock of the place."""
    zone = ZoneInfo(cdr.location_id.time_zone or "UTC")
    return cdr.end_at.replace(tzinfo=UTC).astimezone(zone).date()
