from odoo.tests import tagged

from odoo.addons.emobility_crm.tests.common import AccessHttpCase, WizardChecks

CLERKS = frozenset({"user", "manager", "roaming"})


@tagged("post_install", "-at_install")
class TestWizardAccess(WizardChecks, AccessHttpCase):
    MODULE = "emobility_collection"
    WIZARDS = {
        "emobility.collection.export": CLERKS,
        "emobility.return.import": CLERKS,
    }
