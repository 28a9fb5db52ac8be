from . import (
    location_export,
    location_import,
    ocpi_accept,
    ocpi_invite,
    ocpi_self_test,
    ocpi_self_test_line,
)
