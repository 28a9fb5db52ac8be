import base64
from collections.abc import Iterator
from typing import Any
from zoneinfo import available_timezones

from odoo import fields, models
from odoo.exceptions import UserError, ValidationError

from ..identifiers import EVSE_ID, normalise_code
from ..infrastructure_csv import COLUMNS, TableError, read_rows
from ..timezones import time_zone_of

MAX_LINES_SHOWN = 200


class EmobilityLocationImport(models.TransientModel):
    """Creates or updates locations, EVSEs and connectors from a file: preview first, then all rows or none.

    Another addon adds a format by extending the selection and :meth:`_rows`.
    """

    _name = "emobility.location.import"
    _description = "Import Infrastructure"

    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    format = fields.Selection([("csv", "CSV: a row for each connector")], required=True, default="csv")
    file = fields.Binary(required=True, attachment=False)
    filename = fields.Char()
    state = fields.Selection([("draft", "File"), ("preview", "Preview")], default="draft")
    row_count = fields.Integer("Connectors", readonly=True)
    new_count = fields.Integer("New EVSEs", readonly=True)
    problem_count = fields.Integer("Rows With Problems", readonly=True)
    line_ids = fields.One2many("emobility.location.import.line", "import_id", readonly=True)

    def action_preview(self) -> dict:
        """Read the file and list what is wrong with it; nothing is saved but this preview."""
        self.ensure_one()
        rows = self._rows()
        problems = self._problems(rows)
        known = self._known("emobility.evse", "uid", {row["evse_uid"] for row in rows if row.get("evse_uid")})
        self.write(
            {
                "state": "preview",
                "row_count": len(rows),
                "new_count": len({row.get("evse_uid") for row in rows} - set(known)),
                "problem_count": len(problems),
                "line_ids": [
                    fields.Command.clear(),
                    *(
                        fields.Command.create({"number": int(number), "problem": problem})
                        for number, problem in list(problems.items())[:MAX_LINES_SHOWN]
                    ),
                ],
            }
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Import Infrastructure"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
        }

    def action_apply(self) -> dict:
        """Create and update everything in the file, or nothing when there is a problem."""
        self.ensure_one()
        rows = self._rows()
        problems = self._problems(rows)
        if problems:
            number, problem = next(iter(problems.items()))
            raise UserError(
                self.env._(
                    "Nothing was saved: %(count)s rows have problems, the first one is row %(number)s: %(problem)s",
                    count=len(problems),
                    number=number,
                    problem=problem,
                )
            )
        locations = self._save(rows)
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Imported Locations"),
            "res_model": "emobility.location",
            "view_mode": "list,form",
            "domain": [("id", "in", locations.ids)],
        }

    # --- Reading ---

    def _rows(self) -> list[dict[str, Any]]:
        """Rows with the columns of `infrastructure_csv`, whatever the format of the file."""
        try:
            rows = read_rows(self._text())
        except TableError as error:
            raise UserError(
                self.env._(
                    "The file is not a table of charging points (%(error)s). Known columns: %(columns)s.",
                    error=error,
                    columns=", ".join(COLUMNS),
                )
            ) from error
        if not rows:
            raise UserError(self.env._("The file has no rows."))
        return rows

    def _text(self) -> str:
        content = base64.b64decode(self.file or b"")
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise UserError(
                self.env._(
                    "Line %(line)s of the file is not in UTF-8. Save the file as UTF-8.",
                    line=content[: error.start].count(b"\n") + 1,
                )
            ) from None

    # --- Checking ---

    def _problems(self, rows: list[dict[str, Any]]) -> dict[str, str]:
        seen: set[tuple[str, str]] = set()
        countries = set(self.env["res.country"].search([]).mapped("code"))  # pylint: disable=no-search-all
        problems: dict[str, str] = {}
        for row in rows:
            found = list(self._row_problems(row, countries))
            key = row.get("evse_uid", ""), row.get("connector", "")
            if key in seen:
                found.append(self.env._("this connector of the EVSE is in the file twice"))
            seen.add(key)
            if found:
                problems[row["number"]] = "; ".join(found)
        return problems

    def _row_problems(self, row: dict[str, Any], countries: set[str]) -> Iterator[str]:
        connector = self.env["emobility.connector"]
        for name in ("location_code", "location_name", "evse_uid", "connector"):
            if not row.get(name):
                yield self.env._("'%(column)s' is empty", column=name)
        evse_id = normalise_code(row.get("evse_id"))
        if evse_id and not EVSE_ID.fullmatch(evse_id):
            yield self.env._("'%(evse)s' is not an EVSE-ID such as DE*ABC*E1234*1", evse=evse_id)
        for name in ("standard", "power_type"):
            if row.get(name) not in dict(connector._fields[name].selection):
                yield self.env._("'%(value)s' is not a %(column)s of OCPI", value=row.get(name, ""), column=name)
        if row.get("country") and row["country"].upper() not in countries:
            yield self.env._("'%(country)s' is not a country code of two letters", country=row["country"])
        if row.get("time_zone") and row["time_zone"] not in available_timezones():
            yield self.env._("'%(zone)s' is not a time zone such as Europe/Berlin", zone=row["time_zone"])
        for name, lowest, highest in (
            ("latitude", -90, 90),
            ("longitude", -180, 180),
            ("max_power_kw", 0, 10_000),
        ):
            if not _is_number_between(row.get(name) or "0", lowest, highest):
                yield self.env._(
                    "'%(value)s' is not a %(column)s from %(lowest)s to %(highest)s",
                    value=row[name],
                    column=name,
                    lowest=lowest,
                    highest=highest,
                )
        if row.get("calibrated_until"):
            try:
                fields.Date.to_date(row["calibrated_until"])
            except ValueError:
                yield self.env._("'%(date)s' is not a date like 2030-12-31", date=row["calibrated_until"])

    def _known(self, model: str, field: str, values: set[str]) -> dict[str, models.BaseModel]:
        found = self.env[model].search([("company_id", "=", self.company_id.id), (field, "in", list(values))])
        return {record[field]: record for record in found}

    # --- Saving ---

    def _save(self, rows: list[dict[str, Any]]) -> models.BaseModel:
        locations = self._known("emobility.location", "code", {row["location_code"] for row in rows})
        evses = self._known("emobility.evse", "uid", {row["evse_uid"] for row in rows})
        for row in rows:
            code, uid = row["location_code"], row["evse_uid"]
            try:
                locations[code] = self._upsert("emobility.location", locations.get(code), self._location(row))
                evses[uid] = self._upsert(
                    "emobility.evse", evses.get(uid), self._evse(row, locations[code])
                )
                connector = evses[uid].connector_ids.filtered(
                    lambda one, row=row: one.code == row["connector"]
                )
                self._upsert("emobility.connector", connector, self._connector(row, evses[uid]))
            except ValidationError as error:
                raise UserError(
                    self.env._(
                        "Nothing was saved. Row %(number)s: %(problem)s", number=row["number"], problem=error
                    )
                ) from error
        return self.env["emobility.location"].union(*locations.values())

    def _upsert(self, model: str, record: models.BaseModel | None, values: dict) -> models.BaseModel:
        if not record:
            return self.env[model].create(values)
        changed = {
            name: value
            for name, value in values.items()
            if record._fields[name].convert_to_write(record[name], record) != value
        }
        if changed:
            record.write(changed)
        return record

    def _location(self, row: dict[str, Any]) -> dict:
        latitude, longitude = float(row.get("latitude") or 0), float(row.get("longitude") or 0)
        values = {
            "code": row["location_code"],
            "name": row["location_name"],
            "company_id": self.company_id.id,
            **{name: row[name] for name in ("street", "zip", "city") if row.get(name)},
        }
        if latitude or longitude:
            values |= {"latitude": latitude, "longitude": longitude}
        if row.get("country"):
            values["country_id"] = (
                self.env["res.country"].search([("code", "=", row["country"].upper())], limit=1).id
            )
        zone = row.get("time_zone") or time_zone_of(latitude, longitude)
        return values | ({"time_zone": zone} if zone else {})

    def _evse(self, row: dict[str, Any], location: models.BaseModel) -> dict:
        values = {"uid": row["evse_uid"], "location_id": location.id}
        if row.get("evse_id"):
            values["evse_id"] = normalise_code(row["evse_id"])
        if row.get("calibrated_until"):
            values["calibrated_until"] = fields.Date.to_date(row["calibrated_until"])
        return values | {
            name: row[name] for name in ("physical_reference", "meter_serial") if row.get(name)
        }

    def _connector(self, row: dict[str, Any], evse: models.BaseModel) -> dict:
        return {
            "evse_id": evse.id,
            "code": row["connector"],
            "standard": row["standard"],
            "power_type": row["power_type"],
            "max_power_kw": float(row.get("max_power_kw") or 0),
        }


def _is_number_between(text: str, lowest: float, highest: float) -> bool:
    try:
        return lowest <= float(text) <= highest
    except ValueError:
        return False
