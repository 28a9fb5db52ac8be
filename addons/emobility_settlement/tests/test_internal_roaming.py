from __future__ import annotations

from odoo import Command
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import new_test_user, tagged

from .common import SettlementCommon


@tagged("post_install", "-at_install")
class TestInternalRoaming(SettlementCommon):
    """Two companies of one database: the operator has the station, the provider has the customer."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.operator_company = cls.company
        cls.other = cls.setup_other_company(name="Provider of our own")
        cls.sister = cls.other["company"]
        cls.env.user.company_ids |= cls.sister
        cls.sister_partner = cls._make_partner(
            "Sister", "DE", "SIS", "EMSP", cls.sister.partner_id, internal_company_id=cls.sister.id
        )
        cls.sister_agreement = cls._make_agreement(cls.sister_partner, "sell", cls.sister.partner_id)
        cls.sister_rule = cls._make_rule(cls.wholesale, relation="wholesale", partner_id=cls.sister.partner_id.id)
        env = cls.env(context={**cls.env.context, "allowed_company_ids": cls.sister.ids})
        cls.customer = env["res.partner"].create({"name": "Sister's customer"})
        tariff = env["emobility.tariff"].create(
            {
                "name": "Sister's price",
                "code": "SISTER",
                "currency_id": cls.euro.id,
                "price_mode": "net",
                "company_id": cls.sister.id,
                "version_ids": [
                    Command.create(
                        {
                            "valid_from": "2020-01-01",
                            "element_ids": [
                                Command.create(
                                    {"component_ids": [Command.create({"dimension": "ENERGY", "price": 0.50})]}
                                )
                            ],
                        }
                    )
                ],
            }
        )
        env["emobility.price.rule"].create({"tariff_id": tariff.id, "company_id": cls.sister.id})
        contract = env["contract.contract"].create(
            {
                "name": "Sister's contract",
                "partner_id": cls.customer.id,
                "is_charging": True,
                "plan_id": cls.plan.id,
                "company_id": cls.sister.id,
            }
        )
        contract.action_activate()
        cls.sister_contract = contract
        env["emobility.token"].create(
            {
                "uid": "04515E5E5E",
                "token_type": "RFID",
                "contract_id": contract.id,
                "partner_id": cls.customer.id,
                "state": "active",
                "company_id": cls.sister.id,
            }
        )

    def charge_as_sister(self, session: str = "SIS", **values: object) -> tuple[object, object]:
        own = self.ingest(self.events(session, token_uid="04515E5E5E", **values))
        mirror = self.env["emobility.session"].sudo().search([("origin_session_id", "=", own.id)])
        return own, mirror

    def test_one_charge_is_sold_wholesale_and_billed_retail(self) -> None:
        own, mirror = self.charge_as_sister(kwh="10")
        self.assertEqual(
            (own.state, mirror.state),
            ("done", "done"),
            (own.hold_ids.mapped("reason_code"), mirror.hold_ids.mapped("reason_code")),
        )
        self.assertRecordValues(
            own.cdr_ids.rating_ids,
            [{"relation": "wholesale", "amount_total": 3.0, "partner_id": self.sister.partner_id.id}],
        )
        self.assertRecordValues(
            mirror.cdr_ids.rating_ids,
            [{"relation": "retail", "amount_total": 5.0, "partner_id": self.customer.id}],
        )
        self.assertEqual(mirror.company_id, self.sister)
        self.assertEqual(mirror.contract_id, self.sister_contract)

    def test_operator_sees_a_roaming_customer_and_no_name(self) -> None:
        own, mirror = self.charge_as_sister()
        clerk = new_test_user(
            self.env,
            "operator-clerk",
            "emobility_crm.group_user",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        seen = own.with_user(clerk)
        self.assertFalse(seen.contract_id or seen.token_id)
        self.assertEqual(seen.partner_id, self.sister.partner_id)
        with self.assertRaises(AccessError):
            mirror.with_user(clerk).read(["contract_id"])
        with self.assertRaises(AccessError):
            self.sister_contract.with_user(clerk).read(["name"])

    def test_operator_can_read_nothing_of_the_driver_anywhere(self) -> None:
        """All fields of all records that a manager and bookkeeper of the operator can reach, after a whole month."""
        self.agree_on_a_share()
        token = self.env["emobility.token"].sudo().search([("uid", "=", "04515E5E5E")])
        token.write({"visual_number": "CARD-OF-DRIVER", "label": "LABEL-OF-DRIVER"})
        self.sister_contract.sudo().write({"name": "CONTRACT-OF-DRIVER"})
        self.customer.sudo().write({"name": "NAME-OF-DRIVER", "email": "MAIL-OF-DRIVER@example.com"})
        own, mirror = self.charge_as_sister(kwh="10")
        mirror.sudo().message_post(body="NAME-OF-DRIVER complained")
        settlement = self.settle()
        with self.running_jobs():
            mirror.cdr_ids.action_credit("goodwill", "NAME-OF-DRIVER was angry")
        secrets = ("OF-DRIVER", self.sister_contract.emaid or "NO EMAID")
        user = new_test_user(
            self.env,
            "operator-of-all",
            "emobility_crm.group_manager,account.group_account_manager,base.group_system",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        models = [name for name in self.env if name.startswith(("emobility.", "account.move", "mail.message"))]
        seen = 0
        for name in models:
            model = self.env[name].with_user(user)
            if model._abstract or model._transient or not model.has_access("read"):
                continue
            fields = [key for key, field in model.fields_get().items() if field["type"] != "binary"]
            for row in model.search([], limit=300, order="id desc").read(fields):
                seen += 1
                text = str(row)
                self.assertFalse([secret for secret in secrets if secret in text], (name, row))
        self.assertGreater(seen, 50)
        move = settlement.move_ids[:1].with_user(user)
        report = self.env["ir.actions.report"].with_user(user)
        html, _kind = report._render_qweb_html("account.report_invoice_with_payments", move.ids)
        self.assertNotIn(b"OF-DRIVER", html)
        self.assertIn(self.sister.partner_id.name.encode(), html)
        self.assertEqual(own.with_user(user).partner_id, self.sister.partner_id)

    def test_provider_sees_the_place_where_its_customer_charged(self) -> None:
        _own, mirror = self.charge_as_sister()
        clerk = new_test_user(
            self.env,
            "provider-clerk",
            "emobility_crm.group_user",
            company_id=self.sister.id,
            company_ids=[Command.set(self.sister.ids)],
        )
        self.assertEqual(mirror.with_user(clerk).location_id.name, "Market square")
        stranger_company = self.env["res.company"].create({"name": "No agreement"})
        stranger = new_test_user(
            self.env,
            "stranger-clerk",
            "emobility_crm.group_user",
            company_id=stranger_company.id,
            company_ids=[Command.set(stranger_company.ids)],
        )
        with self.assertRaises(AccessError):
            self.location.with_user(stranger).read(["name"])

    def test_events_that_come_twice_or_late_reach_both_sides_once(self) -> None:
        events = self.events("TWICE", token_uid="04515E5E5E", kwh="10")
        self.ingest(events[:1])
        self.ingest(events)
        self.ingest(events)
        sessions = self.env["emobility.session"].sudo().search([("uid", "in", ("TWICE", "ocpp:TWICE"))])
        self.assertEqual(sessions.mapped("event_count"), [len(events)] * 2)
        self.assertEqual(sorted(sessions.mapped("state")), ["done", "done"])

    def test_percentage_split_follows_the_driver_s_price(self) -> None:
        self.sister_rule.unlink()
        self.sister_agreement.write({"pricing": "percent", "share_percent": 70})
        own, _mirror = self.charge_as_sister(kwh="10")
        self.assertEqual(own.state, "done", own.hold_ids.mapped("reason_code"))
        self.assertRecordValues(
            own.cdr_ids.rating_ids, [{"relation": "wholesale", "amount_total": 3.5, "price_mode": "net"}]
        )

    def settle(self, **values: object) -> object:
        settlement = self.env["emobility.roaming.settlement"].create(
            {
                "roaming_partner_id": self.sister_partner.id,
                "currency_id": self.euro.id,
                "date_from": "2020-01-01",
                "date_to": "2099-12-31",
                **values,
            }
        )
        settlement.action_collect()
        with self.running_jobs():
            settlement.action_invoice()
        return settlement

    def sister_s_bill(self, move: object) -> object:
        """What the other company has for a document of ours."""
        return self.env["account.move"].sudo().search([("company_id", "=", self.sister.id), ("ref", "=", move.name)])

    def agree_on_a_share(self) -> None:
        self.sister_rule.unlink()
        self.sister_agreement.write({"pricing": "percent", "share_percent": 70})

    def test_settlement_makes_the_document_of_both_sides(self) -> None:
        self.charge_as_sister(kwh="10")
        invoice = self.settle().move_ids
        self.assertRecordValues(
            self.sister_s_bill(invoice),
            [{"move_type": "in_invoice", "partner_id": self.company.partner_id.id, "amount_untaxed": 3.0}],
        )
        invoice._bill_other_company()
        self.assertEqual(len(self.sister_s_bill(invoice)), 1)

    def test_correction_of_the_driver_s_price_corrects_the_share_on_both_sides(self) -> None:
        self.agree_on_a_share()
        own, mirror = self.charge_as_sister(kwh="10")
        settlement = self.settle()
        invoice = settlement.move_ids
        self.assertAlmostEqual(invoice.amount_untaxed, 3.5)
        correction = self.env["emobility.correction"].with_company(self.sister).create(
            {"kind": "reduce", "amount": 2.0, "cdr_ids": mirror.cdr_ids.ids, "company_id": self.sister.id}
        )
        with self.running_jobs():
            correction.action_prepare()
        self.assertEqual(own.cdr_ids.rating_ids.mapped("amount_total"), [3.5], "a preview changes nothing")
        with self.running_jobs():
            correction.action_apply()
        ratings = own.cdr_ids.rating_ids.sorted("id")
        self.assertRecordValues(
            ratings,
            [
                {"amount_total": 3.5, "state": "credited"},
                {"amount_total": -3.5, "state": "invoiced"},
                {"amount_total": 2.1, "state": "open"},
            ],
        )
        self.assertEqual(own.cdr_ids.filtered("credit").credited_cdr_id, ratings[0].cdr_id)
        refund = ratings[1].move_id
        self.assertRecordValues(
            refund, [{"move_type": "out_refund", "amount_untaxed": 3.5, "reversed_entry_id": invoice.id}]
        )
        self.assertIn(refund, settlement.move_ids)
        self.assertRecordValues(
            self.sister_s_bill(refund),
            [
                {
                    "move_type": "in_refund",
                    "amount_untaxed": 3.5,
                    "reversed_entry_id": self.sister_s_bill(invoice).id,
                    "company_id": self.sister.id,
                }
            ],
        )
        again = self.settle(date_from="2020-01-02").move_ids
        self.assertAlmostEqual(again.amount_untaxed, 2.1)
        self.assertAlmostEqual(self.sister_s_bill(again).amount_untaxed, 2.1)

    def test_share_follows_a_price_that_was_billed_again_before_the_settlement(self) -> None:
        self.agree_on_a_share()
        own, mirror = self.charge_as_sister(kwh="10")
        tariff = mirror.tariff_version_id.tariff_id
        cheaper = tariff.sudo().version_ids.copy({"valid_from": "2020-02-01"})
        cheaper.element_ids.component_ids.price = 0.4
        mirror.sudo()._as_system().tariff_version_id = cheaper
        with self.running_jobs():
            mirror.cdr_ids.action_correct("price")
        self.assertEqual(mirror._current_cdr().rating_ids.amount_total, 4.0)
        self.assertEqual(
            own.cdr_ids.rating_ids.sorted("id").mapped(lambda one: (one.amount_total, one.state)),
            [(3.5, "credited"), (-3.5, "credited"), (2.8, "open")],
        )
        self.assertAlmostEqual(self.settle().move_ids.amount_untaxed, 2.8)

    def test_share_of_what_the_provider_takes_back_is_nothing(self) -> None:
        self.agree_on_a_share()
        own, mirror = self.charge_as_sister(kwh="10")
        with self.running_jobs():
            mirror.cdr_ids.action_credit("goodwill")
        self.assertEqual(own.cdr_ids.rating_ids.sorted("id").mapped("amount_total"), [3.5, -3.5, 0.0])

    def margins(self) -> object:
        return self.env["emobility.roaming.margin"].search([("kind", "=", "internal")])

    def test_margin_between_companies_is_the_provider_s_and_follows_corrections(self) -> None:
        self.agree_on_a_share()
        with self.running_jobs():
            own, mirror = self.charge_as_sister(kwh="10")
        self.assertRecordValues(
            self.margins(),
            [
                {
                    "operator": self.company.name,
                    "session_id": mirror.id,
                    "location_name": self.location.name,
                    "company_id": self.sister.id,
                    "retail_net": 5.0,
                    "wholesale_net": 3.5,
                    "fee": 0.0,
                    "margin": 1.5,
                }
            ],
        )
        self.assertEqual(self.margins().action_open_session()["res_id"], mirror.id)
        for company, seen in ((self.sister, 1), (self.company, 0)):
            user = new_test_user(
                self.env,
                f"margin-of-{company.id}",
                "emobility_crm.group_user",
                company_id=company.id,
                company_ids=[Command.set(company.ids)],
            )
            self.assertEqual(len(self.margins().with_user(user).search([])), seen, "the driver's price is no business")
        correction = self.env["emobility.correction"].with_company(self.sister).create(
            {"kind": "reduce", "amount": 2.0, "cdr_ids": mirror.cdr_ids.ids, "company_id": self.sister.id}
        )
        with self.running_jobs():
            correction.action_prepare()
        with self.running_jobs():
            correction.action_apply()
        self.env.invalidate_all()
        self.assertRecordValues(self.margins(), [{"retail_net": 3.0, "wholesale_net": 2.1, "margin": 0.9}])
        with self.running_jobs():
            mirror._current_cdr().action_credit("goodwill")
        self.env.invalidate_all()
        self.assertFalse(self.margins(), "nobody pays")

    def test_margin_has_the_fees_that_the_operator_passes_on(self) -> None:
        self.sister_agreement.write({"hub_fee_per_cdr": 0.05, "hub_fee_policy": "pass_on"})
        with self.running_jobs():
            self.charge_as_sister(kwh="10")
        self.assertRecordValues(self.margins(), [{"fee": 0.05, "margin": 5.0 - 3.0 - 0.05}])

    def test_agreed_price_does_not_follow_the_driver_s(self) -> None:
        own, mirror = self.charge_as_sister(kwh="10")
        with self.running_jobs():
            mirror.cdr_ids.action_credit("goodwill")
        self.assertEqual(own.cdr_ids.rating_ids.mapped("amount_total"), [3.0])

    def test_token_of_a_company_without_agreement_is_unknown_here(self) -> None:
        self.sister_agreement.active = False
        own = self.ingest(self.events("NOPE", token_uid="04515E5E5E"))
        self.assertIn("missing_payer", self.hold_reasons(own))
        self.assertFalse(self.env["emobility.session"].sudo().search([("origin_session_id", "=", own.id)]))

    def test_cards_of_the_other_company_are_told_to_the_stations(self) -> None:
        tokens = self.env["emobility.token"]
        sisters = tokens.sudo().search([("company_id", "=", self.sister.id)])
        self.assertIn(sisters, tokens.sudo().search(tokens._accepted_in(self.company)))
        self.assertEqual(sisters._accepting_companies(), self.sister | self.company)
        self.sister_agreement.date_to = "2021-01-01"
        self.assertNotIn(sisters, tokens.sudo().search(tokens._accepted_in(self.company)))
        self.assertNotIn(self.token, tokens.sudo().search(tokens._accepted_in(self.sister)))

    def test_session_at_an_evse_of_another_company_needs_an_agreement(self) -> None:
        session = self.ingest(self.events("OWN"))
        with self.assertRaisesRegex(ValidationError, "belongs to another company"):
            session.sudo()._as_system().write({"company_id": self.sister.id})
