from . import test_ocpi_cdr, test_roaming_partner
