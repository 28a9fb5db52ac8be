from . import (
    test_access,
    test_access_wizards,
    test_accrual,
    test_agreement,
    test_dispute,
    test_internal_roaming,
    test_partner_cdr,
    test_public_methods,
    test_settlement,
)
