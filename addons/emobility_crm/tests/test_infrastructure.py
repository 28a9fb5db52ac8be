from psycopg2.errors import CheckViolation, UniqueViolation

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.base.tests.common import BaseCommon

from .common import new_charging_contract


@tagged("post_install", "-at_install")
class TestInfrastructure(BaseCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.location = cls.env["emobility.location"].create(
            {"name": "Town hall", "time_zone": "Europe/Berlin"}
        )
        cls.evse = cls.env["emobility.evse"].create(
            {"location_id": cls.location.id, "evse_id": "de*abc*e1234*1"}
        )

    def test_location_and_evse_get_ids_of_their_own(self) -> None:
        other = self.env["emobility.location"].create({"name": "Station", "time_zone": "Europe/Berlin"})
        self.assertTrue(self.location.code and other.code)
        self.assertNotEqual(self.location.code, other.code)
        self.assertTrue(self.evse.uid)

    def test_time_zone_must_be_an_iana_name(self) -> None:
        with self.assertRaisesRegex(ValidationError, "is not a time zone"):
            self.location.time_zone = "Europe/Atlantis"

    @mute_logger("odoo.sql_db")
    def test_time_zone_is_required(self) -> None:
        user_without_zone = self.env.user
        user_without_zone.tz = False
        with self.assertRaises(Exception) as caught, self.env.cr.savepoint():
            self.env["emobility.location"].create({"name": "Nowhere"})
        self.assertIn("time_zone", str(caught.exception))

    @mute_logger("odoo.sql_db")
    def test_coordinates_are_on_earth(self) -> None:
        for values in ({"latitude": 90.1}, {"longitude": -180.1}):
            with self.subTest(values=values), self.assertRaises(CheckViolation), self.env.cr.savepoint():
                self.location.write(values)
                self.env.flush_all()

    def test_evse_id_is_stored_in_upper_case(self) -> None:
        self.assertEqual(self.evse.evse_id, "DE*ABC*E1234*1")

    def test_evse_id_of_wrong_format_is_refused(self) -> None:
        with self.assertRaisesRegex(ValidationError, "is not an EVSE-ID"):
            self.evse.evse_id = "DE*ABC*1234"

    @mute_logger("odoo.sql_db")
    def test_evse_id_is_unique_with_and_without_separators(self) -> None:
        with self.assertRaises(UniqueViolation), self.env.cr.savepoint():
            self.env["emobility.evse"].create({"location_id": self.location.id, "evse_id": "DEABCE12341"})
            self.env.flush_all()

    def test_evses_without_evse_id_do_not_collide(self) -> None:
        evses = self.env["emobility.evse"].create([{"location_id": self.location.id}] * 2)
        self.env.flush_all()
        self.assertEqual(len(evses), 2)

    @mute_logger("odoo.sql_db")
    def test_connector_id_is_unique_for_its_evse(self) -> None:
        self.env["emobility.connector"].create({"evse_id": self.evse.id})
        with self.assertRaises(UniqueViolation), self.env.cr.savepoint():
            self.env["emobility.connector"].create({"evse_id": self.evse.id})

    @mute_logger("odoo.sql_db")
    def test_power_of_a_connector_is_not_negative(self) -> None:
        with self.assertRaises(CheckViolation), self.env.cr.savepoint():
            self.env["emobility.connector"].create({"evse_id": self.evse.id, "max_power_kw": -1})

    def test_evse_and_connector_follow_the_company_of_the_location(self) -> None:
        connector = self.env["emobility.connector"].create({"evse_id": self.evse.id})
        company = self.env["res.company"].create({"name": "Another"})
        self.location.company_id = company
        self.assertEqual((self.evse.company_id, connector.company_id), (company, company))

    def test_default_contract_is_a_charging_contract_of_the_company(self) -> None:
        other = new_charging_contract(self.env, self.partner, is_charging=False)
        with self.assertRaisesRegex(ValidationError, "is not a charging contract"):
            self.location.default_contract_id = other
        company = self.env["res.company"].create({"name": "Another"})
        foreign = new_charging_contract(self.env["base"].with_company(company).env, self.partner)
        with self.assertRaisesRegex(UserError, "no company crossover"):
            self.location.default_contract_id = foreign

    def test_location_group_lists_its_locations(self) -> None:
        group = self.env["emobility.location.group"].create({"name": "City", "code": "CITY"})
        self.location.group_ids = group
        self.assertEqual((group.location_ids, group.location_count), (self.location, 1))
