from . import (
    adhoc_session,
    payment_provider,
    payment_transaction,
    session,
    station,
    terminal,
    terminal_confirmation,
    terminal_in_station,
    terminal_order,
)
