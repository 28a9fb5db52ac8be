import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError


class EmobilityImportPowerRule(models.Model):
    """What a connector can deliver, told by the text that a file uses for the model of the station."""

    _name = "emobility.import.power.rule"
    _description = "Power of Imported Connectors"
    _order = "sequence, id"

    profile_id = fields.Many2one("emobility.import.profile", required=True, index=True, ondelete="cascade")
    sequence = fields.Integer(default=10)
    model_pattern = fields.Char(
        required=True,
        help="A regular expression that is searched in the model column, without regard to case.",
    )
    connector_code = fields.Char(help="Only this connector of the station; empty: all.")
    max_power_kw = fields.Float("Power (kW)", required=True, digits=(10, 3))
    power_type = fields.Selection(
        lambda self: self.env["emobility.connector"]._fields["power_type"].selection,
        required=True,
        default="AC_3_PHASE",
    )
    standard = fields.Selection(
        lambda self: self.env["emobility.connector"]._fields["standard"].selection,
        required=True,
        default="IEC_62196_T2",
    )

    @api.constrains("model_pattern")
    def _check_model_pattern(self) -> None:
        for rule in self:
            try:
                re.compile(rule.model_pattern)
            except re.error as error:
                raise ValidationError(
                    self.env._(
                        "%(pattern)s is not a regular expression: %(error)s",
                        pattern=rule.model_pattern,
                        error=error,
                    )
                ) from error

    def _matching(self, model: str, connector: str) -> "EmobilityImportPowerRule":
        """The first rule for a connector of a station of that model; empty when there is none."""
        return self.filtered(
            lambda rule: (
                rule.connector_code in (False, connector)
                and re.search(rule.model_pattern, model, re.IGNORECASE)
            )
        )[:1]
