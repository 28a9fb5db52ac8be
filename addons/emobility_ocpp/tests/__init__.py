from . import test_access, test_commands, test_gateway, test_portal_remote, test_rpc, test_station, test_sync
