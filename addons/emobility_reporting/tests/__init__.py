from . import (
    test_access,
    test_access_wizards,
    test_account_check,
    test_accrual,
    test_analytic,
    test_audit_trail,
    test_charts,
    test_dashboard,
    test_monthly_report,
    test_public_methods,
    test_reconciliation,
    test_thg_report,
)
