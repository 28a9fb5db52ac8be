from . import (
    portal,
    portal_contracts,
    portal_invoice,
    portal_prices,
    portal_remote,
    portal_sessions_csv,
    portal_tokens,
)
