from odoo.tests import tagged

from odoo.addons.emobility_crm.tests.common import AccessHttpCase, WizardChecks

CLERKS = frozenset({"user", "manager", "roaming"})
ROAMING = frozenset({"roaming", "manager"})


@tagged("post_install", "-at_install")
class TestWizardAccess(WizardChecks, AccessHttpCase):
    MODULE = "emobility_roaming"
    WIZARDS = {
        "emobility.ocpi.accept": ROAMING,
        "emobility.ocpi.invite": ROAMING,
        "emobility.ocpi.limit": CLERKS,
        "emobility.ocpi.limit.line": CLERKS,
        "emobility.ocpi.self.test": ROAMING,
        "emobility.ocpi.self.test.line": ROAMING,
    }
