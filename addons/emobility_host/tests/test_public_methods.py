from odoo.tests import tagged

from odoo.addons.base.tests.common import BaseCommon
from odoo.addons.emobility_crm.tests.common import public_methods

# All that this addon lets a client call over RPC. A method that is not meant for that begins with "_".
PUBLIC_METHODS = {
    "emobility.host.agreement.action_activate",
    "emobility.host.agreement.action_end",
    "emobility.host.agreement.action_new_terms",
    "emobility.host.agreement.action_open_ratings",
    "emobility.host.agreement.action_open_settlements",
    "emobility.host.run.action_confirm",
    "emobility.host.run.action_open_moves",
    "emobility.host.run.action_prepare",
    "emobility.host.run.action_retry",
    "emobility.host.settlement.action_open_move",
    "emobility.host.settlement.action_open_ratings",
    "emobility.host.settlement.action_refresh",
    "emobility.host.settlement.action_settle",
    "res.partner.action_view_host_agreements",
}


@tagged("post_install", "-at_install")
class TestPublicMethods(BaseCommon):
    def test_only_the_listed_methods_can_be_called_over_rpc(self) -> None:
        self.assertEqual(public_methods(self.env, "emobility_host"), PUBLIC_METHODS)
