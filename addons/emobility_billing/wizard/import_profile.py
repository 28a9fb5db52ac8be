import zoneinfo

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .import_rows import Layout


def _time_zones(_model: models.BaseModel) -> list[tuple[str, str]]:
    return [(name, name) for name in sorted(zoneinfo.available_timezones() - {"Factory", "localtime"})]


class EmobilityImportProfile(models.Model):
    """How the session files of one sender are laid out, and what to create for what they name."""

    _name = "emobility.import.profile"
    _description = "Session Import Profile"
    _order = "name, id"
    _check_company_auto = True

    name = fields.Char(required=True)
    code = fields.Char(
        required=True,
        copy=False,
        help="Part of the ID of each imported session. With another code the same file is imported "
        "once more.",
    )
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )

    encoding = fields.Selection(
        [("utf-8-sig", "UTF-8"), ("cp1252", "Windows-1252"), ("utf-16", "UTF-16")],
        required=True,
        default="utf-8-sig",
    )
    delimiter = fields.Selection(
        [(",", "Comma"), (";", "Semicolon"), ("\t", "Tab"), ("|", "Pipe")], required=True, default=","
    )
    decimal_separator = fields.Selection([(".", "Dot"), (",", "Comma")], required=True, default=".")
    energy_unit = fields.Selection([("kwh", "kWh"), ("wh", "Wh")], required=True, default="kwh")
    time_zone = fields.Selection(
        _time_zones,
        required=True,
        default=lambda self: self.env.user.tz or "UTC",
        help="Of the times in the file.",
    )
    date_formats = fields.Text(
        required=True,
        default="%Y-%m-%d\n%Y-%m-%dT%H:%M:%S\n%Y-%m-%d %H:%M:%S\n%d.%m.%Y",
        help="One per line, in the notation of strptime; the first that fits is used.",
    )
    time_formats = fields.Text(required=True, default="%H:%M:%S\n%H:%M")

    column_row_id = fields.Char("Row ID", help="Without it a row is known by its content.")
    column_station = fields.Char("Charging station", required=True)
    column_connector = fields.Char("Connector")
    column_start_date = fields.Char("Start date", required=True)
    column_start_time = fields.Char("Start time", help="Empty: the start date holds the time too.")
    column_end_date = fields.Char("End date", required=True)
    column_end_time = fields.Char("End time", help="Empty: the end date holds the time too.")
    column_energy = fields.Char("Energy", required=True)
    column_site = fields.Char("Site")
    column_model = fields.Char("Model of the station")
    column_token = fields.Char("Token")
    token_type = fields.Selection(
        [("RFID", "RFID"), ("EMAID", "EMAID"), ("OTHER", "Other")], default="RFID", required=True
    )

    create_master_data = fields.Boolean(
        "Create locations and stations", default=True, help="For names that are not known yet."
    )
    create_contracts = fields.Boolean(
        "One contract per site",
        help="A contract and a customer for each new site, for sessions that carry no token.",
    )
    plan_id = fields.Many2one(
        "product.template", "Plan of these contracts", domain="[('is_charging_plan', '=', True)]", index=True
    )
    power_rule_ids = fields.One2many("emobility.import.power.rule", "profile_id", "Power of the connectors")

    _code_uniq = models.UniqueIndex("(company_id, code)", "A profile with this code exists already.")

    @api.constrains("code")
    def _check_code(self) -> None:
        for profile in self:
            if ":" in profile.code:
                raise ValidationError(self.env._("The code of a profile cannot contain a colon."))

    def _layout(self) -> Layout:
        """This profile for the reader of rows."""
        self.ensure_one()
        prefix = "column_"
        columns = [name for name in self._fields if name.startswith(prefix)]
        return Layout(
            code=self.code,
            delimiter=self.delimiter,
            time_zone=self.time_zone,
            date_formats=tuple(self.date_formats.split("\n")),
            time_formats=tuple(self.time_formats.split("\n")),
            decimal_separator=self.decimal_separator,
            energy_in_wh=self.energy_unit == "wh",
            **{name.removeprefix(prefix): self[name] or "" for name in columns},
        )
