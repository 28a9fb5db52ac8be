from . import (
    test_access,
    test_access_rpc,
    test_contract,
    test_identifiers,
    test_infrastructure,
    test_partner,
    test_public_methods,
    test_token,
    test_views,
)
