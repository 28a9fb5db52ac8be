from . import (
    datev_export,
    discount_redeem,
    import_power_rule,
    import_profile,
    import_session,
    partner_privacy,
    price_check,
    price_check_line,
    price_explanation,
    price_explanation_line,
    tariff_simulation,
)
