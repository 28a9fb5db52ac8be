from odoo import fields, models


class EmobilityOcpiObject(models.Model):
    _inherit = "emobility.ocpi.object"

    module = fields.Selection(selection_add=[("payments", "Payments")], ondelete={"payments": "cascade"})
