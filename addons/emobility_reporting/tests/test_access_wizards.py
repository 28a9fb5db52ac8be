from odoo.tests import tagged

from odoo.addons.emobility_crm.tests.common import AccessHttpCase, WizardChecks

ACCOUNTING = frozenset({"manager", "auditor"})


@tagged("post_install", "-at_install")
class TestWizardAccess(WizardChecks, AccessHttpCase):
    MODULE = "emobility_reporting"
    WIZARDS = {
        "emobility.account.check": ACCOUNTING,
        "emobility.account.check.line": ACCOUNTING,
        "emobility.reconciliation.proof": ACCOUNTING,
        "emobility.reconciliation.proof.line": ACCOUNTING,
        "emobility.thg.report": ACCOUNTING,
        "emobility.thg.report.line": ACCOUNTING,
    }
