from odoo.tests import tagged

from odoo.addons.emobility_crm.tests.common import AccessHttpCase, WizardChecks

MANAGERS = frozenset({"manager"})


@tagged("post_install", "-at_install")
class TestWizardAccess(WizardChecks, AccessHttpCase):
    MODULE = "emobility_adhoc"
    WIZARDS = {
        "emobility.payout.import": MANAGERS,
    }
