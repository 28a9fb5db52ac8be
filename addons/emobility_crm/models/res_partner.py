import re

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import email_normalize

STAFF = "emobility_crm.group_user,emobility_crm.group_auditor"
# So many digits from the end tell two numbers apart; what is before them differs by who wrote the number.
PHONE_KEY_DIGITS = 8


class ResPartner(models.Model):
    _inherit = "res.partner"

    # The groups keep the classification of a customer away from the customer's own portal user.
    customer_group_id = fields.Many2one(
        "emobility.customer.group",
        string="Charging Customer Group",
        index=True,
        check_company=True,
        ondelete="restrict",
        tracking=True,
        groups=STAFF,
    )
    charging_customer_type = fields.Selection(
        [
            ("private", "Private customer"),
            ("company", "Company"),
            ("fleet", "Fleet"),
            ("host", "Site host"),
            ("roaming", "Roaming partner"),
        ],
        index="btree_not_null",
        tracking=True,
        groups=STAFF,
    )
    charging_roles = fields.Char(
        compute="_compute_charging_roles", groups=STAFF, help="What this contact does, by what is recorded of it."
    )
    driver_token_ids = fields.One2many("emobility.token", "partner_id", string="Tokens Driven With", groups=STAFF)
    hosted_location_ids = fields.One2many("emobility.location", "host_id", string="Hosted Locations", groups=STAFF)
    phone_key = fields.Char(
        compute="_compute_phone_key", store=True, index="btree_not_null", groups=STAFF, help="To find duplicates."
    )
    charging_duplicate_count = fields.Integer(
        compute="_compute_charging_duplicate_count", string="Possible Duplicates", groups=STAFF
    )
    charging_contract_count = fields.Integer(
        compute="_compute_charging_contract_count",
        groups=STAFF,
    )
    emobility_token_count = fields.Integer(
        compute="_compute_emobility_token_count",
        string="Charging Token Count",
        groups=STAFF,
    )

    _email_normalized_index = models.Index("(email_normalized) WHERE email_normalized IS NOT NULL")

    @api.depends("phone")
    def _compute_phone_key(self) -> None:
        for partner in self:
            partner.phone_key = _phone_key(partner.phone)

    def _compute_charging_roles(self) -> None:
        contracts = self.env["contract.contract"].search(
            [
                ("is_charging", "=", True),
                "|",
                ("partner_id", "in", self.ids),
                ("invoice_partner_id", "in", self.ids),
            ]
        )
        for partner in self:
            roles = {
                self.env._("Customer"): partner in contracts.partner_id,
                self.env._("Payer"): partner in contracts.invoice_partner_id,
                self.env._("Driver"): bool(partner.driver_token_ids),
                self.env._("Site host"): bool(partner.hosted_location_ids),
            }
            partner.charging_roles = ", ".join(name for name, has in roles.items() if has)

    def _compute_charging_duplicate_count(self) -> None:
        for partner in self:
            partner.charging_duplicate_count = len(partner._charging_duplicates())

    def _charging_duplicates(self) -> models.BaseModel:
        """Other contacts that are probably the same; contacts of one company share its phone and VAT number."""
        self.ensure_one()
        found = self._find_charging_duplicates(self.email, self.phone, self.vat)
        return found.filtered(
            lambda one: one.commercial_partner_id != self.commercial_partner_id
        )

    def _compute_charging_contract_count(self) -> None:
        for partner in self:
            partner.charging_contract_count = self.env["contract.contract"].search_count(
                partner._charging_contract_domain()
            )

    def _compute_emobility_token_count(self) -> None:
        for partner in self:
            partner.emobility_token_count = self.env["emobility.token"].search_count(
                partner._emobility_token_domain()
            )

    def _charging_contract_domain(self) -> list:
        """Contracts that this partner or one of its contacts holds or pays."""
        return [
            ("is_charging", "=", True),
            "|",
            ("partner_id", "child_of", self.ids),
            ("invoice_partner_id", "child_of", self.ids),
        ]

    def _emobility_token_domain(self) -> list:
        """Tokens that this partner or one of its contacts drives with or pays for."""
        return [
            "|",
            ("partner_id", "child_of", self.ids),
            ("contract_id.partner_id", "child_of", self.ids),
        ]

    def _commercial_fields(self) -> list[str]:
        """The people of a company have the prices of the company."""
        return [*super()._commercial_fields(), "customer_group_id"]

    @api.model
    def _find_charging_duplicates(
        self, email: str | bool, phone: str | bool, vat: str | bool = False
    ) -> models.BaseModel:
        """Contacts that are probably the same person or company: same e-mail, phone or VAT number."""
        domains = []
        if mail := email_normalize(email or ""):
            domains.append(Domain("email_normalized", "=", mail))
        if vat:
            domains.append(Domain("vat", "=", vat.replace(" ", "").upper()))
        if key := _phone_key(phone):
            domains.append(Domain("phone_key", "=", key))
        return self.search(Domain.OR(domains), limit=20) if domains else self.browse()

    def action_view_charging_duplicates(self) -> dict:
        """Return the action that lists this contact with its possible duplicates, to compare and merge them."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Possible duplicates of %(partner)s", partner=self.display_name),
            "res_model": "res.partner",
            "view_mode": "list,form",
            "domain": [("id", "in", (self | self._charging_duplicates()).ids)],
        }

    def action_open_privacy(self) -> dict:
        """Return the dialogue that exports or erases the personal data of this contact."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Personal Data of %(partner)s", partner=self.display_name),
            "res_model": "emobility.partner.privacy",
            "view_mode": "form",
            "target": "new",
            "context": {"default_partner_id": self.id},
        }

    def action_view_charging_contracts(self) -> dict:
        """Return the action that lists the charging contracts of this partner."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_crm.action_charging_contract")
        action["domain"] = self._charging_contract_domain()
        action["context"] = {
            "default_is_charging": True,
            "default_contract_type": "sale",
            "default_partner_id": self.id,
        }
        return action

    def action_view_emobility_tokens(self) -> dict:
        """Return the action that lists the charging tokens of this partner."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_crm.action_emobility_token")
        action["domain"] = self._emobility_token_domain()
        action["context"] = {"default_partner_id": self.id}
        return action


def _phone_key(phone: str | bool) -> str | bool:
    """The last digits of a phone number; False when there are too few to tell people apart."""
    digits = re.sub(r"\D", "", phone or "")
    return digits[-PHONE_KEY_DIGITS:] if len(digits) >= PHONE_KEY_DIGITS else False
