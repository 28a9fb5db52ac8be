from odoo.tests import tagged

from odoo.addons.base.tests.common import BaseCommon

from .common import public_methods

# All that this addon lets a client call over RPC. A method that is not meant for that begins with "_".
PUBLIC_METHODS = {
    "contract.contract.action_activate",
    "contract.contract.action_open_change",
    "contract.contract.action_resume",
    "contract.contract.action_suspend",
    "contract.contract.action_terminate",
    "contract.contract.action_view_tokens",
    "contract.contract.action_withdraw_notice",
    "emobility.contract.change.action_apply",
    "emobility.customer.group.action_view_partners",
    "emobility.location.action_export_infrastructure",
    "emobility.location.action_open_map",
    "emobility.location.action_view_evses",
    "emobility.location.export.action_export",
    "emobility.location.import.action_apply",
    "emobility.location.import.action_preview",
    "emobility.partner.privacy.action_erase",
    "emobility.partner.privacy.action_export",
    "emobility.plan.price.action_announce",
    "emobility.token.action_activate",
    "emobility.token.action_block",
    "emobility.token.action_replace",
    "emobility.token.action_report_lost",
    "emobility.token.action_ship",
    "emobility.token.import.action_apply",
    "emobility.token.import.action_preview",
    "product.template.action_view_plan_contracts",
    "res.partner.action_open_privacy",
    "res.partner.action_view_charging_contracts",
    "res.partner.action_view_charging_duplicates",
    "res.partner.action_view_emobility_tokens",
}


@tagged("post_install", "-at_install")
class TestPublicMethods(BaseCommon):
    def test_only_the_listed_methods_can_be_called_over_rpc(self) -> None:
        self.assertEqual(public_methods(self.env, "emobility_crm"), PUBLIC_METHODS)
