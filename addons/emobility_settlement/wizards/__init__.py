from . import partner_invoice_import
