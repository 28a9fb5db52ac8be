import base64
import hashlib
from datetime import timedelta

from psycopg2 import IntegrityError

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..password import PASSWORD_LENGTH, hash_password
from .common import OcppCommon


@tagged("post_install", "-at_install")
class TestStation(OcppCommon):
    def new_password(self) -> str:
        action = self.station.with_user(self.manager).action_new_password()
        self.assertEqual(action["context"]["default_login"], "TEST-CS-1")
        return action["context"]["default_secret"]

    def test_manager_sees_the_new_password_in_a_form_without_a_table(self) -> None:
        context = self.station.with_user(self.manager).action_new_password()["context"]
        shown = self.env["emobility.secret.show"].with_user(self.manager).with_context(**context)
        values = shown.onchange({}, [], {"login": {}, "secret": {}})["value"]
        self.assertEqual(values, {"login": "TEST-CS-1", "secret": context["default_secret"]})
        self.assertFalse(shown._auto)

    def test_stored_hash_verifies_with_hashlib(self) -> None:
        password = self.new_password()
        self.assertEqual(len(password), PASSWORD_LENGTH)
        algorithm, iterations, salt, digest = self.station.password_hash.split("$")
        self.assertEqual(algorithm, "pbkdf2_sha256")
        computed = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(iterations))
        self.assertEqual(base64.b64encode(computed).decode(), digest)

    def test_password_itself_is_nowhere_in_the_station(self) -> None:
        password = self.new_password()
        stored = str(self.station.read()) + str(self.station.message_ids.mapped("body"))
        self.assertNotIn(password, stored)

    def test_each_password_is_new_and_each_hash_has_its_own_salt(self) -> None:
        self.assertNotEqual(self.new_password(), self.new_password())
        self.assertNotEqual(hash_password("same"), hash_password("same"))

    def test_clerk_cannot_set_a_password_or_accept_and_manager_cannot_read_the_hash(self) -> None:
        self.new_password()
        station = self.station.with_user(self.clerk)
        for action in (station.action_new_password, station.action_accept, station.action_revoke):
            with self.assertRaises(AccessError):
                action()
        with self.assertRaises(AccessError):
            self.station.with_user(self.manager).read(["password_hash"])

    def test_identity_is_unique_and_fits_in_an_address(self) -> None:
        values = {"location_id": self.location.id}
        for identity in ("with space", "a/b", "a:b", "x" * 49, "Ü1"):
            with self.assertRaises(ValidationError):
                self.env["emobility.station"].create(values | {"identity": identity})
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), self.cr.savepoint():
            self.env["emobility.station"].create(values | {"identity": "TEST-CS-1"})

    def test_evse_number_is_unique_in_its_station_and_from_one(self) -> None:
        for number in (1, 0, -1):
            with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), self.cr.savepoint():
                self.evse_2.ocpp_evse_number = number
                self.evse_2.flush_recordset()

    def test_live_status_of_an_evse_follows_its_connectors_and_its_station(self) -> None:
        self.assertEqual((self.evse._live_status(), self.location._map_status()), ("unknown", "unknown"))
        self.push_ok(self.event("E1", "station.connected", ocpp="1.6", remote_address="192.0.2.1"))
        for status, expected in (
            ("Available", "available"), ("Charging", "occupied"), ("Reserved", "occupied"), ("Faulted", "unavailable")
        ):  # fmt: skip
            with self.subTest(status=status):
                self.connector.ocpp_status = status
                self.assertEqual((self.evse._live_status(), self.location._map_status()), (expected, expected))
        self.evse_2.connector_ids.ocpp_status = "Available"
        self.assertEqual(self.location._map_status(), "available")
        self.station.connection_state = "offline"
        self.assertEqual(self.location._map_status(), "unavailable")

    def test_evse_stands_at_the_location_of_its_station(self) -> None:
        elsewhere = self.location.copy({"name": "Elsewhere", "code": "ELSEWHERE"})
        with self.assertRaisesRegex(ValidationError, "another location"):
            self.evse.location_id = elsewhere

    def test_administrator_creates_a_bridge_whose_key_works(self) -> None:
        wizard = self.env["emobility.bridge.access.wizard"].create({"login": "bridge-of-test"})
        secret = wizard.action_create_key()["context"]["default_secret"]
        user = self.env["res.users"].search([("login", "=", "bridge-of-test")])
        self.assertEqual(user.all_group_ids, self.env.ref("emobility_ocpp.group_bridge"))
        self.assertEqual(self.env["res.users.apikeys"]._check_credentials(scope="rpc", key=secret), user.id)
        key = self.env["res.users.apikeys"].sudo().search([("user_id", "=", user.id)])
        self.assertAlmostEqual(
            key.expiration_date, fields.Datetime.now() + timedelta(days=365), delta=timedelta(minutes=1)
        )

    def test_bridge_can_get_a_second_key_before_the_first_expires(self) -> None:
        wizard = self.env["emobility.bridge.access.wizard"].create({"user_id": self.bridge.id, "days": 30})
        wizard.action_create_key()
        wizard.action_create_key()
        self.assertEqual(
            self.env["res.users.apikeys"].sudo().search_count([("user_id", "=", self.bridge.id)]), 2
        )

    def test_key_is_only_given_for_a_limited_time_to_a_bridge_and_by_an_administrator(self) -> None:
        wizards = self.env["emobility.bridge.access.wizard"]
        with self.assertRaisesRegex(UserError, "1 to 365 days"):
            wizards.create({"login": "b", "days": 400}).action_create_key()
        with self.assertRaisesRegex(UserError, "not only a bridge"):
            wizards.create({"user_id": self.manager.id}).action_create_key()
        with self.assertRaises(AccessError):
            wizards.with_user(self.manager).create({"login": "b"})
