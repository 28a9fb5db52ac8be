from . import test_access, test_access_wizards, test_join, test_lead_contract, test_public_methods
