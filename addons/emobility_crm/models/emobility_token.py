import re
from collections.abc import Iterable

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

from ..identifiers import COUNTRY_CODE, MAC, PARTY_ID, normalise_code, normalise_uid, reversed_bytes
from ..state_machine import ensure_transition

TRANSITIONS = {
    "ordered": frozenset({"shipped", "active", "blocked", "lost", "replaced", "expired"}),
    "shipped": frozenset({"active", "blocked", "lost", "replaced", "expired"}),
    "active": frozenset({"blocked", "lost", "replaced", "expired"}),
    "blocked": frozenset({"active", "lost", "replaced", "expired"}),
    "lost": frozenset({"active", "replaced"}),
    "expired": frozenset({"active", "replaced"}),
    "replaced": frozenset(),
}
# What a token in this state is answered at the station (OCPP AuthorizationStatus).
STATUS = {
    "ordered": "Invalid",
    "shipped": "Invalid",
    "active": "Accepted",
    "blocked": "Blocked",
    "lost": "Blocked",
    "replaced": "Blocked",
    "expired": "Expired",
}
BLOCK_REASONS = [
    ("clerk", "Decided by a clerk"),
    ("driver", "Wanted by the driver"),
    ("limit", "Monthly limit reached"),
    ("fraud", "Suspected misuse"),
    ("list", "Blocked by a list"),
]

# What PostgreSQL says of a UID that is taken: company, country code, party ID, UID.
_TAKEN = re.compile(r"=\((?P<company>\d+), (?P<country>[^,]*), (?P<party>[^,]*), (?P<uid>.*)\)")


