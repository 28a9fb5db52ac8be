from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import email_normalize

MAX_CARDS = 1000


class EmobilityLeadContract(models.TransientModel):
    """Makes customer, charging contract and card orders of a lead: all of it, or nothing."""

    _name = "emobility.lead.contract"
    _description = "Charging Contract of a Lead"
    _check_company_auto = True

    lead_id = fields.Many2one("crm.lead", required=True, readonly=True)
    company_id = fields.Many2one(
        "res.company", required=True, compute="_compute_from_lead", store=True, precompute=True
    )
    partner_id = fields.Many2one(
        "res.partner",
        "Known Customer",
        compute="_compute_from_lead",
        store=True,
        precompute=True,
        readonly=False,
        check_company=True,
        help="Empty: a new customer is made of what the lead says.",
    )
    duplicate_ids = fields.Many2many(
        "res.partner",
        compute="_compute_duplicate_ids",
        string="Possible Duplicates",
        help="Contacts with the same e-mail, phone number or VAT number.",
    )
    payer_id = fields.Many2one(
        "res.partner", check_company=True, help="Empty: the customer pays."
    )
    plan_id = fields.Many2one(
        "product.template",
        required=True,
        domain="[('is_charging_plan', '=', True)]",
        compute="_compute_from_lead",
        store=True,
        precompute=True,
        readonly=False,
        check_company=True,
    )
    billing_trigger = fields.Selection(
        lambda self: [
            option
            for option in self.env["contract.contract"]._fields["billing_trigger"].selection
            if option[0] != "threshold"
        ],
        required=True,
        default="monthly",
    )
    card_count = fields.Integer(
        "Cards to Order", compute="_compute_from_lead", store=True, precompute=True, readonly=False
    )
    cost_centre = fields.Char()
    customer_group_id = fields.Many2one("emobility.customer.group", check_company=True)
    activate = fields.Boolean("Activate the Contract", default=True, help="Cards are ordered only then.")
    invite = fields.Boolean("Invite to the Portal", help="The customer gets a mail with a link to sign in.")

    @api.depends("lead_id")
    def _compute_from_lead(self) -> None:
        for wizard in self:
            lead = wizard.lead_id
            wizard.company_id = lead.company_id or self.env.company
            wizard.partner_id = lead.partner_id or lead._find_matching_partner()
            wizard.plan_id = lead.charging_plan_id
            wizard.card_count = lead.charging_card_count

    @api.depends("lead_id", "partner_id")
    def _compute_duplicate_ids(self) -> None:
        for wizard in self:
            lead = wizard.lead_id
            wizard.duplicate_ids = (
                self.env["res.partner"]._find_charging_duplicates(lead.email_from, lead.phone)
                - wizard.partner_id
            )

    def action_make(self) -> dict:
        """Make everything, mark the lead as won, and show the contract."""
        self.ensure_one()
        self._check_input()
        partner = self.partner_id or self._make_partner()
        if self.customer_group_id:
            partner.commercial_partner_id.customer_group_id = self.customer_group_id
        contract = self.env["contract.contract"].create(self._contract_values(partner))
        if self.activate:
            contract.action_activate()
            for _number in range(self.card_count):
                self.env["emobility.token"]._order_card(contract, partner, None)
        self.lead_id.write({"charging_contract_id": contract.id, "partner_id": partner.id})
        # Winning moves figures of the scoring, which only people of sales may touch.
        self.lead_id.sudo().action_set_won()
        if self.invite:
            self._invite(partner)
        return self.lead_id.action_view_charging_contract()

    def _check_input(self) -> None:
        lead = self.lead_id
        if lead.charging_contract_id:
            raise UserError(
                self.env._(
                    "This lead has become the contract %(contract)s already.",
                    contract=lead.charging_contract_id.display_name,
                )
            )
        if not 0 <= self.card_count <= MAX_CARDS:
            raise UserError(
                self.env._("Between 0 and %(most)s cards can be ordered at once.", most=MAX_CARDS)
            )
        if self.card_count and not self.activate:
            raise UserError(
                self.env._("Cards are ordered for an active contract: activate it, or order no card.")
            )
        if not self.partner_id and not (lead.contact_name or lead.partner_name):
            raise UserError(
                self.env._("The lead names nobody: enter a contact or a company, or choose a known customer.")
            )
        mail = self.partner_id.email or lead.email_from
        if self.invite and not email_normalize(mail or ""):
            raise UserError(self.env._("Without an e-mail address nobody can be invited to the portal."))

    def _make_partner(self) -> models.BaseModel:
        """The customer as the lead describes them: a person, or a company with a contact."""
        return self.lead_id.with_context(default_company_id=False)._create_customer()

    def _contract_values(self, partner: models.BaseModel) -> dict:
        name = self.env._(
            "Charging %(customer)s", customer=partner.commercial_partner_id.name or partner.name
        )
        values = {
            "name": name,
            "is_charging": True,
            "contract_type": "sale",
            "partner_id": partner.id,
            "company_id": self.company_id.id,
            "plan_id": self.plan_id.id,
            "billing_trigger": self.billing_trigger,
            "cost_centre": self.cost_centre,
            "user_id": self.lead_id.user_id.id or self.env.uid,
        }
        if self.payer_id:
            values["invoice_partner_id"] = self.payer_id.id
        return values

    def _invite(self, partner: models.BaseModel) -> None:
        wizard = (
            self.env["portal.wizard"]
            .sudo()
            .with_context(active_ids=partner.ids)
            .create({"partner_ids": [Command.set(partner.ids)]})
        )
        people = wizard.user_ids.filtered(lambda person: not person.is_portal and not person.is_internal)
        for person in people:
            person.action_grant_access()
