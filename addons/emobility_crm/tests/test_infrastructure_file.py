import base64
from typing import Any

from freezegun import freeze_time

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.base.tests.common import BaseCommon
from odoo.addons.emobility_crm.timezones import time_zone_of

HEADER = (
    "location_code,location_name,city,country,latitude,longitude,time_zone,evse_uid,evse_id,"
    "calibrated_until,connector,standard,power_type,max_power_kw\n"
)
GOOD = "L1,Yard,Madrid,ES,40.4168,-3.7038,,E1,ES*ABC*E1,2030-12-31,1,IEC_62196_T2,AC_3_PHASE,22\n"


@tagged("post_install", "-at_install")
class TestInfrastructureFile(BaseCommon):
    """Time zones, opening hours, calibration, and files with many charging points."""

    def _wizard(self, text: str | bytes, **values: Any):
        content = text if isinstance(text, bytes) else text.encode()
        return self.env["emobility.location.import"].create({"file": base64.b64encode(content), **values})

    # --- Time zone ---

    def test_time_zone_follows_from_the_coordinates(self) -> None:
        for latitude, longitude, zone in (
            (52.52, 13.40, "Europe/Berlin"),
            (40.4168, -3.7038, "Europe/Madrid"),
            (28.1, -15.4, "Atlantic/Canary"),
            (60.17, 24.94, "Europe/Helsinki"),
            (0.0, 0.0, None),
            (0.0, -30.0, None),
        ):
            with self.subTest(zone=zone):
                self.assertEqual(time_zone_of(latitude, longitude), zone)

    def test_location_gets_the_zone_of_its_place_unless_one_is_given(self) -> None:
        place = {"name": "Yard", "latitude": 40.4168, "longitude": -3.7038}
        self.assertEqual(self.env["emobility.location"].create(place).time_zone, "Europe/Madrid")
        given = self.env["emobility.location"].create({**place, "time_zone": "Europe/Berlin"})
        self.assertEqual(given.time_zone, "Europe/Berlin")

    # --- Opening hours and map ---

    def test_opening_hours_that_overlap_are_refused(self) -> None:
        location = self.env["emobility.location"].create({"name": "Yard", "time_zone": "Europe/Berlin"})
        hours = self.env["emobility.opening.hours"]
        hours.create({"location_id": location.id, "weekday": "1", "hour_from": 8, "hour_to": 12.5})
        hours.create({"location_id": location.id, "weekday": "1", "hour_from": 12.5, "hour_to": 24})
        hours.create({"location_id": location.id, "weekday": "2", "hour_from": 8, "hour_to": 20})
        with self.assertRaisesRegex(ValidationError, "Monday 08:00 - 12:30 and Monday 12:00 - 13:00"):
            hours.create({"location_id": location.id, "weekday": "1", "hour_from": 12, "hour_to": 13})

    @mute_logger("odoo.sql_db")
    def test_opening_hours_go_forward_in_one_day(self) -> None:
        location = self.env["emobility.location"].create({"name": "Yard", "time_zone": "Europe/Berlin"})
        with self.assertRaisesRegex(Exception, "hours_order"), self.env.cr.savepoint():
            self.env["emobility.opening.hours"].create(
                {"location_id": location.id, "hour_from": 20, "hour_to": 8}
            )

    def test_map_shows_the_place_and_asks_for_coordinates_that_are_missing(self) -> None:
        location = self.env["emobility.location"].create({"name": "Yard", "time_zone": "Europe/Berlin"})
        with self.assertRaisesRegex(UserError, "Enter the coordinates"):
            location.action_open_map()
        location.write({"latitude": 52.5, "longitude": 13.4})
        self.assertIn("mlat=52.500000&mlon=13.400000", location.action_open_map()["url"])

    # --- Calibration ---

    @freeze_time("2026-05-10")
    def test_state_of_the_calibration_is_found_by_its_filter(self) -> None:
        location = self.env["emobility.location"].create({"name": "Yard", "time_zone": "Europe/Berlin"})
        for day, state in (
            (False, "unknown"),
            ("2026-05-09", "expired"),
            ("2026-05-10", "soon"),
            ("2026-08-08", "soon"),
            ("2026-08-09", "valid"),
        ):
            evse = self.env["emobility.evse"].create({"location_id": location.id, "calibrated_until": day})
            with self.subTest(day=day):
                self.assertEqual(evse.calibration_state, state)
                found = self.env["emobility.evse"].search([("calibration_state", "=", state)])
                self.assertIn(evse, found)
                self.assertNotIn(evse, self.env["emobility.evse"].search([("calibration_state", "!=", state)]))

    # --- Files ---

    def test_rows_become_locations_evses_and_connectors(self) -> None:
        wizard = self._wizard("\ufeff" + HEADER + GOOD + GOOD.replace(",1,IEC", ",2,IEC"))
        wizard.action_preview()
        self.assertEqual((wizard.row_count, wizard.new_count, wizard.problem_count), (2, 1, 0))
        location = self.env["emobility.location"].search(wizard.action_apply()["domain"])
        self.assertEqual(
            (location.code, location.time_zone, location.country_id.code), ("L1", "Europe/Madrid", "ES")
        )
        self.assertEqual(location.evse_ids.evse_id, "ES*ABC*E1")
        self.assertEqual(location.evse_ids.connector_ids.mapped("code"), ["1", "2"])

    def test_what_exists_is_updated_and_not_made_twice(self) -> None:
        self._wizard(HEADER + GOOD).action_apply()
        self._wizard(HEADER + GOOD.replace("Yard", "Court").replace(",22", ",11")).action_apply()
        location = self.env["emobility.location"].search([("code", "=", "L1")])
        self.assertEqual((len(location), location.name), (1, "Court"))
        self.assertEqual(location.evse_ids.connector_ids.max_power_kw, 11)

    def test_every_problem_is_named_with_its_row_and_nothing_is_saved(self) -> None:
        bad = {
            3: (GOOD.replace("L1", "").replace("E1,ES", "E2,ES").replace("*E1", "*E2"), "'location_code' is empty"),
            4: (GOOD.replace("E1,ES*ABC*E1", "E3,ES-1"), "'ES-1' is not an EVSE-ID"),
            5: (GOOD.replace("E1,ES*ABC*E1", "E4,").replace("IEC_62196_T2", "TYPE2"), "not a standard of OCPI"),
            6: (GOOD.replace("E1,ES*ABC*E1", "E5,").replace(",ES,40", ",SPAIN,40"), "two letters"),
            7: (GOOD.replace("E1,ES*ABC*E1", "E6,").replace("40.4168", "140"), "latitude from -90 to 90"),
            8: (GOOD.replace("E1,ES*ABC*E1", "E7,").replace(",22", ",many"), "'many' is not a max_power_kw"),
            9: (GOOD.replace("E1,ES*ABC*E1", "E8,").replace("2030-12-31", "31.12.2030"), "is not a date"),
            10: (GOOD, "in the file twice"),
            11: (GOOD.replace("E1,ES*ABC*E1", "E9,").replace("-3.7038,,", "-3.7038,Berlin,"), "not a time zone"),
        }
        wizard = self._wizard(HEADER + GOOD + "".join(row for row, _problem in bad.values()))
        wizard.action_preview()
        problems = {line.number: line.problem for line in wizard.line_ids}
        self.assertEqual(set(problems), set(bad))
        for number, (_row, problem) in bad.items():
            with self.subTest(row=number):
                self.assertIn(problem, problems[number])
        with self.assertRaisesRegex(UserError, "Nothing was saved: 9 rows have problems, the first one is row 3"):
            wizard.action_apply()
        self.assertFalse(self.env["emobility.location"].search([("code", "=", "L1")]))

    def test_file_that_is_no_table_or_in_another_encoding_is_refused(self) -> None:
        for content, problem in (
            ("a,b\n1,2\n", "columns missing: location_code"),
            (HEADER.replace("city", "town") + GOOD, "not known: town"),
            (HEADER, "no rows"),
            ((HEADER + GOOD.replace("Yard", "Höfe")).encode("cp1252"), "Line 2 of the file is not in UTF-8"),
        ):
            with self.subTest(problem=problem), self.assertRaisesRegex(UserError, problem):
                self._wizard(content).action_preview()

    def test_export_can_be_imported_again_without_a_change(self) -> None:
        self._wizard(HEADER + GOOD).action_apply()
        location = self.env["emobility.location"].search([("code", "=", "L1")])
        export = self.env["emobility.location.export"].create({"location_ids": location.ids})
        action = export.action_export()
        self.assertIn(export.filename, action["url"])
        before = location.write_date
        again = self._wizard(base64.b64decode(export.file))
        again.action_preview()
        self.assertEqual((again.problem_count, again.new_count), (0, 0))
        again.action_apply()
        self.assertEqual(location.write_date, before)
