from __future__ import annotations

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from odoo.addons.base.tests.common import BaseCommon
from odoo.addons.emobility_crm.tests.common import public_methods

ACTIONS = ("action_activate", "action_deactivate", "action_tell_again")


@tagged("post_install", "-at_install")
class TestAccess(BaseCommon):
    def test_only_the_listed_methods_can_be_called_over_rpc(self) -> None:
        wanted = {f"emobility.terminal.{name}" for name in ACTIONS}
        self.assertEqual(public_methods(self.env, "emobility_terminal_ocpi"), wanted)

    def test_only_managers_tell_the_provider_of_terminals(self) -> None:
        company = self.env.company
        provider = self.env.ref("emobility_terminal.payment_provider_terminal").copy({"company_id": company.id})
        terminal = self.env["emobility.terminal"].create(
            {"name": "T", "serial": "1", "provider_id": provider.id, "company_id": company.id}
        )
        for group in ("emobility_crm.group_user", "emobility_crm.group_auditor"):
            user = new_test_user(self.env, group, group, company_id=company.id)
            for action in ACTIONS:
                with self.subTest(group=group, action=action), self.assertRaises(AccessError):
                    getattr(terminal.with_user(user), action)()
