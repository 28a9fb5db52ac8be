from odoo.tests import tagged

from odoo.addons.emobility_crm.tests.common import AccessHttpCase, WizardChecks

ROAMING = frozenset({"roaming", "manager"})


@tagged("post_install", "-at_install")
class TestWizardAccess(WizardChecks, AccessHttpCase):
    MODULE = "emobility_settlement"
    WIZARDS = {
        "emobility.partner.invoice.import": ROAMING,
    }
