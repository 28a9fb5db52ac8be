from . import test_location_file, test_ocpi_cdr, test_roaming_partner
