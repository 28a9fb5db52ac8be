from __future__ import annotations

from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError

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
    partner_cdr_ids = fields.One2many("emobility.roaming.cdr", "session_id", "CDRs of the Partner")

    @api.depends("location_id.roaming_partner_id", "token_id.roaming_partner_id")
    def _compute_roaming_partner_id(self) -> None:
        for session in self:
            session.roaming_partner_id = (
                session.location_id.roaming_partner_id or session.token_id.roaming_partner_id
            )

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
    def _remote_answered(self, reference: str, result: str) -> None:
        super()._remote_answered(reference, result)
        commands = self.env["emobility.ocpi.command"].sudo().search([("station_reference", "=", reference)])
        commands._station_answered(result)

    @api.model
    def _ocpi_uid(self, country_code: str, party_id: str, uid: str) -> str:
        """Our ID of a session of a partner: theirs are unique for their party only."""
        return f"{country_code}*{party_id}*{uid}".upper()
