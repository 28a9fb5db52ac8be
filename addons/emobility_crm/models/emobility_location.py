import zoneinfo
from urllib.parse import quote

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..timezones import time_zone_of

# Names in the tz database that are not places: a price needs the local time of a place.
_NOT_A_PLACE = frozenset({"Factory", "localtime"})


def _time_zones(_model: models.BaseModel) -> list[tuple[str, str]]:
    """All IANA time zones that this machine knows."""
    return [(name, name) for name in sorted(zoneinfo.available_timezones() - _NOT_A_PLACE)]


class EmobilityLocation(models.Model):
    """A place with charging stations (OCPI Location)."""

    _name = "emobility.location"
    _description = "Charging Location"
    _inherit = ["mail.thread", "mail.activity.mixin", "image.mixin"]
    _order = "name, id"
    _rec_names_search = ["name", "code", "city"]
    _check_company_auto = True

    name = fields.Char(required=True, tracking=True)
    code = fields.Char(
        string="Location ID",
        required=True,
        copy=False,
        default=lambda self: self.env["ir.sequence"].sudo().next_by_code("emobility.location"),
        help="The ID of the location in OCPI.",
    )
    active = fields.Boolean(default=True)
    street = fields.Char()
    zip = fields.Char(string="ZIP")
    city = fields.Char()
    country_id = fields.Many2one("res.country", index=True, default=lambda self: self.env.company.country_id)
    latitude = fields.Float(digits=(10, 7))
    longitude = fields.Float(digits=(10, 7))
    time_zone = fields.Selection(
        _time_zones,
        required=True,
        default=lambda self: self.env.user.tz,
        tracking=True,
        help="Prices that depend on the time of day follow the clock at this location.",
    )
    is_public = fields.Boolean(
        "Public", default=True, help="Anybody may charge here, also without a contract."
    )
    is_published = fields.Boolean(
        "Published", copy=False, tracking=True, help="The place has a page of its own that anybody can open."
    )
    public_url = fields.Char("Page", compute="_compute_public_url")
    open_always = fields.Boolean("Open 24/7", default=True)
    opening_hour_ids = fields.One2many("emobility.opening.hours", "location_id", string="Opening Hours", copy=True)
    directions = fields.Text(translate=True, help="How to find the stations, for drivers.")
    operator_id = fields.Many2one(
        "res.partner", index=True, check_company=True, help="Who runs the stations."
    )
    host_id = fields.Many2one(
        "res.partner",
        index=True,
        check_company=True,
        help="Who owns the site and may get a share of the revenue or a reimbursement of energy.",
    )
    group_ids = fields.Many2many(
        "emobility.location.group",
        "emobility_location_group_rel",
        "location_id",
        "group_id",
        string="Location Groups",
        check_company=True,
    )
    default_contract_id = fields.Many2one(
        "contract.contract",
        domain="[('is_charging', '=', True)]",
        index=True,
        check_company=True,
        ondelete="restrict",
        tracking=True,
        help="Pays the sessions that carry no token, for example at a home or in free mode.",
    )
    evse_ids = fields.One2many("emobility.evse", "location_id", string="EVSEs")
    evse_count = fields.Integer(compute="_compute_evse_count", string="Number of EVSEs")
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )

    _code_uniq = models.UniqueIndex(
        "(company_id, code)", "A location with this ID exists already in this company."
    )
    _latitude_range = models.Constraint(
        "CHECK (latitude BETWEEN -90 AND 90)", "The latitude must be between -90 and 90 degrees."
    )
    _longitude_range = models.Constraint(
        "CHECK (longitude BETWEEN -180 AND 180)", "The longitude must be between -180 and 180 degrees."
    )

    @api.depends("evse_ids")
    def _compute_evse_count(self) -> None:
        for location in self:
            location.evse_count = len(location.evse_ids)

    @api.depends("code", "is_published")
    def _compute_public_url(self) -> None:
        for location in self:
            path = f"/charging/location/{quote(location.code or '', safe='')}"
            location.public_url = location.get_base_url() + path if location.is_published else False

    def _map_status(self) -> str:
        """The state of the place as a whole: that of the charging point that a driver would take.

        One of `available`, `occupied`, `unavailable` and `unknown`.
        """
        self.ensure_one()
        known = {evse._live_status() for evse in self.evse_ids}
        return next((status for status in ("available", "occupied", "unavailable") if status in known), "unknown")

    @api.onchange("latitude", "longitude")
    def _onchange_coordinates(self) -> None:
        self.time_zone = time_zone_of(self.latitude, self.longitude) or self.time_zone

    @api.model_create_multi
    def create(self, vals_list: list[dict]) -> models.BaseModel:
        return super().create([self._with_time_zone(vals) for vals in vals_list])

    @api.model
    def _with_time_zone(self, vals: dict) -> dict:
        """Return `vals` with the time zone of the coordinates, where they say none of their own."""
        if vals.get("time_zone"):
            return vals
        zone = time_zone_of(vals.get("latitude") or 0.0, vals.get("longitude") or 0.0)
        return {**vals, "time_zone": zone} if zone else vals

    @api.constrains("time_zone")
    def _check_time_zone(self) -> None:
        # The ORM does not check the values of a selection that a function computes.
        known = dict(_time_zones(self))
        for location in self:
            if location.time_zone not in known:
                raise ValidationError(
                    self.env._(
                        "%(time_zone)s is not a time zone. Use a name of the IANA database, for example "
                        "Europe/Berlin.",
                        time_zone=location.time_zone,
                    )
                )

    @api.constrains("default_contract_id")
    def _check_default_contract(self) -> None:
        for location in self:
            if location.default_contract_id and not location.default_contract_id.is_charging:
                raise ValidationError(
                    self.env._(
                        "%(contract)s is not a charging contract, so it cannot pay sessions at %(location)s.",
                        contract=location.default_contract_id.display_name,
                        location=location.display_name,
                    )
                )

    def action_open_map(self) -> dict:
        """Return the action that shows the place on the map of OpenStreetMap."""
        self.ensure_one()
        if not (self.latitude or self.longitude):
            raise UserError(self.env._("Enter the coordinates of %(location)s first.", location=self.display_name))
        place = f"{self.latitude:.6f}&mlon={self.longitude:.6f}#map=17/{self.latitude:.6f}/{self.longitude:.6f}"
        return {
            "type": "ir.actions.act_url",
            "url": f"https://www.openstreetmap.org/?mlat={place}",
            "target": "new",
        }

    def action_export_infrastructure(self) -> dict:
        """Return the dialogue that exports these locations with their EVSEs and connectors as a file."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Export Infrastructure"),
            "res_model": "emobility.location.export",
            "view_mode": "form",
            "target": "new",
            "context": {"default_location_ids": self.ids},
        }

    def action_view_evses(self) -> dict:
        """Return the action that lists the EVSEs of this location."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_crm.action_emobility_evse")
        action["domain"] = [("location_id", "=", self.id)]
        action["context"] = {"default_location_id": self.id}
        return action
