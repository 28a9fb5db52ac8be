from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from typing import Any

from psycopg2 import IntegrityError

from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, freeze_time, tagged
from odoo.tools import mute_logger

from ..rating import Dimension, RatingError, Weekday
from .common import ChargingCommon

NOW = "2026-05-10 12:00:00"


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestTariff(ChargingCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.version = cls.tariff.version_ids
        cls.element = cls.version.element_ids
        cls.component = cls.element.component_ids

    def assert_refused(self, what: str, call: Any) -> None:
        with self.subTest(what), self.assertRaisesRegex(UserError, "Make a new version instead"):
            call()

    def test_a_version_becomes_a_tariff_of_the_engine(self) -> None:
        self.version.write({"min_price": 1, "max_price": 50})
        self.element.write(
            {
                "start_time": 22.5,
                "end_time": 6.0,
                "start_date": "2026-01-01",
                "end_date": "2027-01-01",
                "min_kwh": 0.5,
                "max_power": 11,
                "max_duration": 3600,
                "min_parking": 900,
                "day_of_week": "SATURDAY, sunday",
            }
        )
        self.component.write({"price": 0.3925, "step_size": 100})
        tariff = self.version._engine_tariff()
        self.assertEqual((tariff.id, tariff.currency, tariff.tax_included), ("STANDARD/1", "EUR", True))
        self.assertEqual((tariff.min_price, tariff.max_price), (Decimal(1), Decimal(50)))
        component = tariff.elements[0].components[0]
        self.assertEqual(
            (component.dimension, component.price, component.step_size),
            (Dimension.ENERGY, Decimal("0.3925"), 100),
        )
        restrictions = tariff.elements[0].restrictions
        self.assertEqual((restrictions.start_time, restrictions.end_time), (time(22, 30), time(6)))
        self.assertEqual(
            (restrictions.start_date, restrictions.end_date), (date(2026, 1, 1), date(2027, 1, 1))
        )
        self.assertEqual((restrictions.min_kwh, restrictions.max_kwh), (Decimal("0.5"), None))
        self.assertEqual((restrictions.min_power, restrictions.max_power), (None, Decimal(11)))
        self.assertEqual((restrictions.min_duration, restrictions.max_duration), (None, 3600))
        self.assertEqual((restrictions.min_parking, restrictions.max_parking), (900, None))
        self.assertEqual(restrictions.day_of_week, {Weekday.SATURDAY, Weekday.SUNDAY})

    def test_an_element_without_restrictions_always_applies(self) -> None:
        self.assertFalse(self.version._engine_tariff().elements[0].restrictions.wall_times)

    def test_a_window_until_midnight_ends_at_the_end_of_the_day(self) -> None:
        for hour in (0.0, 24.0):
            self.element.write({"start_time": 18, "end_time": hour})
            restrictions = self.version._engine_tariff().elements[0].restrictions
            self.assertEqual((restrictions.start_time, restrictions.end_time), (time(18), time(0)))

    def test_the_order_of_elements_is_the_order_of_the_engine(self) -> None:
        first = self.element.copy({"sequence": 1, "max_kwh": 5, "component_ids": []})
        first.component_ids = [Command.create({"dimension": "ENERGY", "price": 0})]
        self.assertEqual(self.version._ordered_elements(), first | self.element)
        self.assertEqual([e.components[0].price for e in self.version._engine_tariff().elements],
                         [Decimal(0), Decimal("0.49")])  # fmt: skip

    def test_f37_a_frozen_version_and_all_below_it_cannot_change(self) -> None:
        self.version._freeze()
        self.assertTrue(self.version.is_frozen)
        attempts = {
            "change the version": lambda: self.version.write({"min_price": 1}),
            "unfreeze the version": lambda: self.version.write({"is_frozen": False}),
            "move the start": lambda: self.version.write({"valid_from": "2021-01-01 00:00:00"}),
            "delete the version": lambda: self.version.unlink(),
            "add an element in the version": lambda: self.version.write(
                {"element_ids": [Command.create({})]}
            ),
            "add an element": lambda: self.element.create({"version_id": self.version.id}),
            "change an element": lambda: self.element.write({"max_kwh": 1}),
            "change the days of an element": lambda: self.element.write({"monday": True}),
            "delete an element": lambda: self.element.unlink(),
            "add a price": lambda: self.component.create(
                {"element_id": self.element.id, "dimension": "FLAT", "price": 1}
            ),
            "change a price": lambda: self.component.write({"price": 1}),
            "delete a price": lambda: self.component.unlink(),
            "delete the tariff": lambda: (self.rule.unlink(), self.tariff.unlink()),
        }
        for what, attempt in attempts.items():
            self.assert_refused(what, attempt)

    def test_f37_elements_and_prices_cannot_be_moved_into_a_frozen_version(self) -> None:
        other = self.version.copy({"valid_from": "2026-06-01 00:00:00"})
        self.version._freeze()
        self.assert_refused("element", lambda: other.element_ids.write({"version_id": self.version.id}))
        other.element_ids.component_ids.dimension = "TIME"
        self.assert_refused(
            "price", lambda: other.element_ids.component_ids.write({"element_id": self.element.id})
        )

    def test_f37_the_meaning_of_a_used_tariff_cannot_change(self) -> None:
        self.tariff.price_mode = "net"
        self.version._freeze()
        self.tariff.write({"price_mode": "net", "currency_id": self.euro.id, "name": "New name"})
        for vals in ({"price_mode": "gross"}, {"currency_id": self.env.ref("base.USD").id}):
            with self.assertRaisesRegex(UserError, "Make a new tariff instead"):
                self.tariff.write(vals)

    def test_f38_a_frozen_version_can_end_from_now_on_but_not_in_the_past(self) -> None:
        self.version._freeze()
        self.version.valid_to = "2026-05-10 13:00:00"
        with self.assertRaisesRegex(UserError, "only be ended from now on"):
            self.version.valid_to = "2026-05-10 11:00:00"
        self.version.valid_to = False

    def test_f38_a_frozen_version_that_has_ended_cannot_come_back(self) -> None:
        self.version.valid_to = "2026-05-09 00:00:00"
        self.version._freeze()
        with self.assertRaisesRegex(UserError, "only be ended from now on"):
            self.version.valid_to = False

    def test_a_new_version_has_the_prices_of_the_frozen_one_and_can_be_edited(self) -> None:
        self.version._freeze()
        self.element.invalidate_recordset()
        action = self.tariff.action_new_version()
        copy = self.env[action["res_model"]].browse(action["res_id"])
        self.assertRecordValues(
            copy, [{"tariff_id": self.tariff.id, "number": 2, "is_frozen": False, "valid_to": False}]
        )
        self.assertEqual(str(copy.valid_from), "2026-05-11 00:00:00")
        self.assertEqual(copy._engine_tariff().elements, self.version._engine_tariff().elements)
        copy.element_ids.component_ids.price = 0.59
        self.assertEqual(self.component.price, 0.49)
        again = self.env["emobility.tariff.version"].browse(copy.action_new_version()["res_id"])
        self.assertEqual((again.number, str(again.valid_from)), (3, "2026-05-12 00:00:00"))

    def test_the_version_that_begins_last_counts(self) -> None:
        newer = self.version.copy({"valid_from": "2026-05-01 00:00:00", "valid_to": "2026-06-01 00:00:00"})
        at = {
            "2019-12-31 23:59:59": self.version.browse(),
            "2020-01-01 00:00:00": self.version,
            "2026-04-30 23:59:59": self.version,
            "2026-05-01 00:00:00": newer,
            "2026-05-31 23:59:59": newer,
            "2026-06-01 00:00:00": self.version,
        }
        for text, expected in at.items():
            with self.subTest(text):
                instant = newer._fields["valid_from"].convert_to_cache(text, newer)
                self.assertEqual(self.tariff._version_at(instant), expected)
        self.assertEqual(self.tariff.current_version_id, newer)

    def test_a_frozen_version_is_compiled_once(self) -> None:
        self.version._freeze()
        self.version._engine_tariff()
        self.env.invalidate_all()
        with self.assertQueryCount(1):  # is_frozen
            first = self.version._engine_tariff()
        self.assertIs(self.version._engine_tariff(), first)

    def test_a_freeze_that_is_rolled_back_leaves_no_old_price_in_the_cache(self) -> None:
        with self.assertRaises(ZeroDivisionError), self.cr.savepoint():
            self.version._freeze()
            self.version._engine_tariff()
            raise ZeroDivisionError
        self.env.invalidate_all()
        self.component.price = 0.79
        self.version._freeze()
        self.assertEqual(self.version._engine_tariff().elements[0].components[0].price, Decimal("0.79"))

    def test_a_version_that_is_not_frozen_shows_changes_at_once(self) -> None:
        self.version._engine_tariff()
        self.component.price = 0.79
        self.assertEqual(self.version._engine_tariff().elements[0].components[0].price, Decimal("0.79"))

    def test_f36_a_version_without_prices_cannot_be_used(self) -> None:
        self.component.unlink()
        with self.assertRaises(RatingError):
            self.version._engine_tariff()
        with self.assertRaisesRegex(UserError, "no prices"):
            self.version._freeze()

    def test_prices_are_told_in_words(self) -> None:
        self.component.copy({"dimension": "FLAT", "price": 1})
        self.version.max_price = 30
        self.assertEqual(
            self.tariff.price_summary,
            "Energy 0.49 EUR per kWh, Start fee 1.00 EUR\nat most 30.00 EUR per session",
        )
        self.component.unlink()
        self.element.component_ids.unlink()
        self.assertEqual(self.tariff.price_summary, "")

    def test_elements_and_prices_are_listed_in_words(self) -> None:
        self.assertEqual(self.component.display_name, "Energy (per kWh): 0.49 EUR")
        self.assertEqual(self.element.restriction_summary, "always")
        self.element.write({"start_time": 22, "end_time": 6, "saturday": True})
        self.assertEqual(self.element.restriction_summary, "Sat, 22:00 to 06:00")

    def test_a_tariff_can_be_entered_in_its_forms(self) -> None:
        tariff = Form(self.env["emobility.tariff"], "emobility_billing.view_tariff_form")
        tariff.name = "Entered by hand"
        tariff.code = "HAND"
        tariff = tariff.save()
        version = Form(
            self.env["emobility.tariff.version"].with_context(default_tariff_id=tariff.id),
            "emobility_billing.view_tariff_version_form",
        )
        version.max_price = 20
        version = version.save()
        element = Form(
            self.env["emobility.tariff.element"].with_context(default_version_id=version.id),
            "emobility_billing.view_tariff_element_form",
        )
        element.max_kwh = 5
        with element.component_ids.new() as component:
            component.dimension = "FLAT"
            component.price = 1.5
        element.save()
        self.assertEqual(
            tariff.price_summary, "below 5 kWh: Start fee 1.50 USD\nat most 20.00 USD per session"
        )
        self.assertEqual(version.number, 1)

    def test_each_dimension_has_its_usage_product(self) -> None:
        for name in ("ENERGY", "TIME", "PARKING_TIME", "FLAT"):
            self.component.dimension = name
            self.assertEqual(
                self.component.product_id, self.env.ref(f"emobility_billing.product_{name.lower()}")
            )

    def test_days_can_be_ticked(self) -> None:
        form = Form(self.element, "emobility_billing.view_tariff_element_form")
        form.saturday = True
        form.monday = True
        form.save()
        self.assertEqual(self.element.day_of_week, "MONDAY,SATURDAY")
        self.element.day_of_week = "SUNDAY"
        self.assertEqual((self.element.sunday, self.element.monday), (True, False))
        self.element.sunday = False
        self.assertFalse(self.element.day_of_week)

    def test_what_makes_no_sense_is_refused(self) -> None:
        for values in (
            {"day_of_week": "FUNDAY"},
            {"min_kwh": 5, "max_kwh": 5},
            {"min_duration": 60, "max_duration": 30},
            {"start_date": "2026-01-02", "end_date": "2026-01-02"},
            {"start_time": 8, "end_time": 8},
        ):
            with self.subTest(values), self.assertRaises(ValidationError):
                self.element.write(values)
        with self.assertRaises(ValidationError):
            self.version.write({"min_price": 2, "max_price": 1})

    def test_what_the_database_refuses(self) -> None:
        for record, values in (
            (self.component, {"price": -0.01}),
            (self.component, {"step_size": -1}),
            (self.element, {"min_kwh": -1}),
            (self.element, {"start_time": 24}),
            (self.version, {"min_price": -1}),
            (self.version, {"valid_to": "2019-01-01 00:00:00"}),
        ):
            with (
                self.subTest(values),
                mute_logger("odoo.sql_db"),
                self.assertRaises(IntegrityError),
                self.cr.savepoint(),
            ):
                record.write(values)
                record.flush_recordset()
            self.env.invalidate_all()

    def test_a_copy_of_a_tariff_has_its_newest_prices_and_a_code_of_its_own(self) -> None:
        self.version._freeze()
        copy = self.tariff.copy()
        self.assertEqual((copy.code, self.tariff.copy().code), ("STANDARD-2", "STANDARD-3"))
        self.assertEqual(copy.version_ids.element_ids.component_ids.price, 0.49)
        self.assertFalse(copy.version_ids.is_frozen)

    def test_a_clerk_can_start_a_session_but_not_change_prices(self) -> None:
        clerk = self._make_user("tariff_clerk", "emobility_crm.group_user")
        version = self.version.with_user(clerk)
        version._freeze()
        self.assertTrue(version.is_frozen)
        self.assertEqual(version._engine_tariff().currency, "EUR")
        with self.assertRaises(UserError):
            self.component.with_user(clerk).write({"price": 0})
