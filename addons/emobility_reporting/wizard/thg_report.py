from __future__ import annotations

import base64
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from odoo.addons.emobility_billing.report.annex_file import render


class EmobilityThgReport(models.TransientModel):
    """Energy of public charging points for the greenhouse gas quota (38. BImSchV § 6)."""

    _name = "emobility.thg.report"
    _description = "THG Quota Report"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, default=lambda self: self.env.company
    )
    date_from = fields.Date(
        "From", required=True, default=lambda self: fields.Date.context_today(self).replace(month=1, day=1)
    )
    date_to = fields.Date("To", required=True, default=fields.Date.context_today)
    kind = fields.Selection([("csv", "CSV"), ("xlsx", "Excel")], "File Format", required=True, default="xlsx")
    line_ids = fields.One2many("emobility.thg.report.line", "report_id", "Charging points", readonly=True)
    energy_mwh = fields.Float("Energy (MWh)", digits=(16, 6), readonly=True)
    claimable_mwh = fields.Float("Of this without problems", digits=(16, 6), readonly=True)
    file = fields.Binary(readonly=True, attachment=False)
    file_name = fields.Char(readonly=True)

    @api.depends_context("lang")
    def _compute_display_name(self) -> None:
        for record in self:
            record.display_name = self.env._("THG quota")

    @api.constrains("date_from", "date_to")
    def _check_period(self) -> None:
        for report in self:
            if report.date_from > report.date_to:
                raise ValidationError(self.env._("The last day is before the first day."))

    def action_make(self) -> dict[str, Any]:
        """Sum the energy up, say what is missing, and make the file of what can be claimed."""
        self.ensure_one()
        if self.company_id not in self.env.user.company_ids:
            raise UserError(self.env._("This is not one of your companies."))
        self.line_ids.unlink()
        lines = [line for evse in self._evses() if (line := self._line_values(evse))]
        self.env["emobility.thg.report.line"].sudo().create(lines)
        self.write(
            {
                "energy_mwh": sum(line["energy_mwh"] for line in lines),
                "claimable_mwh": sum(line["energy_mwh"] for line in lines if not line["problem"]),
                "file": base64.b64encode(render(self._file_rows(), self.kind)),
                "file_name": f"THG_{self.date_from:%Y%m%d}_{self.date_to:%Y%m%d}.{self.kind}",
            }
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("THG quota"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
        }

    def _evses(self) -> Any:
        """Public points, also those that are out of use by now."""
        return (
            self.env["emobility.evse"]
            .sudo()
            .with_context(active_test=False)
            .search(
                [("company_id", "=", self.company_id.id), ("location_id.is_public", "=", True)],
                order="location_id, id",
            )
        )

    def _line_values(self, evse: Any) -> dict[str, Any] | None:
        first = max(self.date_from, evse.bnetza_registered_on or self.date_from)
        if first > self.date_to:
            return None
        count, energy = self._energy(evse, first)
        if not count and not energy:
            return None
        return {
            "report_id": self.id,
            "evse_id": evse.id,
            "location_id": evse.location_id.id,
            "evse_name": evse.evse_id,
            "bnetza_number": evse.bnetza_number,
            "date_from": first,
            "date_to": self.date_to,
            "session_count": count,
            "energy_mwh": round(energy / 1000, 6),
            "problem": self._problem(evse),
        }

    def _energy(self, evse: Any, first: date) -> tuple[int, float]:
        """Sessions and kWh that ended in the period, by the clock of the place; credits take theirs back."""
        zone = ZoneInfo(evse.location_id.time_zone or "UTC")
        begin = datetime.combine(first, time.min, zone).astimezone(UTC).replace(tzinfo=None)
        end = (
            datetime.combine(self.date_to + timedelta(days=1), time.min, zone)
            .astimezone(UTC)
            .replace(tzinfo=None)
        )
        domain = [("evse_id", "=", evse.id), ("end_at", ">=", begin), ("end_at", "<", end)]
        groups = (
            self.env["emobility.cdr"].sudo()._read_group(domain, ["credit"], ["__count", "energy_kwh:sum"])
        )
        count = sum(-number if credit else number for credit, number, _energy in groups)
        return count, sum(energy or 0.0 for _credit, _number, energy in groups)

    def _problem(self, evse: Any) -> str | bool:
        location = evse.location_id
        missing = [
            label
            for label, known in (
                (self.env._("registration number"), evse.bnetza_number),
                (self.env._("EVSE-ID"), evse.evse_id),
                (self.env._("address"), location.street and location.zip and location.city),
                (self.env._("coordinates"), location.latitude and location.longitude),
            )
            if not known
        ]
        return self.env._("Missing: %s", ", ".join(missing)) if missing else False

    def _file_rows(self) -> list[list[Any]]:
        """What is claimed: headings and a row per point without problems."""
        headings = [
            self.env._("EVSE-ID"),
            self.env._("Registration number"),
            self.env._("Location"),
            self.env._("Street"),
            self.env._("ZIP"),
            self.env._("City"),
            self.env._("Latitude"),
            self.env._("Longitude"),
            self.env._("Meter"),
            self.env._("From"),
            self.env._("To"),
            self.env._("Sessions"),
            self.env._("Energy (MWh)"),
        ]
        return [headings] + [
            [
                line.evse_name,
                line.bnetza_number,
                line.location_id.name,
                line.location_id.street,
                line.location_id.zip,
                line.location_id.city,
                line.location_id.latitude,
                line.location_id.longitude,
                line.evse_id.meter_serial or "",
                str(line.date_from),
                str(line.date_to),
                line.session_count,
                line.energy_mwh,
            ]
            for line in self.sudo().line_ids.filtered(lambda one: not one.problem)
        ]
