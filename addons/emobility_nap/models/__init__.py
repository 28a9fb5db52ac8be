from . import (
    evse,
    nap_document,
    nap_feed,
    nap_fetch,
    nap_ocpi,
    nap_point,
    nap_publication,
    res_company,
    res_config_settings,
)
