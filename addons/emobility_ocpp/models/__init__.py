from . import (
    contract_contract,
    emobility_command,
    emobility_connector,
    emobility_evse,
    emobility_ocpp_change,
    emobility_ocpp_gateway,
    emobility_ocpp_message,
    emobility_secret_show,
    emobility_session,
    emobility_station,
    emobility_token,
    res_company,
)
