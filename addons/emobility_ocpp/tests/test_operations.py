from typing import Any

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import OcppCommon


@tagged("post_install", "-at_install")
class TestOperations(OcppCommon):
    """What people do with stations, and what stations report beside their sessions."""

    def send(self, user: Any, action: str, stations: Any = None, **values: Any) -> Any:
        wizard = (
            self.env["emobility.station.command.wizard"]
            .with_user(user)
            .create({"station_ids": (stations or self.station).ids, "action": action, **values})
        )
        return self.env["emobility.command"].search(wizard.action_send()["domain"])

    def report(self, command: Any, answer: dict[str, Any], status: str = "accepted") -> None:
        uid = f"{command.uid}-{status}"
        self.push_ok(
            self.event(uid, "command.result", command_uid=command.uid, status=status, detail="", answer=answer)
        )

    def test_command_of_a_clerk_is_given_to_the_bridge_and_its_answer_is_kept(self) -> None:
        command = self.send(self.clerk, "unlock", evse_number=1)
        self.assertEqual(command.evse_id, self.evse)
        self.assertEqual(command.display_name, f"Unlock a connector · {self.station.identity}")
        [sent] = self.gateway.sync(False)["commands"]
        self.assertEqual((sent["action"], sent["payload"]), ("unlock", {"evse": 1}))
        self.report(command, {"status": "Unlocked"})
        self.assertEqual((command.state, command.answer), ("accepted", {"status": "Unlocked"}))

    def test_one_command_for_many_stations_is_one_record_for_each(self) -> None:
        other = self.station.copy({"identity": "TEST-CS-2"})
        commands = self.send(self.clerk, "reset", self.station | other, reset_kind="hard")
        self.assertEqual(commands.station_id, self.station | other)
        self.assertEqual(commands[0].payload, {"kind": "hard"})

    def test_technician_may_send_all_but_what_is_about_the_cards_of_customers(self) -> None:
        for action in ("reserve", "local_list"):
            with self.subTest(action=action), self.assertRaises(AccessError):
                self.send(self.technician, action)
        for action in ("firmware", "set_configuration", "set_profile", "reset"):
            with self.subTest(action=action):
                command = self.send(self.technician, action, url="https://files.example.com", key="k")
                self.assertEqual(command.action, action)

    def test_firmware_and_settings_are_not_for_clerks(self) -> None:
        for action in ("firmware", "set_configuration", "local_list", "set_profile", "reserve"):
            with self.assertRaises(AccessError):
                self.send(self.clerk, action, url="https://x", key="k", token_id=self.token.id)
        command = self.send(self.manager, "firmware", url="https://firmware.example.com/1.bin")
        self.assertEqual(command.payload["url"], "https://firmware.example.com/1.bin")

    def test_command_without_what_it_needs_is_refused_with_a_sentence(self) -> None:
        with self.assertRaisesRegex(UserError, "the number of the EVSE"):
            self.send(self.clerk, "unlock")
        with self.assertRaisesRegex(UserError, "the address"):
            self.send(self.manager, "diagnostics")

    def test_local_list_names_the_tokens_that_may_charge(self) -> None:
        command = self.send(self.manager, "local_list")
        sent = {token["uid"]: token["status"] for token in command.payload["tokens"]}
        self.assertEqual(sent.get(self.token.uid), "Accepted")
        self.assertEqual(set(sent.values()), {"Accepted"})

    def test_configuration_of_1_6_is_kept_and_its_difference_is_seen(self) -> None:
        for number, interval in enumerate(("60", "60", "300")):
            command = self.send(self.manager, "get_configuration")
            keys = [
                {"key": "HeartbeatInterval", "readonly": False, "value": interval},
                {"key": "NumberOfConnectors", "readonly": True, "value": "2"},
            ]
            self.report(command, {"configurationKey": keys})
            self.assertEqual(len(self.station.setting_ids), 2, number)
        setting = self.station.setting_ids.filtered(lambda setting: setting.key == "HeartbeatInterval")
        self.assertEqual((setting.value, setting.previous_value), ("300", "60"))
        fixed = self.station.setting_ids - setting
        self.assertTrue(fixed.is_readonly)
        self.assertFalse(fixed.changed_at)

    def test_configuration_of_later_versions_comes_in_parts(self) -> None:
        for number, key in enumerate(("A.B", "C.D")):
            items = [{"key": key, "value": str(number), "readonly": False}]
            self.push_ok(self.event(f"conf-{number}", "station.configuration", items=items))
        self.assertEqual(self.station.setting_ids.mapped("key"), ["A.B", "C.D"])

    def test_fault_is_an_alarm_with_one_activity(self) -> None:
        for number in (1, 2):
            self.push_ok(
                self.event(
                    f"fault-{number}",
                    "connector.status",
                    f"2026-03-01T10:0{number}:00.000Z",
                    evse=1,
                    connector=1,
                    status="Faulted",
                    error_code="GroundFailure",
                    info=None,
                )
            )
        self.assertIn("GroundFailure", self.station.last_error)
        self.assertEqual(len(self.station.activity_ids), 1)

    def test_fault_without_a_code_is_a_whole_sentence(self) -> None:
        self.push_ok(self.event("fault-1", "connector.status", evse=1, connector=1, status="Faulted"))
        self.assertTrue(self.station.last_error.endswith("is out of order"), self.station.last_error)

    def test_alarm_of_a_station_that_no_person_made_goes_to_a_person(self) -> None:
        self.assertFalse(self.station.create_uid.active, "made by the system")
        self.push_ok(self.event("alarm-1", "station.alarm", text="TamperDetectionActivated"))
        user = self.station.activity_ids.user_id
        self.assertTrue(user.active)
        self.assertTrue(user.has_group("emobility_crm.group_technician"))

    def test_alarm_of_a_station_is_noted(self) -> None:
        self.push_ok(self.event("alarm-1", "station.alarm", text="TamperDetectionActivated"))
        self.assertEqual(self.station.last_error, "TamperDetectionActivated")

    def test_unknown_station_is_listed_once_and_becomes_a_station_by_a_person(self) -> None:
        for number in (1, 2):
            event = self.event(
                f"unknown-{number}",
                "station.unknown",
                f"2026-03-0{number}T10:00:00.000Z",
                remote_address="192.0.2.7",
                subprotocols="ocpp1.6",
            )
            self.push_ok(event | {"station": "NEW-7"})
        unknown = self.env["emobility.station.unknown"].search([("identity", "=", "NEW-7")])
        self.assertEqual(len(unknown), 1)
        self.assertEqual(str(unknown.last_seen), "2026-03-02 10:00:00")
        context = unknown.with_user(self.manager).action_create_station()["context"]
        self.assertEqual(context["default_identity"], "NEW-7")

    def test_commissioning_shows_the_address_and_what_was_seen(self) -> None:
        self.env["ir.config_parameter"].set_param("emobility_ocpp.bridge_url", "wss://ocpp.example.com/ocpp/")
        action = self.station.with_user(self.manager).action_commission()
        wizard = (
            self.env["emobility.commissioning.wizard"]
            .with_user(self.manager)
            .with_context(**action["context"])
            .create({})
        )
        self.assertEqual(wizard.url, "wss://ocpp.example.com/ocpp/TEST-CS-1")
        self.assertIn("barcode", wizard.qr_url)
        self.assertTrue(wizard.has_evses)
        self.assertFalse(wizard.has_booted)
        self.push_ok(self.event("boot-1", "station.boot", vendor="V", model="M", ocpp="1.6"))
        self.assertEqual(wizard.action_check()["res_id"], wizard.id)
        wizard.invalidate_recordset()
        self.assertTrue(wizard.has_booted)

    def test_security_profile_goes_to_the_bridge(self) -> None:
        self.station.security_profile = "2"
        [sent] = self.gateway.sync(False)["stations"]
        self.assertEqual(sent["security_profile"], 2)
