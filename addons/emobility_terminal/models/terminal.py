from __future__ import annotations

import hmac
import secrets
import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import email_normalize

from odoo.addons.emobility_adhoc.price_sheet import UNITS

from ..terminal_messages import Authorization, Heartbeat, TerminalError, key_digest
from .payment_provider import CODE

SEEN_EVERY = timedelta(minutes=1)
# After so long without an answer a person should look what became of the order.
ORDER_PATIENCE = timedelta(hours=1)


class EmobilityTerminal(models.Model):
    """A card terminal beside charging points. It calls us: nothing here knows how to reach it.

    What it holds is a transaction of an ad-hoc session, so that starting, charging and the money go the same way as
    from the web page; only captures and releases wait for the terminal to fetch them.
    """

    _name = "emobility.terminal"
    _description = "Card terminal"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "name, id"
    _check_company_auto = True

    name = fields.Char(required=True, tracking=True, help="How your people call it.")
    identity = fields.Char(
        "Terminal ID", required=True, copy=False, default=lambda self: str(uuid.uuid4()), size=36,
        help="Identifies the terminal in messages (OCPI terminal_id)."
    )  # fmt: skip
    serial = fields.Char("Serial number", tracking=True, size=36)
    active = fields.Boolean(default=True, tracking=True, help="An archived terminal is refused.")
    company_id = fields.Many2one("res.company", required=True, index=True, default=lambda self: self.env.company)
    provider_id = fields.Many2one(
        "payment.provider", "Payment provider", required=True, check_company=True, ondelete="restrict",
        domain=[("code", "=", CODE)], tracking=True, help="Says where its payments are booked.",
        default=lambda self: self._default_provider()
    )  # fmt: skip
    evse_ids = fields.Many2many(
        "emobility.evse", string="EVSEs", check_company=True, help="What can be paid for at this terminal."
    )
    location_ids = fields.Many2many("emobility.location", string="Locations", compute="_compute_location_ids")
    station_id = fields.Many2one(
        "emobility.station", "Built into", check_company=True, ondelete="restrict", index="btree_not_null", copy=False,
        help="The station whose own terminal this is: it tells of payments by OCPP 2.1, and needs no key."
    )  # fmt: skip
    user_id = fields.Many2one("res.users", "Responsible", help="Is asked to look when the terminal is silent.")
    key_hash = fields.Char(readonly=True, copy=False, groups="base.group_system")
    key_set_at = fields.Datetime("Key since", readonly=True, copy=False, tracking=True)
    state = fields.Selection(
        [("new", "Never Seen"), ("online", "Online"), ("fault", "Fault"), ("silent", "Silent")],
        required=True, readonly=True, default="new", copy=False, index=True, tracking=True
    )  # fmt: skip
    last_seen = fields.Datetime(readonly=True, copy=False)
    silent_after = fields.Integer("Silent after (minutes)", default=15, required=True)
    fault = fields.Char("What is wrong", readonly=True, copy=False)
    model = fields.Char("Make and model", readonly=True, copy=False)
    firmware = fields.Char(readonly=True, copy=False)
    order_ids = fields.One2many("emobility.terminal.order", "terminal_id", "Orders", readonly=True)
    adhoc_ids = fields.One2many("emobility.adhoc.session", "terminal_id", "Ad-hoc sessions", readonly=True)
    open_order_count = fields.Integer("Open orders", compute="_compute_open_order_count")
    adhoc_count = fields.Integer("Sessions", compute="_compute_adhoc_count")

    _identity_unique = models.UniqueIndex("(identity)", "Another terminal has this ID.")
    _key_unique = models.UniqueIndex("(key_hash) WHERE key_hash IS NOT NULL", "Another terminal has this key.")
    _station_unique = models.UniqueIndex(
        "(station_id) WHERE station_id IS NOT NULL", "The terminal of this station is known already."
    )
    _patience = models.Constraint("CHECK (silent_after > 0)", "A terminal may be silent for a minute at least.")

    def _default_provider(self) -> Any:
        """Only administrators see providers; whoever makes a terminal may use the one of the company."""
        providers = self.env["payment.provider"].sudo()
        return providers.search([("code", "=", CODE), ("company_id", "=", self.env.company.id)], limit=1).id

    @api.depends("evse_ids.location_id")
    def _compute_location_ids(self) -> None:
        for terminal in self:
            terminal.location_ids = terminal.evse_ids.location_id

    def _compute_open_order_count(self) -> None:
        counts = dict(
            self.env["emobility.terminal.order"]._read_group(
                [("terminal_id", "in", self.ids), ("state", "in", ("waiting", "sent"))], ["terminal_id"], ["__count"]
            )
        )
        for terminal in self:
            terminal.open_order_count = counts.get(terminal, 0)

    def _compute_adhoc_count(self) -> None:
        counts = dict(
            self.env["emobility.adhoc.session"]._read_group(
                [("terminal_id", "in", self.ids)], ["terminal_id"], ["__count"]
            )
        )
        for terminal in self:
            terminal.adhoc_count = counts.get(terminal, 0)

    # Key

    @api.model
    def _find_by_key(self, key: str) -> EmobilityTerminal:
        """The terminal with this key, in its company; none when there is none or it is archived."""
        if not key:
            return self.browse()
        digest = key_digest(key)
        found = self.sudo().search([("key_hash", "=", digest)], limit=1)
        if not found or not hmac.compare_digest(found.key_hash, digest):
            return self.browse()
        return found.with_company(found.company_id)

    def _new_key(self) -> str:
        key = secrets.token_urlsafe(32)
        self.sudo().write({"key_hash": key_digest(key), "key_set_at": fields.Datetime.now()})
        return key

    def action_new_key(self) -> dict[str, Any]:
        """Give the terminal a new key and show it, once: only a hash is stored. The old one is refused from now on."""
        self.ensure_one()
        self.check_access("write")
        return self.env["emobility.secret.show"]._action_show(
            self.env._("Key of the Terminal"), self.name, self._new_key()
        )

    # Health

    def _seen(self) -> None:
        """It called: it is there again."""
        now = fields.Datetime.now()
        if self.state in ("new", "silent"):
            self.write({"state": "fault" if self.fault else "online", "last_seen": now})
            self.activity_feedback(["emobility_terminal.mail_activity_terminal_silent"])
        elif not self.last_seen or self.last_seen <= now - SEEN_EVERY:
            self.last_seen = now

    def _beat(self, told: Heartbeat) -> dict[str, Any]:
        is_well = told.status == "OK"
        values = {
            "state": "online" if is_well else "fault",
            "fault": False if is_well else told.message or self.env._("The terminal reports a fault."),
            "model": told.model or self.model,
            "firmware": told.firmware or self.firmware,
        }
        if not is_well and self.state != "fault":
            self._ask_to_look(values["fault"])
        elif is_well and self.state == "fault":
            self.activity_feedback(["emobility_terminal.mail_activity_terminal_silent"])
        self.write({name: value for name, value in values.items() if value != self[name]})
        return {"terminal_id": self.identity, "orders": self.open_order_count}

    def _ask_to_look(self, text: str) -> None:
        """One activity at a time."""
        kind = self.env.ref("emobility_terminal.mail_activity_terminal_silent")
        if not self.activity_ids.filtered(lambda activity: activity.activity_type_id == kind):
            user = self.user_id or self.create_uid
            self.activity_schedule(kind.get_external_id()[kind.id], summary=text, user_id=user.id)

    @api.model
    def _cron_watch(self) -> None:
        """Terminals that fell silent, and orders that nobody answers."""
        now = fields.Datetime.now()
        for terminal in self.sudo().search([("state", "in", ("online", "fault"))]):
            if terminal.last_seen < now - timedelta(minutes=terminal.silent_after):
                terminal.state = "silent"
                terminal._ask_to_look(self.env._("No sign of life since %s UTC.", terminal.last_seen))
        self.env["emobility.terminal.order"]._flag_unanswered(now - ORDER_PATIENCE)

    # What the terminal asks and tells

    def _to_ocpi(self) -> dict[str, Any]:
        company = self.company_id
        return {
            "terminal_id": self.identity,
            "reference": self.serial or None,
            "party_id": company.emobility_party_id or None,
            "country_code": company.emobility_country_code or None,
            "invoice_creator": "CPO",
            # Whole locations and single EVSEs add up in OCPI: what is assigned here are EVSEs.
            "location_ids": [],
            "evse_uids": sorted(self.evse_ids.mapped("uid")),
            "last_updated": f"{self.write_date.isoformat(timespec='seconds')}Z",
        }

    def _describe_evses(self, lang: str) -> list[dict[str, Any]]:
        language = self._language(lang)
        return [self._describe_evse(evse, language) for evse in self.evse_ids.with_context(lang=language).sorted("uid")]

    def _language(self, lang: str) -> str:
        """The installed language that is meant; else that of the company."""
        installed = [code for code, _name in self.env["res.lang"].sudo().get_installed()]
        fits = [code for code in installed if lang and code[:2] == lang[:2].lower()]
        return fits[0] if fits else self.company_id.partner_id.lang or installed[0]

    def _describe_evse(self, evse: Any, lang: str) -> dict[str, Any]:
        """What AFIR wants to be seen before paying: per kWh, per minute, per session, anything else."""
        sheet = evse._adhoc_sheet(lang=lang)
        known = {
            "evse_uid": evse.uid,
            "evse_id": evse.evse_id or None,
            "name": evse.physical_reference or evse.display_name,
            "location": evse.location_id.name,
            "connectors": [
                {"standard": one.standard, "power_type": one.power_type, "max_power_kw": one.max_power_kw}
                for one in evse.connector_ids
            ],
        }
        if sheet is None:
            return known | {"available": False, "prices": [], "other": []}
        return known | {
            "available": evse._adhoc_is_available() and not evse._adhoc_is_taken(),
            "price_id": self._price_id(evse),
            "currency": sheet.currency,
            "tax_included": sheet.tax_included,
            "preauthorize_amount": f"{0 if sheet.is_free else evse._adhoc_hold():.2f}",
            "prices": [
                {
                    "kind": line.kind,
                    "price": str(line.price),
                    "unit": UNITS[line.kind],
                    "text": sheet.price_text(line, lang),
                    "note": line.note,
                }
                for line in sheet.lines
            ],
            "other": list(sheet.other),
        }

    def _price_id(self, evse: Any) -> str:
        """The same for the same prices, in whichever language they were shown."""
        return evse._adhoc_sheet(lang="en").fingerprint()

    def _adhoc_of(self, reference: str) -> Any:
        return self.env["emobility.adhoc.session"].sudo().search(
            [("terminal_id", "=", self.id), ("terminal_reference", "=", reference)]
        )

    def _adhoc_known(self, reference: str) -> Any:
        """:raises TerminalError: when this terminal has told of no such pre-authorisation"""
        adhoc = self._adhoc_of(reference)
        if not adhoc:
            raise TerminalError(404, "UNKNOWN_REFERENCE", "No such authorization.")
        return adhoc

    def _order_known(self, uid: str) -> Any:
        """:raises TerminalError: when this terminal has no such order"""
        order = self.env["emobility.terminal.order"].sudo().search([("terminal_id", "=", self.id), ("uid", "=", uid)])
        if not order:
            raise TerminalError(404, "UNKNOWN_ORDER", "No such order.")
        return order

    def _hand_out_orders(self) -> list[dict[str, Any]]:
        orders = self.env["emobility.terminal.order"].sudo()
        open_orders = orders.search([("terminal_id", "=", self.id), ("state", "in", ("waiting", "sent"))])
        growing = self.env["emobility.adhoc.session"].sudo().search(
            [("terminal_id", "=", self.id), ("state", "=", "charging"), ("terminal_increase_to", ">", 0)]
        )
        return [*open_orders._hand_out(), *(adhoc._increase_order() for adhoc in growing)]

    def _authorise(self, told: Authorization) -> Any:
        """The card is pre-authorised: from here on it goes as from the web page. Returns the ad-hoc session.

        :raises TerminalError: when nothing can be sold for it; the terminal then cancels by itself
        """
        known = self._adhoc_of(told.authorization_reference)
        if known:
            is_same = known.evse_id.uid == told.evse_uid and Decimal(str(known.hold_amount)) == told.amount
            if not is_same:
                raise TerminalError(409, "REFERENCE_USED", "This reference is that of another authorization.")
            return known
        evse = self.evse_ids.filtered(lambda one: one.uid == told.evse_uid)
        self._check_sellable(evse, told)
        digest = told.card_hash and self.env["emobility.adhoc.block"]._digest(told.card_hash)
        if self.env["emobility.adhoc.block"]._is_blocked(digest, self.company_id):
            raise TerminalError(409, "CARD_BLOCKED", "This card cannot be used here.")
        adhoc = self.env["emobility.adhoc.session"]._check_out(
            evse, email=email_normalize(told.email) or None, lang=self._language(told.lang), client=self.identity
        )
        adhoc.write(
            {
                "terminal_id": self.id,
                "terminal_reference": told.authorization_reference,
                "terminal_card": told.card or False,
                "card_digest": digest or False,
                "terminal_can_increase": told.can_increase,
                "hold_amount": float(told.amount),
            }
        )
        if adhoc.kind == "paid":
            self._make_hold(adhoc)
        return adhoc

    def _check_sellable(self, evse: Any, told: Authorization) -> None:
        if not evse:
            raise TerminalError(404, "UNKNOWN_EVSE", "This terminal has no such EVSE.")
        if self.provider_id.state == "disabled":
            raise TerminalError(409, "DISABLED", "Payments at terminals are switched off.")
        sheet = evse._adhoc_sheet()
        if sheet is None:
            raise TerminalError(409, "NO_PRICE", "This EVSE cannot be used without a contract.")
        if self._price_id(evse) != told.price_id:
            raise TerminalError(409, "PRICE_CHANGED", "The price is another one now: show it first.")
        if told.currency != sheet.currency:
            raise TerminalError(422, "INVALID", f"The currency is {sheet.currency}.")
        if sheet.is_free != (told.amount == 0):
            raise TerminalError(422, "INVALID", "The amount does not fit the price.")

    def _make_hold(self, adhoc: Any) -> None:
        transactions = self.env["payment.transaction"].sudo()
        hold = transactions.create(
            {
                "provider_id": self.provider_id.id,
                "payment_method_id": self.env.ref("payment.payment_method_card").id,
                "reference": transactions._compute_reference(CODE, prefix=adhoc.name),
                "provider_reference": adhoc.terminal_reference,
                "amount": adhoc.hold_amount,
                "currency_id": adhoc.currency_id.id,
                "partner_id": adhoc.company_id._adhoc_payer().id,
                "operation": "online_direct",
                "adhoc_id": adhoc.id,
            }
        )
        hold._set_authorized()

    # Terminals that nobody gives orders to

    def _settles_alone(self) -> bool:
        """Whether it captures and releases by itself, when it sees that the session is over."""
        return bool(self.station_id)

    # Buttons

    def action_open_orders(self) -> dict[str, Any]:
        """The orders to this terminal."""
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_terminal.action_terminal_order")
        return action | {"domain": [("terminal_id", "in", self.ids)], "context": {}}

    def action_open_sessions(self) -> dict[str, Any]:
        """The ad-hoc sessions that were paid here."""
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_adhoc.action_adhoc_session")
        return action | {"domain": [("terminal_id", "in", self.ids)], "context": {}}

    @api.ondelete(at_uninstall=False)
    def _unlink_unless_used(self) -> None:
        if self.sudo().adhoc_ids:
            raise UserError(self.env._("Somebody has paid at this terminal: archive it."))
