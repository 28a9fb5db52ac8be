from . import lead_contract
