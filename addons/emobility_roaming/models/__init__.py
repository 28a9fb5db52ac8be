from . import (
    emobility_cdr,
    emobility_connector,
    emobility_location_export,
    emobility_location_import,
    emobility_roaming_partner,
)
