from . import (
    account_check,
    account_check_line,
    reconciliation_proof,
    reconciliation_proof_line,
    thg_report,
    thg_report_line,
)
