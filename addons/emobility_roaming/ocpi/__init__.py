"""OCPI messages as pydantic models. Plain Python: imports nothing from odoo, does no I/O, has no clock."""
