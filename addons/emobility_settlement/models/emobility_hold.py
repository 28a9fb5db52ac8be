from odoo import fields, models


class EmobilityHold(models.Model):
    _inherit = "emobility.hold"

    reason_code = fields.Selection(
        selection_add=[
            ("partner_age_limit", "Older than the partner pays"),
            ("partner_rule", "Against the partner's rules"),
        ],
        ondelete={"partner_age_limit": "cascade", "partner_rule": "cascade"},
    )
