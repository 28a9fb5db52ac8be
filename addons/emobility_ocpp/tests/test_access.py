from lxml import etree

from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import OcppCommon

OPERATIONS = ("read", "write", "create", "unlink")
READ, EVERYTHING, NOTHING = {"read"}, set(OPERATIONS), set()
# Public methods that can be called over RPC, by model: a new one has to be thought about and listed here.
PUBLIC = {
    "emobility.ocpp.gateway": {"authorize", "push_events", "sync"},
    "emobility.station": {"action_new_password", "action_accept", "action_revoke", "action_open_messages",
                          "action_command", "action_commission", "action_firmware_campaign",
                          "action_open_live_sessions", "action_open_outages", "action_send_tariffs",
                          "action_show_frames", "get_health"},
    "emobility.station.outage": set(),
    "emobility.station.day": set(),
    "emobility.station.installed.certificate": {"action_delete_installed"},
    "emobility.firmware.campaign": {"action_start", "action_pause"},
    "emobility.firmware.campaign.line": {"action_again"},
    "emobility.station.setting": set(),
    "emobility.station.certificate": {"action_revoke"},
    "emobility.station.unknown": {"action_create_station"},
    "emobility.station.command.wizard": {"action_send", "default_get"},
    "emobility.commissioning.wizard": {"action_check"},
    "emobility.command": set(),
    "emobility.ocpp.message": {"action_retry", "action_checked"},
    "emobility.ocpp.change": set(),
    "emobility.secret.show": set(),
    "emobility.remote.start.wizard": {"action_start"},
    "emobility.bridge.access.wizard": {"action_create_key"},
}


@tagged("post_install", "-at_install")
class TestAccess(OcppCommon):
    def test_roles_can_do_what_the_table_says(self) -> None:
        table = {
            "emobility.station": (READ, EVERYTHING, READ, {"read", "write", "create"}, NOTHING),
            "emobility.command": (READ, READ, READ, READ, NOTHING),
            "emobility.station.setting": (READ, READ, READ, READ, NOTHING),
            "emobility.station.outage": (READ, READ, READ, READ, NOTHING),
            "emobility.station.day": (READ, READ, READ, READ, NOTHING),
            "emobility.station.installed.certificate": (READ, READ, READ, READ, NOTHING),
            "emobility.firmware.campaign": (READ, EVERYTHING, READ, {"read", "write", "create"}, NOTHING),
            "emobility.firmware.campaign.line": (READ, EVERYTHING, READ, {"read", "write", "create"}, NOTHING),
            "emobility.station.certificate": (READ, READ, READ, READ, NOTHING),
            "emobility.station.unknown": (READ, {"read", "unlink"}, READ, {"read", "unlink"}, NOTHING),
            "emobility.ocpp.message": (READ, READ, READ, READ, NOTHING),
            "emobility.ocpp.change": (NOTHING, NOTHING, NOTHING, NOTHING, NOTHING),
        }
        users = (self.clerk, self.manager, self.auditor, self.technician, self.bridge)
        for model, rights in table.items():
            for user, expected in zip(users, rights, strict=True):
                records = self.env[model].with_user(user)
                allowed = {operation for operation in OPERATIONS if records.has_access(operation)}
                self.assertEqual(allowed, expected, f"{user.login} on {model}")

    def test_technician_opens_every_form_of_stations_without_seeing_cards_or_sessions(self) -> None:
        self.env["emobility.command"]._request_start(self.evse, self.token)
        for model in (
            "emobility.station",
            "emobility.command",
            "emobility.ocpp.message",
            "emobility.station.command.wizard",
            "emobility.commissioning.wizard",
            "emobility.firmware.campaign",
        ):
            with self.subTest(model=model):
                records = self.env[model].with_user(self.technician)
                arch = etree.fromstring(records.get_view(False, "form")["arch"])
                shown = set(arch.xpath("//field[not(ancestor::field)]/@name"))
                self.assertFalse({"token_id", "session_id", "started_session_id"} & shown)
                records.search([]).web_read({name: {} for name in shown})

    def test_technician_puts_a_station_into_service(self) -> None:
        station = (
            self.env["emobility.station"]
            .with_user(self.technician)
            .create({"identity": "TEST-CS-NEW", "location_id": self.location.id})
        )
        self.assertTrue(station.action_new_password()["context"]["default_secret"])
        station.action_accept()
        self.assertTrue(station.accepted)
        station.action_revoke()
        self.assertFalse(station.accepted)
        wizard = (
            self.env["emobility.commissioning.wizard"]
            .with_user(self.technician)
            .with_context(**station.action_commission()["context"])
            .create({})
        )
        self.assertTrue(wizard.has_password)
        with self.assertRaises(AccessError):
            station.unlink()

    def test_clerk_cannot_put_a_station_into_service(self) -> None:
        for action in ("action_new_password", "action_accept", "action_revoke"):
            with self.subTest(action=action), self.assertRaises(AccessError):
                getattr(self.station.with_user(self.clerk), action)()

    def test_bridge_can_read_and_write_no_model(self) -> None:
        open_models = [
            f"{operation} {name}"
            for name, model in self.env.items()
            if not model._abstract and not model._transient
            for operation in OPERATIONS
            if model.with_user(self.bridge).has_access(operation)
        ]
        self.assertEqual(open_models, [])

    def test_nobody_but_the_bridge_calls_the_gateway(self) -> None:
        for user in (self.clerk, self.manager, self.auditor, self.technician, self.env.ref("base.user_admin")):
            gateway = self.env["emobility.ocpp.gateway"].with_user(user)
            with self.assertRaises(AccessError):
                gateway.push_events([])
            with self.assertRaises(AccessError):
                gateway.sync(False)

    def test_only_the_listed_methods_are_public(self) -> None:
        for name, expected in PUBLIC.items():
            own = {
                attribute
                for base in self.env.registry[name].__mro__
                if base.__module__.startswith("odoo.addons.emobility_ocpp.")
                for attribute, value in vars(base).items()
                if callable(value) and not attribute.startswith("_")
            }
            self.assertEqual(own - {"create", "write", "unlink"}, expected, name)

    def test_records_of_another_company_are_hidden(self) -> None:
        other = self.env["res.company"].create({"name": "Other operator"})
        location = self.location.copy({"name": "Theirs", "code": "THEIRS", "company_id": other.id})
        station = self.env["emobility.station"].create(
            {"identity": "TEST-CS-OTHER", "location_id": location.id, "company_id": other.id}
        )
        with self.assertRaises(AccessError):
            station.with_user(self.manager).read(["identity"])
        self.assertNotIn(station, self.env["emobility.station"].with_user(self.manager).search([]))
