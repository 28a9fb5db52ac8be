import re
from datetime import datetime
from typing import Any, Self

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError

from ..password import hash_password, new_password

# identifierString of OCPP 2.0.1 without the colon, which HTTP basic authentication cannot have in a user name.
_IDENTITY = re.compile(r"[A-Za-z0-9*\-_=+|@.]{1,48}")
# What the bridge has to know; a change of anything else need not be replicated.
_REPLICATED = {"identity", "password_hash", "accepted", "offline_policy", "security_profile", "active", "company_id"}


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
    certificate_ids = fields.One2many("emobility.station.certificate", "station_id", string="Certificates")
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
        return action | {"context": {"default_station_id": self.id}}

    def action_open_messages(self) -> dict[str, Any]:
        """The log of what the bridge delivered from this station."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_ocpp.emobility_ocpp_message_action")
        return action | {"domain": [("station_id", "=", self.id)], "context": {}}

    # --- what the bridge reports ---

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

    def _apply_connection(self, at: datetime, payload: dict[str, Any], online: bool) -> None:
        self.ensure_one()
        if self.connection_at and self.connection_at > at:
            return
        values = {"connection_state": "online" if online else "offline", "connection_at": at}
        if payload.get("ocpp"):
            values["ocpp_version"] = payload["ocpp"]
        if payload.get("remote_address"):
            values["remote_address"] = payload["remote_address"]
        self.write(values)

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
        alarm = self.env.ref("emobility_ocpp.mail_activity_station_alarm")
        if not self.activity_ids.filtered(lambda activity: activity.activity_type_id == alarm):
            self.activity_schedule(
                "emobility_ocpp.mail_activity_station_alarm",
                summary=text,
                user_id=self.message_partner_ids.user_ids[:1].id or self.create_uid.id,
            )

    def _apply_status(self, at: datetime, status: str) -> None:
        self.ensure_one()
        if not self.status_at or self.status_at <= at:
            self.write({"status": status, "status_at": at})
