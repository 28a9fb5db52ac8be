from . import (
    contract_contract,
    emobility_connector,
    emobility_customer_group,
    emobility_evse,
    emobility_location,
    emobility_location_group,
    emobility_token,
    product_template,
    res_company,
    res_config_settings,
    res_partner,
)
