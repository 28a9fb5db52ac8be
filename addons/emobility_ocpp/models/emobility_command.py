import json
import uuid
from datetime import timedelta
from typing import Any, Self

from odoo import api, fields, models
from odoo.exceptions import UserError

_FINAL_BY_STATION = ("accepted", "rejected", "offline")
_RESULTS = ("sent", "accepted", "rejected", "unknown", "expired", "offline")
# What others are told who asked for something, in the words of OCPI.
_TOLD_TO_OTHERS = {"accepted": "ACCEPTED", "rejected": "REJECTED", "offline": "FAILED", "expired": "TIMEOUT",
                   "unknown": "FAILED"}  # fmt: skip
_PATIENT = ("firmware", "local_list", "set_configuration", "set_profile", "clear_profile", "certificate")
LIFETIME = timedelta(minutes=2)
"""How long a command may wait for its station: the driver stands in front of it."""
ACTIONS = [
    ("remote_start", "Start a session"),
    ("remote_stop", "Stop a session"),
    ("unlock", "Unlock a connector"),
    ("reset", "Restart"),
    ("availability", "Change availability"),
    ("trigger", "Ask for a message"),
    ("get_configuration", "Read the configuration"),
    ("set_configuration", "Change a setting"),
    ("clear_cache", "Clear the token cache"),
    ("set_profile", "Limit the power"),
    ("clear_profile", "Remove limits"),
    ("reserve", "Reserve"),
    ("cancel_reservation", "Cancel a reservation"),
    ("diagnostics", "Upload diagnostics"),
    ("firmware", "Update the firmware"),
    ("local_list", "Send the local token list"),
    ("certificate", "Install a certificate"),
    ("rotate_certificate", "Ask for a new signing request"),
]
"""What a station can be asked to do."""
PATIENT_LIFETIME = timedelta(hours=1)
"""How long a command may wait that nobody stands in front of: firmware, settings, lists."""
ANSWER_TIME = timedelta(minutes=10)
"""How long after its end of life a command that was sent may be answered before it counts as unknown."""


