from . import (
    adhoc_session,
    cdr,
    fastapi_endpoint,
    ocpi_connection,
    ocpi_message,
    ocpi_module,
    ocpi_object,
    ocpi_publisher,
    ocpi_server,
    roaming_partner,
    session,
    terminal,
)
