import json
import re
from datetime import datetime, timedelta
from typing import Any, Self

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command, Domain

from ..password import hash_password, new_password

# identifierString of OCPP 2.0.1 without the colon, which HTTP basic authentication cannot have in a user name.
_IDENTITY = re.compile(r"[A-Za-z0-9*\-_=+|@.]{1,48}")
# What the bridge has to know; a change of anything else need not be replicated.
_REPLICATED = {
    "identity",
    "password_hash",
    "accepted",
    "offline_policy",
    "security_profile",
    "active",
    "company_id",
    "driver_tariffs",
    "tariff_policy",
}


class EmobilityStation(models.Model):
    """A charging station as OCPP knows it: one controller with one WebSocket, and one or more EVSEs."""

    _name = "emobility.station"
    _description = "Charging Station"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _rec_name = "identity"
    _order = "identity"
    _check_company_auto = True

    identity = fields.Char(
        required=True,
        copy=False,
        tracking=True,
        help="The last part of the address that the station connects to; at the same time its user name.",
    )
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    location_id = fields.Many2one(
        "emobility.location",
        required=True,
        index=True,
        check_company=True,
        ondelete="restrict",
        tracking=True,
    )
    evse_ids = fields.One2many("emobility.evse", "station_id", string="EVSEs")
    evse_count = fields.Integer(compute="_compute_evse_count")
    accepted = fields.Boolean(
        copy=False,
        tracking=True,
        help="A station that is not accepted can connect, but its boot is not accepted and nobody can charge.",
    )
    offline_policy = fields.Selection(
        [
            ("accept_known", "Accept tokens that are known"),
            ("accept_all", "Accept every token"),
            ("reject", "Accept no token"),
        ],
        required=True,
        default="accept_known",
        tracking=True,
        help="How the bridge decides about tokens when it could not reach Odoo for longer than its limit.",
    )
    security_profile = fields.Selection(
        [("1", "1: password"), ("2", "2: password within TLS"), ("3", "3: certificate within TLS")],
        required=True,
        default="1",
        tracking=True,
        help="How the station has to prove who it is. The bridge refuses every other way.",
    )
    shows_costs = fields.Boolean(
        "Costs on the Display",
        tracking=True,
        help="Tell the station what its sessions cost: OCPP 1.6 with the cost messages of the Open Charge Alliance, "
        "OCPP 2 with CostUpdated. Only for stations that can show it.",
    )
    cost_interval = fields.Integer(
        "Seconds between Costs", default=60, required=True, help="How often a running session tells its cost at most."
    )
    certificate_ids = fields.One2many("emobility.station.certificate", "station_id", string="Certificates")
    installed_certificate_ids = fields.One2many(
        "emobility.station.installed.certificate", "station_id", string="Installed Root Certificates"
    )
    outage_ids = fields.One2many("emobility.station.outage", "station_id", string="Outages")
    day_ids = fields.One2many("emobility.station.day", "station_id", string="Days")
    uptime_month = fields.Float(
        "Uptime of 30 Days (%)", compute="_compute_uptime_month", digits=(5, 2), help="How long it was connected."
    )
    has_alarm = fields.Boolean(compute="_compute_has_alarm", search="_search_has_alarm")
    live_session_ids = fields.One2many("emobility.session", compute="_compute_live_session_ids")
    live_session_count = fields.Integer(compute="_compute_live_session_ids")
    setting_ids = fields.One2many("emobility.station.setting", "station_id", string="Settings")
    settings_at = fields.Datetime("Configuration Read At", readonly=True, copy=False)
    last_error = fields.Char(readonly=True, copy=False)
    last_error_at = fields.Datetime(readonly=True, copy=False)
    # Neither readable by clerks nor exported: a hash is still something to guess passwords from.
    password_hash = fields.Char(readonly=True, copy=False, groups="base.group_system")
    password_set_at = fields.Datetime(readonly=True, copy=False)

    connection_state = fields.Selection(
        [("never", "Never connected"), ("online", "Online"), ("offline", "Offline")],
        required=True,
        default="never",
        readonly=True,
        copy=False,
        index=True,
    )
    connection_at = fields.Datetime("Connected or Lost At", readonly=True, copy=False)
    first_connected_at = fields.Datetime(readonly=True, copy=False)
    last_seen = fields.Datetime(readonly=True, copy=False)
    booted_at = fields.Datetime(readonly=True, copy=False)
    remote_address = fields.Char(readonly=True, copy=False)
    vendor = fields.Char(readonly=True, copy=False)
    model = fields.Char(readonly=True, copy=False)
    serial = fields.Char("Serial Number", readonly=True, copy=False)
    firmware = fields.Char(readonly=True, copy=False)
    ocpp_version = fields.Char("OCPP Version", readonly=True, copy=False)
    status = fields.Char(readonly=True, copy=False, help="What the station reports of itself as a whole.")
    status_at = fields.Datetime(readonly=True, copy=False)

    _identity_unique = models.Constraint(
        "UNIQUE (identity)", "There is already a station with this identity."
    )

    @api.depends("evse_ids")
    def _compute_evse_count(self) -> None:
        for station in self:
            station.evse_count = len(station.evse_ids)

    @api.depends("day_ids.online_seconds", "day_ids.known_seconds")
    def _compute_uptime_month(self) -> None:
        since = fields.Date.today() - timedelta(days=30)
        sums = {
            station: (online, known)
            for station, online, known in self.env["emobility.station.day"]._read_group(
                [("station_id", "in", self.ids), ("day", ">=", since)],
                ["station_id"],
                ["online_seconds:sum", "known_seconds:sum"],
            )
        }
        for station in self:
            online, known = sums.get(station, (0, 0))
            station.uptime_month = 100.0 * online / known if known else 0.0

    def _compute_live_session_ids(self) -> None:
        sessions = self.env["emobility.session"]
        if sessions.has_access("read"):
            sessions = sessions.search([("evse_id.station_id", "in", self.ids), ("state", "=", "live")])
        by_station = sessions.grouped(lambda session: session.evse_id.station_id)
        for station in self:
            station.live_session_ids = by_station.get(station, sessions.browse())
            station.live_session_count = len(station.live_session_ids)

    def _compute_has_alarm(self) -> None:
        alarm = self.env.ref("emobility_ocpp.mail_activity_station_alarm")
        for station in self:
            station.has_alarm = alarm in station.activity_ids.activity_type_id

    @api.model
    def _search_has_alarm(self, operator: str, value: Any) -> Any:
        if operator != "in":
            return NotImplemented
        alarm = self.env.ref("emobility_ocpp.mail_activity_station_alarm")
        return Domain("activity_ids.activity_type_id", "in", alarm.ids)

    @api.constrains("cost_interval")
    def _check_cost_interval(self) -> None:
        if any(station.cost_interval < 10 for station in self):
            raise ValidationError(self.env._("A station is told the cost at most every 10 seconds."))

    @api.constrains("identity")
    def _check_identity(self) -> None:
        for station in self:
            if not _IDENTITY.fullmatch(station.identity):
                raise ValidationError(
                    self.env._(
                        "“%(identity)s” is not a possible identity of a station: it has 1 to 48 characters, which are "
                        "letters, digits or any of * - _ = + | @ .",
                        identity=station.identity,
                    )
                )

    # --- replication to the bridge ---

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> Self:
        stations = super().create(vals_list)
        stations._record_ocpp_change()
        return stations

    def write(self, vals: dict[str, Any]) -> bool:
        replicated = bool(vals.keys() & _REPLICATED)
        if replicated:
            self._record_ocpp_change()
        result = super().write(vals)
        if replicated:
            self._record_ocpp_change()
        return result

    def unlink(self) -> bool:
        self._record_ocpp_change()
        return super().unlink()

    def _record_ocpp_change(self) -> None:
        self.env["emobility.ocpp.change"].sudo()._record(
            "station", [(station.company_id.id, station.identity) for station in self.sudo()]
        )

    @api.model
    def _ocpp_list(self, company: models.Model, identities: list[str] | None) -> list[dict[str, Any]]:
        """Stations as the bridge wants them: all of the company, or those named; gone ones are not accepted."""
        domain = [("company_id", "=", company.id)]
        if identities is not None:
            domain.append(("identity", "in", identities))
        stations = self.search(domain)
        known = set(stations.mapped("identity"))
        gone = [identity for identity in identities or [] if identity not in known]
        return [station._ocpp_values() for station in stations] + [
            {"identity": identity, "password_hash": "", "accepted": False, "offline_policy": "reject"}
            for identity in gone
        ]

    def _ocpp_values(self) -> dict[str, Any]:
        self.ensure_one()
        return {
            "identity": self.identity,
            "password_hash": self.password_hash or "",
            "accepted": self.accepted,
            "offline_policy": self.offline_policy,
            "security_profile": int(self.security_profile),
            "certificates": self.env["emobility.station.certificate"]._values_for_bridge(self),
            "tariffs": (self.driver_tariffs or {}) if self._computes_costs() else {},
        }

    # --- actions of people ---

    def action_new_password(self) -> dict[str, Any]:
        """Give the station a new random password and show it, once: only a hash is stored."""
        self.ensure_one()
        self._check_technician()
        password = new_password()
        self.sudo().write(
            {"password_hash": hash_password(password), "password_set_at": fields.Datetime.now()}
        )
        self.message_post(body=self.env._("The station has a new password."))
        return self.env["emobility.secret.show"]._action_show(
            self.env._("Password of the Station"), self.identity, password
        )

    def action_accept(self) -> None:
        """Let the stations charge."""
        self._check_technician()
        self.write({"accepted": True})

    def action_revoke(self) -> None:
        """Take the stations out of service for new sessions."""
        self._check_technician()
        self.write({"accepted": False})

    def _check_technician(self) -> None:
        self.check_access("write")
        if not self.env.su and not self.env.user.has_group("emobility_crm.group_technician"):
            raise AccessError(self.env._("Only a technician or a manager of e-mobility may do this with a station."))

    def action_command(self) -> dict[str, Any]:
        """Ask what the stations shall do."""
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_ocpp.station_command_wizard_action")
        return action | {"context": {"default_station_ids": self.ids}}

    def action_commission(self) -> dict[str, Any]:
        """Show what an installer enters at the station, and what the station has done so far."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_ocpp.commissioning_wizard_action")
        return action | {"context": {"default_station_id": self.id, "dialog_size": "extra-large"}}

    def action_open_messages(self) -> dict[str, Any]:
        """The log of what the bridge delivered from this station."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_ocpp.emobility_ocpp_message_action")
        return action | {"domain": [("station_id", "=", self.id)], "context": {}}

    def action_firmware_campaign(self) -> dict[str, Any]:
        """A new campaign for these stations."""
        self._check_technician()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Firmware Campaign"),
            "res_model": "emobility.firmware.campaign",
            "view_mode": "form",
            "context": {"default_line_ids": [Command.create({"station_id": station.id}) for station in self]},
        }

    def action_open_outages(self) -> dict[str, Any]:
        """When the station was not connected."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_ocpp.emobility_station_outage_action")
        return action | {"domain": [("station_id", "=", self.id)], "context": {}}

    def action_open_live_sessions(self) -> dict[str, Any]:
        """The sessions that run at the station now."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_billing.action_session")
        return action | {"domain": [("id", "in", self.live_session_ids.ids)], "context": {}}

    def action_show_frames(self) -> dict[str, Any]:
        """Fetch the raw messages of the station from the bridge; nothing is sent to the station."""
        self.ensure_one()
        self._check_technician()
        command = self.env["emobility.command"].sudo()._request(self, "frames", {"limit": 200})
        return command._action_open()

    # --- live views ---

    def _tell_views(self) -> None:
        """Open lists and forms of these stations read them anew, once this is committed."""
        for company, stations in self.grouped("company_id").items():
            self.env["bus.bus"]._sendone(
                f"emobility_stations_{company.id}", "emobility_station_changed", {"ids": stations.ids}
            )

    @api.model
    def get_health(self) -> dict[str, Any]:
        """Counts for the dashboard, of the companies that the user has chosen."""
        self.check_access("read")
        domain = Domain("company_id", "in", self.env.companies.ids)
        states = dict(self._read_group(domain & Domain("accepted", "=", True), ["connection_state"], ["__count"]))
        faulted = Domain("station_id", "any", domain) & Domain("ocpp_status", "=", "Faulted")
        since = fields.Date.today() - timedelta(days=30)
        days = self.env["emobility.station.day"]._read_group(
            domain & Domain("day", ">=", since),
            ["day:day"],
            ["online_seconds:sum", "known_seconds:sum"],
            order="day:day",
        )
        online, known = sum(day[1] for day in days), sum(day[2] for day in days)
        return {
            "online": states.get("online", 0),
            "offline": states.get("offline", 0),
            "never": states.get("never", 0),
            "not_accepted": self.search_count(domain & Domain("accepted", "=", False)),
            "faulted": self.env["emobility.evse"].search_count(faulted),
            "alarms": self.search_count(domain & Domain("has_alarm", "=", True)),
            "unknown": self.env["emobility.station.unknown"].search_count(domain),
            "failed_messages": self.env["emobility.ocpp.message"].search_count(
                domain & Domain("state", "in", ("error", "attention"))
            ),
            "uptime": round(100.0 * online / known, 2) if known else False,
            "days": [
                {"day": fields.Date.to_string(day), "uptime": round(100.0 * up / total, 2) if total else False}
                for day, up, total in days
            ],
        }

    # --- what the bridge reports ---

    def _reported(self, keys: tuple[str, ...]) -> dict[str, str]:
        """Settings as the station reported them last; without those that it did not report."""
        settings = self.env["emobility.station.setting"].sudo().search(
            [("station_id", "in", self.ids), ("key", "in", keys)]
        )
        return {setting.key: setting.value or "" for setting in settings}

    def _apply_seen(self, at: datetime) -> None:
        """Note that the station was heard at ``at`` (naive UTC). A clock that is ahead does not count."""
        seen = min(at, fields.Datetime.now())
        for station in self:
            if not station.last_seen or station.last_seen < seen:
                station.last_seen = seen

    def _apply_boot(self, at: datetime, payload: dict[str, Any]) -> None:
        self.ensure_one()
        if self.booted_at and self.booted_at > at:
            return
        values = {key: payload.get(key) or False for key in ("vendor", "model", "serial", "firmware")}
        self.write(values | {"ocpp_version": payload.get("ocpp") or self.ocpp_version, "booted_at": at})
        self._tell_views()
        self.env["emobility.firmware.campaign.line"]._note_boot(self)

    def _apply_connection(self, at: datetime, payload: dict[str, Any], online: bool) -> None:
        self.ensure_one()
        if self.connection_at and self.connection_at > at:
            return
        values = {"connection_state": "online" if online else "offline", "connection_at": at}
        if payload.get("ocpp"):
            values["ocpp_version"] = payload["ocpp"]
        if payload.get("remote_address"):
            values["remote_address"] = payload["remote_address"]
        self.env["emobility.station.outage"]._note(self, at, online)
        self.write(values)
        self._tell_views()

    def _apply_progress(self, at: datetime, payload: dict[str, Any]) -> None:
        """A firmware update or an upload has come further, or failed."""
        self.ensure_one()
        if payload["subject"] == "firmware":
            self.env["emobility.firmware.campaign.line"]._note_progress(self, payload["status"], payload.get("number"))
        elif payload["status"] not in ("Idle", "Uploading"):
            self.message_post(body=self.env._("Upload of a log: %(status)s", status=payload["status"]))

    def _apply_notice(self, subject: str, content: dict[str, Any]) -> None:
        """What a person asked for, or what the station says of reservations, to be read in its chatter; a limit of
        the power, of which there may be many, concerns its sessions."""
        self.ensure_one()
        if subject in ("charging_limit", "charging_limit_cleared"):
            # Another system limits the power, such as that of the building, or does so no more.
            self._live_sessions(content.get("evseId"))._limits_changed()
            return
        titles = {
            "customer_information": self.env._("What the station stores of a customer"),
            "display_messages": self.env._("Texts on the display"),
            "monitoring": self.env._("Monitors"),
            "settlement": self.env._("Payment at the station"),
            "charging_profiles": self.env._("Charging profiles"),
            "reservation": self.env._("A reservation has ended at the station"),
        }
        text = json.dumps(content, indent=1, ensure_ascii=False)
        self.message_post(body=Markup("<p>%s</p><pre>%s</pre>") % (titles.get(subject, subject), text))

    def _live_sessions(self, number: object = None) -> models.Model:
        """Sessions under way at the EVSE with this OCPP number; without one, or with 0, at the whole station."""
        evses = self.evse_ids.filtered(lambda evse: not number or evse.ocpp_evse_number == number)
        return self.env["emobility.session"].sudo().search([("evse_id", "in", evses.ids), ("state", "=", "live")])

    def _apply_settlement(self, at: datetime, payload: dict[str, Any]) -> None:
        """What a terminal in the station took from a card. Who books such payments extends this."""
        self._apply_notice("settlement", payload)

    def _apply_configuration(self, at: datetime, settings: list[dict[str, Any]]) -> None:
        """Take over settings that the station reported; one that is not among them stays."""
        self.ensure_one()
        self.env["emobility.station.setting"].sudo()._take_over(self, at, settings)
        self.settings_at = at

    def _apply_error(self, at: datetime, text: str) -> None:
        """Note what is wrong with the station, and ask its people to look, once until they have."""
        self.ensure_one()
        if self.last_error_at and self.last_error_at > at:
            return
        self.write({"last_error": text, "last_error_at": at})
        self._tell_views()
        alarm = self.env.ref("emobility_ocpp.mail_activity_station_alarm")
        if not self.activity_ids.filtered(lambda activity: activity.activity_type_id == alarm):
            self.activity_schedule(
                "emobility_ocpp.mail_activity_station_alarm",
                summary=text,
                user_id=self._alarm_user().id,
            )

    def _alarm_user(self) -> models.Model:
        """Who follows the station, else the person who made it, else a technician of the company."""
        station = self.sudo()
        technicians = station.env.ref("emobility_crm.group_technician").all_user_ids.filtered(
            lambda user: station.company_id in user.company_ids
        )
        # A station that was imported was made by nobody who reads activities.
        people = (station.message_partner_ids.user_ids + station.create_uid + technicians).filtered("active")
        return people[:1] or station.create_uid

    def _apply_status(self, at: datetime, status: str) -> None:
        self.ensure_one()
        if not self.status_at or self.status_at <= at:
            self.write({"status": status, "status_at": at})
            self._tell_views()
