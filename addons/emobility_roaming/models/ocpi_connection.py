from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, Self
from urllib.parse import urlsplit

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import ormcache

from ..ocpi.internal import Party
from ..ocpi.transport import fingerprint, same, tokens_in
from ..ocpi.versions import VERSIONS
from ..ocpi_client import OcpiClient
from ..secret_box import seal, unseal

STATES = [
    ("draft", "New"),
    ("invited", "Invited"),
    ("registering", "Registering"),
    ("connected", "Connected"),
    ("paused", "Paused"),
    ("ended", "Unregistered"),
]
SHARED = (
    "state",
    "version",
    "newest_version",
    "versions_url",
    "sealed_token",
    "token_kind",
    "is_hub",
    "hub_country_code",
    "hub_party_id",
    "raw_token",
    "zero_offsets",
    "no_link",
    "no_push",
    "trailing_slash",
    "page_size",
    "allow_private_address",
    "rate_limit",
    "circuit_closed_at",
)
"""What several companies behind one connection have in common."""
FINGERPRINTS = ("token_fingerprint", "next_token_fingerprint", "previous_token_fingerprint")
"""Of the tokens that are good; the first is the one that the partner has been given."""
TRIES = 6
FIRST_WAIT = timedelta(seconds=10)
"""Before what failed is tried again; doubled each time."""
BREAK_AFTER = 5
"""So many failures in a row open the circuit."""
MOST_DOUBLINGS = 8
LONGEST_BREAK = timedelta(hours=1)


