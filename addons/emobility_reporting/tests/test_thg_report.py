from __future__ import annotations

import base64
import csv
import io
from datetime import datetime
from typing import Any

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from .common import ReportingCommon


@tagged("post_install", "-at_install")
class TestThgReport(ReportingCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.location.write({"street": "Markt 1", "zip": "80331", "latitude": 48.1, "longitude": 11.5})
        cls.evse.write({"bnetza_number": "BNA-4711", "meter_serial": "1EMH1"})

    def _report(self, **values: Any) -> Any:
        report = self.env["emobility.thg.report"].create(
            {
                "company_id": self.company.id,
                "date_from": "2026-01-01",
                "date_to": "2026-06-30",
                "kind": "csv",
                **values,
            }
        )
        report.action_make()
        return report

    def _rows(self, report: Any) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(base64.b64decode(report.file).decode("utf-8-sig"))))

    def test_energy_per_point_in_megawatt_hours_with_all_that_the_agency_asks_for(self) -> None:
        self._session("T1", datetime(2026, 6, 3, 8), "17.345")
        self._session("T2", datetime(2026, 6, 4, 8), "20.001")
        [row] = self._rows(self._report())
        self.assertEqual(row["Energy (MWh)"], "0.037346")
        self.assertEqual(
            (row["EVSE-ID"], row["Registration number"], row["Street"], row["Latitude"], row["Sessions"]),
            ("DE*ABC*E1", "BNA-4711", "Markt 1", "48.1", "2"),
        )
        self.assertEqual((row["From"], row["To"], row["Meter"]), ("2026-01-01", "2026-06-30", "1EMH1"))

    def test_credited_energy_is_taken_off(self) -> None:
        session = self._session("T3", datetime(2026, 6, 3, 8), "17.345")
        self._session("T4", datetime(2026, 6, 4, 8), "10")
        with self.running_jobs():
            session.cdr_ids.action_credit()
        report = self._report()
        self.assertEqual((report.line_ids.session_count, report.energy_mwh), (1, 0.01))

    def test_the_bounds_are_local_days_and_the_registration(self) -> None:
        self._session("T5", datetime(2026, 6, 30, 21, 0), "10", minutes=30)
        self._session("T6", datetime(2026, 6, 30, 22, 0), "10", minutes=30)
        self.assertEqual(self._report().line_ids.session_count, 1)
        self.evse.bnetza_registered_on = "2026-06-15"
        self._session("T7", datetime(2026, 6, 14, 8), "10")
        report = self._report()
        self.assertEqual((report.line_ids.session_count, str(report.line_ids.date_from)), (1, "2026-06-15"))
        self.evse.bnetza_registered_on = "2026-07-15"
        self.assertFalse(self._report().line_ids)

    def test_what_is_missing_is_named_and_not_claimed(self) -> None:
        self._session("T8", datetime(2026, 6, 3, 8))
        self.evse.bnetza_number = False
        self.location.latitude = 0
        report = self._report()
        self.assertIn("registration number", report.line_ids.problem)
        self.assertIn("coordinates", report.line_ids.problem)
        self.assertEqual((report.energy_mwh, report.claimable_mwh, self._rows(report)), (0.01, 0, []))

    def test_private_points_are_left_out_and_retired_ones_are_not(self) -> None:
        self._session("T9", datetime(2026, 6, 3, 8))
        self.evse.active = False
        self.assertEqual(len(self._report().line_ids), 1)
        self.location.is_public = False
        self.assertFalse(self._report().line_ids)

    def test_excel_and_wrong_periods(self) -> None:
        self._session("T10", datetime(2026, 6, 3, 8))
        report = self._report(kind="xlsx")
        self.assertTrue(base64.b64decode(report.file).startswith(b"PK"))
        with self.assertRaises(ValidationError):
            self._report(date_from="2026-07-01")
        other = self.env["res.company"].create({"name": "Other"})
        clerk = self._make_user("thg-manager", "emobility_crm.group_manager")
        theirs = report.with_user(clerk).sudo().copy({"company_id": other.id})
        with self.assertRaisesRegex(UserError, "not one of your companies"):
            theirs.sudo(False).action_make()
