import json
import uuid
from datetime import timedelta
from typing import Any, Self

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.emobility_billing.charging_schedule import ChargingSchedule
from odoo.addons.emobility_billing.derivation import parse_instant
from odoo.addons.emobility_billing.jobs import SOON, enqueue

_FINAL_BY_STATION = ("accepted", "rejected", "offline")
_RESULTS = ("sent", "accepted", "rejected", "unknown", "expired", "offline")
_PATIENT = (
    "firmware",
    "local_list",
    "set_configuration",
    "set_profile",
    "clear_profile",
    "certificate",
    "install_certificate",
    "delete_certificate",
    "display_message",
    "monitor",
    "default_tariff",
    "clear_tariffs",
)
# What OCPI and others say to each of the final states; of an unknown outcome nobody knows.
_RESULT_WORDS = {
    "accepted": "ACCEPTED",
    "rejected": "REJECTED",
    "offline": "FAILED",
    "expired": "TIMEOUT",
    "unknown": "TIMEOUT",
}
# What drivers and roaming partners ask for, and are told the outcome of.
_ASKED_BY_OTHERS = (
    "remote_start",
    "remote_stop",
    "unlock",
    "reserve",
    "cancel_reservation",
    "set_profile",
    "clear_profile",
    "composite_schedule",
)
_LIMITS = ("set_profile", "clear_profile", "composite_schedule")
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
    ("certificate", "Send the station its certificate"),
    ("rotate_certificate", "Ask for a new signing request"),
    ("install_certificate", "Install a root certificate"),
    ("installed_certificates", "List installed certificates"),
    ("delete_certificate", "Delete an installed certificate"),
    ("composite_schedule", "Read the charging schedule"),
    ("report", "Report components (OCPP 2)"),
    ("monitor", "Set a monitor (OCPP 2)"),
    ("monitoring_report", "Report monitors (OCPP 2)"),
    ("clear_monitors", "Remove monitors (OCPP 2)"),
    ("monitoring_base", "Choose the base of monitoring (OCPP 2)"),
    ("monitoring_level", "Choose the level of monitoring (OCPP 2)"),
    ("log", "Upload a log"),
    ("customer_information", "Report or clear what is stored of a customer (OCPP 2)"),
    ("data_transfer", "Send a vendor message"),
    ("display_message", "Show a text on the display"),
    ("display_messages", "Report texts of the display (OCPP 2)"),
    ("charging_profiles", "Report charging profiles (OCPP 2)"),
    ("clear_display", "Remove a text from the display (OCPP 2)"),
    ("cost_updated", "Show the cost so far"),
    ("final_cost", "Show what a session has cost"),
    ("web_payment_started", "Say that somebody pays on the web (OCPP 2.1)"),
    ("default_tariff", "Set the tariff (OCPP 2.1)"),
    ("transaction_tariff", "Set the tariff of a session (OCPP 2.1)"),
    ("tariffs", "Report tariffs (OCPP 2.1)"),
    ("clear_tariffs", "Remove tariffs (OCPP 2.1)"),
    ("frames", "Show raw messages"),
]
"""What a station can be asked to do."""
PATIENT_LIFETIME = timedelta(hours=1)
"""How long a command may wait that nobody stands in front of: firmware, settings, lists."""
ANSWER_TIME = timedelta(minutes=10)
"""How long after its end of life a command that was sent may be answered before it counts as unknown."""


