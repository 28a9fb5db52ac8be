from . import test_access, test_faults, test_flow
