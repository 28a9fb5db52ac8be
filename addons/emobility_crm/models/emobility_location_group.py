from odoo import api, fields, models


class EmobilityLocationGroup(models.Model):
    """Locations that share prices: one axis of the price matrix."""

    _name = "emobility.location.group"
    _description = "Charging Location Group"
    _order = "sequence, name"
    _rec_names_search = ["name", "code"]
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    code = fields.Char(required=True, copy=False, help="Short name for imports and interfaces.")
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    location_ids = fields.Many2many(
        "emobility.location",
        "emobility_location_group_rel",
        "group_id",
        "location_id",
        string="Locations",
        check_company=True,
    )
    location_count = fields.Integer(compute="_compute_location_count", string="Number of Locations")

    _code_uniq = models.UniqueIndex(
        "(company_id, code)", "A location group with this code exists already in this company."
    )

    @api.depends("location_ids")
    def _compute_location_count(self) -> None:
        for group in self:
            group.location_count = len(group.location_ids)
