from . import (
    contract_change,
    location_export,
    location_import,
    location_import_line,
    location_map,
    partner_privacy,
    partner_privacy_line,
    token_import,
    token_import_line,
)
