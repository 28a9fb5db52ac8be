from odoo.tests import tagged

from odoo.addons.base.tests.common import BaseCommon
from odoo.addons.emobility_crm.tests.common import public_methods

# All that this addon lets a client call over RPC. A method that is not meant for that begins with "_".
PUBLIC_METHODS = {
    "emobility.account.check.action_check",
    "emobility.accrual.action_open_moves",
    "emobility.accrual.action_post",
    "emobility.accrual.action_prepare",
    "emobility.audit.trail.action_open",
    "emobility.dashboard.get_figures",
    "emobility.monthly.report.action_send",
    "emobility.reconciliation.break.action_open",
    "emobility.reconciliation.proof.action_open_breaks",
    "emobility.reconciliation.proof.action_prove",
    "emobility.reconciliation.proof.line.action_open",
    "emobility.session.report.action_open_sessions",
    "emobility.thg.report.action_make",
}


@tagged("post_install", "-at_install")
class TestPublicMethods(BaseCommon):
    def test_only_the_listed_methods_can_be_called_over_rpc(self) -> None:
        self.assertEqual(public_methods(self.env, "emobility_reporting"), PUBLIC_METHODS)
