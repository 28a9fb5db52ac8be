from odoo.tests import tagged

from odoo.addons.base.tests.common import BaseCommon
from odoo.addons.emobility_crm.tests.common import public_methods

PUBLIC_METHODS = {
    "account.bank.statement.line.action_emobility_match",
    "account.move.action_emobility_collect",
    "account.move.action_emobility_refund",
    "account.payment.order.draft2open",
    "emobility.collection.export.action_export",
    "emobility.instalment.plan.action_cancel",
    "emobility.instalment.plan.action_start",
    "emobility.instalment.plan.action_view_moves",
    "emobility.return.file.action_view_items",
    "emobility.return.import.action_import",
    "emobility.return.item.action_assign",
    "emobility.return.item.action_ignore",
    "emobility.wallet.action_pay_out",
    "emobility.wallet.action_view_ledger",
    "res.config.settings.action_emobility_set_up_debit",
    "res.config.settings.action_emobility_set_up_dunning",
    "res.config.settings.action_emobility_set_up_references",
    "res.config.settings.action_emobility_set_up_wallets",
}


@tagged("post_install", "-at_install")
class TestPublicMethods(BaseCommon):
    def test_only_the_listed_methods_can_be_called_over_rpc(self) -> None:
        self.assertEqual(public_methods(self.env, "emobility_collection"), PUBLIC_METHODS)
