import base64
import json
from typing import Any

from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.base.tests.common import BaseCommon

LOCATION = {
    "country_code": "ES",
    "party_id": "ABC",
    "id": "L1",
    "publish": True,
    "name": "Yard",
    "address": "Calle 1",
    "city": "Madrid",
    "postal_code": "28001",
    "country": "ESP",
    "coordinates": {"latitude": "40.416800", "longitude": "-3.703800"},
    "time_zone": "Europe/Madrid",
    "evses": [
        {
            "uid": "E1",
            "evse_id": "ES*ABC*E1",
            "connectors": [
                {"id": "1", "standard": "IEC_62196_T2", "power_type": "AC_3_PHASE",
                 "max_voltage": 230, "max_amperage": 32},
                {"id": "2", "standard": "IEC_62196_T2_COMBO", "power_type": "DC", "max_electric_power": 150000},
            ],
        }
    ],
}  # fmt: skip


@tagged("post_install", "-at_install")
class TestLocationFile(BaseCommon):
    def _wizard(self, content: Any):
        text = content if isinstance(content, str) else json.dumps(content)
        return self.env["emobility.location.import"].create(
            {"format": "ocpi", "file": base64.b64encode(text.encode())}
        )

    def _location(self):
        return self.env["emobility.location"].search([("code", "=", "L1")])

    def test_locations_of_ocpi_become_locations(self) -> None:
        for content in (LOCATION, [LOCATION], {"data": [LOCATION], "status_code": 1000}):
            self._wizard(content).action_apply()
            location = self._location()
            with self.subTest(content=type(content)):
                self.assertEqual((len(location), location.country_id.code), (1, "ES"))
                self.assertEqual((location.street, location.zip), ("Calle 1", "28001"))
                powers = location.evse_ids.connector_ids.mapped("max_power_kw")
                self.assertEqual(powers, [22.08, 150.0])

    def test_problems_are_named_and_nothing_is_saved(self) -> None:
        wrong = json.loads(json.dumps(LOCATION).replace("ES*ABC*E1", "ES-1"))
        with self.assertRaisesRegex(UserError, "'ES-1' is not an EVSE-ID"):
            self._wizard(wrong).action_apply()
        self.assertFalse(self._location())

    def test_file_without_locations_is_refused(self) -> None:
        for content, problem in (
            ("{", "line 1"),
            ("[1]", "has to be an object"),
            ("[]", "holds no connectors"),
            ({"id": "L1", "evses": "none"}, "list of evses"),
        ):
            with self.subTest(content=content), self.assertRaisesRegex(UserError, problem):
                self._wizard(content).action_preview()

    def test_export_can_be_imported_again(self) -> None:
        self.env.company.write({"emobility_country_code": "ES", "emobility_party_id": "ABC"})
        self._wizard(LOCATION).action_apply()
        location = self._location()
        location.open_always = False
        location.opening_hour_ids = [(0, 0, {"weekday": "1", "hour_from": 8, "hour_to": 20.5})]
        export = self.env["emobility.location.export"].create(
            {"location_ids": location.ids, "format": "ocpi"}
        )
        export.action_export()
        text = base64.b64decode(export.file).decode()
        found = json.loads(text)[0]
        self.assertEqual((found["country"], found["party_id"], found["coordinates"]["latitude"]),
                         ("ESP", "ABC", "40.416800"))  # fmt: skip
        self.assertEqual(found["opening_times"]["regular_hours"],
                         [{"weekday": 1, "period_begin": "08:00", "period_end": "20:30"}])  # fmt: skip
        connectors = found["evses"][0]["connectors"]
        self.assertEqual([one["max_amperage"] for one in connectors], [32, 150])
        again = self._wizard(text)
        again.action_preview()
        self.assertEqual((again.problem_count, again.new_count), (0, 0))
        again.action_apply()
        self.assertEqual(len(self._location()), 1)
