from odoo import fields, models


class EmobilityTokenImportLine(models.TransientModel):
    """A row of the file, as the import understands it."""

    _name = "emobility.token.import.line"
    _description = "Row of a Token Import"
    _order = "problem, number"

    import_id = fields.Many2one("emobility.token.import", required=True, index=True, ondelete="cascade")
    number = fields.Integer("Row")
    uid = fields.Char("UID")
    details = fields.Char()
    problem = fields.Char()
