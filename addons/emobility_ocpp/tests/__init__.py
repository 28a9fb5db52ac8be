from . import (
    test_access,
    test_access_table,
    test_certificates,
    test_commands,
    test_gateway,
    test_operations,
    test_portal_remote,
    test_rpc,
    test_signed_values,
    test_station,
    test_sync,
)
