from odoo.tests import tagged

from odoo.addons.base.tests.common import BaseCommon
from odoo.addons.emobility_crm.tests.common import public_methods


@tagged("post_install", "-at_install")
class TestAccess(BaseCommon):
    def test_nothing_more_can_be_called_over_rpc(self) -> None:
        self.assertEqual(public_methods(self.env, "emobility_terminal_stripe"), set())
