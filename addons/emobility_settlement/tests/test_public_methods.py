from odoo.tests import tagged

from odoo.addons.base.tests.common import BaseCommon
from odoo.addons.emobility_crm.tests.common import public_methods

# All that this addon lets a client call over RPC. A method that is not meant for that begins with "_".
PUBLIC_METHODS = {
    "emobility.cdr.action_dispute",
    "emobility.partner.invoice.import.action_import",
    "emobility.roaming.agreement.action_open_rules",
    "emobility.roaming.cdr.action_accept",
    "emobility.roaming.cdr.action_check",
    "emobility.roaming.cdr.action_dispute",
    "emobility.roaming.cdr.action_refuse",
    "emobility.roaming.dispute.action_accept",
    "emobility.roaming.dispute.action_open",
    "emobility.roaming.dispute.action_reject",
    "emobility.roaming.margin.action_open_session",
    "emobility.roaming.partner.action_open_agreements",
    "emobility.roaming.partner.action_open_disputes",
    "emobility.roaming.partner.action_open_settlements",
    "emobility.roaming.settlement.action_bill",
    "emobility.roaming.settlement.action_collect",
    "emobility.roaming.settlement.action_done",
    "emobility.roaming.settlement.action_download_cdr_list",
    "emobility.roaming.settlement.action_invoice",
    "emobility.roaming.settlement.action_net",
    "emobility.roaming.settlement.action_open_bought",
    "emobility.roaming.settlement.action_open_held",
    "emobility.roaming.settlement.action_open_moves",
    "emobility.roaming.settlement.action_open_sold",
}


@tagged("post_install", "-at_install")
class TestPublicMethods(BaseCommon):
    def test_public_methods_are_the_listed_ones(self) -> None:
        self.assertEqual(public_methods(self.env, "emobility_settlement"), PUBLIC_METHODS)
