from datetime import date

from freezegun import freeze_time

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.base.tests.common import BaseCommon

from .common import crons_without_commit, give_prices, new_charging_contract


@tagged("post_install", "-at_install")
class TestPlan(BaseCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        give_prices(cls.env)
        cls.env["account.journal"].search([("type", "=", "sale")], limit=1) or cls.env[
            "account.journal"
        ].create({"name": "Sales", "code": "SALE", "type": "sale"})
        cls.plan = cls.env["product.template"].create(
            {
                "name": "Basic",
                "type": "service",
                "is_charging_plan": True,
                "plan_base_fee": 30.0,
                "taxes_id": False,
            }
        )

    def test_plan_is_a_service(self) -> None:
        with self.assertRaisesRegex(ValidationError, "has to be a service"):
            self.plan.type = "consu"

    def test_plan_in_use_stays_a_plan(self) -> None:
        new_charging_contract(self.env, self.partner, plan_id=self.plan.id)
        with self.assertRaisesRegex(ValidationError, "has to stay a charging plan"):
            self.plan.is_charging_plan = False

    @mute_logger("odoo.sql_db")
    def test_negative_fees_and_quantities_are_refused(self) -> None:
        for field in ("plan_base_fee", "plan_card_fee", "plan_included_kwh", "plan_min_months"):
            with (
                self.subTest(field=field),
                self.assertRaisesRegex(Exception, "product_template_plan_amounts"),
                self.env.cr.savepoint(),
            ):
                self.plan[field] = -1
                self.plan.flush_recordset()
        self.plan.invalidate_recordset()

    def test_contract_with_an_ordinary_product_as_plan_is_refused(self) -> None:
        cable = self.env["product.template"].create({"name": "Cable", "type": "consu"})
        with self.assertRaisesRegex(ValidationError, "is not a charging plan"):
            new_charging_contract(self.env, self.partner, plan_id=cable.id)

    @freeze_time("2026-03-01")
    def test_price_change_is_announced_in_time_and_applied_on_its_day(self) -> None:
        contract = new_charging_contract(self.env, self.partner, plan_id=self.plan.id)
        contract.action_activate()
        change = self.env["emobility.plan.price"].create(
            {"plan_id": self.plan.id, "date_from": "2026-04-16", "base_fee": 60.0, "notice_days": 30}
        )
        change.action_announce()
        self.assertEqual((change.state, change.announced_on), ("announced", date(2026, 3, 1)))
        self.assertIn("60.00", contract.message_ids[0].body)
        self.assertIn(self.partner, contract.message_ids[0].partner_ids)
        with freeze_time("2026-04-16"):
            with crons_without_commit(self.env):
                self.env["emobility.plan.price"]._cron_apply()
        self.assertEqual((change.state, change.previous_fee, self.plan.plan_base_fee), ("applied", 30.0, 60.0))
        with freeze_time("2026-05-01"):
            # One period of each line at a time, as the scheduled action does.
            contract._recurring_create_invoice(date(2026, 5, 1))
            contract._recurring_create_invoice(date(2026, 5, 1))
        amounts = contract._get_related_invoices().invoice_line_ids.mapped("price_subtotal")
        self.assertEqual(sorted(amounts), [15.0, 30.0, 30.0], "half of April at each fee, and March")

    @freeze_time("2026-03-01")
    def test_price_change_without_enough_notice_is_refused(self) -> None:
        change = self.env["emobility.plan.price"].create(
            {"plan_id": self.plan.id, "date_from": "2026-03-20", "base_fee": 60.0, "notice_days": 30}
        )
        with self.assertRaisesRegex(UserError, "can begin on 2026-03-31 at the earliest"):
            change.action_announce()
        self.assertEqual(change.state, "draft")

    @freeze_time("2026-03-01")
    def test_announced_price_change_is_fixed(self) -> None:
        change = self.env["emobility.plan.price"].create(
            {"plan_id": self.plan.id, "date_from": "2026-06-01", "base_fee": 60.0}
        )
        change.action_announce()
        with self.assertRaisesRegex(UserError, "was announced: it cannot change"):
            change.base_fee = 50.0
