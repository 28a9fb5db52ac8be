import hashlib
from typing import Any

from odoo import fields, models
from odoo.exceptions import AccessError, UserError

from ..signed_values import Verdict, is_ocmf, verify


class EmobilitySession(models.Model):
    _inherit = "emobility.session"

    station_id = fields.Many2one(related="evse_id.station_id", string="Charging Station")
    signature_state = fields.Selection(
        [("unchecked", "Not checked"), ("valid", "Valid"), ("wrong", "Wrong")],
        "Signed Meter Values",
        readonly=True,
        copy=False,
        help="Whether the signatures of the meter are right. Without the public key of the meter they are not checked.",
    )
    can_remote_stop = fields.Boolean(compute="_compute_can_remote_stop")

    def _compute_can_remote_stop(self) -> None:
        for session in self:
            session.can_remote_stop = (
                session.state == "live" and session.source == "ocpp" and bool(session.evse_id.station_id)
            )

    def _verify_signed(self, texts: list[str]) -> None:
        """Check signed meter values that came for this session; one wrong signature holds it until a person decides.

        A text of another format than OCMF, or of a meter without a known key, is kept and not judged.
        """
        self.ensure_one()
        key = self.evse_id.meter_public_key
        verdicts = {text: verify(text, key) for text in texts if key and is_ocmf(text)}
        wrong = [text for text, verdict in verdicts.items() if verdict is not Verdict.VALID]
        if wrong:
            self._as_system().signature_state = "wrong"
            self._ingest_events([self._signature_conflict(text) for text in wrong])
        elif self.signature_state != "wrong":
            self._as_system().signature_state = "valid" if verdicts else "unchecked"

    def _signature_conflict(self, text: str) -> dict[str, Any]:
        digest = hashlib.sha256(text.encode()).hexdigest()
        return {
            "uid": f"signature-{self.uid}-{digest}"[:200],
            "source": "ocpp",
            "session_uid": self.uid,
            "kind": "conflict",
            "at": fields.Datetime.now().isoformat() + "Z",
            "payload": {"reason": "signature_wrong", "raw": {"signed": text}},
        }

    def action_remote_stop(self) -> dict[str, Any]:
        """Ask the station to stop this live session; returns the command."""
        self.ensure_one()
        self.check_access("read")
        if not self.env.su and not self.env.user.has_group("emobility_crm.group_user"):
            raise AccessError(self.env._("You may not send commands to charging stations."))
        if not self.can_remote_stop:
            raise UserError(self.env._("Only a live session at a charging station can be stopped."))
        command = self.env["emobility.command"].sudo()._request_stop(self.sudo())
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Stop Command"),
            "res_model": "emobility.command",
            "res_id": command.id,
            "view_mode": "form",
        }

    def _can_stop_remotely(self) -> bool:
        return self.can_remote_stop or super()._can_stop_remotely()

    def _stop_remotely(self) -> str | None:
        if not self.can_remote_stop:
            return super()._stop_remotely()
        return self.env["emobility.command"].sudo()._request_stop(self.sudo()).uid
