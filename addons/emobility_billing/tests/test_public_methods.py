from odoo.tests import tagged

from odoo.addons.base.tests.common import BaseCommon
from odoo.addons.emobility_crm.tests.common import public_methods

# All that this addon lets a client call over RPC. A method that is not meant for that begins with "_".
PUBLIC_METHODS = {
    "account.move.action_download_sessions_csv",
    "account.move.action_download_sessions_xlsx",
    "account.move.action_view_ratings",
    "account.move.action_view_sessions",
    "account.move.button_cancel",
    "contract.contract.action_redeem_coupon",
    "contract.contract.action_view_open_ratings",
    "contract.contract.action_view_sessions",
    "emobility.billing.run.action_open_errors",
    "emobility.billing.run.action_open_held",
    "emobility.billing.run.action_open_moves",
    "emobility.billing.run.action_open_ratings",
    "emobility.billing.run.action_pause",
    "emobility.billing.run.action_prepare",
    "emobility.billing.run.action_resume",
    "emobility.billing.run.action_retry",
    "emobility.billing.run.action_start",
    "emobility.billing.run.line.action_open_move",
    "emobility.brand.action_view_invoices",
    "emobility.cdr.action_correct",
    "emobility.cdr.action_credit",
    "emobility.cdr.action_open_moves",
    "emobility.cdr.action_open_ratings",
    "emobility.cdr.action_open_session",
    "emobility.datev.export.action_export",
    "emobility.discount.action_view_uses",
    "emobility.discount.redeem.action_redeem",
    "emobility.hold.action_accept",
    "emobility.hold.action_open_session",
    "emobility.hold.action_retry",
    "emobility.hold.action_write_off",
    "emobility.price.check.action_check",
    "emobility.price.check.line.action_open_rules",
    "emobility.price.explanation.action_explain",
    "emobility.rating.action_open_move",
    "emobility.session.action_open_cdrs",
    "emobility.session.action_open_holds",
    "emobility.session.action_process",
    "emobility.session.import.action_import",
    "emobility.session.import.action_open_sessions",
    "emobility.session.import.action_preview",
    "emobility.tariff.action_new_version",
    "emobility.tariff.replay.action_open_results",
    "emobility.tariff.replay.action_start",
    "emobility.tariff.version.action_new_version",
    "emobility.token.action_view_sessions",
    "product.template.action_view_plan_rules",
    "emobility.tariff.version.action_replay",
    "emobility.tariff.version.action_simulate",
}


@tagged("post_install", "-at_install")
class TestPublicMethods(BaseCommon):
    def test_only_the_listed_methods_can_be_called_over_rpc(self) -> None:
        self.assertEqual(public_methods(self.env, "emobility_billing"), PUBLIC_METHODS)