class EmobilityOcpiConnection(models.Model):
    """The platform of another company, with which messages of OCPI are exchanged.

    Behind it are one or more parties; each of them is a roaming partner.
    """

    _name = "emobility.ocpi.connection"
    _description = "OCPI Connection"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "name, id"
    _check_company_auto = True

    name = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    state = fields.Selection(STATES, required=True, readonly=True, default="draft", copy=False, tracking=True)
    parent_id = fields.Many2one(
        "emobility.ocpi.connection",
        "Shares the Connection",
        readonly=True,
        index=True,
        ondelete="cascade",
        domain=[("parent_id", "=", False)],
        help="The connection that another company of yours has with this partner, and that this company uses as well.",
    )
    child_ids = fields.One2many(
        "emobility.ocpi.connection",
        "parent_id",
        "Further Companies",
        help="Companies of yours that are parties of their own behind this connection. Each sees and sends its own "
        "objects only. Needs OCPI 2.2.1 or newer.",
    )
    our_roles = fields.Selection(
        [("CPO", "Operator (CPO)"), ("EMSP", "Provider (eMSP)"), ("BOTH", "Both")],
        required=True,
        default="BOTH",
        tracking=True,
        help="What your company does towards this partner. OCPI 2.1.1 knows one role only: for both, make two "
        "connections.",
    )
    is_hub = fields.Boolean("Hub", tracking=True, help="Messages name the party that they are for.")
    hub_country_code = fields.Char("Country Code of the Hub", size=2)
    hub_party_id = fields.Char("Party ID of the Hub", size=3)
    version = fields.Selection(
        [(version, f"OCPI {version}") for version in VERSIONS], readonly=True, copy=False, tracking=True
    )
    newest_version = fields.Selection(
        [(version, f"OCPI {version}") for version in VERSIONS],
        required=True,
        default=VERSIONS[-1],
        help="Nothing newer is spoken with this partner.",
    )
    versions_url = fields.Char("Versions URL", tracking=True, help="Where the partner lists its versions.")
    token_fingerprint = fields.Char(
        readonly=True, copy=False, groups="base.group_system", help="Hash of the token that the partner calls us with."
    )
    next_token_fingerprint = fields.Char(readonly=True, copy=False, groups="base.group_system")
    previous_token_fingerprint = fields.Char(
        readonly=True,
        copy=False,
        groups="base.group_system",
        help="Hash of the token that the partner changed, until it calls with the new one: the answer that holds the "
        "new one may have got lost.",
    )
    sealed_next_token = fields.Char(
        readonly=True,
        copy=False,
        groups="base.group_system",
        help="The token that the partner gets next, until it has it: both are good meanwhile.",
    )
    token_kind = fields.Selection(
        [("invitation", "Invitation (token A)"), ("credentials", "Credentials")], readonly=True, copy=False
    )
    token_since = fields.Datetime("Token Issued", readonly=True, copy=False)
    sealed_token = fields.Char(
        readonly=True, copy=False, groups="base.group_system", help="The token that we call with, encrypted."
    )
    party_ids = fields.One2many("emobility.roaming.partner", "connection_id", "Parties")
    module_ids = fields.One2many("emobility.ocpi.module", "connection_id", "Modules", copy=False)
    message_log_count = fields.Integer(compute="_compute_counts")
    cdr_count = fields.Integer("CDRs", compute="_compute_counts")

    # Deviations of the partner

    raw_token = fields.Boolean(
        "Token Not Encoded", help="The partner expects its token as it is, not as base64. OCPI 2.1.1 always does."
    )
    zero_offsets = fields.Boolean("Times With +00:00", help="The partner writes UTC as +00:00, which OCPI forbids.")
    no_link = fields.Boolean("No Link Header", help="The partner sends no address of the next page: count on.")
    no_push = fields.Boolean("Pull Only", help="Changes are not sent to the partner, because it only fetches them.")
    trailing_slash = fields.Boolean(
        "Addresses End With a Slash",
        help="The partner joins addresses without a slash of its own: the ones that it is given end with one.",
    )
    page_size = fields.Integer(default=100, required=True, help="Objects that are asked for at once.")
    allow_private_address = fields.Boolean(
        "Address in a Private Network",
        tracking=True,
        help="The partner is reached at an address that is not public, or without TLS.",
    )
    rate_limit = fields.Integer(
        "Calls per Minute", default=1200, required=True, help="A partner that calls more often gets HTTP 429."
    )

    # Health: it follows from the messages. A row that every call and every job changed would make them wait for
    # each other, and fail.

    last_error = fields.Char(readonly=True, copy=False, help="Why the registration failed.")
    circuit_closed_at = fields.Datetime(
        readonly=True, copy=False, help="Failures before are forgotten: somebody wanted to try again."
    )
    clock_difference = fields.Float(
        "Clock Ahead (s)", compute="_compute_health", help="Seconds that the clock of the partner is ahead of ours."
    )
    failures = fields.Integer("Failures in a Row", compute="_compute_health")
    broken_until = fields.Datetime("No Calls Before", compute="_compute_health")
    last_exchange_at = fields.Datetime("Last Exchange", compute="_compute_health")
    token_used_at = fields.Datetime("Token Last Used", compute="_compute_health")
    health = fields.Selection(
        [("unknown", "Not connected"), ("good", "Good"), ("trouble", "Trouble"), ("down", "Down")],
        compute="_compute_health",
    )

    _company_once = models.UniqueIndex(
        "(parent_id, company_id) WHERE parent_id IS NOT NULL", "This company shares the connection already."
    )
    _token_unique = models.UniqueIndex("(token_fingerprint) WHERE token_fingerprint IS NOT NULL")
    _next_token_unique = models.UniqueIndex(
        "(next_token_fingerprint) WHERE next_token_fingerprint IS NOT NULL"
    )
    _positive = models.Constraint(
        "CHECK (page_size BETWEEN 1 AND 1000 AND rate_limit > 0)",
        "A page has 1 to 1000 objects, and a partner may call at least once a minute.",
    )

    def _compute_counts(self) -> None:
        messages = dict(
            self.env["emobility.ocpi.message"]._read_group(
                [("connection_id", "in", self.ids)], ["connection_id"], ["__count"]
            )
        )
        cdrs = dict(
            self.env["emobility.roaming.cdr"]._read_group(
                [("connection_id", "in", self.ids)], ["connection_id"], ["__count"]
            )
        )
        for connection in self:
            connection.message_log_count = messages.get(connection, 0)
            connection.cdr_count = cdrs.get(connection, 0)

    @api.depends("state", "circuit_closed_at")
    def _compute_health(self) -> None:
        now = fields.Datetime.now()
        messages = self.env["emobility.ocpi.message"].sudo()
        for connection in self:
            outgoing = connection._recent_calls()
            incoming = messages.search(
                [("connection_id", "=", connection.id), ("direction", "=", "in")], limit=1
            )
            connection.failures, connection.broken_until = connection._circuit(outgoing)
            connection.clock_difference = next(
                (each.clock_difference for each in outgoing if not each.is_down), 0.0
            )
            connection.token_used_at = incoming.create_date
            dates = [each.create_date for each in outgoing if not each.is_down] + incoming.mapped("create_date")
            connection.last_exchange_at = max(dates, default=False)
            if connection.state != "connected":
                connection.health = "unknown"
            elif connection.broken_until and connection.broken_until > now:
                connection.health = "down"
            elif connection.failures or abs(connection.clock_difference) > 60:
                connection.health = "trouble"
            else:
                connection.health = "good"

    @api.constrains("versions_url", "allow_private_address")
    def _check_versions_url(self) -> None:
        for connection in self.filtered("versions_url"):
            parts = urlsplit(connection.versions_url)
            allowed = ("http", "https") if connection.allow_private_address else ("https",)
            if parts.scheme not in allowed or not parts.hostname or parts.username:
                raise ValidationError(
                    self.env._(
                        "%(url)s is no address of versions: it begins with https://.", url=connection.versions_url
                    )
                )

    @api.constrains("parent_id", "company_id")
    def _check_parent(self) -> None:
        for connection in self.filtered("parent_id"):
            if connection.parent_id.parent_id or connection.company_id == connection.parent_id.company_id:
                raise ValidationError(self.env._("Another company is needed to share a connection."))
            others = connection._sides() - connection
            if connection._our_party() in [other._our_party() for other in others]:
                raise ValidationError(
                    self.env._("%(party)s is behind this connection already.", party=connection._our_party())
                )

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> Self:
        connections = super().create([self._shared_vals(vals) | vals for vals in vals_list])
        connections.filtered("parent_id")._join()
        # The technical user works in the companies that have partners.
        user = self.env.ref("emobility_roaming.user_ocpi").sudo()
        missing = connections.company_id - user.company_ids
        if missing:
            user.company_ids |= missing
        self.env.registry.clear_cache()
        return connections

    def write(self, vals: dict[str, Any]) -> bool:
        if vals.keys() & {"state", "our_roles", "no_push", "active", "company_id"}:
            self.env.registry.clear_cache()
        result = super().write(vals)
        children = self.sudo().with_context(active_test=False).child_ids
        shared = {name: vals[name] for name in SHARED if name in vals}
        if shared and children:
            children.write(shared)
        if vals.keys() & {"active", "our_roles"}:
            self._sides_changed()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_unused(self) -> None:
        for connection in self:
            if connection.token_kind == "credentials" or connection.cdr_count:
                raise UserError(
                    self.env._("%(name)s has exchanged messages: archive it instead.", name=connection.display_name)
                )

    # Several companies behind one connection

    def _root(self) -> Self:
        """The connection that was registered."""
        return self.sudo().parent_id or self.sudo()

    def _sides(self) -> Self:
        """Our parties behind the connection; in 2.1.1 there is one only."""
        root = self._root()
        return root if root.version == "2.1.1" else root | root.child_ids.filtered("active")

    @api.model
    def _shared_vals(self, vals: dict[str, Any]) -> dict[str, Any]:
        root = self.sudo().browse(vals.get("parent_id"))
        if not root:
            return {}
        return {"name": root.name} | {name: root[name] for name in SHARED}

    # Who calls

    @api.model
    def _authenticate(self, header: str | None) -> tuple[Self, str]:
        """The connection whose token is in the header, and the token; empty when there is none.

        What is looked up is a hash, and the found hash is compared in constant time, so that the time of an answer
        tells nothing about the token.
        """
        for token in tokens_in(header):
            digest = fingerprint(token)
            found = self.sudo().search(Domain.OR([(name, "=", digest)] for name in FINGERPRINTS), limit=1)
            current, *others = [same(found[name] or "", digest) for name in FINGERPRINTS]
            if current and found.previous_token_fingerprint:
                found.previous_token_fingerprint = False
            if current or any(others):
                return found, token
        return self.sudo().browse(), ""

    def _issue_token(self, kind: str) -> str:
        """A new token for the partner to call with; only its hash is kept. The old one is worth nothing any more,
        save that of a partner that changes its token: it is good until the first call with the new one."""
        self.ensure_one()
        connection = self.sudo()
        previous = connection.previous_token_fingerprint or connection.token_fingerprint
        is_change = connection.token_kind == kind == "credentials"
        token = secrets.token_urlsafe(36)
        self._set_token(fingerprint(token), kind)
        connection.previous_token_fingerprint = is_change and previous
        return token

    def _set_token(self, digest: str, kind: str) -> None:
        self.sudo().write(
            {
                "token_fingerprint": digest,
                "next_token_fingerprint": False,
                "previous_token_fingerprint": False,
                "sealed_next_token": False,
                "token_kind": kind,
                "token_since": fields.Datetime.now(),
            }
        )

    def _prepare_token(self) -> None:
        """A token that the partner is about to get. It has to be good before the partner has it, because the
        partner calls back with it while it is being told; the old one stays good until then."""
        token = secrets.token_urlsafe(36)
        self.sudo().write(
            {"next_token_fingerprint": fingerprint(token), "sealed_next_token": seal(self.env, token)}
        )

    def _next_token(self) -> str:
        return unseal(self.env, self.sudo().sealed_next_token)

    def _keep_token(self, token: str) -> None:
        """Keep the token that we call with."""
        self.sudo().sealed_token = seal(self.env, token)

    def _client(self) -> OcpiClient:
        """What calls the partner. :raises UserError: when there is no token to call with"""
        connection = self.sudo()
        if not connection.sealed_token:
            raise UserError(self.env._("There is no token to call %(name)s with.", name=self.name))
        return OcpiClient(
            token=unseal(self.env, connection.sealed_token),
            raw_token=connection.raw_token or connection.version == "2.1.1",
            zero_offsets=connection.zero_offsets,
            no_link=connection.no_link,
            allow_private=connection.allow_private_address,
        )

    # Who we are, who they are

    def _our_party(self) -> Party:
        """:raises UserError: when the company has no party"""
        company = self.company_id
        if not (company.emobility_country_code and company.emobility_party_id):
            raise UserError(
                self.env._("The company %(company)s has no OCPI country code and party ID.", company=company.name)
            )
        return Party.of(company.emobility_country_code, company.emobility_party_id)

    def _we_are(self, role: str) -> bool:
        return self.our_roles in (role, "BOTH")

    def _owns(self, party: Party) -> bool:
        """Whether the party is behind this connection."""
        return any(
            (each.country_code, each.party_id) == (party.country_code, party.party_id) for each in self.sudo().party_ids
        )

    def _partner(self, party: Party, role: str) -> models.BaseModel:
        """The roaming partner of the party; the one of another role when there is no better one."""
        parties = self.sudo().party_ids.filtered(
            lambda each: (each.country_code, each.party_id) == (party.country_code, party.party_id)
        )
        return (parties.filtered(lambda each: each.role == role) or parties)[:1]

    def _first_party(self) -> Party:
        """Of whom an object is that does not say it (2.1.1)."""
        party = self.sudo().party_ids[:1]
        return Party.of(party.country_code or "", party.party_id or "")

    @api.model
    @ormcache("company_id", "role", cache="default")
    def _push_target_ids(self, company_id: int, role: str) -> tuple[int, ...]:
        """Connections that are told of changes, where we have this role."""
        found = self.sudo().search(
            [
                ("company_id", "=", company_id),
                ("state", "=", "connected"),
                ("no_push", "=", False),
                ("our_roles", "in", (role, "BOTH")),
            ]
        )
        return tuple(found.ids)

    def _may_be_called(self, url: str) -> bool:
        """Whether an address that a partner names may be called: it is where the partner itself is."""
        theirs, named = urlsplit(self.sudo().versions_url or ""), urlsplit(url)
        return bool(named.hostname) and named.hostname == theirs.hostname and named.scheme == theirs.scheme

    # Health

    def _recent_calls(self) -> Any:
        """What we called lately, the newest first."""
        domain = [("connection_id", "in", (self._root() | self._root().child_ids).ids), ("direction", "=", "out")]
        if self.circuit_closed_at:
            domain.append(("create_date", ">=", self.circuit_closed_at))
        return self.env["emobility.ocpi.message"].sudo().search(domain, limit=BREAK_AFTER + MOST_DOUBLINGS)

    @api.model
    def _circuit(self, calls: Any) -> tuple[int, datetime | bool]:
        """How often the partner failed in a row, and until when it is left alone: longer each time."""
        failed = list(takewhile(lambda call: call.is_down, calls))
        if len(failed) < BREAK_AFTER:
            return len(failed), False
        pause = min(timedelta(seconds=30) * 2 ** (len(failed) - BREAK_AFTER), LONGEST_BREAK)
        return len(failed), failed[0].create_date + pause

    def _may_call(self) -> bool:
        _failures, until = self._circuit(self._recent_calls())
        return not until or until <= fields.Datetime.now()

    # Buttons

    def action_invite(self) -> dict[str, Any]:
        """A new invitation; the one before is worth nothing any more."""
        self.ensure_one()
        wizard = self.env["emobility.ocpi.invite"].create(
            {
                "name": self.name,
                "company_id": self.company_id.id,
                "our_roles": self.our_roles,
                "connection_id": self.id,
            }
        )
        return wizard.action_invite()

    def action_self_test(self) -> dict[str, Any]:
        """Walk the partner through all modules and show the report."""
        self.ensure_one()
        self.check_access("write")
        test = self.env["emobility.ocpi.self.test"].create({"connection_id": self.id})
        test._run()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Self-Test"),
            "res_model": test._name,
            "res_id": test.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_pause(self) -> None:
        """Neither call the partner nor answer it."""
        self.filtered(lambda each: each.state == "connected").state = "paused"

    def action_resume(self) -> None:
        """Go on, and try again at once."""
        paused = self.filtered(lambda each: each.state == "paused")
        paused.write({"state": "connected", "circuit_closed_at": fields.Datetime.now()})

    def action_open_messages(self) -> dict[str, Any]:
        """What was exchanged."""
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_roaming.ocpi_message_action")
        return action | {"domain": [("connection_id", "in", self.ids)], "context": {}}

    def action_open_cdrs(self) -> dict[str, Any]:
        """CDRs that were exchanged."""
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_roaming.roaming_cdr_action")
        return action | {"domain": [("connection_id", "in", self.ids)], "context": {}}
