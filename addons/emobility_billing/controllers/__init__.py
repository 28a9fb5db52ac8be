from . import portal, portal_contracts, portal_prices, portal_remote, portal_sessions_csv, portal_tokens
