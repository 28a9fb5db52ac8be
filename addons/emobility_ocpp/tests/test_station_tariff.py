import json
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from odoo.addons.emobility_billing.tests.common import ChargingCommon
from odoo.addons.queue_job.tests.common import trap_jobs


@tagged("post_install", "-at_install")
class TestStationTariff(ChargingCommon):
    """Stations of OCPP 2.1 get our prices, whenever these change, and nothing that is not true."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.station = cls.env["emobility.station"].create(
            {
                "identity": "TARIFF-CS",
                "location_id": cls.location.id,
                "accepted": True,
                "company_id": cls.company.id,
                "tariff_policy": "exact",
            }
        )
        cls.station.write({"ocpp_version": "2.1", "connection_state": "online"})
        cls.evse.write({"station_id": cls.station.id, "ocpp_evse_number": 1})
        cls.adhoc = cls._make_tariff("STREET", {"ENERGY": 0.595, "FLAT": 1.19})
        cls._make_rule(cls.adhoc, relation="adhoc")

    def send(self) -> Any:
        """What the cron puts on the way."""
        before = self.env["emobility.command"].search([])
        self.env["emobility.station"].sudo()._cron_send_tariffs()
        return self.env["emobility.command"].search([]) - before

    def answer(self, command: Any, status: str, detail: str = "") -> None:
        with trap_jobs() as jobs:
            command.sudo()._apply_result(status, detail)
            jobs.perform_enqueued_jobs()

    def test_the_price_without_contract_is_sent_in_the_words_of_ocpp(self) -> None:
        command = self.send()
        self.assertEqual((command.action, command.payload["evse"]), ("default_tariff", 1))
        tariff = command.payload["tariff"]
        schema = resources.files("ocpp.v21").joinpath("schemas/SetDefaultTariffRequest.json").read_text("utf-8-sig")
        known = json.loads(schema)["definitions"]["TariffType"]["properties"]
        self.assertLessEqual(tariff.keys(), known.keys())
        self.assertEqual(tariff["currency"], "EUR")
        self.assertEqual(
            tariff["energy"], {"prices": [{"priceKwh": 0.5}], "taxRates": [{"type": "VAT", "tax": 19.0}]}
        )
        self.assertEqual(tariff["fixedFee"]["prices"], [{"priceFixed": 1.0}])
        self.assertIn("0.595", tariff["description"][0]["content"])
        self.assertEqual((self.evse.ocpp_tariff_state, self.evse.ocpp_tariff_note), ("sent", False))
        self.answer(command, "accepted")
        self.assertEqual(self.evse.ocpp_tariff_state, "accepted")
        self.assertEqual(self.evse.ocpp_tariff_version_id, self.adhoc.version_ids)

    def test_it_is_sent_again_only_when_prices_change(self) -> None:
        first = self.send()
        self.assertFalse(self.send())
        self.adhoc.version_ids.element_ids.component_ids[0].price = 0.476
        second = self.send()
        self.assertEqual(second.payload["tariff"]["energy"]["prices"], [{"priceKwh": 0.4}])
        self.assertNotEqual(second.payload["tariff"]["tariffId"], first.payload["tariff"]["tariffId"])

    def test_a_tariff_that_ocpp_cannot_carry_takes_the_one_before_away(self) -> None:
        self.send()
        self.adhoc.version_ids.quota_kwh = 50
        command = self.send()
        self.assertEqual((command.action, command.payload), ("clear_tariffs", {"evse": 1}))
        self.assertIn("the quota of 50", self.evse.ocpp_tariff_note)
        self.answer(command, "accepted")
        self.assertEqual(self.evse.ocpp_tariff_state, "none")
        self.station.tariff_policy = "always"
        self.assertEqual(self.send().action, "default_tariff")
        self.assertIn("the quota of 50", self.evse.ocpp_tariff_note)

    def test_without_a_price_nothing_is_sent(self) -> None:
        self.env["emobility.price.rule"].search([("relation", "=", "adhoc")]).active = False
        self.assertFalse(self.send())
        self.assertEqual(self.evse.ocpp_tariff_state, "none")
        self.assertIn("no price", self.evse.ocpp_tariff_note)

    def test_no_other_station_is_sent_a_tariff(self) -> None:
        for values in ({"ocpp_version": "2.0.1"}, {"tariff_policy": "none"}, {"connection_state": "offline"}):
            with self.subTest(values):
                before = {name: self.station[name] for name in values}
                self.station.write(values)
                self.assertFalse(self.send())
                self.station.write(before)

    def test_what_never_reached_the_station_is_sent_again_and_an_unknown_outcome_is_not(self) -> None:
        self.answer(self.send(), "offline", "The station is not connected.")
        again = self.send()
        self.assertEqual(again.action, "default_tariff")
        self.answer(again, "unknown", "The station did not answer in time.")
        self.assertFalse(self.send())
        self.assertEqual(self.evse.ocpp_tariff_state, "unknown")
        self.station.action_send_tariffs()
        self.assertEqual(self.evse.ocpp_tariff_state, "sent")

    def test_a_refusal_of_the_station_is_shown_with_its_word(self) -> None:
        self.answer(self.send(), "rejected", "ConditionNotSupported")
        self.assertEqual(self.evse.ocpp_tariff_state, "rejected")
        self.assertEqual(self.evse.ocpp_tariff_note, "ConditionNotSupported")

    def test_a_session_with_other_prices_has_its_own_tariff_on_the_display(self) -> None:
        self.answer(self.send(), "accepted")
        events = self.events("with-contract", datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=50))[:1]
        session = self.env["emobility.session"]._ingest_events(events) and self.env["emobility.session"].search(
            [("uid", "=", "with-contract")]
        )
        self.assertEqual(session.tariff_version_id, self.tariff.version_ids)
        session._send_session_tariff()
        session._send_session_tariff()
        command = self.env["emobility.command"].search([("action", "=", "transaction_tariff")])
        self.assertEqual((len(command), command.payload["session_uid"]), (1, "with-contract"))
        self.assertEqual(command.payload["tariff"]["energy"]["prices"], [{"priceKwh": 0.4117647059}])

    def synced(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the bridge hears of the station and of the token of the contract."""
        self.send()
        [station] = self.station._ocpp_list(self.company, [self.station.identity])
        tokens = self.env["emobility.token"].with_company(self.company)
        [token] = tokens._ocpp_list(self.company, [self.contract.token_ids[:1].uid])
        return station["tariffs"], token

    def test_the_bridge_holds_what_drivers_with_a_contract_pay_at_the_station(self) -> None:
        tariffs, token = self.synced()
        told = tariffs[token["price_group"]]
        self.assertEqual(told["tariff"]["energy"]["prices"], [{"priceKwh": 0.4117647059}])
        self.assertEqual(told["tariff"]["tariffId"], self.tariff.version_ids._ocpp_tariff()[0]["tariffId"])
        self.assertIn("0.49", self.station.driver_tariffs_text)
        until = datetime.fromisoformat(told["until"])
        self.assertTrue(datetime.now(UTC) < until <= datetime.now(UTC) + timedelta(days=1))
        self.assertEqual((until.astimezone(ZoneInfo("Europe/Berlin")).hour, until.minute), (0, 0))

    def test_contracts_of_one_price_are_one_group_and_others_have_their_own_price(self) -> None:
        cheap = self.env["emobility.customer.group"].create(
            {"name": "Cheap", "code": "CHEAP", "company_id": self.company.id}
        )
        other = self._make_contract(self.env["res.partner"].create({"name": "Cheap Driver"}), "CHEAP1")
        alike = self._make_contract(self.env["res.partner"].create({"name": "Driver"}), "ALIKE1")
        other.partner_id.customer_group_id = cheap
        tariffs, token = self.synced()
        self.assertEqual(alike.ocpp_price_group, token["price_group"])
        self.assertEqual(other.ocpp_price_group, token["price_group"], "no rule names the group of the customer")
        self._make_rule(self._make_tariff("CHEAP", {"ENERGY": 0.119}), customer_group_id=cheap.id, sequence=1)
        tariffs, token = self.synced()
        self.assertEqual(alike.ocpp_price_group, token["price_group"])
        self.assertNotEqual(other.ocpp_price_group, token["price_group"])
        self.assertEqual(tariffs[other.ocpp_price_group]["tariff"]["energy"]["prices"], [{"priceKwh": 0.1}])

    def test_a_contract_with_another_plan_or_payer_has_no_price_until_it_is_sorted_again(self) -> None:
        self.synced()
        self.contract.invoice_partner_id = self.env["res.partner"].create({"name": "Employer"})
        self.assertFalse(self.contract.ocpp_price_group)
        self.synced()
        self.assertTrue(self.contract.ocpp_price_group)

    def test_what_ocpp_cannot_carry_is_not_told_to_drivers_either(self) -> None:
        self.tariff.version_ids.quota_kwh = 50
        self.assertEqual(self.synced()[0], {})
        self.station.tariff_policy = "always"
        self.assertEqual(len(self.synced()[0]), 1)
        self.station.tariff_policy = "none"
        self.assertEqual(self.synced()[0], {})

    def test_a_price_that_differs_between_the_evses_of_a_station_is_not_told(self) -> None:
        """The driver is let in before anybody knows where the cable goes."""
        self.assertEqual(len(self.synced()[0]), 1)
        second = self.evse.copy({"uid": "SECOND", "ocpp_evse_number": 2, "station_id": self.station.id})
        self.env["emobility.connector"].create(
            {
                "evse_id": second.id,
                "code": "1",
                "standard": "IEC_62196_T2_COMBO",
                "power_type": "DC",
                "max_power_kw": 300,
            }
        )
        self._make_rule(self._make_tariff("HPC", {"ENERGY": 0.79}), power_class="HPC", sequence=1)
        self.assertEqual(self.synced()[0], {})

    def test_what_the_station_says_of_itself_decides_whether_it_gets_a_tariff(self) -> None:
        """TariffCostCtrlr of its device model; what it did not report is no obstacle."""
        for key, value, words in (
            ("TariffCostCtrlr.Available[Tariff]", "false", "knows no tariffs"),
            ("TariffCostCtrlr.Currency", "SEK", "SEK"),
            ("TariffCostCtrlr.MaxElements[Tariff]", "0", "at most 0"),
        ):
            with self.subTest(key):
                setting = self.env["emobility.station.setting"].sudo().create(
                    {"station_id": self.station.id, "key": key, "value": value}
                )
                self.assertEqual(self.synced()[0], {})
                self.assertIn(words, self.evse.ocpp_tariff_note)
                setting.unlink()
        self.env["emobility.station.setting"].sudo().create(
            {"station_id": self.station.id, "key": "TariffCostCtrlr.ConditionsSupported[Tariff]", "value": "false"}
        )
        self.assertEqual(len(self.synced()[0]), 1)
        self.tariff.version_ids.element_ids.max_kwh = 10
        self.assertEqual(self.synced()[0], {})

    def test_a_card_of_another_company_has_no_price_group_here(self) -> None:
        self.synced()
        other = self.env["res.company"].sudo().create({"name": "Other"})
        token = self.contract.token_ids[:1].sudo().with_company(other)
        self.assertFalse(token._ocpp_values(token.uid)["price_group"])

    def test_the_button_is_for_technicians_and_needs_a_station_that_can(self) -> None:
        clerk = new_test_user(self.env, "tariff-clerk", "emobility_crm.group_user", company_id=self.company.id)
        with self.assertRaises(AccessError):
            self.station.with_user(clerk).action_send_tariffs()
        technician = new_test_user(
            self.env, "tariff-technician", "emobility_crm.group_technician", company_id=self.company.id
        )
        action = self.station.with_user(technician).action_send_tariffs()
        self.assertEqual(self.env["emobility.command"].search(action["domain"]).action, "default_tariff")
        self.station.ocpp_version = "1.6"
        with self.assertRaises(UserError):
            self.station.action_send_tariffs()
