import hashlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from odoo.addons.emobility_billing.charging_schedule import ChargingSchedule
from odoo.addons.emobility_billing.cost_curve import chart
from odoo.addons.emobility_billing.derivation import parse_instant

from ..signed_values import Verdict, is_ocmf, registers, same_key, verify
from .emobility_command import LIFETIME

# A partner's driver pays their provider: what the partner pays us is not for the display.
_PAID_BY_THE_DRIVER = ("retail", "adhoc")


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
    signed_energy_kwh = fields.Float(
        "Signed Energy (kWh)",
        digits=(16, 3),
        readonly=True,
        copy=False,
        help="From the signed registers at begin and end, when there are both.",
    )
    power_picture = fields.Html("Power over time", compute="_compute_power_picture", sanitize=False)
    can_remote_stop = fields.Boolean(compute="_compute_can_remote_stop")

    def _compute_can_remote_stop(self) -> None:
        for session in self:
            session.can_remote_stop = (
                session.state == "live" and session.source == "ocpp" and bool(session.evse_id.station_id)
            )

    @api.depends("event_count")
    def _compute_power_picture(self) -> None:
        """The power that the station reported; none is made up between two reports."""
        events = self.env["emobility.session.event"].sudo()._by_session(self.ids)
        for session in self:
            points: dict[datetime, Decimal] = {}
            for event in events[session.id]:
                for reading in event.payload.get("readings") or [] if event.kind == "meter" else []:
                    power = _number(reading.get("power_kw"))
                    if power is not None:
                        points[parse_instant(reading["at"])] = power
            end = session.end_at and session.end_at.replace(tzinfo=UTC)
            zone = ZoneInfo(session.location_id.time_zone or "UTC")
            session.power_picture = len(points) > 1 and Markup(
                chart(sorted(points.items()), zone, end or max(points), "kW")
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
        self._compare_keys()
        energy = self._signed_energy()
        if energy is not None:
            self._as_system().signed_energy_kwh = float(energy)

    def _signed_energy(self) -> Decimal | None:
        """What was charged, from the signed registers at begin and end alone; None without both."""
        stated = [register for value in self._signed_values() for register in registers(value["text"])]
        begins = [value for kind, value in stated if kind == "B"]
        ends = [value for kind, value in stated if kind == "E"]
        return max(ends) - min(begins) if begins and ends and max(ends) >= min(begins) else None

    def _compare_keys(self) -> None:
        """A key that comes with the values proves nothing by itself; that it is another than the known one does."""
        sent = {value["public_key"] for value in self._signed_values() if value["public_key"]}
        known = self.evse_id.meter_public_key
        if known:
            others = sorted(key for key in sent if not same_key(key, known))
            self._ingest_events([self._signature_conflict(key, "public_key_differs") for key in others])
        elif sent:
            self.evse_id.sudo().meter_public_key_reported = sorted(sent)[0]

    def _signature_conflict(self, text: str, reason: str = "signature_wrong") -> dict[str, Any]:
        digest = hashlib.sha256(text.encode()).hexdigest()
        return {
            "uid": f"signature-{self.uid}-{digest}"[:200],
            "source": "ocpp",
            "session_uid": self.uid,
            "kind": "conflict",
            "at": fields.Datetime.now().isoformat() + "Z",
            "payload": {"reason": reason, "raw": {"signed": text}},
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

    # --- limits of the power ---

    def _can_limit_remotely(self) -> bool:
        if not self.can_remote_stop:
            return super()._can_limit_remotely()
        return self.evse_id.station_id.connection_state == "online"

    def _limit_remotely(self, schedule: ChargingSchedule | None) -> str | None:
        if not self.can_remote_stop:
            return super()._limit_remotely(schedule)
        # One number for all profiles of a session, so that the next one takes the place of the one before.
        payload: dict[str, Any] = {"session_uid": self.uid, "purpose": "TxProfile", "profile": self.id}
        if schedule:
            payload |= {
                "unit": schedule.unit,
                "periods": [{"start": start, "limit": limit} for start, limit in schedule.periods],
                "duration": schedule.duration,
                "minimum": schedule.minimum,
                "begins_at": schedule.start and schedule.start.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            }
        return self._ask_station("set_profile" if schedule else "clear_profile", payload)

    def _ask_limit_remotely(self, seconds: int) -> str | None:
        if not self.can_remote_stop:
            return super()._ask_limit_remotely(seconds)
        return self._ask_station("composite_schedule", {"duration": seconds})

    def _ask_station(self, action: str, payload: dict[str, Any]) -> str:
        evse = self.evse_id.sudo()
        payload = {"evse": evse.ocpp_evse_number} | payload
        commands = self.env["emobility.command"].sudo()
        return commands._request(evse.station_id, action, payload, evse, session=self, lifetime=LIFETIME).uid

    # --- costs on the display of the station ---

    def _show_running_cost(self) -> None:
        """Tell each station what its session has cost so far, at most once in a while."""
        for session in self:
            station = session.evse_id.station_id
            if not station.shows_costs or not session.currency_id or station.connection_state != "online":
                continue
            if session._relation() not in _PAID_BY_THE_DRIVER:
                continue
            since = fields.Datetime.now() - timedelta(seconds=station.cost_interval)
            told = self.env["emobility.command"].search_count(
                [("session_id", "=", session.id), ("action", "=", "cost_updated"), ("create_date", ">", since)],
                limit=1,
            )
            if not told:
                payload = {
                    "session_uid": session.uid,
                    "total_cost": session._cost_text(session.amount_estimated),
                    "meter_wh": round(session.energy_kwh * 1000),
                    "at": fields.Datetime.now().isoformat() + "Z",
                }
                self.env["emobility.command"]._request(
                    station, "cost_updated", payload, session.evse_id, session=session
                )

    def _send_session_tariff(self) -> None:
        """Give the station the tariff of a session that is another one than that of its EVSE, once."""
        for session in self:
            station, version = session.evse_id.station_id, session.sudo().tariff_version_id
            if not station._computes_costs() or not version or session._relation() not in _PAID_BY_THE_DRIVER:
                continue
            if version == session.evse_id.sudo().ocpp_tariff_version_id or session._has_command("transaction_tariff"):
                continue
            data, lost = version._ocpp_tariff()
            if data and station._takes_tariff(lost) and not station._tariff_obstacles(data):
                payload = {"session_uid": session.uid, "tariff": data}
                self.env["emobility.command"].sudo()._request(
                    station, "transaction_tariff", payload, session.evse_id, session=session
                )

    def _has_command(self, action: str) -> bool:
        domain = [("session_id", "=", self.id), ("action", "=", action)]
        return bool(self.env["emobility.command"].search_count(domain, limit=1))

    def _complete(self, derived: Any) -> None:
        result = super()._complete(derived)
        station = self.evse_id.station_id
        if (
            self.state == "done"
            and self.source == "ocpp"
            and station.shows_costs
            and self._relation() in _PAID_BY_THE_DRIVER
        ):
            ratings = self.cdr_ids.rating_ids.filtered(lambda one: one.relation in _PAID_BY_THE_DRIVER)
            cost = self._cost_text(sum(ratings.mapped("amount_total")))
            payload = {
                "session_uid": self.uid,
                "total_cost": cost,
                "text": f"{self.energy_kwh:.3f} kWh, {cost} {self.currency_id.name}",
            }
            self.env["emobility.command"].sudo()._request(
                station, "final_cost", payload, self.evse_id, session=self
            )
        return result

    def _cost_text(self, amount: float) -> str:
        return f"{amount:.{self.currency_id.decimal_places}f}"


def _number(value: Any) -> Decimal | None:
    try:
        number = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() else None
