from . import emobility_cdr, emobility_connector, emobility_roaming_partner