def settings_of(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The settings in an answer to GetConfiguration (1.6) or GetVariables (2); whole reports of OCPP 2 are events."""
    keys = answer.get("configurationKey")
    variables = answer.get("getVariableResult")
    return [
        {"key": _variable_name(item), "value": item.get("attributeValue"), "readonly": False}
        for item in (variables if isinstance(variables, list) else [])
        if isinstance(item, dict) and item.get("attributeStatus") == "Accepted"
    ] + [
        {"key": item.get("key"), "value": item.get("value"), "readonly": bool(item.get("readonly"))}
        for item in (keys if isinstance(keys, list) else [])
        if isinstance(item, dict) and item.get("key")
    ]


def schedule_of(answer: dict[str, Any]) -> ChargingSchedule | None:
    """The limits in an answer to GetCompositeSchedule; None when there are none that can be read."""
    told = answer.get("schedule") or answer.get("chargingSchedule")
    periods = told.get("chargingSchedulePeriod") if isinstance(told, dict) else None
    try:
        start = told.get("scheduleStart") or answer.get("scheduleStart") or told.get("startSchedule")
        return ChargingSchedule(
            unit=str(told["chargingRateUnit"]),
            periods=tuple((int(each["startPeriod"]), float(each["limit"])) for each in periods),
            start=parse_instant(start) if start else None,
            duration=int(told["duration"]) if told.get("duration") else None,
            minimum=float(told["minChargingRate"]) if told.get("minChargingRate") else None,
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _variable_name(item: dict[str, Any]) -> str:
    """`Component.Variable`, written as reports write it."""
    component, variable = item.get("component") or {}, item.get("variable") or {}
    evse = (component.get("evse") or {}).get("id")
    parts = [
        f"{part.get('name')}[{part['instance']}]" if part.get("instance") else str(part.get("name"))
        for part in (component, variable)
    ]
    return f"{parts[0]}{'' if evse is None else f'#{evse}'}.{parts[1]}"


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
    frames_html = fields.Html("Messages", compute="_compute_frames_html", sanitize=False)
    number = fields.Integer(readonly=True, copy=False, help="What the bridge calls the command towards the station.")
    requester = fields.Char(readonly=True, help="Who asked for it, when that was nobody who is logged in here.")
    result_model = fields.Char(readonly=True, copy=False)
    result_id = fields.Many2oneReference("Record That Is Told", model_field="result_model", readonly=True, copy=False)

    _uid_unique = models.UniqueIndex("(uid)", "There is already a command with this uid.")
    _open_index = models.Index("(company_id, expires_at) WHERE state IN ('new', 'sent')")

    @api.depends_context("lang")
    @api.depends("action", "station_id.identity")
    def _compute_display_name(self) -> None:
        names = dict(self._fields["action"]._description_selection(self.env))
        for command in self:
            command.display_name = f"{names.get(command.action, '')} · {command.station_id.identity or ''}"

    def _compute_started_session_id(self) -> None:
        sessions = self.env["emobility.session"].search([("remote_ref", "in", self.mapped("uid"))])
        by_reference = {session.remote_ref: session for session in sessions}
        for command in self:
            command.started_session_id = by_reference.get(command.uid, sessions.browse())

    @api.depends("answer")
    def _compute_answer_text(self) -> None:
        for command in self:
            command.answer_text = command.answer and json.dumps(command.answer, indent=2, ensure_ascii=False)

    @api.depends("answer")
    def _compute_frames_html(self) -> None:
        for command in self:
            frames = command.answer.get("frames") if isinstance(command.answer, dict) else None
            command.frames_html = frames and self.env["ir.qweb"]._render(
                "emobility_ocpp.frames_table", {"frames": frames}
            )

    @api.model
    def _request(
        self,
        station: models.Model,
        action: str,
        payload: dict[str, Any],
        evse: models.Model | None = None,
        *,
        session: models.Model | None = None,
        requester: str | None = None,
        on_result: models.Model | None = None,
        lifetime: timedelta | None = None,
    ) -> Self:
        """Command for the station; `bridge/README.md` describes the payloads.

        :param requester: who asked, when it was not the user, such as the name of a roaming partner
        :param on_result: a record whose ``_on_command_result(command)`` is called, as a job, when the command is final
        :param lifetime: how long it may wait for its station; None: as usual for the action
        """
        usual = PATIENT_LIFETIME if action in _PATIENT else LIFETIME
        return self.create(
            {
                "station_id": station.id,
                "action": action,
                "evse_id": evse.id if evse else False,
                "session_id": session.id if session else False,
                "requester": requester or False,
                "result_model": on_result._name if on_result else False,
                "result_id": on_result.id if on_result else False,
                "payload": payload,
                "expires_at": fields.Datetime.now() + (lifetime or usual),
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
        if status == "accepted" and answer and self.action == "get_configuration":
            self.station_id._apply_configuration(fields.Datetime.now(), settings_of(answer))
        if status != "sent" and answer and self.action == "installed_certificates":
            self.env["emobility.station.installed.certificate"]._take_over(self.station_id, answer)
        self._tell_result()
        self.env["bus.bus"]._sendone(
            f"emobility_stations_{self.company_id.id}", "emobility_command_changed", {"ids": self.ids}
        )

    def _action_open(self) -> dict[str, Any]:
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Command"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
        }

    def _tell_result(self) -> None:
        """Those who asked hear what became of it; a person sees it by itself."""
        for command in self.filtered(lambda command: command.state in _RESULT_WORDS):
            if command.action in _ASKED_BY_OTHERS:
                self.env["emobility.session"]._remote_answered(command.uid, *command._outcome())
            if command.action in _LIMITS and command.state == "accepted" and not command.session_id:
                # What is about one session was asked for by who follows it.
                command._limits_changed()
            if command.action == "firmware":
                self.env["emobility.firmware.campaign.line"]._note_answer(command)
            if command.result_model and command.result_id:
                target = self.env[command.result_model].browse(command.result_id).exists()
                if target:
                    description = self.env._("Result of the command %s", command.uid)
                    key = f"emobility.command.result:{command.uid}:{command.state}"
                    enqueue(target, key, description, priority=SOON)._on_command_result(command)

    def _limits_changed(self) -> None:
        """Our people have limited the power at an EVSE or a whole station, or read what counts there."""
        sessions = self.station_id._live_sessions((self.payload or {}).get("evse"))
        if self.action != "composite_schedule":
            sessions._limits_changed()
            return
        schedule = schedule_of(self.answer) if isinstance(self.answer, dict) else None
        if schedule:
            sessions._limits_changed(self.uid, schedule)

    def _outcome(self) -> tuple[str, ChargingSchedule | None]:
        """Result and limits for ``_remote_answered``."""
        answer = self.answer if isinstance(self.answer, dict) else {}
        if self.action == "clear_profile" and answer.get("status") == "Unknown":
            return "UNKNOWN", None
        schedule = schedule_of(answer) if self.action == "composite_schedule" else None
        return _RESULT_WORDS[self.state], schedule

    @api.model
    def _cron_expire(self) -> None:
        """Close commands that nobody fetched in time, and those that were sent and never answered."""
        now = fields.Datetime.now()
        late = self.search([("state", "=", "new"), ("expires_at", "<=", now)])
        late.write({"state": "expired", "result": self.env._("The bridge did not fetch the command in time.")})
        silent = self.search([("state", "=", "sent"), ("expires_at", "<=", now - ANSWER_TIME)])
        silent.write({"state": "unknown", "result": self.env._("The station did not answer.")})
        (late | silent)._tell_result()
