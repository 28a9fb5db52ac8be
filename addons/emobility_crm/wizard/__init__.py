from . import contract_change, token_import, token_import_line
