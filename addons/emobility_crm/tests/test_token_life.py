from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.base.tests.common import BaseCommon

from .common import give_prices, new_charging_contract


@tagged("post_install", "-at_install")
class TestTokenLife(BaseCommon):
    """Ordered, shipped, active, blocked: with days, reasons and fees."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.plan = cls.env["product.template"].create(
            {
                "name": "Plan",
                "type": "service",
                "is_charging_plan": True,
                "plan_card_fee": 4.9,
                "plan_free_cards": 1,
            }
        )
        give_prices(cls.env)
        cls.contract = new_charging_contract(cls.env, cls.partner, plan_id=cls.plan.id)
        cls.contract.action_activate()
        cls.Token = cls.env["emobility.token"]

    def _token(self, uid: str, **values: object):
        return self.Token.create({"uid": uid, "contract_id": self.contract.id, **values})

    @freeze_time("2026-03-01")
    def test_card_goes_from_order_over_shipment_to_use(self) -> None:
        token = self._token("0401")
        days = {"ordered": token.ordered_on}
        with freeze_time("2026-03-03"):
            token.action_ship()
            self.assertEqual(token._authorization_status(), "Invalid")
        with freeze_time("2026-03-05"):
            token.action_activate()
        days |= {"shipped": token.shipped_on, "active": token.activated_on}
        self.assertEqual(
            {name: fields.Date.to_string(day) for name, day in days.items()},
            {"ordered": "2026-03-01", "shipped": "2026-03-03", "active": "2026-03-05"},
        )
        with self.assertRaisesRegex(UserError, "is Active and cannot become Shipped"):
            token.action_ship()

    def test_cards_beyond_the_free_ones_have_a_fee(self) -> None:
        self._token("0401").action_ship()
        self.assertFalse(self.contract.contract_line_ids)
        self._token("0402", visual_number="C-2").action_ship()
        self._token("APP", token_type="APP_USER", state="shipped")
        line = self.contract.contract_line_ids
        self.assertEqual((line.name, line.price_unit), ("Charging card: C-2", 4.9))

    def test_block_has_a_reason_that_goes_with_it(self) -> None:
        token = self._token("0401", state="active")
        token._block("limit")
        token._unblock_from("driver")
        self.assertEqual((token.state, token.block_reason), ("blocked", "limit"))
        token._unblock_from("limit")
        self.assertEqual((token.state, token.block_reason), ("active", False))
        token.action_block()
        self.assertEqual(token.block_reason, "clerk")

    def test_token_that_was_in_use_cannot_be_deleted(self) -> None:
        used, new = self._token("0401", state="active"), self._token("0402")
        used.action_block()
        with self.assertRaisesRegex(UserError, "was in use: block it instead"):
            used.unlink()
        new.unlink()
        self.assertFalse(new.exists())

    def test_car_identifies_itself_with_its_address(self) -> None:
        token = self._token("vid:00:1a:2b:3c:4d:5e", token_type="OTHER", is_autocharge=True, state="active")
        self.assertEqual(token.uid, "001A2B3C4D5E")
        for spelling in ("VID:001A2B3C4D5E", "001a2b3c4d5e", "00:1A:2B:3C:4D:5E"):
            with self.subTest(spelling=spelling):
                self.assertEqual(self.Token._find_by_uid(spelling, self.env.company), token)
        with self.assertRaisesRegex(ValidationError, "is not the address of a car"):
            self._token("00:1a:2b", token_type="OTHER", is_autocharge=True)

    def test_reader_with_reversed_bytes_finds_the_card_when_the_company_says_so(self) -> None:
        token = self._token("04A2B3C4", state="active")
        self.assertFalse(self.Token._find_by_uid("C4B3A204", self.env.company))
        self.env.company.emobility_match_reversed_uid = True
        self.assertEqual(self.Token._find_by_uid("c4:b3:a2:04", self.env.company), token)

    def test_read_order_wins_over_the_reversed_one(self) -> None:
        self.env.company.emobility_match_reversed_uid = True
        forward, backward = self._token("04A2B3C4", state="active"), self._token("C4B3A204", state="active")
        self.assertEqual(self.Token._find_by_uid("04A2B3C4", self.env.company), forward)
        self.assertEqual(self.Token._find_by_uid("C4B3A204", self.env.company), backward)

    def test_ordered_card_needs_its_uid_before_it_is_sent(self) -> None:
        token = self.Token._order_card(self.contract, self.partner, "Red car")
        self.assertEqual((token.state, token.uid_pending, token.label), ("ordered", True, "Red car"))
        for action in ("action_ship", "action_activate"):
            with (
                self.subTest(action=action),
                self.assertRaisesRegex(ValidationError, "has no UID yet"),
                self.env.cr.savepoint(),
            ):
                getattr(token, action)()
            token.invalidate_recordset()
        token.uid = "04:77:88:99"
        token.action_ship()
        self.assertEqual((token.uid, token.uid_pending, token.state), ("04778899", False, "shipped"))

    def test_card_for_a_suspended_contract_cannot_be_ordered(self) -> None:
        self.contract._suspend("clerk")
        with self.assertRaisesRegex(UserError, "only for an active contract"):
            self.Token._order_card(self.contract, self.partner, None)

    def test_name_of_the_driver_is_shown(self) -> None:
        self.assertEqual(self._token("0401", label="Blue car").display_name, "Blue car (0401)")

    @mute_logger("odoo.sql_db")
    def test_negative_limit_is_refused(self) -> None:
        with self.assertRaisesRegex(Exception, "monthly_limit_not_negative"), self.env.cr.savepoint():
            self._token("0401", monthly_limit=-1)

    def test_looking_for_a_token_takes_the_same_queries_however_many_there_are(self) -> None:
        self._token("04A2B3C4", state="active")

        def queries() -> int:
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.Token._find_by_uid("04A2B3C4", self.env.company)._authorization_status()
            return self.env.cr.sql_log_count - before

        queries()
        few = queries()
        self.Token.create(
            [{"uid": f"05{number:06d}", "contract_id": self.contract.id} for number in range(200)]
        )
        self.assertLessEqual(queries(), few)
