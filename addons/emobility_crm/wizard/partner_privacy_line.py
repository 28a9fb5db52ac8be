from odoo import fields, models


class EmobilityPartnerPrivacyLine(models.TransientModel):
    """What becomes of one kind of record when a contact is erased."""

    _name = "emobility.partner.privacy.line"
    _description = "What Becomes of Personal Data"
    _order = "id"

    privacy_id = fields.Many2one("emobility.partner.privacy", required=True, index=True, ondelete="cascade")
    name = fields.Char("Data", required=True)
    count = fields.Integer()
    fate = fields.Selection(
        [("anonymised", "Made anonymous"), ("deleted", "Deleted"), ("kept", "Kept")],
        "When Erased",
        required=True,
    )
    reason = fields.Char("Why")
