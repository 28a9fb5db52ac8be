from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from odoo import api, fields, models
from odoo.exceptions import LockError, UserError
from odoo.tools import SQL

from odoo.addons.emobility_billing.jobs import SOON, enqueue
from odoo.addons.emobility_billing.models.session import ENERGY_DIGITS
from odoo.addons.emobility_billing.rating import RatingError, SessionFacts
from odoo.addons.emobility_billing.rating.facts import Reading
from odoo.addons.queue_job.exception import RetryableJobError

from ..price_sheet import PriceSheet, price_sheet

# In these states the charging point is taken by somebody who has paid a hold.
ACTIVE = ("held", "starting", "charging")
FINAL = ("settled", "released")
CHECKOUT_HOURS = 2
TOKEN_HOURS = 72
WATCH_MINUTES = 5
END_REASONS = {
    "start_failed": "The charging point did not start.",
    "start_timeout": "Charging did not begin in time.",
    "not_available": "The charging point is not available.",
    "nothing": "No energy flowed.",
    "cancelled": "Cancelled by the customer.",
    "abandoned": "The payment was not completed.",
    "card_blocked": "This card cannot be used here. Please contact us.",
    "hold_lost": "The payment provider gave the hold up.",
}


class EmobilityAdhocSession(models.Model):
    """Somebody charges without a contract: from the hold on a card to the receipt.

    draft -> held -> starting -> charging -> ended -> settled, and -> released from wherever nothing is to be paid.
    Each step is a method that looks at what is, under a lock, and does what is missing. So it does not matter how
    often it is called, by whom and in which order: a webhook, a station, a job, the browser or the cron.
    """

    _name = "emobility.adhoc.session"
    _description = "Ad-hoc session"
    _inherit = ["emobility.guarded", "mail.thread"]
    _order = "id desc"
    _check_company_auto = True
    _guard_editable: ClassVar[frozenset[str]] = frozenset()

    name = fields.Char(required=True, readonly=True, copy=False)
    access_token = fields.Char(
        required=True,
        readonly=True,
        copy=False,
        groups="base.group_system",
        default=lambda self: secrets.token_urlsafe(24),
    )
    state = fields.Selection(
        [
            ("draft", "Paying"),
            ("held", "Paid for"),
            ("starting", "Starting"),
            ("charging", "Charging"),
            ("ended", "Ended"),
            ("settled", "Settled"),
            ("released", "Nothing charged"),
        ],
        required=True,
        readonly=True,
        default="draft",
        index=True,
        tracking=True,
    )
    kind = fields.Selection(
        [("paid", "Card"), ("voucher", "Voucher"), ("free", "Free")], required=True, readonly=True, default="paid"
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    evse_id = fields.Many2one(
        "emobility.evse", "EVSE", required=True, readonly=True, index=True, check_company=True, ondelete="restrict"
    )
    location_id = fields.Many2one(related="evse_id.location_id", store=True, index=True)
    tariff_version_id = fields.Many2one(
        "emobility.tariff.version", "Tariff", required=True, readonly=True, index=True, ondelete="restrict",
        help="The prices that the customer saw before paying."
    )  # fmt: skip
    currency_id = fields.Many2one(related="tariff_version_id.currency_id", store=True)
    voucher_id = fields.Many2one("emobility.adhoc.voucher", readonly=True, index="btree_not_null", check_company=True)
    email = fields.Char(readonly=True, help="Where the receipt goes. Not needed to charge.")
    lang = fields.Char("Language", readonly=True)
    client = fields.Char(readonly=True, index=True, help="Digest of the network address, to recognise misuse.")
    hold_amount = fields.Monetary("To hold", readonly=True)
    transaction_id = fields.Many2one(
        "payment.transaction", "Hold", readonly=True, index="btree_not_null", ondelete="restrict"
    )
    transaction_ids = fields.One2many("payment.transaction", "adhoc_id", "Transactions", readonly=True)
    token_id = fields.Many2one("emobility.token", readonly=True, index="btree_not_null", ondelete="restrict")
    session_id = fields.Many2one("emobility.session", readonly=True, index="btree_not_null", ondelete="restrict")
    move_id = fields.Many2one(
        "account.move", "Receipt", readonly=True, index="btree_not_null", ondelete="restrict", check_company=True
    )
    amount_held = fields.Monetary("Held", compute="_compute_amounts", store=True)
    amount_due = fields.Monetary("Due", readonly=True)
    amount_captured = fields.Monetary("Charged", compute="_compute_amounts", store=True)
    amount_claim = fields.Monetary(
        "Claim", readonly=True, help="Due, and more than was held: to be collected in another way."
    )
    start_by = fields.Datetime(readonly=True, index="btree_not_null")
    ended_reason = fields.Selection(
        list(END_REASONS.items()), "Why nothing was charged", readonly=True
    )
    stop_requested_at = fields.Datetime(readonly=True)
    stopped_by = fields.Selection([("customer", "Customer"), ("limit", "Limit of the hold")], readonly=True)
    energy_kwh = fields.Float(related="session_id.energy_kwh", digits=ENERGY_DIGITS, string="Energy (kWh)")
    amount_estimated = fields.Monetary(related="session_id.amount_estimated", string="Cost so far")
    power_kw = fields.Float("Power (kW)", readonly=True, digits=(16, 1))
    attention = fields.Selection(
        [
            ("claim", "Costs more than was held"),
            ("capture_failed", "Could not be charged"),
            ("release_failed", "Hold could not be released"),
            ("late_start", "Charged after the hold was released"),
        ],
        "Work list",
        readonly=True,
        index="btree_not_null",
        tracking=True,
    )
    attempts = fields.Integer("Failed attempts", readonly=True)

    _name_unique = models.UniqueIndex("(name)", "This number exists already.")
    _token_unique = models.UniqueIndex("(access_token)", "This session link exists already.")
    _one_per_evse = models.UniqueIndex(
        "(evse_id) WHERE state IN ('held', 'starting', 'charging')", "The charging point is in use."
    )
    _one_per_session = models.UniqueIndex(
        "(session_id) WHERE session_id IS NOT NULL", "The charging session is paid for already."
    )

    @api.depends("transaction_id.state", "transaction_id.amount", "transaction_id.child_transaction_ids.state",
                 "transaction_id.child_transaction_ids.amount")  # fmt: skip
    def _compute_amounts(self) -> None:
        for adhoc in self:
            hold = adhoc.sudo().transaction_id
            adhoc.amount_held = hold.amount if hold.state in ("authorized", "done") else 0.0
            adhoc.amount_captured = sum(
                child.amount for child in hold.child_transaction_ids if child.state == "done"
            )

    # Checkout

    @api.model
    def _check_out(
        self, evse: Any, *, email: str | None, lang: str, client: str, voucher: Any = None
    ) -> EmobilityAdhocSession:
        """A customer wants to charge here, at the price that is shown. What is free starts at once.

        :raises UserError: when the charging point has no price for walk-ups
        """
        evse = evse.sudo()
        version = evse._adhoc_version()
        sheet = evse._adhoc_sheet_of(version)
        if sheet is None:
            raise UserError(self.env._("This charging point cannot be used without a contract."))
        version._freeze()
        kind = "voucher" if voucher else "free" if sheet.is_free else "paid"
        adhoc = self.sudo()._as_system().create(
            {
                "name": self.env["ir.sequence"].with_company(evse.company_id).sudo().next_by_code(self._name),
                "company_id": evse.company_id.id,
                "evse_id": evse.id,
                "tariff_version_id": version.id,
                "kind": kind,
                "voucher_id": voucher.id if voucher else False,
                "email": (email or "").strip()[:254] or False,
                "lang": lang,
                "client": client,
                "hold_amount": evse._adhoc_hold() if kind == "paid" else 0.0,
            }
        )
        if kind != "paid":
            adhoc._enqueue("payment")._on_payment()
        return adhoc

    def _enqueue(self, step: str, *, eta: datetime | None = None) -> Any:
        """A job for one step; the customer waits for it."""
        self.ensure_one()
        clean = self.sudo()._as_system()
        return enqueue(
            clean, f"emobility.adhoc:{self.id}:{step}:{'later' if eta else 'now'}",
            self.env._("Ad-hoc session %s", self.name), eta=eta, priority=SOON,
        )  # fmt: skip

    def _locked(self, *, wait: bool = False) -> EmobilityAdhocSession:
        """These rows, writable, as they are now and as nobody else can change them.

        :param wait: a person does not come again in some seconds, as a job does
        :raises RetryableJobError: when somebody else changes them, and it is not waited for
        """
        adhoc = self.sudo()._as_system()
        try:
            if wait:
                self.env.cr.execute(
                    SQL("SELECT id FROM emobility_adhoc_session WHERE id IN %s FOR NO KEY UPDATE", tuple(self.ids))
                )
            adhoc.lock_for_update()
        except LockError:
            raise RetryableJobError("The ad-hoc session is being changed at this moment.", seconds=3) from None
        adhoc.invalidate_recordset()
        return adhoc

    def _on_payment(self) -> None:
        """Job: something happened to a transaction. Take the first hold, give back any other."""
        adhoc = self._locked()
        holds = adhoc.transaction_ids.filtered(lambda tx: not tx.source_transaction_id and tx.state == "authorized")
        if adhoc.state == "draft" and (holds or adhoc.kind != "paid"):
            adhoc._take_hold(holds.sorted("id")[:1])
        for extra in holds - adhoc.transaction_id:
            adhoc._give_back(extra)
        if adhoc.state in ACTIVE and adhoc.transaction_id.state in ("cancel", "error"):
            adhoc._on_hold_lost()
        if adhoc.state == "ended" and adhoc._captures("done"):
            adhoc._enqueue("capture")._capture_due()
        adhoc._notify()

    def _take_hold(self, hold: Any) -> None:
        if hold and hold.company_id != self.company_id:
            # F68: money never goes to another company than the one that sells.
            self._give_back(hold)
            return
        self.transaction_id = hold
        if self._note_card(hold._emobility_card() if hold else ""):
            self._release("card_blocked")
            return
        others = self.search_count([("evse_id", "=", self.evse_id.id), ("state", "in", ACTIVE)])
        if others or not self.evse_id._adhoc_is_available():
            self._release("not_available")
            return
        self.state = "held"
        self._request_start()

    def _on_hold_lost(self) -> None:
        if self.state == "charging":
            self._request_stop("limit")
        else:
            self._release("hold_lost")

    # Charging

    def _request_start(self) -> None:
        """Let the station start, with a token that is good for this session only."""
        now = fields.Datetime.now()
        # The provider of the token is the company that sells, whoever runs the job.
        self.token_id = self.env["emobility.token"].with_company(self.company_id).create(
            {
                "uid": f"AH{secrets.token_hex(8)}".upper(),
                "token_type": "AD_HOC_USER",
                "state": "active",
                "valid_until": now + timedelta(hours=TOKEN_HOURS),
                "company_id": self.company_id.id,
                "adhoc_id": self.id,
            }
        )
        self.write({"state": "starting", "start_by": now + timedelta(minutes=self.company_id.adhoc_start_minutes)})
        self._ask_to_start()
        self._enqueue("start_by", eta=self.start_by)._check_start()

    def _ask_to_start(self) -> None:
        """Ask the charging point. Whoever operates it in another way extends this."""
        self.evse_id._start_remotely(self.token_id)

    def _ask_to_stop(self, session: Any) -> None:
        """Ask the charging point to end the session. Whoever operates it in another way extends this."""
        session._stop_remotely()

    def _on_command(self, result: str) -> None:
        """Job: what the station said to the start. Only a session that begins says that it charges."""
        adhoc = self._locked()
        if adhoc.state == "starting" and result != "accepted":
            adhoc._release("start_failed")

    def _check_start(self) -> None:
        """Job: nothing has begun in time: the customer gets the money back (F60)."""
        adhoc = self._locked()
        if adhoc.state == "starting" and not adhoc.session_id and adhoc.start_by <= fields.Datetime.now():
            adhoc._release("start_timeout")

    def _on_session(self) -> None:
        """Job: the charging session has news."""
        adhoc = self._locked()
        sessions = self.env["emobility.session"].sudo().search([("adhoc_id", "=", adhoc.id)], order="id")
        if not adhoc.session_id:
            adhoc.session_id = sessions[:1]
        session = adhoc.session_id
        if not session:
            return
        unpaid = sessions if adhoc.state == "released" else sessions - session
        if unpaid.filtered(lambda one: one.state != "void"):
            # It begins after all, or once more, and nobody pays: stop it, and let a person look at what flowed.
            adhoc.attention = "late_start"
            for one in unpaid.filtered(lambda one: one.state == "live" and one._can_stop_remotely()):
                adhoc._ask_to_stop(one)
        if adhoc.state in ("held", "starting"):
            adhoc.write({"state": "charging", "start_by": False})
        if adhoc.state == "charging":
            adhoc.power_kw = adhoc._power_now()
            if session.state == "live":
                adhoc._watch_limit()
            else:
                adhoc.write({"state": "ended", "power_kw": 0.0})
                adhoc.token_id.state = "expired"
        adhoc._notify()

    def _facts(self) -> SessionFacts | None:
        derived = self.session_id.sudo()._derive().get(self.session_id.id)
        return derived and derived.facts(self.location_id.time_zone or "UTC")

    def _power_now(self) -> float:
        """Between the last two readings."""
        facts = self._facts()
        if not facts or len(facts.readings) < 2:
            return 0.0
        before, last = facts.readings[-2:]
        hours = Decimal((last.at - before.at).total_seconds()) / 3600
        return float((last.energy_kwh - before.energy_kwh) / hours) if hours else 0.0

    def _watch_limit(self) -> None:
        """Increase the hold, or stop, before the session costs more than is held (F59)."""
        if self.kind == "free" or self.stop_requested_at:
            return
        ahead = self._cost_ahead()
        if ahead is None or self.currency_id.compare_amounts(ahead, self._limit()) < 0:
            return
        if self.kind == "paid" and self._increase_hold(ahead):
            return
        self._request_stop("limit")

    def _limit(self) -> float:
        return self.voucher_id.amount_left if self.kind == "voucher" else self.transaction_id.amount

    def _cost_ahead(self) -> float | None:
        """What the session costs, by the engine, if it goes on at full power for the time that a stop takes."""
        facts = self._facts()
        if facts is None:
            return None
        lead = timedelta(seconds=self.company_id.adhoc_lead_seconds)
        until = max(facts.end, datetime.now(UTC)) + lead
        power = max(self.evse_id.connector_ids.mapped("max_power_kw"), default=0.0)
        hours = Decimal((until - facts.end).total_seconds()) / 3600
        more = (Decimal(str(power)) * hours).quantize(Decimal("0.001"))
        register = facts.readings[-1].energy_kwh if facts.readings else Decimal(0)
        first = () if facts.readings else (Reading(facts.start, Decimal(0)),)
        later = replace(
            facts, end=until, unplugged=None, energy_kwh=facts.energy_kwh + more,
            readings=(*first, *facts.readings, Reading(until, register + more)),
        )  # fmt: skip
        try:
            return float(self.tariff_version_id._price(later).total)
        except RatingError:
            return None

    def _increase_hold(self, ahead: float) -> bool:
        """Hold as much again as at the start, up to the highest hold."""
        most = self.company_id.adhoc_hold_max
        wanted = min(max(self.transaction_id.amount + self.hold_amount, ahead), most)
        if self.currency_id.compare_amounts(wanted, ahead) <= 0:
            return False
        return self.transaction_id._emobility_increase_hold(self.currency_id.round(wanted))

    def _request_stop(self, by: str) -> None:
        """Ask the station to stop, once; it may be asked again when it did not."""
        session = self.session_id
        if session.state == "live" and session._can_stop_remotely():
            self._ask_to_stop(session)
            self.write({"stop_requested_at": fields.Datetime.now(), "stopped_by": by})

    def _stop_by_customer(self) -> None:
        adhoc = self._locked()
        if adhoc.state == "charging":
            adhoc._request_stop("customer")
        elif adhoc.state in ("draft", "held", "starting"):
            adhoc._release("cancelled")
        adhoc._notify()

    # What the customer sees

    def _sheet(self) -> PriceSheet:
        """The prices of this session, as they were shown before paying."""
        return price_sheet(self.tariff_version_id._engine_tariff(), self.env.lang or "en")

    def _channel(self) -> str:
        """Where news of this session is pushed; nobody can guess it."""
        return f"emobility_adhoc/{self.sudo().access_token}"

    def _session_path(self) -> str:
        return f"/charge/session/{self.sudo().access_token}"

    def _session_url(self) -> str:
        """The customer's own link: whoever has it sees this session and nothing else."""
        return self.sudo().evse_id._adhoc_host() + self._session_path()

    def _notify(self) -> None:
        for adhoc in self:
            adhoc.env["bus.bus"]._sendone(adhoc._channel(), "emobility_adhoc", adhoc._public_status())

    def _public_status(self) -> dict[str, Any]:
        """What the page of the session shows while it goes on."""
        self.ensure_one()
        session = self.session_id
        end = session.end_at or fields.Datetime.now()
        return {
            "state": self.state,
            "energy_kwh": f"{session.energy_kwh:.3f}",
            "power_kw": f"{self.power_kw:.1f}",
            "amount": f"{(self.amount_due if self.state in FINAL else session.amount_estimated):.2f}",
            "seconds": int((end - session.start_at).total_seconds()) if session.start_at else 0,
            "stopping": bool(self.stop_requested_at),
        }

    # Periodic work

    @api.model
    def _cron_watch(self) -> None:
        """Everything that a lost job, a restart or a silent station left undone. Also: time that costs money."""
        now = fields.Datetime.now()
        system = self.sudo()._as_system()
        late = system.search([("state", "=", "starting"), ("start_by", "<=", now)])
        old = system.search(
            [("state", "=", "draft"), ("create_date", "<", now - timedelta(hours=CHECKOUT_HOURS))], limit=500
        )
        unseen = system.search([("state", "=", "draft"), ("transaction_ids.state", "=", "authorized")])
        charging = system.search([("state", "=", "charging")])
        ended = system.search([("state", "=", "ended"), ("session_id.state", "in", ("done", "void"))])
        for records, step in (
            (unseen, "_on_payment"),
            (late, "_check_start"),
            (charging, "_check_charging"),
            (ended, "_finish"),
            (old - unseen, "_abandon"),
        ):
            for adhoc in records:
                getattr(adhoc._enqueue(f"cron{step}"), step)()

    def _check_charging(self) -> None:
        """Job: a stop that did nothing is repeated, and costs by time are watched."""
        adhoc = self._locked()
        if adhoc.state != "charging":
            return
        if adhoc.session_id.state != "live":
            adhoc._on_session()
            return
        patience = timedelta(minutes=WATCH_MINUTES)
        if adhoc.stop_requested_at and adhoc.stop_requested_at < fields.Datetime.now() - patience:
            adhoc._request_stop(adhoc.stopped_by)
        adhoc._watch_limit()

    def _abandon(self) -> None:
        """Job: nobody completed the payment."""
        adhoc = self._locked()
        if adhoc.state == "draft":
            adhoc._release("abandoned")

    # Buttons

    def action_close_attention(self) -> None:
        """Take it off the work list: a person has seen to it."""
        self.check_access("read")
        if not self.env.su and not self.env.user.has_group("emobility_crm.group_user"):
            raise UserError(self.env._("You may not close ad-hoc sessions."))
        for adhoc in self.filtered("attention"):
            label = dict(adhoc._fields["attention"]._description_selection(self.env))[adhoc.attention]
            adhoc.sudo()._as_system().attention = False
            adhoc.sudo().message_post(
                body=self.env._("Closed: %(reason)s (%(user)s).", reason=label, user=self.env.user.name)
            )

    def action_retry(self) -> None:
        """Try again what failed: charge, or release."""
        self.check_access("read")
        if not self.env.su and not self.env.user.has_group("emobility_crm.group_user"):
            raise UserError(self.env._("You may not charge ad-hoc sessions."))
        for adhoc in self.sudo()._as_system():
            adhoc.attempts = 0
            adhoc._enqueue("retry")._finish()

    def action_open_session(self) -> dict[str, Any]:
        """The charging session."""
        return self.session_id._window(
            "emobility.session", [("id", "in", self.session_id.ids)], self.env._("Charging session")
        )

    def action_open_move(self) -> dict[str, Any]:
        """The receipt."""
        return self.session_id._window("account.move", [("id", "in", self.move_id.ids)], self.env._("Receipt"))
