from __future__ import annotations

from typing import Any

from odoo import api, fields, models
from odoo.exceptions import ValidationError


class EmobilityPaymentRule(models.Model):
    """Which payment providers serve which payers. The first rule that fits decides."""

    _name = "emobility.payment.rule"
    _description = "Choice of payment providers"
    _order = "sequence, id"
    _check_company_auto = True

    sequence = fields.Integer(default=10)
    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company, index=True)
    company_currency_id = fields.Many2one(related="company_id.currency_id", string="Currency of the company")
    currency_id = fields.Many2one("res.currency", help="Empty: every currency.")
    customer_group_id = fields.Many2one(
        "emobility.customer.group", check_company=True, help="Empty: every customer group.", index=True
    )
    country_ids = fields.Many2many("res.country", string="Countries of payers", help="Empty: every country.")
    amount_from = fields.Monetary(currency_field="company_currency_id")
    amount_below = fields.Monetary(currency_field="company_currency_id", help="0: no limit.")
    payment_method_ids = fields.Many2many(
        "payment.method",
        string="Payment methods",
        domain="[('is_primary', '=', True)]",
        help="Of stored payment methods: the rule is for these only. Empty: for every method. Pages that offer a "
        "choice do not know the method yet, and leave rules with methods out.",
    )
    provider_ids = fields.Many2many(
        "payment.provider",
        string="Providers",
        required=True,
        domain="[('company_id', '=', company_id)]",
        check_company=True,
    )

    online_only = fields.Char(
        compute="_compute_online_only",
        help="Providers that store no payment methods: they charge nothing by themselves.",
    )

    @api.depends("provider_ids")
    def _compute_online_only(self) -> None:
        for rule in self:
            unable = rule.sudo().provider_ids.filtered(lambda provider: not provider.support_tokenization)
            rule.online_only = ", ".join(unable.mapped("name"))

    @api.constrains("payment_method_ids", "provider_ids")
    def _check_can_charge(self) -> None:
        """A rule with payment methods is for stored ones: its providers must be able to charge them."""
        for rule in self:
            if rule.payment_method_ids and rule.online_only:
                raise ValidationError(
                    self.env._(
                        "The rule %(rule)s is for stored payment methods, which %(providers)s cannot charge.",
                        rule=rule.name,
                        providers=rule.online_only,
                    )
                )

    @api.model
    def _providers(self, company: Any, partner: Any, amount: float, currency: Any, method: Any = None) -> Any:
        """Providers of the first rule that fits; empty when none does, so that every provider will do."""
        day = fields.Date.context_today(self)
        in_company = (currency or company.currency_id)._convert(amount or 0.0, company.currency_id, company, day)
        for rule in self.sudo().search([("company_id", "=", company.id)]):
            if rule._fits(partner, in_company, currency, method):
                return rule.provider_ids
        return self.env["payment.provider"]

    def _fits(self, partner: Any, amount: float, currency: Any, method: Any) -> bool:
        group = partner.customer_group_id or partner.commercial_partner_id.customer_group_id
        return (
            (not self.currency_id or self.currency_id == currency)
            and (not self.customer_group_id or self.customer_group_id == group)
            and (not self.payment_method_ids or bool(method and method in self.payment_method_ids))
            and (not self.country_ids or partner.country_id in self.country_ids)
            and self.company_currency_id.compare_amounts(amount, self.amount_from) >= 0
            and (not self.amount_below or self.company_currency_id.compare_amounts(amount, self.amount_below) < 0)
        )
