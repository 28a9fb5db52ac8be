from . import balance, direct_debit
