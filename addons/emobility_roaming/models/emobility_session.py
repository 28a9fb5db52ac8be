from __future__ import annotations

from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.emobility_billing.charging_schedule import ChargingSchedule

from ..ocpi.internal import Party

_TOLD = frozenset({"state", "energy_kwh", "end_at", "start_at", "token_id", "evse_id", "last_event_at"})


class EmobilitySession(models.Model):
    _inherit = "emobility.session"

    roaming_partner_id = fields.Many2one(
        "emobility.roaming.partner",
        compute="_compute_roaming_partner_id",
        store=True,
        index=True,
        compute_sudo=True,
        help="The operator of the station, or the provider of the driver, when it is a roaming partner.",
    )
    authorization_reference = fields.Char(readonly=True, copy=False)
    roaming_limits = fields.Json("Limits of the Power", readonly=True, copy=False, help="In the words of OCPI.")
    roaming_limits_text = fields.Char("Power Limits", compute="_compute_roaming_limits_text")
    can_send_limits = fields.Boolean(compute="_compute_can_send_limits")
    partner_cdr_ids = fields.One2many("emobility.roaming.cdr", "session_id", "CDRs of the Partner")

    @api.depends("location_id.roaming_partner_id", "token_id.roaming_partner_id")
    def _compute_roaming_partner_id(self) -> None:
        for session in self:
            session.roaming_partner_id = (
                session.location_id.roaming_partner_id or session.token_id.roaming_partner_id
            )

    @api.depends("roaming_limits")
    def _compute_roaming_limits_text(self) -> None:
        for session in self:
            session.roaming_limits_text = limits_text(self.env, session.roaming_limits or {})

    @api.depends("state", "source", "roaming_partner_id")
    def _compute_can_send_limits(self) -> None:
        modules = self.env["emobility.ocpi.module"]
        for session in self:
            connection = session.sudo().roaming_partner_id.connection_id
            session.can_send_limits = bool(
                session.source == "ocpi"
                and session.state == "live"
                and connection.state == "connected"
                and modules._of(connection, "chargingprofiles", "RECEIVER")
            )

    def action_limit_power(self) -> dict[str, Any]:
        """Ask how the power of this session at a partner's station shall be limited."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_roaming.ocpi_limit_action")
        return action | {"context": {"default_session_id": self.id}}

    def _take_limits(self, told: dict[str, Any] | None) -> None:
        """Keep what the operator says of the limits, or that there are none any more."""
        for session in self:
            session._as_system().roaming_limits = told or False

    def write(self, vals: dict[str, Any]) -> bool:
        result = super().write(vals)
        if vals.keys() & _TOLD:
            self._ocpi_changed()
        return result

    def _ocpi_changed(self) -> None:
        """Tell the provider of the driver; a session at a partner's station is the partner's to tell."""
        told = self.filtered(lambda session: session.source != "ocpi" and session.roaming_partner_id)
        self.env["emobility.ocpi.connection"]._queue_push("sessions", told, "CPO")

    def _identity(self, started: Any) -> dict[str, Any]:
        values = super()._identity(started)
        reference = started.payload.get("authorization_reference") or self._reference_of_command(
            values.get("remote_ref")
        )
        if reference:
            values["authorization_reference"] = reference
        return values

    def _auth_method(self) -> str:
        """How the driver was let in (chapter mod_cdrs, AuthMethod)."""
        if self.remote_ref:
            return "COMMAND"
        return "AUTH_REQUEST" if self.authorization_reference else "WHITELIST"

    def _reference_of_command(self, remote_ref: str | bool) -> str | bool:
        """What the partner called the session that it let us start: kept through session and CDR (F47)."""
        if not remote_ref:
            return False
        command = self.env["emobility.ocpi.command"].sudo().search([("station_reference", "=", remote_ref)], limit=1)
        return command.authorization_reference

    def _can_stop_remotely(self) -> bool:
        if self.source == "ocpi":
            return self.state == "live" and self.sudo().roaming_partner_id.connection_id._takes_commands()
        return super()._can_stop_remotely()

    def _stop_remotely(self) -> str | None:
        if self.source != "ocpi":
            return super()._stop_remotely()
        command = self.env["emobility.ocpi.command"].sudo()._send_stop(self.sudo())
        if command.state != "sent":
            raise UserError(self.env._("The operator refused: %(reason)s.", reason=command._reason()))
        return None

    @api.model
    def _remote_answered(self, reference: str, result: str, schedule: ChargingSchedule | None = None) -> None:
        done = super()._remote_answered(reference, result, schedule)
        commands = self.env["emobility.ocpi.command"].sudo().search([("station_reference", "=", reference)])
        commands._station_answered(result, schedule)
        return done

    def _limits_changed(self, reference: str | None = None, schedule: ChargingSchedule | None = None) -> None:
        done = super()._limits_changed(reference, schedule)
        commands = self.env["emobility.ocpi.command"].sudo()
        for session in self:
            commands._limited_by_others(session, reference, schedule)
        return done

    def _partner_uid(self) -> str:
        """What the partner calls the session: our ID of it is in upper case, theirs need not be."""
        self.ensure_one()
        partner, uid = self.roaming_partner_id, self.uid.split("*", 2)[-1]
        party = Party.of(partner.country_code, partner.party_id)
        known = self.env["emobility.ocpi.object"].sudo()._find(partner.connection_id, "sessions", party, uid)
        return str(known.uid or uid)

    @api.model
    def _ocpi_uid(self, country_code: str, party_id: str, uid: str) -> str:
        """Our ID of a session of a partner: theirs are unique for their party only."""
        return f"{country_code}*{party_id}*{uid}".upper()


def limits_text(env: Any, told: dict[str, Any]) -> str:
    """A profile, or an active one, for people: "11000 W, after 15 min 6000 W"."""
    profile = told.get("charging_profile", told)
    unit = profile.get("charging_rate_unit", "")
    parts = []
    for period in profile.get("charging_profile_period") or ():
        amount = f"{period['limit']:g} {unit}"
        minutes = round(period["start_period"] / 60)
        parts.append(env._("after %(minutes)s min %(amount)s", minutes=minutes, amount=amount) if minutes else amount)
    return ", ".join(parts)
