import json
import logging
from collections import defaultdict
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import psycopg2

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from ..bridge_event import (
    BridgeEvent,
    EventError,
    PersonNeeded,
    parse_event,
    parse_instant,
    session_event,
    storable,
    uid_of,
)

_logger = logging.getLogger(__name__)

KEEP_DAYS = 90
"""How long applied messages are kept. Their effect stays: session events are kept with their session."""


@dataclass
class Step:
    """What was understood of a message so far."""

    event: BridgeEvent | None = None
    station: models.Model | None = None
    session_event: dict[str, Any] | None = None


class EmobilityOcppMessage(models.Model):
    """What the bridge delivered, as it came. What cannot be applied is not dropped: it stays with its error."""

    _name = "emobility.ocpp.message"
    _description = "OCPP Message"
    _rec_name = "uid"
    _order = "id desc"

    uid = fields.Char(required=True, readonly=True)
    station = fields.Char("Identity", readonly=True, help="The station as the bridge names it.")
    station_id = fields.Many2one(
        "emobility.station", "Charging Station", readonly=True, index=True, ondelete="set null"
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True, ondelete="cascade")
    kind = fields.Char(readonly=True)
    at = fields.Datetime("Happened At", readonly=True)
    payload = fields.Json("Raw Event", readonly=True)
    payload_text = fields.Text("Content", compute="_compute_payload_text")
    state = fields.Selection(
        [("new", "New"), ("done", "Applied"), ("error", "Error"), ("attention", "To check")],
        required=True,
        readonly=True,
        default="new",
    )
    error = fields.Text(readonly=True)

    _uid_unique = models.UniqueIndex("(uid)", "There is already a message with this uid.")
    _error_index = models.Index("(company_id, id) WHERE state = 'error'")
    _done_index = models.Index("(create_date) WHERE state = 'done'")

    @api.depends("payload")
    def _compute_payload_text(self) -> None:
        for message in self:
            message.payload_text = json.dumps(message.payload, indent=2, ensure_ascii=False, sort_keys=True)

    # --- from the bridge ---

    @api.model
    def _receive(self, company: models.Model, raw_events: list[Any]) -> list[dict[str, Any]]:
        """File and apply the raw events of the bridge; one answer for each, in their order.

        An event that failed before is tried again when it comes again.
        """
        by_uid: dict[str, Any] = {}
        for raw in raw_events:
            by_uid.setdefault(uid_of(raw), raw)
        heartbeats = {uid for uid, raw in by_uid.items() if _is_heartbeat(raw)}
        new_ids = self._file(company, {uid: raw for uid, raw in by_uid.items() if uid not in heartbeats})
        fresh = self.browse(new_ids) | self.search(
            [("uid", "in", list(by_uid)), ("company_id", "=", company.id), ("state", "=", "error")]
        )
        fresh.sorted("id")._process()
        answers: dict[str, dict[str, Any]] = {}
        for message in fresh:
            failed = message.state == "error"
            answers[message.uid] = {
                "uid": message.uid,
                "status": "error" if failed else "ok",
                "error": failed and message.error,
            }
        answers |= self._apply_heartbeats(company, {uid: by_uid[uid] for uid in heartbeats})
        return [
            answers.pop(uid, {"uid": uid, "status": "duplicate", "error": False})
            for uid in map(uid_of, raw_events)
        ]

    @api.model
    def _file(self, company: models.Model, by_uid: dict[str, Any]) -> list[int]:
        """Insert the raw events that are not known; return the ids of the new messages.

        The unique index decides what is known, not a search: two deliveries may run at the same time.
        """
        rows = self.env.execute_query(
            SQL(
                """
                INSERT INTO emobility_ocpp_message
                       (uid, station, kind, at, payload, company_id, state,
                        create_uid, create_date, write_uid, write_date)
                SELECT event.*, %s, 'new', %s, now() at time zone 'UTC', %s, now() at time zone 'UTC'
                  FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamp[], %s::jsonb[]) AS event
                ON CONFLICT (uid) DO NOTHING
                RETURNING id
                """,
                company.id,
                self.env.uid,
                self.env.uid,
                list(by_uid),
                [_label(raw, "station") for raw in by_uid.values()],
                [_label(raw, "kind") for raw in by_uid.values()],
                [_time(raw) for raw in by_uid.values()],
                [json.dumps(storable(raw)) for raw in by_uid.values()],
            )
        )
        return [message_id for [message_id] in rows]

    @api.model
    def _apply_heartbeats(
        self, company: models.Model, raw_events: dict[str, Any]
    ) -> dict[str, dict[str, Any]]:
        """Heartbeats are noted on the station and not filed: they say only "still there", and there are millions."""
        identities = [_label(raw, "station") for raw in raw_events.values()]
        stations = {
            station.identity: station
            for station in self.env["emobility.station"].search(
                [("identity", "in", identities), ("company_id", "=", company.id)]
            )
        }
        answers = {}
        for uid, raw in raw_events.items():
            answers[uid] = {"uid": uid, "status": "ok", "error": False}
            try:
                event = parse_event(raw)
                if event.station not in stations:
                    raise EventError(
                        self.env._("The station %(identity)s is not known.", identity=event.station)
                    )
                stations[event.station]._apply_seen(_naive(event.at))
            except EventError as error:
                answers[uid] |= {"status": "error", "error": str(error)}
        return answers

    # --- apply ---

    def _process(self) -> None:
        """Apply the messages of the current company.

        Each is applied in a savepoint of its own. Session events, which are by far the most, are only translated one
        by one, without touching the database, and then handed over together.
        """
        stations = self._stations()
        by_station: dict[models.Model, Self] = defaultdict(self.browse)
        session_events: list[tuple[Self, dict[str, Any]]] = []
        applied = self.browse()
        for message in self:
            step = Step()
            if not message._guarded(
                lambda message=message, step=step: message._read(stations, step), savepoint=False
            ):
                continue
            by_station[step.station] |= message
            if step.session_event:
                session_events.append((message, step.session_event))
            elif message._guarded(
                lambda message=message, step=step: message._apply(step.station, step.event)
            ):
                applied |= message
        for station, messages in by_station.items():
            if station:
                messages.write({"station_id": station.id})
                station._apply_seen(max(messages.mapped("at")))
        applied.write({"state": "done", "error": False})
        self._ingest(session_events)

    def _read(self, stations: dict[str, models.Model], step: Step) -> None:
        """Understand the message: what it says, of which station, and what it means for a session."""
        self.ensure_one()
        step.event = parse_event(self.payload)
        if step.event.kind == "station.unknown":
            step.station = stations.get(step.event.station, self.env["emobility.station"])
            return
        if step.event.station not in stations:
            raise EventError(
                self.env._("The station %(identity)s is not known.", identity=step.event.station)
            )
        step.station = stations[step.event.station]
        if step.event.is_session:
            step.session_event = self._session_event(step.station, step.event)

    def _apply(self, station: models.Model, event: BridgeEvent) -> None:
        """Apply one message that is not of a session."""
        self.ensure_one()
        if event.kind == "command.result":
            self._apply_command_result(event)
        elif event.kind == "connector.status":
            self._apply_connector_status(station, event)
        elif event.kind == "station.boot":
            station._apply_boot(_naive(event.at), event.payload)
        elif event.kind == "station.configuration":
            station._apply_configuration(_naive(event.at), event.payload["items"])
        elif event.kind == "station.alarm":
            station._apply_error(_naive(event.at), event.payload["text"])
        elif event.kind == "station.progress":
            station._apply_progress(_naive(event.at), event.payload)
        elif event.kind == "station.notice":
            station._apply_notice(event.payload["subject"], event.payload["content"])
        elif event.kind == "payment.settlement":
            station._apply_settlement(_naive(event.at), event.payload)
        elif event.kind == "station.csr":
            self.env["emobility.station.certificate"]._issue(station, event.payload["csr"])
        elif event.kind == "station.unknown":
            self.env["emobility.station.unknown"]._note(
                self.company_id, event.station, _naive(event.at), event.payload
            )
        else:
            station._apply_connection(_naive(event.at), event.payload, event.kind == "station.connected")

    def _stations(self) -> dict[str, models.Model]:
        """The stations of the messages in the current company, by identity; archived ones too."""
        stations = (
            self.env["emobility.station"]
            .with_context(active_test=False)
            .search([("identity", "in", self.mapped("station")), ("company_id", "=", self.env.company.id)])
        )
        return {station.identity: station for station in stations}

    def _session_event(self, station: models.Model, event: BridgeEvent) -> dict[str, Any]:
        if event.kind != "session.started":
            return session_event(event)
        evse = self._find_evse(station, event.payload["evse"])
        connector = evse._connector_by_number(event.payload.get("connector"))
        return session_event(event, evse.id, connector.id or None)

    def _apply_command_result(self, event: BridgeEvent) -> None:
        command = self.env["emobility.command"].search(
            [("uid", "=", event.payload["command_uid"]), ("company_id", "=", self.company_id.id)]
        )
        if not command:
            raise EventError(
                self.env._("The command %(uid)s is not known.", uid=event.payload["command_uid"])
            )
        if event.payload.get("number"):
            command.number = event.payload["number"]
        command._apply_result(
            event.payload["status"], event.payload.get("detail"), event.payload.get("answer")
        )

    def _apply_connector_status(self, station: models.Model, event: BridgeEvent) -> None:
        status = event.payload["status"]
        if event.payload["evse"] == 0:  # the station as a whole
            station._apply_status(_naive(event.at), status)
            return
        evse = self._find_evse(station, event.payload["evse"])
        connector = evse._connector_by_number(event.payload.get("connector"))
        if not connector:
            raise EventError(
                self.env._(
                    "The EVSE %(evse)s has no connector with the OCPP number %(number)s.",
                    evse=evse.display_name,
                    number=event.payload.get("connector"),
                )
            )
        if status not in dict(connector._fields["ocpp_status"].selection):
            raise EventError(self.env._("“%(status)s” is not a status of a connector.", status=status))
        connector._apply_status(_naive(event.at), event.payload)
        if status == "Faulted":
            text = self.env._(
                "EVSE %(evse)s is out of order: %(code)s %(info)s",
                evse=evse.display_name,
                code=event.payload.get("error_code") or "",
                info=event.payload.get("info") or "",
            )
            # OCPP 2 reports no code with the status.
            station._apply_error(_naive(event.at), text.strip(" :"))

    def _find_evse(self, station: models.Model, number: int) -> models.Model:
        evse = station.evse_ids.filtered(lambda evse: evse.ocpp_evse_number == number)
        if not evse:
            raise EventError(
                self.env._(
                    "The station %(identity)s has no EVSE with the OCPP number %(number)s.",
                    identity=station.identity,
                    number=number,
                )
            )
        return evse

    def _ingest(self, pairs: list[tuple[Self, dict[str, Any]]]) -> None:
        """Hand session events over: all at once, or one by one when that fails, so that one cannot stop the others."""
        if not pairs:
            return
        messages = self.browse([message.id for message, _event in pairs])
        answers: list[dict[str, Any]] = []
        events = [event for _message, event in pairs]
        if messages._guarded(lambda: answers.extend(self._ingest_events(events)), keep=False):
            messages._note_answers(answers)
            return
        for message, event in pairs:
            answers = []
            if message._guarded(
                lambda event=event, answers=answers: answers.extend(self._ingest_events([event]))
            ):
                message._note_answers(answers)

    def _ingest_events(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        answers = self.env["emobility.session"]._ingest_events(events)
        self._verify_signed(events)
        self._show_costs(events)
        self._send_session_tariffs(events)
        self._tell_session_views(events)
        return answers

    def _tell_session_views(self, events: list[dict[str, Any]]) -> None:
        """Open lists and forms of the sessions among the events read them anew, once this is committed."""
        uids = {event["session_uid"] for event in events}
        sessions = self.env["emobility.session"].search([("source", "=", "ocpp"), ("uid", "in", list(uids))])
        for company, told in sessions.grouped("company_id").items():
            self.env["bus.bus"]._sendone(
                f"emobility_stations_{company.id}", "emobility_session_changed", {"ids": told.ids}
            )

    def _send_session_tariffs(self, events: list[dict[str, Any]]) -> None:
        """Give stations that compute costs the tariffs of the sessions that begin."""
        uids = {event["session_uid"] for event in events if event["kind"] == "started"}
        if uids and self.station_id.filtered(lambda station: station._computes_costs()):
            self.env["emobility.session"].search(
                [("source", "=", "ocpp"), ("uid", "in", list(uids)), ("state", "=", "live")]
            )._send_session_tariff()

    def _show_costs(self, events: list[dict[str, Any]]) -> None:
        """Tell the displays of stations what the sessions among the events have cost so far."""
        uids = {event["session_uid"] for event in events if event["kind"] in ("meter", "state")}
        if uids and self.station_id.filtered("shows_costs"):
            self.env["emobility.session"].search(
                [("source", "=", "ocpp"), ("uid", "in", list(uids)), ("state", "=", "live")]
            )._show_running_cost()

    def _verify_signed(self, events: list[dict[str, Any]]) -> None:
        """Check the signed values among the events, for each session together."""
        signed: dict[str, list[str]] = defaultdict(list)
        for event in events:
            for reading in event["payload"].get("readings") or []:
                if isinstance(reading, dict) and isinstance(reading.get("signed"), str):
                    signed[event["session_uid"]].append(reading["signed"])
        if not signed:
            return
        sessions = self.env["emobility.session"].search([("source", "=", "ocpp"), ("uid", "in", list(signed))])
        for session in sessions:
            session._verify_signed(signed[session.uid])

    def _note_answers(self, answers: list[dict[str, Any]]) -> None:
        """Take over what was said to the session events of these messages, in the same order."""
        applied = self.browse()
        for message, answer in zip(self, answers, strict=True):
            if answer["status"] == "error":
                message.write({"state": "error", "error": answer["error"]})
            else:
                applied |= message
        applied.write({"state": "done", "error": False})

    def _guarded(self, step: Callable[[], Any], *, savepoint: bool = True, keep: bool = True) -> bool:
        """Run a step, in a savepoint if it writes; say whether it worked, and if not, keep the reason.

        Lost connections and serialisation failures are not caught: Odoo repeats the whole call then.
        """
        try:
            with self.env.cr.savepoint() if savepoint else nullcontext():
                step()
        except psycopg2.OperationalError:
            raise
        except (EventError, UserError) as error:
            reason = str(error)
            state = "attention" if isinstance(error, PersonNeeded) else "error"
        except Exception as error:  # noqa: BLE001  nothing that one event contains may stop the events after it
            _logger.exception("OCPP message %s could not be applied", self.mapped("uid"))
            reason, state = f"{type(error).__name__}: {error}", "error"
        else:
            return True
        if keep:
            self.write({"state": state, "error": reason})
        return False

    # --- actions of people ---

    def action_retry(self) -> None:
        """Try the messages again that could not be applied, oldest first."""
        self._check_manager()
        failed = self.with_user(SUPERUSER_ID).filtered(lambda message: message.state == "error").sorted("id")
        for company, messages in failed.grouped("company_id").items():
            messages.with_company(company)._process()

    def action_checked(self) -> None:
        """Close messages that a person had to look at; what they say stays."""
        self._check_manager()
        self.sudo().filtered(lambda message: message.state == "attention").write({"state": "done"})

    def _check_manager(self) -> None:
        self.check_access("read")
        if not self.env.su and not self.env.user.has_group("emobility_crm.group_manager"):
            raise AccessError(self.env._("Only a manager of e-mobility may apply or close messages."))

    @api.autovacuum
    def _gc_applied(self) -> None:
        limit = fields.Datetime.now() - timedelta(days=KEEP_DAYS)
        self.search([("state", "=", "done"), ("create_date", "<", limit)], limit=100_000).unlink()


def _is_heartbeat(raw: Any) -> bool:
    return isinstance(raw, dict) and raw.get("kind") == "station.heartbeat"


def _label(raw: Any, key: str) -> str | None:
    """What a raw event says of itself, right or wrong, to find it by."""
    value = raw.get(key) if isinstance(raw, dict) else None
    return storable(value) if isinstance(value, str) else None


def _time(raw: Any) -> datetime | None:
    """When a raw event says that it happened, as far as that can be read."""
    try:
        return _naive(parse_instant(_label(raw, "at") or ""))
    except EventError:
        return None


def _naive(instant: datetime) -> datetime:
    """Aware UTC to what Odoo stores: naive UTC in whole seconds."""
    return instant.astimezone(UTC).replace(tzinfo=None, microsecond=0)
