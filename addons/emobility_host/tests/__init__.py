from . import (
    test_access,
    test_accrual,
    test_agreement,
    test_passed_on,
    test_portal,
    test_public_methods,
    test_settlement,
    test_terms,
)
