from . import test_access, test_location_file, test_ocpi_cdr, test_roaming_partner
