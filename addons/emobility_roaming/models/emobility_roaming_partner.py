from typing import Any, Self

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.emobility_crm.identifiers import COUNTRY_CODE, PARTY_ID, normalise_code


class EmobilityRoamingPartner(models.Model):
    """Another company in OCPI: an operator whose stations our drivers use, or a provider whose drivers use ours."""

    _name = "emobility.roaming.partner"
    _description = "Roaming Partner"
    _inherit = ["mail.thread"]
    _order = "name, id"
    _rec_names_search = ["name", "party_id"]
    _check_company_auto = True

    name = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True)
    country_code = fields.Char(required=True, size=2, tracking=True, help="ISO 3166-1, two letters.")
    party_id = fields.Char("Party ID", required=True, size=3, tracking=True, help="Three letters or digits.")
    role = fields.Selection(
        [("CPO", "Operator (CPO)"), ("EMSP", "Provider (eMSP)")], required=True, default="EMSP", tracking=True
    )
    connection_id = fields.Many2one(
        "emobility.ocpi.connection",
        index=True,
        check_company=True,
        ondelete="restrict",
        tracking=True,
        help="The platform through which messages are exchanged with this party.",
    )
    connection_state = fields.Selection(related="connection_id.state")
    ocpi_version = fields.Selection(related="connection_id.version")
    hub_status = fields.Selection(
        [("CONNECTED", "Connected"), ("OFFLINE", "Offline"), ("PLANNED", "Planned"), ("SUSPENDED", "Suspended")],
        "Status at the Hub",
        readonly=True,
        copy=False,
        help="What the hub says about a party behind it.",
    )
    contract_id = fields.Many2one(
        "contract.contract",
        "Charging Contract",
        domain="[('is_charging', '=', True)]",
        index=True,
        check_company=True,
        ondelete="restrict",
        tracking=True,
        help="Pays the sessions of the drivers of this provider at your stations: its plan and payer choose the "
        "prices, which are also the tariffs that the provider is told.",
    )
    partner_id = fields.Many2one(
        "res.partner",
        "Business Partner",
        index=True,
        check_company=True,
        ondelete="restrict",
        tracking=True,
        help="Who invoices are sent to, or received from.",
    )
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )

    _party_unique = models.UniqueIndex(
        "(company_id, country_code, party_id, role)",
        "This party has a roaming partner with this role already.",
    )

    @api.depends("name", "country_code", "party_id")
    def _compute_display_name(self) -> None:
        for partner in self:
            partner.display_name = (
                f"{partner.name or ''} ({partner.country_code or ''}*{partner.party_id or ''})"
            )

    @api.constrains("country_code", "party_id")
    def _check_party(self) -> None:
        for partner in self:
            valid = COUNTRY_CODE.fullmatch(partner.country_code) and PARTY_ID.fullmatch(partner.party_id)
            if not valid:
                raise ValidationError(
                    self.env._(
                        "%(party)s is not a party of OCPI: it needs a country code of two letters and a party ID of "
                        "three letters or digits.",
                        party=f"{partner.country_code}*{partner.party_id}",
                    )
                )

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> Self:
        partners = super().create([self._normalise_vals(vals) for vals in vals_list])
        partners._find_tokens()
        return partners

    def write(self, vals: dict[str, Any]) -> bool:
        result = super().write(self._normalise_vals(vals))
        if vals.keys() & {"country_code", "party_id", "role", "company_id", "active"}:
            self._find_tokens()
        if "contract_id" in vals:
            for partner in self:
                tokens = self.env["emobility.token"].sudo().search([("roaming_partner_id", "=", partner.id)])
                tokens.write({"contract_id": partner.contract_id.id})
                # What the provider pays is now known, or another.
                partner.connection_id.filtered(lambda each: each.state == "connected")._queue_publish()
        return result

    @api.model
    def _providers_by_party(self, companies: Any) -> dict[tuple[int, str, str], Self]:
        """The providers of these companies, by company, country code and party ID."""
        providers = self.search([("role", "=", "EMSP"), ("company_id", "in", companies.ids)])
        return {(each.company_id.id, each.country_code, each.party_id): each for each in providers}

    def _find_tokens(self) -> None:
        """Tokens that were there before their provider became a partner."""
        tokens = self.env["emobility.token"].sudo()
        for partner in self.filtered(lambda each: each.role == "EMSP"):
            tokens |= tokens.search(
                [
                    ("company_id", "=", partner.company_id.id),
                    ("country_code", "=", partner.country_code),
                    ("party_id", "=", partner.party_id),
                ]
            )
        tokens._compute_roaming_partner_id()

    @api.model
    def _normalise_vals(self, vals: dict[str, Any]) -> dict[str, Any]:
        return vals | {key: normalise_code(vals[key]) for key in vals.keys() & {"country_code", "party_id"}}

    def action_open_cdrs(self) -> dict[str, Any]:
        """The CDRs of the drivers of this provider."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_billing.action_cdr")
        token = "session_id.token_id"
        return action | {
            "domain": [
                (f"{token}.country_code", "=", self.country_code),
                (f"{token}.party_id", "=", self.party_id),
                ("company_id", "=", self.company_id.id),
            ]
        }