def settings_of(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The settings in an answer to GetConfiguration of OCPP 1.6; later versions report them in events."""
    keys = answer.get("configurationKey")
    return [
        {"key": item.get("key"), "value": item.get("value"), "readonly": bool(item.get("readonly"))}
        for item in (keys if isinstance(keys, list) else [])
        if isinstance(item, dict) and item.get("key")
    ]


class EmobilityCommand(models.Model):
    """Something that a station shall do. The bridge fetches it, and reports what became of it."""

    _name = "emobility.command"
    _description = "Remote Command"
    _rec_name = "uid"
    _order = "id desc"
    _check_company_auto = True

    uid = fields.Char(required=True, readonly=True, copy=False, default=lambda self: str(uuid.uuid4()))
    station_id = fields.Many2one(
        "emobility.station", required=True, readonly=True, index=True, check_company=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="station_id.company_id", store=True, index=True)
    action = fields.Selection(
        ACTIONS,
        required=True,
        readonly=True,
    )
    payload = fields.Json(readonly=True)
    evse_id = fields.Many2one(
        "emobility.evse", readonly=True, index=True, check_company=True, ondelete="set null"
    )
    token_id = fields.Many2one("emobility.token", readonly=True, index=True, ondelete="set null")
    session_id = fields.Many2one("emobility.session", readonly=True, index=True, ondelete="set null")
    started_session_id = fields.Many2one("emobility.session", compute="_compute_started_session_id")
    expires_at = fields.Datetime(
        required=True, readonly=True, default=lambda self: fields.Datetime.now() + LIFETIME, copy=False
    )
    state = fields.Selection(
        [
            ("new", "Waiting for the bridge"),
            ("sent", "Sent to the station"),
            ("accepted", "Accepted"),
            ("rejected", "Rejected"),
            ("offline", "Station offline"),
            ("expired", "Expired"),
            ("unknown", "Unknown"),
        ],
        required=True,
        readonly=True,
        default="new",
        copy=False,
    )
    result = fields.Char(readonly=True, copy=False)
    answer = fields.Json("Raw Answer", readonly=True, copy=False, help="What the station answered, as it came.")
    answer_text = fields.Text("Answer", compute="_compute_answer_text")
    answered_at = fields.Datetime(readonly=True, copy=False)

    _uid_unique = models.UniqueIndex("(uid)", "There is already a command with this uid.")
    _open_index = models.Index("(company_id, expires_at) WHERE state IN ('new', 'sent')")

    def _compute_started_session_id(self) -> None:
        sessions = self.env["emobility.session"].search([("remote_ref", "in", self.mapped("uid"))])
        by_reference = {session.remote_ref: session for session in sessions}
        for command in self:
            command.started_session_id = by_reference.get(command.uid, sessions.browse())

    @api.depends("answer")
    def _compute_answer_text(self) -> None:
        for command in self:
            command.answer_text = command.answer and json.dumps(command.answer, indent=2, ensure_ascii=False)

    @api.model
    def _request(
        self, station: models.Model, action: str, payload: dict[str, Any], evse: models.Model | None = None
    ) -> Self:
        """Command for the station; `bridge/README.md` describes the payloads."""
        patient = action in _PATIENT
        return self.create(
            {
                "station_id": station.id,
                "action": action,
                "evse_id": evse.id if evse else False,
                "payload": payload,
                "expires_at": fields.Datetime.now() + (PATIENT_LIFETIME if patient else LIFETIME),
            }
        )

    @api.model
    def _request_start(self, evse: models.Model, token: models.Model) -> Self:
        """Command to start a session at the EVSE for the token."""
        return self.create(
            {
                "station_id": evse.station_id.id,
                "action": "remote_start",
                "evse_id": evse.id,
                "token_id": token.id,
                "payload": {
                    "evse": evse.ocpp_evse_number,
                    "token_uid": token.uid,
                    "token_type": token.token_type,
                },
            }
        )

    @api.model
    def _request_stop(self, session: models.Model) -> Self:
        """Command to stop the live session."""
        return self.create(
            {
                "station_id": session.evse_id.station_id.id,
                "action": "remote_stop",
                "evse_id": session.evse_id.id,
                "session_id": session.id,
                "payload": {"session_uid": session.uid},
            }
        )

    @api.model
    def _ocpp_list(self, company: models.Model) -> list[dict[str, Any]]:
        """Commands that the bridge has not reported on and that are still worth doing."""
        waiting = self.search(
            [
                ("company_id", "=", company.id),
                ("state", "=", "new"),
                ("expires_at", ">", fields.Datetime.now()),
            ],
            order="id",
        )
        return [
            {
                "uid": command.uid,
                "station": command.station_id.identity,
                "action": command.action,
                "payload": command.payload or {},
                "expires_at": command.expires_at.isoformat() + "Z",
            }
            for command in waiting
        ]

    def _apply_result(self, status: str, detail: str | None, answer: dict[str, Any] | None = None) -> None:
        """Take over what the bridge reports. Nothing later overrules what the station itself answered."""
        self.ensure_one()
        if status not in _RESULTS:
            raise UserError(self.env._("“%(status)s” is not a result of a command.", status=status))
        if self.state in _FINAL_BY_STATION or (status == "sent" and self.state != "new"):
            return
        values: dict[str, Any] = {"state": status, "result": detail or False}
        if status != "sent":
            values["answered_at"] = fields.Datetime.now()
        if answer:
            values["answer"] = answer
        self.write(values)
        if status in _TOLD_TO_OTHERS:
            self.env["emobility.session"]._remote_answered(self.uid, _TOLD_TO_OTHERS[status])
        if status == "accepted" and answer and self.action == "get_configuration":
            self.station_id._apply_configuration(fields.Datetime.now(), settings_of(answer))

    @api.model
    def _cron_expire(self) -> None:
        """Close commands that nobody fetched in time, and those that were sent and never answered."""
        now = fields.Datetime.now()
        self.search([("state", "=", "new"), ("expires_at", "<=", now)]).write(
            {"state": "expired", "result": self.env._("The bridge did not fetch the command in time.")}
        )
        self.search([("state", "=", "sent"), ("expires_at", "<=", now - ANSWER_TIME)]).write(
            {"state": "unknown", "result": self.env._("The station did not answer.")}
        )
