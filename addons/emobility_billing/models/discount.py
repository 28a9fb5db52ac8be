from __future__ import annotations

from datetime import date
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

ALLOWANCE_PRODUCT = "emobility_billing.product_allowance"
OVERAGE_PRODUCT = "emobility_billing.product_overage"
SESSION_OVERAGE_PRODUCT = "emobility_billing.product_session_overage"
REPLACED_PRODUCT = "emobility_billing.product_tariff_replaced"
DISCOUNT_PRODUCT = "emobility_billing.product_discount"
PERCENT, AMOUNT, VOUCHER, ENERGY = "percent", "amount", "voucher", "energy"


class EmobilityDiscount(models.Model):
    """A discount on charging sessions: for whole groups of contracts, or for those that redeem a coupon code.

    It is a line of the rating of a session, so that the sessions that a customer sees add up to the invoice.
    """

    _name = "emobility.discount"
    _description = "Charging Discount"
    _inherit = ["mail.thread"]
    _order = "sequence, id"
    _rec_names_search = ["name", "code"]
    _check_company_auto = True

    name = fields.Char(required=True, translate=True, tracking=True, help="Customers read it on the invoice.")
    code = fields.Char(
        "Coupon Code",
        copy=False,
        tracking=True,
        index="btree_not_null",
        help="Contracts that redeem this code have the discount. Empty: all contracts that fit have it.",
    )
    sequence = fields.Integer("Priority", default=10, help="Discounts are taken off in this order.")
    active = fields.Boolean(default=True)
    kind = fields.Selection(
        [
            (PERCENT, "Percent of each session"),
            (AMOUNT, "Amount off each session"),
            (VOUCHER, "Voucher: an amount for each contract"),
            (ENERGY, "Free energy: kWh for each contract"),
        ],
        required=True,
        default=PERCENT,
        tracking=True,
    )
    value = fields.Float(
        required=True,
        digits=(16, 4),
        tracking=True,
        help="Percent, amount (as the prices of the tariff: with or without tax), or kWh, as the kind says.",
    )
    plan_ids = fields.Many2many(
        "product.template",
        string="Charging Plans",
        domain=[("is_charging_plan", "=", True)],
        help="Empty: all plans.",
    )
    customer_group_ids = fields.Many2many(
        "emobility.customer.group", string="Customer Groups", help="Empty: all customers."
    )
    location_group_ids = fields.Many2many(
        "emobility.location.group", string="Location Groups", help="Empty: everywhere.", check_company=True
    )
    date_from = fields.Date("First Day", tracking=True, help="Local day on which the session starts.")
    date_to = fields.Date("Last Day", tracking=True, help="Local day on which the session starts.")
    is_combinable = fields.Boolean("Combinable", help="Can be taken off together with other combinable discounts.")
    max_amount_per_session = fields.Monetary(help="0: no limit.")
    max_sessions = fields.Integer("Max. Sessions per Contract", help="0: no limit.")
    max_amount = fields.Monetary("Max. Amount per Contract", help="0: no limit.")
    max_contracts = fields.Integer("Max. Contracts", help="How many contracts may have it. 0: no limit.")
    budget = fields.Monetary(help="The most that this discount may cost in total. 0: no limit.", tracking=True)
    # Written only when there is a budget: else every session of every contract would wait for this row.
    budget_used = fields.Monetary(readonly=True, copy=False)
    use_ids = fields.One2many("emobility.discount.use", "discount_id", string="Contracts")
    contract_count = fields.Integer(compute="_compute_uses", string="Contracts With It")
    session_count = fields.Integer(compute="_compute_uses", string="Sessions")
    amount_used = fields.Monetary(compute="_compute_uses", string="Given So Far")
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        default=lambda self: self.env.company.currency_id,
        help="An amount is taken off only sessions in this currency.",
    )

    _code_uniq = models.UniqueIndex(
        "(company_id, upper(code)) WHERE code IS NOT NULL", "Another discount has this coupon code already."
    )
    _value_positive = models.Constraint("CHECK (value > 0)", "The value of a discount has to be above 0.")
    _percent_range = models.Constraint(
        "CHECK (kind <> 'percent' OR value <= 100)", "A discount cannot be above 100 percent."
    )
    _limits_not_negative = models.Constraint(
        "CHECK (max_amount_per_session >= 0 AND max_sessions >= 0 AND max_amount >= 0 AND max_contracts >= 0"
        " AND budget >= 0)",
        "The limits of a discount cannot be negative.",
    )
    _date_order = models.Constraint("CHECK (date_to >= date_from)", "The last day is before the first day.")

    @api.depends("use_ids.session_count", "use_ids.amount")
    def _compute_uses(self) -> None:
        groups = self.env["emobility.discount.use"]._read_group(
            [("discount_id", "in", self.ids)],
            ["discount_id"],
            ["__count", "session_count:sum", "amount:sum"],
        )
        by_discount = {discount.id: values for discount, *values in groups}
        for discount in self:
            count, sessions, amount = by_discount.get(discount._origin.id, (0, 0, 0.0))
            discount.contract_count = count
            discount.session_count = sessions
            discount.amount_used = amount

    @api.constrains("code")
    def _check_code(self) -> None:
        for discount in self:
            if discount.code and (not discount.code.strip() or " " in discount.code):
                raise ValidationError(
                    self.env._("The coupon code '%(code)s' must not contain blanks.", code=discount.code)
                )

    @api.model
    def _find_coupon(self, code: str | None, company: Any) -> EmobilityDiscount:
        """The active discount with this coupon code, whatever its case; empty when there is none."""
        wanted = (code or "").strip()
        if not wanted:
            return self.browse()
        # "=ilike" knows wildcards, and a code may contain them.
        escaped = wanted.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")
        return self.search([("company_id", "=", company.id), ("code", "=ilike", escaped)], limit=1)

    def _redeem(self, contract: Any) -> Any:
        """Give the discount to a contract, once; :raises UserError: with the reason why not."""
        self.ensure_one()
        today = fields.Date.context_today(self)
        if not self.code:
            raise UserError(self.env._("%(name)s needs no coupon code.", name=self.name))
        if (self.date_to and self.date_to < today) or not self.active:
            raise UserError(self.env._("The coupon %(code)s has expired.", code=self.code))
        if not self._fits_contract(contract):
            raise UserError(
                self.env._(
                    "The coupon %(code)s is not for the contract %(contract)s: it is limited to certain plans "
                    "or customers.",
                    code=self.code,
                    contract=contract.display_name,
                )
            )
        if self.use_ids.filtered(lambda use: use.contract_id == contract):
            raise UserError(
                self.env._(
                    "The contract %(contract)s has redeemed the coupon %(code)s already.",
                    code=self.code,
                    contract=contract.display_name,
                )
            )
        if self.max_contracts:
            self._lock()
            if len(self.use_ids) >= self.max_contracts:
                raise UserError(
                    self.env._("The coupon %(code)s has been redeemed as often as it may be.", code=self.code)
                )
        return self._use_of(contract, create=True)

    def _fits_contract(self, contract: Any) -> bool:
        """Whether plan and customer of the contract are among those of the discount."""
        self.ensure_one()
        contract = contract.sudo()
        payer = contract.invoice_partner_id or contract.partner_id
        groups = (payer | payer.commercial_partner_id).customer_group_id
        return (not self.plan_ids or contract.plan_id in self.plan_ids) and (
            not self.customer_group_ids or bool(groups & self.customer_group_ids)
        )

    def _fits_session(self, day: date, location: Any) -> bool:
        """Whether the day and the place of a session are among those of the discount."""
        self.ensure_one()
        if (self.date_from and day < self.date_from) or (self.date_to and day > self.date_to):
            return False
        return not self.location_group_ids or bool(location.group_ids & self.location_group_ids)

    def _knows_currency(self, currency: Any) -> bool:
        """Whether sessions in this currency can have it: only percents and kWh are the same in all of them."""
        self.ensure_one()
        money = self.max_amount_per_session or self.max_amount or self.budget or self.kind in (AMOUNT, VOUCHER)
        return not money or currency == self.currency_id

    @api.model
    def _candidates(self, contract: Any) -> EmobilityDiscount:
        """Discounts that the contract may have: the general ones that fit, and those that it redeemed."""
        general = self.search([("company_id", "=", contract.company_id.id), ("code", "=", False)])
        redeemed = (
            self.env["emobility.discount.use"]
            .search([("contract_id", "=", contract.id), ("discount_id.code", "!=", False)])
            .discount_id
        )
        return (general | redeemed.filtered("active")).sorted(lambda one: (one.sequence, one.id)).filtered(
            lambda discount: discount._fits_contract(contract)
        )

    def _use_of(self, contract: Any, *, create: bool = False) -> Any:
        """The row that counts what the contract had of this discount."""
        self.ensure_one()
        uses = self.env["emobility.discount.use"].sudo()
        use = uses.search([("discount_id", "=", self.id), ("contract_id", "=", contract.id)])
        if not use and create:
            use = uses.create({"discount_id": self.id, "contract_id": contract.id})
        return use

    def _lock(self) -> None:
        """Make transactions that count towards the same limit wait for each other.

        The row is written, so that the one that waited starts again and sees what the other one has counted.
        """
        self.env.cr.execute("UPDATE emobility_discount SET write_date = write_date WHERE id IN %s", [tuple(self.ids)])

    def action_view_uses(self) -> dict[str, Any]:
        """Contracts that have this discount."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Contracts with %(discount)s", discount=self.name),
            "res_model": "emobility.discount.use",
            "view_mode": "list",
            "domain": [("discount_id", "=", self.id)],
        }
