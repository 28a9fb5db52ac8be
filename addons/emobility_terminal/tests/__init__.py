from . import test_access, test_process, test_station, test_terminal
