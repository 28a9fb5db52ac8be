import xmlrpc.client

from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .common import OcppCommon

# Every XML-RPC call logs that the protocol will be retired.
RPC_LOGGERS = ("odoo.addons.rpc.controllers", "odoo.addons.rpc.controllers.xmlrpc", "odoo.http")


@tagged("post_install", "-at_install")
class TestRpc(OcppCommon, HttpCase):
    """The bridge as it is in life: another process with an API key."""

    def setUp(self) -> None:
        super().setUp()
        wizard = self.env["emobility.bridge.access.wizard"].create({"login": "bridge-over-rpc"})
        shown = wizard.action_create_key()["context"]
        self.key = shown["default_secret"]
        self.uid_of_bridge = self.xmlrpc_common.authenticate(
            self.cr.dbname, shown["default_login"], self.key, {}
        )

    def call(self, model: str, method: str, *args: object) -> object:
        proxy = xmlrpc.client.ServerProxy(
            self.base_url() + "/xmlrpc/2/object",
            transport=self.xmlrpc_object._ServerProxy__transport,
            allow_none=True,
        )
        return proxy.execute_kw(self.cr.dbname, self.uid_of_bridge, self.key, model, method, list(args))

    @mute_logger(*RPC_LOGGERS)
    def test_bridge_pushes_and_syncs_with_its_key(self) -> None:
        self.assertTrue(self.uid_of_bridge)
        events = self.session_events("rpc-1")
        answers = self.call("emobility.ocpp.gateway", "push_events", events)
        self.assertEqual(answers, [{"uid": event["uid"], "status": "ok", "error": False} for event in events])
        answer = self.call("emobility.ocpp.gateway", "sync", False)
        self.assertTrue(answer["full"])
        self.assertFalse(self.call("emobility.ocpp.gateway", "sync", answer["cursor"])["full"])
        for uid, status in ((self.token.uid, "Accepted"), ("04NOBODY", "Invalid")):
            answer = self.call("emobility.ocpp.gateway", "authorize", self.station.identity, uid, False)
            self.assertEqual((answer["status"], answer["reference"]), (status, False))

    @mute_logger(*RPC_LOGGERS)
    def test_bridge_can_do_nothing_else_over_rpc(self) -> None:
        self.station.action_new_password()
        attempts = [
            ("emobility.station", "search_read", []),
            ("emobility.station", "action_new_password", self.station.ids),
            ("emobility.token", "search_read", []),
            ("emobility.session", "search_read", []),
            ("emobility.cdr", "search_count", []),
            ("res.partner", "search_read", []),
            ("res.users", "search_read", []),
            ("account.move", "search_read", []),
            ("ir.config_parameter", "get_param", "database.secret"),
            ("emobility.ocpp.message", "create", {"uid": "x"}),
            ("emobility.ocpp.message", "action_retry", []),
            ("emobility.command", "create", {"action": "remote_start"}),
            ("emobility.ocpp.gateway", "_as_system", 1),
            ("emobility.bridge.access.wizard", "create", {"login": "x"}),
        ]
        for model, method, argument in attempts:
            with self.assertRaises(xmlrpc.client.Fault, msg=f"{model}.{method}"):
                self.call(model, method, argument)
