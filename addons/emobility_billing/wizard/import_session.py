import base64
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..jobs import enqueue
from .import_rows import LayoutError, Row, events_of, read_rows

_logger = logging.getLogger(__name__)

ROWS_PER_BATCH = 500
_SHOWN_PROBLEMS = 50


class EmobilitySessionImport(models.Model):
    """One import of a session file: previewed, then run in batches by the queue. It stays as the record of
    what came in.
    """

    _name = "emobility.session.import"
    _description = "Session Import"
    _order = "id desc"
    _check_company_auto = True

    name = fields.Char("File name")
    profile_id = fields.Many2one(
        "emobility.import.profile", required=True, index=True, check_company=True, ondelete="restrict"
    )
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    file = fields.Binary("CSV file", required=True, attachment=True)
    state = fields.Selection(
        [("draft", "New"), ("preview", "Preview"), ("running", "Running"), ("done", "Done")],
        default="draft",
        required=True,
        readonly=True,
        index=True,
    )
    row_count = fields.Integer("Rows", readonly=True)
    problem_count = fields.Integer("Rows with problems", readonly=True)
    known_count = fields.Integer("Rows known already", readonly=True)
    new_location_count = fields.Integer("New locations", readonly=True)
    new_evse_count = fields.Integer("New EVSEs", readonly=True)
    problems = fields.Text("Problems found", readonly=True)
    done_count = fields.Integer("Rows done", readonly=True)
    duplicate_count = fields.Integer("Rows skipped as known", readonly=True)
    progress = fields.Float(compute="_compute_progress")
    session_count = fields.Integer(compute="_compute_session_counts")
    held_count = fields.Integer("Held sessions", compute="_compute_session_counts")
    cdr_count = fields.Integer("CDRs", compute="_compute_session_counts")

    @api.depends("done_count", "row_count")
    def _compute_progress(self) -> None:
        for record in self:
            record.progress = 100 * record.done_count / record.row_count if record.row_count else 0

    def _compute_session_counts(self) -> None:
        for record in self:
            groups = self.env["emobility.session"]._read_group(
                record._session_domain(), ["state"], ["__count"]
            )
            counts = dict(groups)
            record.session_count = sum(counts.values())
            record.held_count = counts.get("held", 0)
            record.cdr_count = counts.get("done", 0)

    # Buttons

    def action_preview(self) -> None:
        """Read the whole file and say what an import would do, without doing it."""
        for record in self:
            record.write(record._preview_values())

    def action_import(self) -> None:
        """Start the import in the queue."""
        for record in self:
            if record.state in ("running", "done"):
                raise UserError(self.env._("%s is imported already.", record.name or record.profile_id.name))
            record.write(
                {**record._preview_values(), "state": "running", "done_count": 0, "duplicate_count": 0}
            )
            record._enqueue_batch()

    def action_open_sessions(self) -> dict[str, Any]:
        """The sessions that came from files of this profile."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Imported sessions"),
            "res_model": "emobility.session",
            "view_mode": "list,form",
            "domain": self._session_domain(),
        }

    # Preview

    def _preview_values(self) -> dict[str, Any]:
        self.ensure_one()
        rows = list(self._rows())
        if not rows:
            raise UserError(self.env._("The file has no rows."))
        wrong = [row for row in rows if row.problems]
        by_problem = Counter(problem for row in wrong for problem in row.problems)
        lines = [f"{count} × {problem}" for problem, count in by_problem.most_common()]
        lines += [f"Row {row.number}: {' '.join(row.problems)}" for row in wrong[:_SHOWN_PROBLEMS]]
        sites, evses = self._unknown_names(rows)
        return {
            "state": "preview",
            "row_count": len(rows),
            "problem_count": len(wrong),
            "known_count": self._known_count(rows),
            "new_location_count": len(sites),
            "new_evse_count": len(evses),
            "problems": "\n".join(lines),
        }

    def _known_count(self, rows: Sequence[Row]) -> int:
        code = self.profile_id.code
        uids = {f"{code}:{row.key}" for row in rows}
        return (
            self.env["emobility.session"]
            .sudo()
            .search_count([("source", "=", "import"), ("uid", "in", list(uids))])
        )

    def _unknown_names(self, rows: Sequence[Row]) -> tuple[set[str], set[tuple[str, str]]]:
        """Sites and (station, connector) that the rows name and that do not exist."""
        sites = {self._site_name(row) for row in rows if row.station}
        evses = {(row.station, row.connector) for row in rows if row.station}
        return sites - set(self._locations(sites)), evses - set(self._connectors(evses))

    # Reading

    def _rows(self) -> Iterator[Row]:
        """The rows of the file; :raises UserError: when it is not laid out as the profile says."""
        profile = self.profile_id
        try:
            text = base64.b64decode(self.file).decode(profile.encoding)
        except UnicodeDecodeError as error:
            raise UserError(
                self.env._("The file is not in the encoding %(encoding)s.", encoding=profile.encoding)
            ) from error
        try:
            yield from read_rows(text, profile._layout())
        except LayoutError as error:
            raise UserError(str(error)) from error

    def _session_domain(self) -> list[Any]:
        return [
            ("source", "=", "import"),
            ("company_id", "=", self.company_id.id),
            ("uid", "=like", f"{self.profile_id.code}:%"),
        ]

    # Import

    def _enqueue_batch(self) -> None:
        enqueue(
            self,
            f"emobility.session.import:{self.id}:{self.done_count}",
            self.env._("Import of %s", self.name or self.profile_id.name),
        )._run_batch()

    def _run_batch(self) -> None:
        """Job: take in the next batch and queue the one after it. A batch is one transaction."""
        self.ensure_one()
        self.lock_for_update()
        if self.state != "running":
            return
        batch = list(islice(self._rows(), self.done_count, self.done_count + ROWS_PER_BATCH))
        self._import_rows(batch)
        if batch and self.done_count < self.row_count:
            self._enqueue_batch()
        else:
            self.state = "done"

    def _run_here(self) -> Iterator[int]:
        """Import without the queue, for the command line; yields the rows done after each batch, for the
        caller to commit.
        """
        self.ensure_one()
        self.write({**self._preview_values(), "state": "running", "done_count": 0, "duplicate_count": 0})
        for batch in _batched(self._rows()):
            self._import_rows(batch)
            yield self.done_count
        self.state = "done"

    def _import_rows(self, rows: Sequence[Row]) -> None:
        """Take a batch in through the one way in. Rows that are known already change nothing."""
        self = self.with_company(self.company_id)
        connectors = self._ensure_connectors(rows)
        layout = self.profile_id._layout()
        now = datetime.now(UTC)
        events: list[dict[str, Any]] = []
        uids_by_row: list[set[str]] = []
        for row in rows:
            connector = connectors.get((row.station, row.connector))
            row_events = events_of(
                row,
                layout,
                now,
                evse_id=connector.evse_id.id if connector else None,
                connector_id=connector.id if connector else None,
                token_type=self.profile_id.token_type,
            )
            events += row_events
            uids_by_row.append({event["uid"] for event in row_events})
        results = self.env["emobility.session"]._ingest_events(events)
        if errors := [result for result in results if result["status"] == "error"]:
            raise UserError(self.env._("An event was refused: %s", errors[0]["error"]))
        fresh = {result["uid"] for result in results if result["status"] == "ok"}
        self._settle({event["session_uid"] for event in events if event["uid"] in fresh})
        self.write(
            {
                "done_count": self.done_count + len(rows),
                "duplicate_count": self.duplicate_count + sum(1 for uids in uids_by_row if not uids & fresh),
            }
        )

    def _settle(self, session_uids: set[str]) -> None:
        """Nothing more will come for an imported row: a session without an end is due for the gate at
        once.
        """
        sessions = (
            self.env["emobility.session"]
            .sudo()
            .search(
                [
                    ("source", "=", "import"),
                    ("uid", "in", list(session_uids)),
                    ("state", "=", "live"),
                    ("settle_at", "=", False),
                ]
            )
        )
        sessions = sessions._as_system()
        sessions.write({"settle_at": fields.Datetime.now()})
        sessions._schedule()

    def _unprocessed_sessions(self) -> models.BaseModel:
        """Imported sessions that are neither CDR nor held yet."""
        domain = [*self._session_domain(), ("state", "in", ("live", "ended"))]
        return self.env["emobility.session"].sudo().search(domain, order="id")

    def _hold_counts(self) -> list[tuple[str, int]]:
        """(reason, how many sessions are held for it), most frequent first. A session can have several reasons."""
        holds = self.env["emobility.hold"].sudo()
        labels = dict(holds._fields["reason_code"]._description_selection(self.env))
        groups = holds._read_group(
            [("session_id", "any", self._session_domain()), ("state", "=", "open")],
            ["reason_code"],
            ["__count"],
        )
        return [(labels[code], count) for code, count in sorted(groups, key=lambda pair: -pair[1])]

    # Master data

    def _site_name(self, row: Row) -> str:
        return row.site or row.station

    def _locations(self, names: Iterable[str]) -> dict[str, models.BaseModel]:
        found = self.env["emobility.location"].search(
            [("name", "in", list(names)), ("company_id", "=", self.company_id.id)], order="id desc"
        )
        return {location.name: location for location in found}

    def _connectors(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], models.BaseModel]:
        """Known connectors by (station, connector): one EVSE per connector, as OCPP 1.6 numbers them."""
        by_uid = {self._evse_uid(*key): key for key in keys}
        evses = (
            self.env["emobility.evse"]
            .with_context(active_test=False)
            .search([("uid", "in", list(by_uid)), ("company_id", "=", self.company_id.id)])
        )
        return {by_uid[evse.uid]: evse.connector_ids[0] for evse in evses if evse.connector_ids}

    @staticmethod
    def _evse_uid(station: str, connector: str) -> str:
        return f"{station}*{connector}"

    def _ensure_connectors(self, rows: Sequence[Row]) -> dict[tuple[str, str], models.BaseModel]:
        """Connectors of all rows that name one; missing ones are created when the profile says so."""
        first_rows: dict[tuple[str, str], Row] = {}
        for row in rows:
            if row.station:
                first_rows.setdefault((row.station, row.connector), row)
        connectors = self._connectors(first_rows)
        missing = [row for key, row in first_rows.items() if key not in connectors]
        if missing and self.profile_id.create_master_data:
            connectors.update(self._create_connectors(missing))
        return connectors

    def _create_connectors(self, rows: Sequence[Row]) -> dict[tuple[str, str], models.BaseModel]:
        locations = self._ensure_locations({self._site_name(row) for row in rows})
        evses = self.env["emobility.evse"].create(
            [
                {
                    "uid": self._evse_uid(row.station, row.connector),
                    "physical_reference": f"{row.station} / {row.connector}",
                    "location_id": locations[self._site_name(row)].id,
                }
                for row in rows
            ]
        )
        connectors = self.env["emobility.connector"].create(
            [self._connector_values(evse, row) for evse, row in zip(evses, rows, strict=True)]
        )
        return {
            (row.station, row.connector): connector for row, connector in zip(rows, connectors, strict=True)
        }

    def _connector_values(self, evse: models.BaseModel, row: Row) -> dict[str, Any]:
        rule = self.profile_id.power_rule_ids._matching(row.model, row.connector)
        values: dict[str, Any] = {"evse_id": evse.id, "code": "1"}
        if rule:
            values |= {
                "max_power_kw": rule.max_power_kw,
                "power_type": rule.power_type,
                "standard": rule.standard,
            }
        return values

    def _ensure_locations(self, names: set[str]) -> dict[str, models.BaseModel]:
        locations = self._locations(names)
        missing = sorted(names - set(locations))
        created = self.env["emobility.location"].create(
            [
                {"name": name, "time_zone": self.profile_id.time_zone, "company_id": self.company_id.id}
                for name in missing
            ]
        )
        if self.profile_id.create_contracts:
            self._create_contracts(created)
        return locations | {location.name: location for location in created}

    def _create_contracts(self, locations: models.BaseModel) -> None:
        """A customer and an active contract for each site: it pays the sessions there that carry no token."""
        partners = self.env["res.partner"].create(
            [{"name": location.name, "company_id": self.company_id.id} for location in locations]
        )
        contracts = self.env["contract.contract"].create(
            [
                {
                    "name": location.name,
                    "partner_id": partner.id,
                    "company_id": self.company_id.id,
                    "is_charging": True,
                    "plan_id": self.profile_id.plan_id.id,
                }
                for location, partner in zip(locations, partners, strict=True)
            ]
        )
        contracts.charging_state = "active"
        for location, contract in zip(locations, contracts, strict=True):
            location.default_contract_id = contract


def _batched(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Rows in lists of ``ROWS_PER_BATCH``."""
    while batch := list(islice(rows, ROWS_PER_BATCH)):
        yield batch
