from . import contract_change, partner_privacy, partner_privacy_line, token_import, token_import_line
