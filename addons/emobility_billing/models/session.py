from __future__ import annotations

import logging
from typing import Any

from markupsafe import Markup

from odoo import api, fields, models

from ..cost_curve import chart, cost_over_time, energy_over_time
from ..rating import RatingError
from .session_event import SOURCE_LABELS

_logger = logging.getLogger(__name__)

ENERGY_DIGITS = (16, 3)
OPEN_STATES = ("live", "ended", "held")


class EmobilitySession(models.Model):
    """A charging session: live, then ended, then a CDR. It is derived from the set of its events."""

    _name = "emobility.session"
    _inherit = ["emobility.guarded", "portal.mixin", "mail.thread", "mail.activity.mixin"]
    _description = "Charging session"
    _order = "start_at desc, id desc"
    _rec_name = "uid"
    _check_company_auto = True
    _guard_editable = frozenset({"contract_id", "evse_id", "connector_id", "access_token"})

    uid = fields.Char("Session ID", required=True, readonly=True)
    source = fields.Selection(list(SOURCE_LABELS.items()), required=True, readonly=True)
    state = fields.Selection(
        [("live", "Charging"), ("ended", "Ended"), ("held", "Held"), ("done", "Done"), ("void", "Void")],
        required=True,
        readonly=True,
        tracking=True,
        index=True,
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    evse_id = fields.Many2one("emobility.evse", "EVSE", index=True, check_company=True)
    connector_id = fields.Many2one("emobility.connector", index=True, domain="[('evse_id', '=', evse_id)]")
    location_id = fields.Many2one(related="evse_id.location_id", store=True, index=True)
    token_uid = fields.Char("Token", readonly=True, index=True)
    token_id = fields.Many2one(
        "emobility.token", "Known token", readonly=True, index=True, check_company=True
    )
    contract_id = fields.Many2one(
        "contract.contract",
        index=True,
        check_company=True,
        domain="[('is_charging', '=', True)]",
        help="Who charged. Found by the token; set it by hand on a session that nobody is to pay.",
    )
    partner_id = fields.Many2one(
        "res.partner", "Payer", compute="_compute_partner_id", store=True, index=True, compute_sudo=True
    )
    start_at = fields.Datetime(readonly=True, index=True)
    end_at = fields.Datetime(readonly=True, index=True)
    unplugged_at = fields.Datetime(readonly=True)
    last_event_at = fields.Datetime(readonly=True)
    duration = fields.Float("Duration (h)", compute="_compute_duration")
    energy_kwh = fields.Float("Energy (kWh)", digits=ENERGY_DIGITS, readonly=True)
    end_reason = fields.Char(readonly=True)
    remote_ref = fields.Char("Remote start reference", readonly=True, index="btree_not_null")
    notes = fields.Json(
        readonly=True, help="What was repaired while the session was derived from its events."
    )
    event_count = fields.Integer(readonly=True)
    settle_at = fields.Datetime("To be billed from", readonly=True, index="btree_not_null")
    tariff_version_id = fields.Many2one("emobility.tariff.version", "Tariff", readonly=True, index=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    amount_estimated = fields.Monetary("Cost so far", readonly=True)
    energy_picture = fields.Html("Energy over time", compute="_compute_pictures", sanitize=False)
    cost_picture = fields.Html("Cost over time", compute="_compute_pictures", sanitize=False)
    event_ids = fields.One2many("emobility.session.event", "session_id", "Events")
    hold_ids = fields.One2many("emobility.hold", "session_id", "Holds")
    open_hold_count = fields.Integer(compute="_compute_open_hold_count")
    is_flagged = fields.Boolean(
        "In Doubt",
        compute="_compute_is_flagged",
        store=True,
        index=True,
        help="Something about it is not decided yet: it must not cause a payment by itself.",
    )
    cdr_ids = fields.One2many("emobility.cdr", "session_id", "CDRs")
    cdr_count = fields.Integer(compute="_compute_cdr_count")

    _source_uid_unique = models.UniqueIndex("(source, uid)", "This session is known already.")

    # Computed fields

    @api.depends("contract_id.partner_id", "contract_id.invoice_partner_id")
    def _compute_partner_id(self) -> None:
        for session in self:
            contract = session.contract_id
            session.partner_id = contract.invoice_partner_id or contract.partner_id

    @api.depends("start_at", "end_at", "last_event_at")
    def _compute_duration(self) -> None:
        for session in self:
            end = session.end_at or session.last_event_at
            known = session.start_at and end and end > session.start_at
            session.duration = (end - session.start_at).total_seconds() / 3600 if known else 0.0

    @api.depends("event_count", "tariff_version_id")
    def _compute_pictures(self) -> None:
        derived = self.sudo()._derive()
        for session in self:
            session.energy_picture = session.cost_picture = False
            known = derived.get(session.id)
            facts = known and known.facts(session.location_id.time_zone or "UTC")
            if not facts or facts.released == facts.start:
                continue
            session.energy_picture = Markup(chart(energy_over_time(facts), facts.zone, facts.end, "kWh"))
            version = session.sudo().tariff_version_id
            if version:
                try:
                    points = cost_over_time(session.sudo()._payable_until(facts), version._engine_tariff(), facts)
                except RatingError as error:
                    _logger.info("Session %s has no cost curve: %s", session.uid, error)
                    continue
                session.cost_picture = Markup(chart(points, facts.zone, facts.end, version.currency_id.name))

    @api.depends("hold_ids.state")
    def _compute_open_hold_count(self) -> None:
        counts = dict(
            self.env["emobility.hold"]._read_group(
                [("session_id", "in", self.ids), ("state", "=", "open")], ["session_id"], ["__count"]
            )
        )
        for session in self:
            session.open_hold_count = counts.get(session, 0)

    @api.depends("hold_ids.state")
    def _compute_is_flagged(self) -> None:
        for session in self:
            session.is_flagged = any(hold.state == "open" for hold in session.hold_ids)

    @api.depends("cdr_ids")
    def _compute_cdr_count(self) -> None:
        counts = dict(
            self.env["emobility.cdr"]._read_group(
                [("session_id", "in", self.ids)], ["session_id"], ["__count"]
            )
        )
        for session in self:
            session.cdr_count = counts.get(session, 0)

    def _compute_access_url(self) -> None:
        for session in self:
            session.access_url = f"/my/charging/sessions/{session.id}"

    # Buttons

    def action_process(self) -> None:
        """Look at the session now instead of waiting for the cable or the next run."""
        self.check_access("write")
        for session in self.sudo()._as_system():
            if session.state in ("ended", "held"):
                session.settle_at = fields.Datetime.now()
                session._process()

    def action_open_holds(self) -> dict[str, Any]:
        """Holds of these sessions."""
        return self._window("emobility.hold", [("session_id", "in", self.ids)], self.env._("Holds"))

    def action_open_cdrs(self) -> dict[str, Any]:
        """CDRs of these sessions."""
        return self._window("emobility.cdr", [("session_id", "in", self.ids)], self.env._("CDRs"))

    def _window(self, model: str, domain: list[Any], name: str) -> dict[str, Any]:
        records = self.env[model].search(domain, limit=2)
        action = {"type": "ir.actions.act_window", "res_model": model, "name": name, "domain": domain}
        if len(records) == 1:
            return action | {"view_mode": "form", "res_id": records.id}
        return action | {"view_mode": "list,form"}
