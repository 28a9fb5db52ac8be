from . import (
    discount_redeem,
    import_power_rule,
    import_profile,
    import_session,
    price_check,
    price_check_line,
    price_explanation,
    price_explanation_line,
)
