from . import (
    adhoc_session,
    evse,
    ocpi_command,
    ocpi_server,
    price_publication,
    price_rule,
    roaming_cdr,
    roaming_partner,
    session,
)
