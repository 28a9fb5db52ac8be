from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..identifiers import EMAID, normalise_emaid
from ..state_machine import ensure_transition

CHARGING_STATES = [
    ("draft", "Draft"),
    ("active", "Active"),
    ("suspended", "Suspended"),
    ("terminated", "Terminated"),
]
TRANSITIONS = {
    "draft": frozenset({"active", "terminated"}),
    "active": frozenset({"suspended", "terminated"}),
    "suspended": frozenset({"active", "terminated"}),
    "terminated": frozenset(),
}
# What a token of a contract in this state is answered at the station (OCPP AuthorizationStatus).
TOKEN_STATUS = {
    "draft": "Invalid",
    "active": "Accepted",
    "suspended": "Blocked",
    "terminated": "Expired",
}


class ContractContract(models.Model):
    _inherit = "contract.contract"

    is_charging = fields.Boolean(string="Charging Contract", index=True)
    plan_id = fields.Many2one(
        "product.template",
        string="Charging Plan",
        domain="[('is_charging_plan', '=', True)]",
        index=True,
        check_company=True,
        ondelete="restrict",
        tracking=True,
    )
    charging_state = fields.Selection(
        CHARGING_STATES,
        default="draft",
        required=True,
        index=True,
        copy=False,
        tracking=True,
        help="Only the tokens of an active contract can charge.",
    )
    emaid = fields.Char(
        string="EMAID",
        copy=False,
        tracking=True,
        help="e-Mobility account identifier (ISO 15118), stored without separators. It is assigned when the "
        "contract is activated and the company has a country code and a party ID.",
    )
    token_ids = fields.One2many("emobility.token", "contract_id", string="Tokens")
    token_count = fields.Integer(compute="_compute_token_count", string="Number of Tokens")
    billing_trigger = fields.Selection(
        [
            ("session", "After each session"),
            ("weekly", "Weekly"),
            ("monthly", "Monthly"),
            ("quarterly", "Quarterly"),
        ],
        default="monthly",
        required=True,
        help="When the charging sessions of this contract are invoiced.",
    )

    _emaid_uniq = models.UniqueIndex(
        "(emaid) WHERE emaid IS NOT NULL", "This EMAID belongs to another contract already."
    )

    @api.depends("token_ids")
    def _compute_token_count(self) -> None:
        counts = self.env["emobility.token"]._read_group(
            [("contract_id", "in", self.ids)], ["contract_id"], ["__count"]
        )
        by_contract = {contract.id: count for contract, count in counts}
        for contract in self:
            contract.token_count = by_contract.get(contract.id, 0)

    @api.constrains("emaid")
    def _check_emaid(self) -> None:
        for contract in self:
            if contract.emaid and not EMAID.fullmatch(contract.emaid):
                raise ValidationError(
                    self.env._(
                        "%(emaid)s is not an EMAID: it must be a country code, a provider ID and nine or ten "
                        "letters or digits, for example DEABCC00000001.",
                        emaid=contract.emaid,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list: list[dict]) -> models.BaseModel:
        contracts = super().create([self._normalise_emaid_vals(vals) for vals in vals_list])
        contracts.filtered(lambda c: c.is_charging and c.charging_state == "active")._assign_emaid()
        return contracts

    def write(self, vals: dict) -> bool:
        if "charging_state" in vals:
            ensure_transition(self, "charging_state", TRANSITIONS, vals["charging_state"])
        if "partner_id" in vals:
            vals = self._prepare_customer_change(vals)
        activated = self.filtered(lambda c: c.charging_state != "active")
        result = super().write(self._normalise_emaid_vals(vals))
        if vals.get("charging_state") == "active":
            activated.filtered("is_charging")._assign_emaid()
        return result

    @api.model
    def _normalise_emaid_vals(self, vals: dict) -> dict:
        if "emaid" not in vals:
            return vals
        return {**vals, "emaid": normalise_emaid(vals["emaid"]) or False}

    def _prepare_customer_change(self, vals: dict) -> dict:
        """Return `vals` completed for the contracts that get another customer.

        The sessions and invoices of a contract belong to its customer, so a contract in use keeps it.
        """
        moved = self.filtered(lambda c: c.is_charging and c.partner_id.id != vals["partner_id"])
        for contract in moved:
            if contract.charging_state != "draft":
                raise UserError(
                    self.env._(
                        "%(contract)s was activated for its customer and cannot move to another one. "
                        "Terminate it and create a new contract.",
                        contract=contract.display_name,
                    )
                )
            # Followers can read the contract in the portal: the previous customer must not.
            contract.message_unsubscribe(contract.partner_id.ids)
            contract.message_subscribe([vals["partner_id"]])
        if not moved or "invoice_partner_id" in vals:
            return vals
        # Else the previous customer would go on paying: `contract` only fills in a payer that is missing.
        customer = self.env["res.partner"].browse(vals["partner_id"])
        return {**vals, "invoice_partner_id": customer.address_get(["invoice"])["invoice"]}

    def _assign_emaid(self) -> None:
        """Give an EMAID to the contracts that have none, if the company has an identity to issue it under."""
        for contract in self.filtered(lambda c: not c.emaid):
            company = contract.company_id
            if not (company.emobility_country_code and company.emobility_party_id):
                continue
            number = self.env["ir.sequence"].sudo().next_by_code("emobility.emaid")
            # The letter C marks a contract in the instance part (eMI3).
            contract.emaid = f"{company.emobility_country_code}{company.emobility_party_id}C{number}"

    def _token_authorization_status(self) -> str:
        """Return what the state of this contract means for its tokens: an OCPP AuthorizationStatus."""
        self.ensure_one()
        if not self.is_charging:
            return "Invalid"
        return TOKEN_STATUS[self.charging_state] if self.active else "Blocked"

    def action_activate(self) -> None:
        """Let the tokens of these contracts charge, and assign the EMAIDs."""
        self._ensure_charging()
        self.write({"charging_state": "active"})

    def action_suspend(self) -> None:
        """Block the tokens of these contracts until they are resumed."""
        self._ensure_charging()
        self.write({"charging_state": "suspended"})

    def action_resume(self) -> None:
        """Let the tokens of suspended contracts charge again."""
        self._ensure_charging()
        for contract in self:
            if contract.charging_state != "suspended":
                raise UserError(
                    self.env._(
                        "%(contract)s is not suspended, so it cannot be resumed.",
                        contract=contract.display_name,
                    )
                )
        self.write({"charging_state": "active"})

    def action_terminate(self) -> None:
        """End these contracts for good: their tokens cannot charge, and their recurring lines end."""
        self._ensure_charging()
        self.write({"charging_state": "terminated"})
        self._end_recurring_lines()

    def _ensure_charging(self) -> None:
        for contract in self:
            if not contract.is_charging:
                raise UserError(
                    self.env._("%(contract)s is not a charging contract.", contract=contract.display_name)
                )

    def _end_recurring_lines(self) -> None:
        """Stop the recurring fees today, or at the end of the period that is invoiced already."""
        today = fields.Date.context_today(self)
        for line in self.contract_line_ids.filtered(lambda ln: not ln.date_end or ln.date_end > today):
            line.date_end = max(filter(None, (today, line.last_date_invoiced, line.date_start)))

    def action_view_tokens(self) -> dict:
        """Return the action that lists the tokens of this contract."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_crm.action_emobility_token")
        action["domain"] = [("contract_id", "=", self.id)]
        action["context"] = {"default_contract_id": self.id, "default_company_id": self.company_id.id}
        return action
