from datetime import timedelta
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command

from ..models.emobility_command import ACTIONS
from ..models.emobility_station_installed_certificate import USES

# What a clerk may do for a driver who stands in front of the station.
_FOR_CLERKS = {"unlock", "reset", "availability", "trigger"}
# What is about the cards of customers, whom a technician does not see; all but this a technician may do.
_NOT_FOR_TECHNICIANS = {"reserve", "cancel_reservation", "local_list", "customer_information"}
_MESSAGES = (
    "BootNotification",
    "StatusNotification",
    "Heartbeat",
    "MeterValues",
    "FirmwareStatusNotification",
)
# Sessions are started and stopped where they are shown; a certificate is sent where it is issued and deleted where it
# is listed; costs follow the session; tariffs and what is paid on the web are told by what knows of them.
_ASKED_ELSEWHERE = frozenset(
    {
        "remote_start",
        "remote_stop",
        "certificate",
        "delete_certificate",
        "cost_updated",
        "final_cost",
        "default_tariff",
        "web_payment_started",
        "transaction_tariff",
        "frames",
    }
)


class EmobilityStationCommandWizard(models.TransientModel):
    """Asks what one or many stations shall do, and puts a command on the way for each."""

    _name = "emobility.station.command.wizard"
    _description = "Command for Charging Stations"

    station_ids = fields.Many2many("emobility.station", required=True, string="Charging Stations")
    action = fields.Selection(
        [pair for pair in ACTIONS if pair[0] not in _ASKED_ELSEWHERE],
        required=True,
        default="reset",
    )
    evse_number = fields.Integer("OCPP EVSE Number", help="0 is the station as a whole.")
    reset_kind = fields.Selection(
        [("soft", "When no session runs"), ("hard", "At once")], default="soft", required=True
    )
    available = fields.Boolean(default=True)
    message = fields.Selection([(name, name) for name in _MESSAGES], default="StatusNotification")
    key = fields.Char("Setting", help="OCPP 1.6: its key. Later versions: Component.Variable.")
    value = fields.Char()
    limit = fields.Float(digits=(12, 1))
    unit = fields.Selection([("W", "Watt"), ("A", "Ampere")], default="W", required=True)
    token_id = fields.Many2one("emobility.token", domain="[('state', '=', 'active')]")
    minutes = fields.Integer("Reserve for Minutes", default=15)
    reservation = fields.Integer("Reservation Number")
    url = fields.Char("Address", help="Where the station fetches its firmware, or uploads its diagnostics.")
    use = fields.Selection(USES, "Certificate For", default="central_system", required=True)
    pem = fields.Text("Certificate (PEM)")
    duration = fields.Integer("Duration (h)", default=24, required=True)
    monitor_kind = fields.Selection(
        [
            ("above", "Above a value"),
            ("below", "Below a value"),
            ("delta", "Change by a value"),
            ("periodic", "Every so many seconds"),
        ],
        default="above",
        required=True,
    )
    severity = fields.Integer(default=5, required=True, help="0 is the most severe, 9 the least.")
    monitoring_base = fields.Selection(
        [
            ("All", "All monitors"),
            ("FactoryDefault", "Those of the factory"),
            ("HardWiredOnly", "Those that cannot be removed"),
        ],
        default="All",
        required=True,
    )
    numbers = fields.Char(help="Numbers, separated by commas.")
    log_kind = fields.Selection(
        [("diagnostics", "Diagnostics"), ("security", "Security")], default="security", required=True
    )
    components = fields.Char(help="Names of components, separated by commas; none: those with a problem.")
    clear_customer = fields.Boolean("Clear as Well", help="The station shall forget what it stores of the customer.")
    vendor = fields.Char("Vendor ID")
    vendor_message = fields.Char("Message ID")
    text = fields.Char()
    language = fields.Char(help="Two letters, such as de.")

    def action_send(self) -> dict[str, Any]:
        """Put the commands on the way; returns their list."""
        self.ensure_one()
        self._check_user()
        payload = getattr(self, f"_payload_{self.action}", lambda: {})()
        commands = self.env["emobility.command"].browse()
        for station in self.station_ids:
            evse = station.evse_ids.filtered(lambda evse: evse.ocpp_evse_number == self.evse_number)
            commands |= self.env["emobility.command"].sudo()._request(station, self.action, payload, evse[:1])
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_ocpp.emobility_command_action")
        return action | {"domain": [("id", "in", commands.ids)], "context": {}}

    @api.model
    def _check_user_of(self, action: str) -> bool:
        user = self.env.user
        return (
            self.env.su
            or user.has_group("emobility_crm.group_manager")
            or (action in _FOR_CLERKS and user.has_group("emobility_crm.group_user"))
            or (action not in _NOT_FOR_TECHNICIANS and user.has_group("emobility_crm.group_technician"))
        )

    def _check_user(self) -> None:
        self.station_ids.check_access("read")
        if not self._check_user_of(self.action):
            raise AccessError(self.env._("Your role may not send this command."))

    def _need(self, value: Any, what: str) -> Any:
        if not value:
            raise UserError(self.env._("The command needs: %(what)s.", what=what))
        return value

    def _payload_unlock(self) -> dict[str, Any]:
        return {"evse": self._need(self.evse_number, self.env._("the number of the EVSE"))}

    def _payload_reset(self) -> dict[str, Any]:
        return {"kind": self.reset_kind}

    def _payload_availability(self) -> dict[str, Any]:
        return {"evse": self.evse_number, "available": self.available}

    def _payload_trigger(self) -> dict[str, Any]:
        return {"message": self._need(self.message, self.env._("the message")), "evse": self.evse_number}

    def _payload_set_configuration(self) -> dict[str, Any]:
        return {"key": self._need(self.key, self.env._("the setting")), "value": self.value or ""}

    def _payload_set_profile(self) -> dict[str, Any]:
        return {"evse": self.evse_number, "unit": self.unit, "limit": self.limit}

    def _payload_clear_profile(self) -> dict[str, Any]:
        return {"evse": self.evse_number} if self.evse_number else {}

    def _payload_reserve(self) -> dict[str, Any]:
        token = self._need(self.token_id, self.env._("the token"))
        until = fields.Datetime.now() + timedelta(minutes=self.minutes)
        return {
            "evse": self.evse_number,
            "token_uid": token.uid,
            "token_type": token.token_type,
            "expires_at": until.isoformat() + "Z",
        }

    def _payload_cancel_reservation(self) -> dict[str, Any]:
        return {"reservation": self._need(self.reservation, self.env._("the number of the reservation"))}

    def _payload_diagnostics(self) -> dict[str, Any]:
        return {"url": self._need(self.url, self.env._("the address"))}

    def _payload_log(self) -> dict[str, Any]:
        return {"url": self._need(self.url, self.env._("the address")), "kind": self.log_kind}

    def _payload_install_certificate(self) -> dict[str, Any]:
        return {"use": self.use, "pem": self._need(self.pem, self.env._("the certificate"))}

    def _payload_installed_certificates(self) -> dict[str, Any]:
        """OCPP 1.6 lists one use at a time, later versions all at once."""
        return {"use": self.use} if set(self.station_ids.mapped("ocpp_version")) == {"1.6"} else {}

    def _payload_composite_schedule(self) -> dict[str, Any]:
        return {"evse": self.evse_number, "duration": self.duration * 3600, "unit": self.unit}

    def _payload_report(self) -> dict[str, Any]:
        components = [name.strip() for name in (self.components or "").split(",") if name.strip()]
        return {"components": components} if components else {"criteria": ["Problem"]}

    def _payload_monitor(self) -> dict[str, Any]:
        return {
            "key": self._need(self.key, self.env._("the setting")),
            "kind": self.monitor_kind,
            "value": self.limit,
            "severity": self.severity,
        }

    def _payload_clear_monitors(self) -> dict[str, Any]:
        return {"ids": self._numbers()}

    def _payload_monitoring_base(self) -> dict[str, Any]:
        return {"base": self.monitoring_base}

    def _payload_monitoring_level(self) -> dict[str, Any]:
        return {"severity": self.severity}

    def _payload_customer_information(self) -> dict[str, Any]:
        token = self._need(self.token_id, self.env._("the token"))
        return {"token_uid": token.uid, "token_type": token.token_type, "clear": self.clear_customer}

    def _payload_data_transfer(self) -> dict[str, Any]:
        vendor = self._need(self.vendor, self.env._("the vendor"))
        return {"vendor": vendor, "message": self.vendor_message or None, "data": self.value or None}

    def _payload_display_message(self) -> dict[str, Any]:
        text = self._need(self.text, self.env._("the text"))
        return {"text": text, "language": self.language or None}

    def _payload_clear_display(self) -> dict[str, Any]:
        return {"id": self._numbers()[0]}

    def _payload_tariffs(self) -> dict[str, Any]:
        return {"evse": self.evse_number}

    def _numbers(self) -> list[int]:
        try:
            numbers = [int(number) for number in (self.numbers or "").split(",") if number.strip()]
        except ValueError:
            raise UserError(self.env._("Write whole numbers, separated by commas.")) from None
        return self._need(numbers, self.env._("the numbers"))

    def _payload_firmware(self) -> dict[str, Any]:
        url = self._need(self.url, self.env._("the address"))
        return {"url": url, "at": fields.Datetime.now().isoformat() + "Z"}

    def _payload_local_list(self) -> dict[str, Any]:
        tokens = self.env["emobility.token"].sudo()._ocpp_list(self.env.company, None)
        known = [token for token in tokens if token["status"] == "Accepted"]
        fields_sent = ("uid", "type", "status")
        return {
            "version": int(fields.Datetime.now().timestamp()),
            "tokens": [{name: token[name] for name in fields_sent} for token in known],
        }

    @api.model
    def default_get(self, fields_list: list[str]) -> dict[str, Any]:
        values = super().default_get(fields_list)
        if "station_ids" in fields_list and self.env.context.get("active_model") == "emobility.station":
            values.setdefault("station_ids", [Command.set(self.env.context.get("active_ids", []))])
        return values
