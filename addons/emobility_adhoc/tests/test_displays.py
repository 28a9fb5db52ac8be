from __future__ import annotations

from typing import Any

from odoo import fields
from odoo.tests import tagged

from .common import AdhocCommon

BOOT = {"vendor": "Simulated", "model": "M"}


@tagged("post_install", "-at_install")
class TestDisplays(AdhocCommon):
    """The display of a station shows the price that all other channels show."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("de_DE")
        languages = cls.env.ref("base.lang_de") | cls.env.ref("base.lang_en")
        cls.location.display_lang_ids = languages

    def setUp(self) -> None:
        super().setUp()
        self.languages = self.location._display_languages()
        self.assertEqual(set(self.languages), {"de", "en"})

    def commands(self, action: str = "display_message") -> Any:
        domain = [("station_id", "=", self.station.id), ("action", "=", action)]
        return self.env["emobility.command"].sudo().search(domain)

    def boot(self, ocpp: str) -> None:
        self.station._apply_connection(fields.Datetime.now(), {"ocpp": ocpp}, True)
        self.station._apply_boot(fields.Datetime.now(), BOOT | {"ocpp": ocpp})

    def publish(self, price: float) -> None:
        version = self.adhoc_tariff.version_ids.sorted("number")[-1:].copy({"valid_from": fields.Datetime.now()})
        version.element_ids.component_ids.price = price
        self.env["emobility.price.publication"]._publish(self.evse)

    def texts(self) -> list[str]:
        return [self.evse._adhoc_display_text(lang) for lang in self.languages]

    def test_station_that_starts_is_told_the_price_in_the_languages_of_the_place(self) -> None:
        self.station.shows_texts = "yes"
        self.commands().unlink()
        self.boot("2.1")
        command = self.commands()[:1]
        payload = command.payload
        self.assertEqual([payload["text"], *(each["text"] for each in payload["extra"])], self.texts())
        self.assertEqual([payload["language"], *(each["language"] for each in payload["extra"])], self.languages)
        self.assertIn("0,59 EUR/kWh", self.texts())
        self.assertEqual(self.evse.adhoc_display_id, command)

    def test_languages_of_the_place_change_what_is_shown(self) -> None:
        self.station.shows_texts = "yes"
        self.boot("2.0.1")
        self.location.display_lang_ids = self.env.ref("base.lang_de")
        self.assertEqual(self.commands()[:1].payload["text"], self.evse._adhoc_display_text("de"))

    def test_ocpp_201_has_the_languages_in_one_text(self) -> None:
        self.station.shows_texts = "yes"
        self.boot("2.0.1")
        payload = self.commands()[:1].payload
        self.assertEqual(payload["text"], "\n".join(self.texts()))
        self.assertNotIn("extra", payload)

    def test_f67_a_changed_price_replaces_the_message_of_the_evse(self) -> None:
        self.station.shows_texts = "yes"
        self.env["emobility.price.publication"]._publish(self.evse)
        self.boot("2.0.1")
        before = self.commands()[:1]
        self.publish(0.79)
        after = self.commands()[:1]
        self.assertIn("0,79 EUR/kWh", after.payload["text"])
        self.assertEqual(after.payload["id"], before.payload["id"], "replaced, not added")
        self.adhoc_rule.unlink()
        self.env["emobility.price.publication"]._publish(self.evse)
        self.assertEqual(self.commands("clear_display").payload, {"id": before.payload["id"]})

    def test_evses_of_a_station_have_a_message_each_and_say_which_they_are(self) -> None:
        self.station.shows_texts = "yes"
        other = self.env["emobility.evse"].create(
            {"uid": "DISPLAY-2", "location_id": self.location.id, "station_id": self.station.id,
             "ocpp_evse_number": 2, "physical_reference": "right"}
        )  # fmt: skip
        self.boot("2.1")
        self.assertNotEqual(self.evse.adhoc_display_id.payload["id"], other.adhoc_display_id.payload["id"])
        self.assertTrue(other.adhoc_display_id.payload["text"].startswith("right: "))

    def test_ocpp_16_has_one_text_for_the_station(self) -> None:
        self.env["emobility.evse"].create(
            {"uid": "DISPLAY-2", "location_id": self.location.id, "station_id": self.station.id, "ocpp_evse_number": 2}
        )
        self.station.shows_texts = "yes"
        self.assertEqual(self.commands()[:1].payload, {"text": "\n".join(self.texts())})
        self.assertEqual(self.station.evse_ids.adhoc_display_id, self.commands())

    def test_what_a_station_knows_is_not_told_again_but_after_it_started(self) -> None:
        self.station.shows_texts = "yes"
        self.boot("2.0.1")
        self.commands()[:1]._apply_result("accepted", None)
        count = len(self.commands())
        self.set_online(False)
        self.station._apply_connection(fields.Datetime.now(), {"ocpp": "2.0.1"}, True)
        self.assertEqual(len(self.commands()), count)
        self.boot("2.0.1")
        self.assertEqual(len(self.commands()), count + 1)

    def test_what_did_not_reach_a_station_is_told_when_it_comes_back(self) -> None:
        self.station.shows_texts = "yes"
        self.boot("2.0.1")
        self.set_online(False)
        self.publish(0.69)
        self.assertNotIn("0,69", self.commands()[:1].payload["text"], "nobody is there to hear it")
        self.station._apply_connection(fields.Datetime.now(), {"ocpp": "2.0.1"}, True)
        self.assertIn("0,69 EUR/kWh", self.commands()[:1].payload["text"])
        self.commands()[:1]._apply_result("offline", None)
        self.set_online(False)
        self.station._apply_connection(fields.Datetime.now(), {"ocpp": "2.0.1"}, True)
        self.assertEqual(self.commands()[:1].state, "new")

    def test_station_of_which_nobody_knows_is_asked_whether_it_has_a_display(self) -> None:
        self.boot("2.0.1")
        self.assertFalse(self.commands())
        question = self.commands("get_configuration")
        self.assertIn("DisplayMessageCtrlr.Available", question.payload["keys"])
        component = {"name": "DisplayMessageCtrlr"}
        question._apply_result("accepted", None, {"getVariableResult": [
            {"attributeStatus": "Accepted", "attributeValue": "true", "component": component,
             "variable": {"name": "Available"}}]})  # fmt: skip
        self.assertEqual(len(self.commands()), 1)
        self.boot("2.0.1")
        self.assertEqual(len(self.commands("get_configuration")), 1, "once is enough")

    def test_station_without_a_display_is_told_nothing(self) -> None:
        self.station._apply_configuration(
            fields.Datetime.now(), [{"key": "DisplayMessageCtrlr.Available", "value": "false", "readonly": True}]
        )
        self.boot("2.0.1")
        self.station.shows_texts = "no"
        self.publish(0.69)
        self.assertFalse(self.commands() | self.commands("clear_display"))

    def test_texts_fit_into_the_messages_of_ocpp(self) -> None:
        self.station.shows_texts = "yes"
        self.adhoc_tariff.version_ids.element_ids = [
            fields.Command.create({"sequence": 0, "start_time": hour, "end_time": hour + 1, "component_ids": [
                fields.Command.create({"dimension": "ENERGY", "price": 0.4 + hour / 100})]})
            for hour in range(1, 22)
        ]  # fmt: skip
        for version, limit in (("1.6", 470), ("2.0.1", 512), ("2.1", 1024)):
            self.boot(version)
            text = self.commands()[:1].payload["text"]
            self.assertLessEqual(len(text), limit)
            self.assertTrue(text.startswith(self.texts()[0][:100]))

    def test_f35_running_and_final_cost_are_those_of_the_price_that_was_shown(self) -> None:
        self.station.write({"shows_costs": True, "cost_interval": 10})
        adhoc = self.paid()
        session = self.charge(adhoc, end=False, kwh="2")
        session.sudo()._show_running_cost()
        running = self.commands("cost_updated")
        self.assertEqual((running.session_id, running.payload["total_cost"]), (session, "1.18"))
        self.charge(adhoc)
        session._process()
        final = self.commands("final_cost")
        self.assertEqual(final.payload["total_cost"], "5.90")
        self.assertEqual(float(final.payload["total_cost"]), adhoc.amount_due or session.amount_estimated)
