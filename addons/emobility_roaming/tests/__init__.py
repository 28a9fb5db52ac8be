from . import (
    test_access,
    test_access_wizards,
    test_location_file,
    test_ocpi_access,
    test_ocpi_cdr,
    test_ocpi_commands,
    test_ocpi_faults,
    test_ocpi_flow,
    test_ocpi_fuzz,
    test_ocpi_registration,
    test_ocpi_server,
    test_roaming_partner,
)
