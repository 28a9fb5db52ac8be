from . import adhoc_session, evse, payment_transaction, terminal
