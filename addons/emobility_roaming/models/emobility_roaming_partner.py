from typing import Any, Self
from urllib.parse import quote

from pydantic import ValidationError as OcpiValidationError

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from odoo.addons.emobility_billing.jobs import SOON, enqueue
from odoo.addons.emobility_crm.identifiers import COUNTRY_CODE, PARTY_ID, normalise_code

from ..ocpi.internal import Party
from ..ocpi.transport import UNKNOWN_TOKEN
from ..ocpi.versions import as_json, models_of

ANSWER_SECONDS = 3
"""How long a provider may take while a station waits; the bridge waits a little longer for us."""
TOKENS_AT_ONCE = 2000
"""So many tokens of a provider get its contract in one transaction."""
_REFUSALS = {"BLOCKED": "Blocked", "EXPIRED": "Expired", "NO_CREDIT": "Blocked"}


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
    hub_told_at = fields.Datetime("Status Since", readonly=True, copy=False)
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
    ask_unknown = fields.Boolean(
        "Ask About Unknown Cards",
        tracking=True,
        help="When a card that nobody knows is held to one of your stations, this provider is asked whether it may "
        "charge. Only providers that do not send all their tokens need this; each such card costs them a call.",
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
        partners.filtered("contract_id")._give_contracts()
        partners.filtered("ask_unknown")._asks_changed()
        return partners

    def write(self, vals: dict[str, Any]) -> bool:
        result = super().write(self._normalise_vals(vals))
        if vals.keys() & {"country_code", "party_id", "role", "company_id", "active"}:
            self._find_tokens()
            self.filtered("contract_id")._give_contracts()
        if vals.keys() & {"ask_unknown", "active", "role"}:
            self._asks_changed()
        if "contract_id" in vals:
            self._give_contracts()
            # What the providers pay is now known, or another.
            self.connection_id.filtered(lambda each: each.state == "connected")._queue_publish()
        return result

    def _give_contracts(self) -> None:
        for partner in self:
            partner._give_contract()
            # Tokens that come at this moment are seen only after both transactions are over.
            partner._queue_give_contract()

    def _queue_give_contract(self) -> None:
        enqueue(
            self,
            f"emobility.roaming.partner.contract:{self.id}",
            self.env._("Give the tokens of %s its contract", self.display_name),
            priority=SOON,
        )._give_contract()

    def _give_contract(self) -> None:
        """Job too: tokens of this provider that have no contract, or an older one, get the one of now."""
        contract = self._contract_of_now()
        tokens = self.env["emobility.token"].sudo().search(
            [("roaming_partner_id", "=", self.id), ("contract_id", "!=", contract.id)], limit=TOKENS_AT_ONCE
        )
        tokens.write({"contract_id": contract.id})
        if len(tokens) == TOKENS_AT_ONCE:
            self._queue_give_contract()

    def _contract_of_now(self) -> Any:
        """The contract that pays, for a token that is about to get it.

        The row stays locked, so that the contract cannot change before the token is there for whoever changes it to
        see; a contract that has changed already since this transaction began makes the database refuse the lock, and
        the work is done again.
        """
        self.flush_recordset(["contract_id"])
        rows = self.env.execute_query(
            SQL("SELECT contract_id FROM emobility_roaming_partner WHERE id = %s FOR SHARE", self.id or 0)
        )
        return self.env["contract.contract"].browse(contract_id for (contract_id,) in rows if contract_id)

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

    # Asked while a station waits

    @api.model
    def _asked_about_unknown(self, company: Any) -> Self:
        return self.search(
            [("company_id", "=", company.id), ("role", "=", "EMSP"), ("ask_unknown", "=", True)], order="id"
        )

    def _asks_changed(self) -> None:
        for company in self.company_id:
            self.env["emobility.token"]._asks_about_unknown_changed(company)

    def _ask_about(self, uid: str, token: Any, location: Any, evse: Any) -> dict[str, str | bool] | None:
        """Ask the provider whether a token may charge here. None: it does not know the token.

        :param token: ours of that uid; empty when there is none, then the provider tells it
        """
        self.ensure_one()
        connection = self.connection_id
        module = self.env["emobility.ocpi.module"]._of(connection, "tokens", "SENDER")
        unavailable: dict[str, str | bool] = {"status": "Unavailable", "type": False, "reference": False}
        if not module or connection.state != "connected":
            return unavailable
        place: dict[str, Any] = {"location_id": location.code}
        if evse:
            place["evse_uids"] = [evse.uid]
        answer = connection._call(
            "POST", f"{module.url.rstrip('/')}/{quote(uid, safe='')}/authorize", module="tokens", body=place,
            params={"type": token.token_type or "RFID"}, receiver=self, read_seconds=ANSWER_SECONDS,
        )  # fmt: skip
        if answer.status_code == UNKNOWN_TOKEN:
            return None
        try:
            told: Any = models_of(connection.version).authorization.model_validate(answer.one)
        except OcpiValidationError:
            return unavailable
        if told.allowed == "ALLOWED" and not token:
            token = self._told_token(told)
        allowed = told.allowed == "ALLOWED" and bool(token) and _is_here(told.location, evse)
        return {
            "status": "Accepted" if allowed else _REFUSALS.get(told.allowed, "Invalid"),
            "type": token.token_type or False,
            "reference": getattr(told, "authorization_reference", None) or False,
        }

    def _told_token(self, told: Any) -> Any:
        """Keep a token that came with the answer; without it nobody would know whom the session is for."""
        tokens = self.env["emobility.token"]
        if getattr(told, "token", None) is None:
            return tokens
        connection, owner = self.connection_id, Party.of(self.country_code, self.party_id)
        told_token = told.token.to_internal()
        if told_token.party != owner:
            return tokens
        self.env["emobility.ocpi.receiver"]._receive(connection, "tokens", [as_json(told.token)], owner)
        return tokens._find_by_uid(told_token.uid, self.company_id)

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


def _is_here(allowed: Any, evse: Any) -> bool:
    """Whether the EVSE is among those that the provider allows; it need not name any."""
    named = [uid.upper() for uid in (getattr(allowed, "evse_uids", None) or ())]
    return not named or not evse or evse.uid.upper() in named
