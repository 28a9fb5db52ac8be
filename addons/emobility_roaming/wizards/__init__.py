from . import (
    location_export,
    location_import,
    ocpi_accept,
    ocpi_invite,
    ocpi_limit,
    ocpi_limit_line,
    ocpi_self_test,
    ocpi_self_test_line,
)
