from __future__ import annotations

from odoo import fields, models


class EmobilityNapPoint(models.Model):
    """What was last published of a charging point, and since when: the delta is made of it."""

    _name = "emobility.nap.point"
    _description = "Published Charging Point"
    _rec_name = "evse_id"

    publication_id = fields.Many2one(
        "emobility.nap.publication", required=True, readonly=True, index=True, ondelete="cascade"
    )
    evse_id = fields.Many2one("emobility.evse", "EVSE", required=True, readonly=True, index=True, ondelete="cascade")
    # Where it stood, for the notice that it is gone.
    site_ref = fields.Char(required=True, readonly=True)
    station_ref = fields.Char(required=True, readonly=True)
    static_print = fields.Char(required=True, readonly=True)
    static_at = fields.Datetime("Data Changed", required=True, readonly=True)
    dynamic_print = fields.Char(required=True, readonly=True)
    dynamic_at = fields.Datetime("State Changed", required=True, readonly=True)
    withdrawn = fields.Boolean(readonly=True)

    _point_uniq = models.UniqueIndex("(publication_id, evse_id)", "This charging point is in the publication already.")
