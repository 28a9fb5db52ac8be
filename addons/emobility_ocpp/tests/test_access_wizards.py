from odoo.tests import tagged

from odoo.addons.emobility_crm.tests.common import AccessHttpCase, WizardChecks

ADMINISTRATORS_ONLY = frozenset()
TECHNICIANS = frozenset({"technician", "manager"})
CLERKS = frozenset({"user", "manager", "roaming"})
CLERKS_AND_TECHNICIANS = frozenset({"user", "manager", "roaming", "technician"})


@tagged("post_install", "-at_install")
class TestWizardAccess(WizardChecks, AccessHttpCase):
    MODULE = "emobility_ocpp"
    WIZARDS = {
        "emobility.bridge.access.wizard": ADMINISTRATORS_ONLY,
        "emobility.commissioning.wizard": TECHNICIANS,
        "emobility.remote.start.wizard": CLERKS,
        "emobility.station.command.wizard": CLERKS_AND_TECHNICIANS,
    }
