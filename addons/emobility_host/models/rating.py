from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from odoo import api, fields, models

from .emobility_host_agreement import HOST_RELATIONS

if TYPE_CHECKING:
    from odoo.addons.emobility_billing.rating import Rating

# The revenue that hosts can have a share of: what drivers pay.
REVENUE = ("retail", "adhoc")


class EmobilityRating(models.Model):
    """What a session is worth to a host: the same CDR, the same engine, other terms."""

    _inherit = "emobility.rating"

    relation = fields.Selection(selection_add=[HOST_RELATIONS[0]], ondelete={"revenue_share": "cascade"})
    tariff_version_id = fields.Many2one(required=False)
    agreement_id = fields.Many2one(
        "emobility.host.agreement",
        "Host agreement",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        check_company=True,
    )
    settlement_id = fields.Many2one(
        "emobility.host.settlement",
        "Host settlement",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        check_company=True,
    )

    # Prices come from a tariff, or from the terms of an agreement that cannot change any more.
    _has_prices = models.Constraint(
        "CHECK (tariff_version_id IS NOT NULL OR agreement_id IS NOT NULL)",
        "A rating has a tariff or an agreement.",
    )

    @api.model
    def _create_for_host(self, cdr: Any, agreement: Any) -> EmobilityRating:
        """Price a CDR for an agreement.

        :raises UserError: when a price is not known
        :raises RatingError: when the engine cannot price the session
        """
        version, result = agreement._price(cdr)
        lines = self._engine_lines(result, agreement) if result else []
        if agreement.percent:
            lines += self._share_lines(cdr, agreement, len(lines))
        return (
            self.sudo()
            ._as_system()
            .create(
                {
                    "cdr_id": cdr.id,
                    "relation": agreement.relation,
                    "partner_id": agreement.partner_id.id,
                    "agreement_id": agreement.id,
                    "tariff_version_id": version.id,
                    "currency_id": agreement.currency_id.id,
                    "price_mode": "net",
                    "amount_total": agreement.currency_id.round(sum(line["amount"] for line in lines)),
                    "trace": result.to_json() if result else None,
                    "flags": ", ".join(result.flags) or False if result else False,
                    "line_ids": [fields.Command.create(line) for line in lines],
                }
            )
        )

    @api.model
    def _engine_lines(self, result: Rating, agreement: Any) -> list[dict[str, Any]]:
        lang = agreement.partner_id.lang or "en"
        return [
            {
                "sequence": index,
                "dimension": str(line.dimension),
                "product_id": agreement._product().id,
                "quantity": float(line.quantity),
                "unit": line.unit,
                "unit_price": float(line.unit_price),
                "amount": float(line.amount),
                "description": line.sentence(lang),
            }
            for index, line in enumerate(result.lines)
        ]

    @api.model
    def _share_lines(self, cdr: Any, agreement: Any, sequence: int) -> list[dict[str, Any]]:
        """The share of the revenue of the session, of its amount without taxes."""
        revenue = cdr.rating_ids.filtered(lambda rating: rating.relation in REVENUE)
        net = sum(
            rating.currency_id._convert(
                rating._net_amount(), agreement.currency_id, cdr.company_id, cdr._local_start_day()
            )
            for rating in revenue
        )
        if not net:
            return []
        percent = Decimal(f"{agreement.percent:.2f}")
        money = agreement.currency_id
        amount = money.round(float(Decimal(f"{net:.{money.decimal_places}f}") * percent / 100))
        env = self.with_context(lang=agreement.partner_id.lang or self.env.lang).env
        return [
            {
                "sequence": sequence,
                "dimension": "SHARE",
                "product_id": agreement._product().id,
                "quantity": net,
                "unit": money.name,
                "unit_price": float(percent / 100),
                "amount": amount,
                "description": env._(
                    "%(percent)s %% of a net revenue of %(revenue)s",
                    percent=f"{percent.normalize():f}",
                    revenue=money.format(net),
                ),
            }
        ]

    def _net_amount(self) -> float:
        """The amount of the rating without taxes, with the taxes that its invoice has."""
        self.ensure_one()
        if self.price_mode == "net":
            return self.amount_total
        country = self.location_id.country_id or self.company_id.country_id
        invoicing = self.env["emobility.invoicing"].sudo().with_company(self.company_id)
        net = 0.0
        for line in self.line_ids:
            taxes = invoicing._taxes(line.product_id, self.price_mode, self, country)
            net += taxes.compute_all(line.amount, self.currency_id, handle_price_include=True)[
                "total_excluded"
            ]
        return self.currency_id.round(net)

    def _create_credit(self, credit_cdr: Any) -> EmobilityRating:
        """A credit CDR takes the rating of the host back too: the next settlement corrects what was paid."""
        agreed = self.with_context(default_agreement_id=self.agreement_id.id)
        credit = super(EmobilityRating, agreed)._create_credit(credit_cdr)
        if self.settlement_id and not self.move_id:
            # It is in a preview that nobody has confirmed.
            self.write({"settlement_id": False})
        return credit

    def _billed_to_payer(self) -> EmobilityRating:
        """What hosts get is settled by the month, never invoiced."""
        return super()._billed_to_payer().filtered(lambda rating: not rating.agreement_id)
