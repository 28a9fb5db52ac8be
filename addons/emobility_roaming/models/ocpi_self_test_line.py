from odoo import fields, models


class EmobilityOcpiSelfTestLine(models.TransientModel):
    _name = "emobility.ocpi.self.test.line"
    _description = "Step of the Test of an OCPI Connection"
    _order = "id"

    test_id = fields.Many2one("emobility.ocpi.self.test", required=True, index=True, ondelete="cascade")
    step = fields.Char(readonly=True)
    result = fields.Selection(
        [("good", "Works"), ("warning", "Remarks"), ("bad", "Fails"), ("skipped", "Not offered")], readonly=True
    )
    detail = fields.Char(readonly=True)
    milliseconds = fields.Integer("Time (ms)", readonly=True)
