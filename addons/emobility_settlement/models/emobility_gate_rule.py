from odoo import fields, models


class EmobilityGateRule(models.Model):
    _inherit = "emobility.gate.rule"

    reason_code = fields.Selection(
        selection_add=[
            ("partner_age_limit", "Older than the partner pays"),
            ("partner_rule", "Against the partner's rules"),
        ],
        ondelete={"partner_age_limit": "cascade", "partner_rule": "cascade"},
    )
