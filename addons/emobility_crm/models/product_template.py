from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools.misc import formatLang

PERIOD_MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12}


class ProductTemplate(models.Model):
    _inherit = "product.template"

    is_charging_plan = fields.Boolean(
        string="Charging Plan",
        help="Customers subscribe to this product with a charging contract. Prices can depend on it.",
    )
    plan_code = fields.Char(help="Short name for imports and interfaces.")
    plan_base_fee = fields.Monetary(
        "Base Fee", help="For each period. In the first and the last one only for the days of the plan."
    )
    plan_period = fields.Selection(
        [("monthly", "Month"), ("quarterly", "Quarter"), ("yearly", "Year")],
        "Base Fee Period",
        default="monthly",
    )
    plan_invoicing_type = fields.Selection(
        [("pre-paid", "In advance"), ("post-paid", "Afterwards")],
        "Base Fee Is Due",
        default="post-paid",
        help="What was paid in advance is credited when the plan ends earlier.",
    )
    plan_activation_fee = fields.Monetary("Activation Fee", help="Once, when the contract is activated.")
    plan_card_fee = fields.Monetary("Card Fee", help="For each card that is sent to the customer.")
    plan_free_cards = fields.Integer("Free Cards", help="So many cards of a contract are without card fee.")
    plan_included_kwh = fields.Float(
        "Included Energy (kWh/Month)",
        digits=(16, 3),
        help="What energy beyond it costs, the plan says.",
    )
    plan_overage = fields.Selection(
        [("tariff", "What the tariff says"), ("price", "A price of the plan")],
        "Energy Beyond It Costs",
        default="tariff",
        required=True,
    )
    plan_overage_price = fields.Float(
        "Price Beyond It (per kWh)",
        digits=(16, 6),
        help="Instead of the price that the tariff has for energy; its other prices stay. With or without tax, as "
        "the prices of the tariff.",
    )
    plan_included_sessions = fields.Integer(
        "Included Sessions (per Month)", help="What a session beyond them costs, the plan says."
    )
    plan_session_overage = fields.Selection(
        [("tariff", "What the tariff says"), ("price", "A price of the plan")],
        "A Session Beyond It Costs",
        default="tariff",
        required=True,
    )
    plan_session_overage_price = fields.Float(
        "Price Beyond It (per Session)",
        digits=(16, 6),
        help="Instead of all that the tariff asks for the session. With or without tax, as the prices of the tariff.",
    )
    plan_overage_currency_id = fields.Many2one(
        "res.currency",
        "Currency of the Price Beyond",
        default=lambda self: self.env.company.currency_id,
        help="The plan's own prices count for tariffs in this currency.",
    )
    plan_min_months = fields.Integer("Minimum Term (Months)", help="The contract cannot end before. 0: none.")
    plan_notice_days = fields.Integer("Notice Period (Days)", help="Between the notice and the end. 0: none.")
    plan_is_offered = fields.Boolean(
        "Offered in the Portal", help="Customers can sign up for it and change to it themselves."
    )
    plan_description = fields.Html(
        "Portal Description", translate=True, help="What customers read when they choose a plan."
    )
    plan_price_ids = fields.One2many("emobility.plan.price", "plan_id", string="Price Changes")
    plan_contract_count = fields.Integer(
        compute="_compute_plan_contract_count",
        string="Contracts",
        groups="emobility_crm.group_user,emobility_crm.group_auditor",
    )

    _plan_amounts = models.Constraint(
        "CHECK (plan_base_fee >= 0 AND plan_activation_fee >= 0 AND plan_card_fee >= 0 AND plan_included_kwh >= 0"
        " AND plan_included_sessions >= 0 AND plan_min_months >= 0 AND plan_notice_days >= 0 AND plan_free_cards >= 0"
        " AND plan_overage_price >= 0 AND plan_session_overage_price >= 0)",
        "Fees, terms and included quantities of a charging plan cannot be negative.",
    )

    def _compute_plan_contract_count(self) -> None:
        counts = self.env["contract.contract"]._read_group(
            [("plan_id", "in", self.ids), ("charging_state", "in", ["active", "suspended"])],
            ["plan_id"],
            ["__count"],
        )
        by_plan = {plan.id: count for plan, count in counts}
        for plan in self:
            plan.plan_contract_count = by_plan.get(plan.id, 0)

    @api.constrains("is_charging_plan", "type")
    def _check_plan_is_a_service(self) -> None:
        for plan in self:
            if plan.is_charging_plan and plan.type != "service":
                raise ValidationError(
                    self.env._(
                        "The charging plan %(plan)s has to be a service: nothing of it is kept in stock.",
                        plan=plan.display_name,
                    )
                )

    @api.constrains("is_charging_plan")
    def _check_plan_in_use(self) -> None:
        for plan in self.filtered(lambda one: not one.is_charging_plan):
            contracts = self.env["contract.contract"].sudo().search([("plan_id", "=", plan.id)], limit=1)
            if contracts:
                raise ValidationError(
                    self.env._(
                        "%(plan)s is the plan of %(contract)s, so it has to stay a charging plan.",
                        plan=plan.display_name,
                        contract=contracts.display_name,
                    )
                )

    @api.constrains("plan_session_overage", "plan_included_sessions", "plan_included_kwh")
    def _check_price_of_sessions(self) -> None:
        """A price for the whole session leaves nothing to which included energy could count."""
        for plan in self:
            if plan.plan_included_sessions and plan.plan_session_overage == "price" and plan.plan_included_kwh:
                raise ValidationError(
                    self.env._(
                        "%(plan)s has a price for each session beyond those that are included, so it cannot include "
                        "%(kwh)s kWh too: choose one of them, or let the tariff say what such a session costs.",
                        plan=plan.display_name,
                        kwh=f"{plan.plan_included_kwh:g}",
                    )
                )

    def _with_price(self, company: models.BaseModel) -> "ProductTemplate":
        """Those of these plans that customers of the company can have. What knows prices leaves out those without."""
        return self

    def _overage_currency(self) -> models.BaseModel:
        return self.plan_overage_currency_id or self.currency_id

    def _knows_currency(self, currency: models.BaseModel | None) -> bool:
        """Whether the plan's own prices count for sessions in this currency. None: in whichever they are."""
        return currency is None or currency == self._overage_currency()

    def _has_overage_price(self, currency: models.BaseModel | None = None) -> bool:
        """Whether energy beyond what is included has the plan's own price for sessions in this currency."""
        own = self.is_charging_plan and self.plan_overage == "price" and self.plan_included_kwh
        return bool(own) and self._knows_currency(currency)

    def _has_session_overage_price(self, currency: models.BaseModel | None = None) -> bool:
        """Whether sessions beyond those that are included have the plan's own price."""
        own = self.is_charging_plan and self.plan_session_overage == "price" and self.plan_included_sessions
        return bool(own) and self._knows_currency(currency)

    def _overage_price_text(self) -> str:
        return self._price_text(self.plan_overage_price)

    def _session_overage_price_text(self) -> str:
        return self._price_text(self.plan_session_overage_price)

    def _price_text(self, price: float) -> str:
        """0.39 EUR, with as many decimals as the price has, as the reader writes numbers."""
        _whole, _point, decimals = f"{price:.6f}".rstrip("0").partition(".")
        amount = formatLang(self.env, price, digits=max(2, len(decimals)))
        return f"{amount} {self._overage_currency().name}"

    def action_view_plan_contracts(self) -> dict:
        """Return the action that lists the contracts of this plan."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_crm.action_charging_contract")
        action["domain"] = [("is_charging", "=", True), ("plan_id", "=", self.id)]
        action["context"] = {"default_is_charging": True, "default_plan_id": self.id}
        return action
