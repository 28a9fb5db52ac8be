from . import (
    test_access,
    test_access_wizards,
    test_cards,
    test_codes,
    test_displays,
    test_money,
    test_money_machine,
    test_pages,
    test_payout,
    test_prices,
)
