from __future__ import annotations

from typing import Any

from odoo import api, fields, models


class EmobilityAccountCheck(models.TransientModel):
    """Which account and which taxes the products of charging post to, and what is missing."""

    _name = "emobility.account.check"
    _description = "Account Check"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, default=lambda self: self.env.company
    )
    line_ids = fields.One2many("emobility.account.check.line", "check_id", "Products", readonly=True)
    problem_count = fields.Integer("Problems", compute="_compute_problem_count")

    @api.depends_context("lang")
    def _compute_display_name(self) -> None:
        for record in self:
            record.display_name = self.env._("Account check")

    @api.depends("line_ids.problem")
    def _compute_problem_count(self) -> None:
        for check in self:
            check.problem_count = len(check.line_ids.filtered("problem"))

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> EmobilityAccountCheck:
        checks = super().create(vals_list)
        for check in checks:
            self.env["emobility.account.check.line"].sudo().create(
                [check._line_values(product) for product in check._products()]
            )
        return checks

    @api.model
    def action_check(self) -> dict[str, Any]:
        """Check now, and show the answer."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Account check"),
            "res_model": self._name,
            "res_id": self.create({}).id,
            "view_mode": "form",
        }

    def _products(self) -> Any:
        """Everything that ratings and fees post to: defaults, those of price components, plans, used ones."""
        products = self.env["product.product"].sudo()
        own = (
            self.env["ir.model.data"]
            .sudo()
            .search([("module", "=like", "emobility_%"), ("model", "=", "product.product")])
        )
        components = self.env["emobility.price.component"].sudo().search([("product_id", "!=", False)])
        plans = self.env["product.template"].sudo().search([("is_charging_plan", "=", True)])
        found = (
            products.browse(own.mapped("res_id")).exists() | components.product_id | plans.product_variant_ids
        )
        return found.filtered(
            lambda product: product.company_id in (self.company_id, product.company_id.browse())
        )

    def _line_values(self, product: Any) -> dict[str, Any]:
        product = product.with_company(self.company_id)
        is_cost = product.purchase_ok and not product.sale_ok
        account, source = self._account(product, "expense" if is_cost else "income")
        taxes = (product.supplier_taxes_id if is_cost else product.taxes_id)._filter_taxes_by_company(
            self.company_id
        )
        usual = self.company_id.account_purchase_tax_id if is_cost else self.company_id.account_sale_tax_id
        if not account:
            problem = self.env._("No account: sessions with it cannot be invoiced.")
        elif not taxes and not usual:
            problem = self.env._("No taxes, and the company has no usual tax.")
        else:
            problem = False
        return {
            "check_id": self.id,
            "product_id": product.id,
            "account_id": account.id,
            "source": source,
            "tax_ids": [fields.Command.set((taxes or usual).ids)],
            "problem": problem,
        }

    def _account(self, product: Any, kind: str) -> tuple[Any, str]:
        """The account, and whether product, category or company says so."""
        if own := product[f"property_account_{kind}_id"]:
            return own, "product"
        if categories := product.categ_id[f"property_account_{kind}_categ_id"]:
            return categories, "category"
        return self.company_id[f"{kind}_account_id"], "company"
