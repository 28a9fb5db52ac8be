from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import AccessHttpCase, WizardChecks

CLERKS = frozenset({"user", "manager", "roaming"})
EVERYBODY = frozenset({"user", "manager", "roaming", "auditor", "technician"})
TECHNICIANS = frozenset({"technician", "manager"})


@tagged("post_install", "-at_install")
class TestWizardAccess(WizardChecks, AccessHttpCase):
    MODULE = "emobility_crm"
    WIZARDS = {
        "emobility.contract.change": CLERKS,
        "emobility.location.export": EVERYBODY,
        "emobility.location.import": TECHNICIANS,
        "emobility.location.import.line": TECHNICIANS,
        "emobility.location.map": EVERYBODY,
        "emobility.partner.privacy": CLERKS,
        "emobility.partner.privacy.line": CLERKS,
        "emobility.token.import": CLERKS,
        "emobility.token.import.line": CLERKS,
    }

    @mute_logger("odoo.http", "odoo.addons.rpc.controllers", "odoo.addons.base.models.ir_rule")
    def test_f52_what_a_colleague_typed_into_a_dialogue_is_found_over_no_interface(self) -> None:
        theirs = self.env["emobility.token.import"].with_user(self.users["manager"]).create({"file": "dWlk"})
        for call in (self._outcome_of_json, self._outcome_of_xmlrpc):
            read = {"ids": theirs.ids, "fields": ["kind"]}
            write = {"ids": theirs.ids, "vals": {"kind": "block"}}
            self.assertEqual(call("manager", theirs._name, "read", read), "done")
            self.assertEqual(call("user", theirs._name, "read", read), "refused")
            self.assertEqual(call("user", theirs._name, "write", write), "refused")
        self.assertEqual(self.call("user", theirs._name, "search", domain=[]), (200, []))
