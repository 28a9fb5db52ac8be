from . import (
    adhoc_session,
    payment_provider,
    payment_transaction,
    terminal,
    terminal_confirmation,
    terminal_order,
)