class EmobilityToken(models.Model):
    """What a driver identifies with: a card, an app user, a contract in a car."""

    _name = "emobility.token"
    _description = "Charging Token"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    _rec_name = "uid"
    _rec_names_search = ["uid", "visual_number"]
    _check_company_auto = True

    uid = fields.Char(
        string="UID",
        required=True,
        index=True,
        copy=False,
        tracking=True,
        help="What the reader sends. Stored in upper case; cards and EMAIDs without separators.",
    )
    uid_pending = fields.Boolean(
        "UID Missing",
        readonly=True,
        copy=False,
        help="The card was ordered and is not made yet: enter its UID before it is sent.",
    )
    visual_number = fields.Char(index="btree_not_null", copy=False, help="The number printed on the card.")
    token_type = fields.Selection(
        [
            ("RFID", "RFID card"),
            ("APP_USER", "App user"),
            ("AD_HOC_USER", "Ad-hoc user"),
            ("EMAID", "EMAID (Plug & Charge)"),
            ("OTHER", "Other"),
        ],
        required=True,
        default="RFID",
    )
    label = fields.Char("Name", copy=False, help="What the driver calls it, for example the colour of the car.")
    is_autocharge = fields.Boolean(
        "Autocharge",
        help="The car identifies itself with the address (MAC) of its charging controller, which has 12 "
        "hexadecimal digits.",
    )
    cost_centre = fields.Char(
        tracking=True, help="For the sessions of this token. Empty: the cost centre of the contract."
    )
    monthly_limit = fields.Monetary(
        tracking=True,
        help="The token is blocked for the rest of the month when its sessions reach this amount. 0: no limit.",
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    ordered_on = fields.Date(default=fields.Date.context_today, readonly=True, copy=False)
    shipped_on = fields.Date(readonly=True, copy=False)
    tracking_ref = fields.Char("Shipment", copy=False, help="The number of the parcel or letter.")
    activated_on = fields.Date(
        readonly=True, copy=False, help="A token that was active once cannot be deleted: sessions point to it."
    )
    block_reason = fields.Selection(BLOCK_REASONS, readonly=True, copy=False, tracking=True)
    country_code = fields.Char(size=2, default=lambda self: self.env.company.emobility_country_code)
    party_id = fields.Char(
        string="Party ID",
        size=3,
        default=lambda self: self.env.company.emobility_party_id,
        help="With the country code: the provider that issued the token.",
    )
    contract_id = fields.Many2one(
        "contract.contract",
        string="Charging Contract",
        domain="[('is_charging', '=', True)]",
        index=True,
        check_company=True,
        ondelete="restrict",
        tracking=True,
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Driver",
        compute="_compute_partner_id",
        store=True,
        readonly=False,
        index=True,
        check_company=True,
        ondelete="restrict",
        tracking=True,
    )
    state = fields.Selection(
        [
            ("ordered", "Ordered"),
            ("shipped", "Shipped"),
            ("active", "Active"),
            ("blocked", "Blocked"),
            ("lost", "Lost"),
            ("replaced", "Replaced"),
            ("expired", "Expired"),
        ],
        required=True,
        default="ordered",
        index=True,
        copy=False,
        tracking=True,
    )
    valid_until = fields.Datetime(tracking=True, help="The token cannot charge from this moment on.")
    replaces_id = fields.Many2one(
        "emobility.token",
        index=True,
        copy=False,
        check_company=True,
        ondelete="restrict",
        help="The lost or broken token that this one takes the place of.",
    )
    replaced_by_ids = fields.One2many("emobility.token", "replaces_id")
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )

    # COALESCE: an empty value is a value here, while SQL takes two NULLs for different.
    _uid_uniq = models.UniqueIndex(
        "(company_id, COALESCE(country_code, ''), COALESCE(party_id, ''), uid)",
        "A token with this UID of this provider exists already.",
    )

    _monthly_limit_not_negative = models.Constraint(
        "CHECK (monthly_limit >= 0)", "The monthly limit of a token cannot be negative."
    )
    _replaces_uniq = models.UniqueIndex(
        "(replaces_id) WHERE replaces_id IS NOT NULL", "This token has been replaced by another one already."
    )

    @api.model
    def _sql_error_to_message(self, exc: psycopg2.Error) -> str:
        if exc.diag.constraint_name == "emobility_token_uid_uniq":
            taken = _TAKEN.search(exc.diag.message_detail or "")
            if taken:
                return self._taken_message(taken["uid"], int(taken["company"]), taken["country"], taken["party"])
        return super()._sql_error_to_message(exc)

    @api.model
    def _taken_message(self, uid: str, company_id: int, country: str, party: str) -> str:
        """Who has the UID already, for the person who typed it.

        Over JSON-2 it is not known any more who asks when the database has refused: then only the UID is named.
        """
        token = self.env.uid and self.search(
            [
                ("uid", "=", uid),
                ("company_id", "=", company_id),
                ("country_code", "=", country or False),
                ("party_id", "=", party or False),
            ],
            limit=1,
        )
        values = {"uid": uid, "provider": f"{country}*{party}" if party else self.env._("none")}
        if not token:
            return self.env._("There is a token with the UID %(uid)s (provider: %(provider)s) already.", **values)
        contract = token.contract_id
        if not contract:
            return self.env._(
                "There is a token with the UID %(uid)s (provider: %(provider)s) already; it has no contract.", **values
            )
        return self.env._(
            "There is a token with the UID %(uid)s (provider: %(provider)s) already; it belongs to the contract "
            "%(contract)s of %(customer)s.",
            contract=contract.emaid or contract.name,
            customer=contract.partner_id.display_name,
            **values,
        )

    @api.depends("uid", "visual_number", "label")
    def _compute_display_name(self) -> None:
        for token in self:
            name = token.visual_number or token.label
            token.display_name = f"{name} ({token.uid})" if name else token.uid or ""

    @api.depends("contract_id")
    def _compute_partner_id(self) -> None:
        for token in self:
            token.partner_id = token.partner_id or token.contract_id.partner_id

    @api.constrains("country_code", "party_id")
    def _check_provider(self) -> None:
        for token in self:
            if not token.country_code and not token.party_id:
                continue
            if not (
                COUNTRY_CODE.fullmatch(token.country_code or "") and PARTY_ID.fullmatch(token.party_id or "")
            ):
                raise ValidationError(
                    self.env._(
                        "The provider of token %(token)s needs a country code of two letters and a party "
                        "ID of three letters or digits.",
                        token=token.display_name,
                    )
                )

    @api.constrains("uid")
    def _check_uid(self) -> None:
        for token in self:
            # 36 characters: OCPI CiString(36), the longest of the protocols.
            if not 0 < len(token.uid) <= 36:
                raise ValidationError(self.env._("The UID of a token must have 1 to 36 characters."))

    @api.constrains("state", "uid_pending")
    def _check_uid_is_known(self) -> None:
        for token in self:
            if token.uid_pending and token.state in ("shipped", "active"):
                raise ValidationError(
                    self.env._(
                        "The card %(token)s was ordered, but has no UID yet: enter what its chip says first.",
                        token=token.display_name,
                    )
                )

    @api.constrains("is_autocharge", "uid")
    def _check_autocharge(self) -> None:
        for token in self:
            if token.is_autocharge and not MAC.fullmatch(token.uid):
                raise ValidationError(
                    self.env._(
                        "%(uid)s is not the address of a car: it has 12 hexadecimal digits, for example "
                        "00:1A:2B:3C:4D:5E.",
                        uid=token.uid,
                    )
                )

    @api.constrains("state", "valid_until")
    def _check_active_is_valid(self) -> None:
        for token in self:
            if token.state == "active" and token._is_past_validity():
                raise ValidationError(
                    self.env._(
                        "Token %(token)s was valid until %(date)s and cannot be active. Extend its "
                        "validity first.",
                        token=token.display_name,
                        date=token.valid_until,
                    )
                )

    @api.constrains("contract_id")
    def _check_contract_is_charging(self) -> None:
        for token in self:
            if token.contract_id and not token.contract_id.is_charging:
                raise ValidationError(
                    self.env._(
                        "%(contract)s is not a charging contract, so it cannot have tokens.",
                        contract=token.contract_id.display_name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list: list[dict]) -> models.BaseModel:
        default_type = self.default_get(["token_type"]).get("token_type") or "OTHER"
        tokens = super().create(
            [
                self._normalise_vals(
                    {"uid": "", **vals}, self._type_of(vals, vals.get("token_type") or default_type)
                )
                for vals in vals_list
            ]
        )
        tokens.replaces_id.write({"state": "replaced"})
        tokens._note_milestones()
        return tokens

    def write(self, vals: dict) -> bool:
        if "state" in vals:
            ensure_transition(self, "state", TRANSITIONS, vals["state"])
            if vals["state"] == "blocked":
                vals = {"block_reason": "clerk", **vals}
            else:
                vals = {**vals, "block_reason": False}
        if vals.get("uid"):
            vals = {"uid_pending": False, **vals}
        if not {"uid", "token_type", "is_autocharge"} & vals.keys():
            super().write(self._normalise_vals(vals, "OTHER"))
        else:
            for token in self:
                full = {"uid": token.uid, "is_autocharge": token.is_autocharge, **vals}
                token_type = self._type_of(full, full.get("token_type") or token.token_type)
                super(EmobilityToken, token).write(self._normalise_vals(full, token_type))
        if "state" in vals:
            self._note_milestones()
        return True

    @api.ondelete(at_uninstall=False)
    def _unlink_never_used(self) -> None:
        for token in self:
            if token.activated_on:
                raise UserError(
                    self.env._(
                        "Token %(token)s was in use: block it instead, so that its history is kept.",
                        token=token.display_name,
                    )
                )

    @api.model
    def _type_of(self, vals: dict, token_type: str) -> str:
        """The kind of UID that the values have, for its spelling."""
        return "AUTOCHARGE" if vals.get("is_autocharge") else token_type

    def _note_milestones(self) -> None:
        """Remember the days on which a token was sent and first became active; a card may have a fee."""
        today = fields.Date.context_today(self)
        shipped = self.filtered(lambda token: token.state == "shipped" and not token.shipped_on)
        active = self.filtered(lambda token: token.state == "active" and not token.activated_on)
        shipped.write({"shipped_on": today})
        for token in shipped:
            token._charge_card_fee()
        active.write({"activated_on": today})

    @api.model
    def _order_card(self, contract: models.BaseModel, driver: models.BaseModel, label: str | None) -> models.BaseModel:
        """Order a card: its UID is entered when it is made. :raises UserError: when the contract is not in use"""
        if contract.charging_state != "active":
            raise UserError(
                self.env._("Cards can be ordered only for an active contract.")
            )
        return self.create(
            {
                "uid": self.env["ir.sequence"].sudo().next_by_code("emobility.token.order"),
                "uid_pending": True,
                "token_type": "RFID",
                "contract_id": contract.id,
                "partner_id": (driver or contract.partner_id).id,
                "label": label,
                "company_id": contract.company_id.id,
                "country_code": contract.company_id.emobility_country_code,
                "party_id": contract.company_id.emobility_party_id,
            }
        )

    def _charge_card_fee(self) -> None:
        """The card fee of the plan, when the customer has had the free cards already."""
        self.ensure_one()
        contract = self.contract_id
        plan = contract.plan_id
        if self.token_type != "RFID" or not plan.plan_card_fee:
            return
        sent = self.search_count(
            [("contract_id", "=", contract.id), ("token_type", "=", "RFID"), ("shipped_on", "!=", False)]
        )
        if sent > plan.plan_free_cards:
            contract._add_fee(
                plan.plan_card_fee, "emobility_crm.product_card_fee", self.visual_number or self.uid
            )

    @api.model
    def _normalise_vals(self, vals: dict, token_type: str) -> dict:
        """Return `vals` with the UID and the provider in the form in which they are compared."""
        result = dict(vals)
        if "uid" in result:
            result["uid"] = normalise_uid(result["uid"], token_type)
        for name in {"country_code", "party_id"} & result.keys():
            result[name] = normalise_code(result[name]) or False
        return result

    @api.model
    def _find_by_uid(self, uid: str, company: models.BaseModel) -> "EmobilityToken":
        """Return the token that a station or partner means by `uid`, or an empty recordset.

        UIDs are unique only for one provider. Between several, the exact spelling comes first, then a token
        of the company itself, then an active one. When that leaves two, nobody can know who pays: the result
        is empty.
        """
        known = self.env.context.get("emobility_tokens_by_uid", {})
        if (company.id, uid) in known:
            return self.browse(known[company.id, uid])
        return self._find_by_uids([uid], company)[uid]

    @api.model
    def _find_by_uids(self, uids: Iterable[str], company: models.BaseModel) -> dict[str, "EmobilityToken"]:
        """What `_find_by_uid` returns for each of many, with one look-up."""
        spellings = {uid: self._spellings(uid, company) for uid in uids}
        wanted = set().union(*spellings.values())
        found = self.search([("company_id", "=", company.id), ("uid", "in", list(wanted))]) if wanted else self.browse()
        by_uid = found.grouped("uid")
        return {
            uid: self._best_of(uid, self.browse().union(*(by_uid[each] for each in own if each in by_uid)))
            for uid, own in spellings.items()
        }

    @api.model
    def _knowing(self, uids: dict[models.BaseModel, Iterable[str]]) -> dict:
        """Context in which `_find_by_uid` knows these UIDs, by company, without looking them up one by one."""
        known = {
            (company.id, uid): token.id or False
            for company, wanted in uids.items()
            for uid, token in self._find_by_uids(wanted, company).items()
        }
        return {"emobility_tokens_by_uid": {**self.env.context.get("emobility_tokens_by_uid", {}), **known}}

    @api.model
    def _spellings(self, uid: str, company: models.BaseModel) -> set[str]:
        card = normalise_uid(uid, "RFID")
        spellings = {normalise_uid(uid, "OTHER"), card, normalise_uid(uid, "AUTOCHARGE")} - {""}
        if spellings and company.emobility_match_reversed_uid:
            spellings.add(reversed_bytes(card))
        return spellings

    @api.model
    def _best_of(self, uid: str, found: models.BaseModel) -> "EmobilityToken":
        exact = normalise_uid(uid, "OTHER")

        def rank(token: EmobilityToken) -> tuple[bool, bool, bool]:
            return token.uid == exact, token._is_own(), token.state == "active"

        best = max(map(rank, found), default=None)
        tokens = found.filtered(lambda token: rank(token) == best)
        return tokens if len(tokens) == 1 else self.browse()

    @api.model
    def _accepted_in(self, company: models.BaseModel) -> Domain:
        """Which tokens the stations of the company have to know: those of its customers and of its partners."""
        return Domain("company_id", "=", company.id)

    def _accepting_companies(self) -> models.BaseModel:
        """The companies whose stations have to know these tokens."""
        return self.company_id

    def _acceptance_changed(self) -> None:
        """Where these tokens may charge has changed. What tells the stations extends this."""

    def _authorization_status(self) -> str:
        """Return 'Accepted', 'Blocked', 'Expired' or 'Invalid' (OCPP AuthorizationStatus) for now.

        The state of the token decides first, then its validity, then the contract that pays. An empty
        recordset (a token that nobody knows) is 'Invalid'.
        """
        if not self:
            return "Invalid"
        self.ensure_one()
        if self.state != "active":
            return STATUS[self.state]
        if self._is_past_validity():
            return "Expired"
        if self.contract_id:
            return self.contract_id._token_authorization_status()
        return "Invalid" if self._requires_contract() else "Accepted"

    def _station_status(self) -> str:
        """What a station is told about the token: as `_authorization_status`, or that somebody has to be asked.

        'Ask': each time, and without an answer it may not charge. 'AskOnline': without an answer it may.
        """
        return self._authorization_status()

    @api.model
    def _asks_about_unknown(self, company: models.BaseModel) -> bool:
        """Whether somebody wants to be asked about tokens that are not known here."""
        return False

    @api.model
    def _asks_about_unknown_changed(self, company: models.BaseModel) -> None:
        """What tells the stations extends this."""

    @api.model
    def _authorize_at(
        self, uid: str, company: models.BaseModel, location: models.BaseModel, evse: models.BaseModel
    ) -> dict[str, str | bool]:
        """Decide on a token while a station waits; what asks providers extends this.

        :param evse: empty when the station did not say
        :return: `status` as of `_authorization_status`, or 'Unavailable' when who decides cannot be reached; `type`
            of the token and `reference` of the decision, or False
        """
        token = self._find_by_uid(uid, company)
        return {"status": token._authorization_status(), "type": token.token_type, "reference": False}

    def _requires_contract(self) -> bool:
        """Whether only a contract can pay. Ad-hoc users pay at once; providers pay for their tokens."""
        self.ensure_one()
        return self.token_type != "AD_HOC_USER" and self._is_own()

    def _is_own(self) -> bool:
        """Whether this company issued the token."""
        self.ensure_one()
        if not self.party_id:
            return True
        company = self.company_id
        own = company.emobility_country_code, company.emobility_party_id
        return (self.country_code, self.party_id) == own

    def _is_past_validity(self) -> bool:
        self.ensure_one()
        return bool(self.valid_until) and self.valid_until <= fields.Datetime.now()

    @api.model
    def _cron_expire(self) -> None:
        """Show tokens as expired that are past their validity. (Stations refuse them already.)"""
        self.search(
            [
                ("state", "in", ["ordered", "shipped", "active", "blocked"]),
                ("valid_until", "<=", fields.Datetime.now()),
            ]
        ).write({"state": "expired"})

    def action_ship(self) -> None:
        """Note that these tokens were sent to their drivers, who activate them when they arrive."""
        self.write({"state": "shipped"})

    def action_activate(self) -> None:
        """Let these tokens charge, if their contract is active too."""
        self.write({"state": "active"})

    def action_block(self) -> None:
        """Stop these tokens from charging until they are activated again."""
        self._block("clerk")

    def _block(self, reason: str) -> None:
        """:param reason: one of BLOCK_REASONS"""
        self.write({"state": "blocked", "block_reason": reason})

    def _unblock_from(self, reason: str) -> None:
        """Activate those of these tokens that are blocked for this reason, and for no other."""
        self.filtered(lambda t: t.state == "blocked" and t.block_reason == reason).action_activate()

    def action_report_lost(self) -> None:
        """Stop these tokens from charging, because the driver lost them."""
        self.write({"state": "lost"})

    def action_replace(self) -> dict:
        """Return the form of a new token that takes the place of this one; saving it ends this one."""
        self.ensure_one()
        if self.replaced_by_ids:
            raise UserError(
                self.env._(
                    "%(token)s has been replaced by %(other)s already.",
                    token=self.display_name,
                    other=self.replaced_by_ids.display_name,
                )
            )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Replace %(token)s", token=self.display_name),
            "res_model": "emobility.token",
            "view_mode": "form",
            "context": {
                "default_replaces_id": self.id,
                "default_contract_id": self.contract_id.id,
                "default_partner_id": self.partner_id.id,
                "default_token_type": self.token_type,
                "default_label": self.label,
                "default_cost_centre": self.cost_centre,
                "default_monthly_limit": self.monthly_limit,
                "default_country_code": self.country_code,
                "default_party_id": self.party_id,
                "default_company_id": self.company_id.id,
            },
        }
