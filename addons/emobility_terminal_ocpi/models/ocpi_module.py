from odoo import fields, models


class EmobilityOcpiModule(models.Model):
    _inherit = "emobility.ocpi.module"

    module = fields.Selection(selection_add=[("payments", "Payments")], ondelete={"payments": "cascade"})
