from . import (
    portal,
    portal_contracts,
    portal_disputes,
    portal_drivers,
    portal_invoice,
    portal_prices,
    portal_remote,
    portal_sessions_csv,
    portal_tokens,
)
