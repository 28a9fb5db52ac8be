from odoo import fields, models


class EmobilityLocationImportLine(models.TransientModel):
    """A row of an infrastructure file with a problem."""

    _name = "emobility.location.import.line"
    _description = "Problem of an Infrastructure Import"
    _order = "number"

    import_id = fields.Many2one("emobility.location.import", required=True, index=True, ondelete="cascade")
    number = fields.Integer("Row")
    problem = fields.Char()
