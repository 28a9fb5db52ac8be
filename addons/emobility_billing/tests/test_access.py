from __future__ import annotations

from typing import Any

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from odoo.addons.emobility_crm.tests.common import AccessCase, Rights, staff

from .access_common import BillingRecords

OWN = Rights("r", "", "")
PRICES = staff(user="r", manager="rwcd")


@tagged("post_install", "-at_install")
class TestAccess(BillingRecords, AccessCase):
    MATRIX = {
        "emobility.tariff": PRICES,
        "emobility.tariff.version": PRICES,
        "emobility.tariff.element": PRICES,
        "emobility.price.component": PRICES,
        "emobility.price.rule": PRICES,
        "emobility.brand": PRICES,
        "emobility.discount": PRICES,
        "emobility.discount.use": staff(user="r", manager="r"),
        "emobility.allowance": staff(user="r", manager="r", portal=OWN),
        "emobility.spot.series": PRICES,
        "emobility.spot.price": PRICES,
        "emobility.tariff.replay": PRICES,
        "emobility.tariff.replay.result": staff(user="r", manager="r"),
        "emobility.session": staff(user="rw", manager="rw", portal=OWN),
        "emobility.session.event": staff(user="r", manager="r"),
        "emobility.hold": staff(user="rw", manager="rw"),
        "emobility.cdr": staff(user="r", manager="r", portal=OWN),
        "emobility.rating": staff(user="r", manager="r", portal=OWN),
        "emobility.rating.line": staff(user="r", manager="r", portal=OWN),
        "emobility.billing.run": staff(user="r", manager="rwcd"),
        "emobility.billing.run.line": staff(user="r", manager="r"),
        "emobility.import.profile": PRICES,
        "emobility.import.power.rule": PRICES,
        "emobility.session.import": staff(user="r", manager="rwc"),
    }

    @classmethod
    def create_records(cls) -> dict[str, dict[str, Any]]:
        return cls.create_billing_records(super().create_records())

    def test_every_role_has_exactly_the_rights_of_the_table(self) -> None:
        self.check_matrix()

    def test_every_model_is_in_the_table(self) -> None:
        self.check_matrix_is_complete("emobility_billing")

    def test_f52_portal_user_sees_only_own_sessions_when_walking_through_ids(self) -> None:
        for model in ("emobility.session", "emobility.cdr", "emobility.rating", "emobility.rating.line"):
            with self.subTest(model=model):
                foreign = self.as_role("portal", self.records[model]["foreign"])
                with self.assertRaises(AccessError):
                    foreign.read(["id", "company_id"])
                self.assertEqual(foreign.search([]), self.records[model]["own"])

    def test_portal_user_never_sees_a_wholesale_rating_of_an_own_session(self) -> None:
        rating = self.records["emobility.rating"]["own"]
        rating._as_system().write({"relation": "wholesale"})
        self.assertEqual(self.allowed_operations("portal", rating), "")
        self.assertEqual(self.allowed_operations("portal", rating.line_ids), "")

    def test_portal_user_can_call_no_action_that_changes_something(self) -> None:
        for model, actions in {
            "emobility.session": ("action_process",),
            "emobility.cdr": ("action_credit", "action_correct"),
            "emobility.hold": ("action_accept", "action_write_off", "action_retry"),
        }.items():
            record = self.as_role("portal", self.records[model]["own"])
            for action in actions:
                with self.subTest(action=action), self.assertRaises(UserError):
                    getattr(record, action)()

    def test_clerk_cannot_run_the_billing(self) -> None:
        run = self.as_role("user", self.records["emobility.billing.run"]["own"])
        for action in ("action_prepare", "action_start"):
            with self.subTest(action=action), self.assertRaises(AccessError):
                getattr(run, action)()
