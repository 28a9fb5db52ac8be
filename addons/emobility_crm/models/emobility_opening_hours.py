from odoo import api, fields, models
from odoo.exceptions import ValidationError

WEEKDAYS = [
    ("1", "Monday"),
    ("2", "Tuesday"),
    ("3", "Wednesday"),
    ("4", "Thursday"),
    ("5", "Friday"),
    ("6", "Saturday"),
    ("7", "Sunday"),
]


class EmobilityOpeningHours(models.Model):
    """A span of a weekday in which a location is open (OCPI RegularHours)."""

    _name = "emobility.opening.hours"
    _description = "Opening Hours"
    _order = "location_id, weekday, hour_from"

    location_id = fields.Many2one("emobility.location", required=True, index=True, ondelete="cascade")
    weekday = fields.Selection(WEEKDAYS, required=True, default="1")
    hour_from = fields.Float("From", required=True, default=8.0)
    hour_to = fields.Float("To", required=True, default=20.0)
    company_id = fields.Many2one(related="location_id.company_id", store=True, index=True)

    _hours_order = models.Constraint(
        "CHECK (hour_from >= 0 AND hour_from < hour_to AND hour_to <= 24)",
        "Opening hours go from an earlier to a later time of one day, at most until 24:00.",
    )

    @api.depends("weekday", "hour_from", "hour_to")
    def _compute_display_name(self) -> None:
        names = dict(self._fields["weekday"]._description_selection(self.env))
        for hours in self:
            span = " - ".join(f"{int(h):02d}:{round(h % 1 * 60):02d}" for h in (hours.hour_from, hours.hour_to))
            hours.display_name = f"{names.get(hours.weekday, '')} {span}"

    @api.constrains("location_id", "weekday", "hour_from", "hour_to")
    def _check_overlap(self) -> None:
        for location in self.location_id:
            hours = location.opening_hour_ids.sorted(lambda one: (one.weekday, one.hour_from))
            for earlier, later in zip(hours, hours[1:], strict=False):
                if earlier.weekday == later.weekday and earlier.hour_to > later.hour_from:
                    raise ValidationError(
                        self.env._(
                            "The opening hours of %(location)s overlap: %(first)s and %(second)s.",
                            location=location.display_name,
                            first=earlier.display_name,
                            second=later.display_name,
                        )
                    )
