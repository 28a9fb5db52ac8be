from . import datev_export, import_power_rule, import_profile, import_session, tariff_simulation
