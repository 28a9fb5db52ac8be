from odoo import api, fields, models
from odoo.fields import Domain


class EmobilityCustomerGroup(models.Model):
    """Customers that share prices: one axis of the price matrix."""

    _name = "emobility.customer.group"
    _description = "Charging Customer Group"
    _order = "sequence, name"
    _rec_names_search = ["name", "code"]

    name = fields.Char(required=True, translate=True)
    code = fields.Char(required=True, copy=False, help="Short name for imports and interfaces.")
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    description = fields.Text()
    company_id = fields.Many2one(
        "res.company",
        index=True,
        default=lambda self: self.env.company,
        help="Leave empty to share the group between all companies.",
    )
    partner_ids = fields.One2many("res.partner", "customer_group_id", string="Customers")
    partner_count = fields.Integer(compute="_compute_partner_count", string="Number of Customers")

    _code_uniq = models.UniqueIndex(
        "(COALESCE(company_id, 0), code)", "A customer group with this code exists already in this company."
    )

    @api.depends("partner_ids")
    def _compute_partner_count(self) -> None:
        counts = self.env["res.partner"]._read_group(
            [("customer_group_id", "in", self.ids)], ["customer_group_id"], ["__count"]
        )
        by_group = {group.id: count for group, count in counts}
        for group in self:
            group.partner_count = by_group.get(group.id, 0)

    @api.model
    def _check_company_domain(self, companies: models.BaseModel | list[int]) -> Domain:
        """A partner without company is shared between companies, so it may be in a group of any of them."""
        return super()._check_company_domain(companies) if companies else Domain.TRUE

    def action_view_partners(self) -> dict:
        """Return the action that lists the customers of this group."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Customers of %(group)s", group=self.name),
            "res_model": "res.partner",
            "view_mode": "list,form",
            "domain": [("customer_group_id", "=", self.id)],
            "context": {"default_customer_group_id": self.id},
        }
