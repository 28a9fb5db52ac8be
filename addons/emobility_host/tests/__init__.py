from . import test_access, test_agreement, test_portal, test_public_methods, test_settlement, test_terms
