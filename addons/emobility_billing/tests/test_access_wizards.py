from odoo.tests import tagged

from odoo.addons.emobility_crm.tests.common import AccessHttpCase, WizardChecks

ACCOUNTING = frozenset({"manager", "auditor"})
CLERKS = frozenset({"user", "manager", "roaming"})
READERS = frozenset({"user", "manager", "roaming", "auditor"})


@tagged("post_install", "-at_install")
class TestWizardAccess(WizardChecks, AccessHttpCase):
    MODULE = "emobility_billing"
    WIZARDS = {
        "emobility.datev.export": ACCOUNTING,
        "emobility.discount.redeem": CLERKS,
        "emobility.dispute.answer": CLERKS,
        "emobility.price.check": READERS,
        "emobility.price.check.line": READERS,
        "emobility.price.explanation": READERS,
        "emobility.price.explanation.line": READERS,
        "emobility.session.correct": CLERKS,
        "emobility.tariff.simulation": CLERKS,
    }
