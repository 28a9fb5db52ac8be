from . import guarded  # the others inherit from it

# isort: split
from . import (
    account_move,
    account_tax,
    billing_run,
    billing_run_line,
    cdr,
    contract_contract,
    gate,
    hold,
    invoicing,
    payment_transaction,
    price_component,
    price_rule,
    rating,
    rating_line,
    res_company,
    res_config_settings,
    session,
    session_event,
    tariff,
    tariff_element,
    tariff_version,
)
