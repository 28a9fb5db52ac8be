import math
from collections.abc import Sequence

from markupsafe import Markup

from odoo import api, fields, models
from odoo.fields import Domain

MAX_PLACES = 2_000
WIDTH, HEIGHT, MARGIN = 1000, 620, 50
# On a phone the drawing is a third as wide: there its texts and dots are larger.
PHONE = (
    "@media (max-width: 767px) {.o_location_map text {font-size: 30px} .o_location_map circle {r: 20px} "
    ".o_location_map .o_second {display: none}}"
)
LINES = 4  # of latitude and of longitude across the map
SMALLEST = 0.01  # degrees that the map spans at least, for a single place
COLOURS = {"available": "#198754", "occupied": "#0d6efd", "unavailable": "#dc3545", "unknown": "#6c757d"}


class EmobilityLocationMap(models.TransientModel):
    """All places as dots on a plane of latitude and longitude, drawn here: no map service is asked."""

    _name = "emobility.location.map"
    _description = "Map of Locations"

    text = fields.Char("Place", help="Part of a name, an ID, a city or a ZIP.")
    group_id = fields.Many2one("emobility.location.group", "Location Group")
    picture = fields.Html(compute="_compute_picture", sanitize=False)
    note = fields.Char(compute="_compute_picture")

    @api.depends("text", "group_id")
    def _compute_display_name(self) -> None:
        for plan in self:
            plan.display_name = self.env._("Map of Locations")

    @api.depends("text", "group_id")
    def _compute_picture(self) -> None:
        for plan in self:
            places = self.env["emobility.location"].search(plan._domain(), limit=MAX_PLACES)
            drawn = places.filtered(lambda place: place.latitude or place.longitude)
            plan.picture = plan._draw(drawn)
            plan.note = plan._note(len(places), len(drawn))

    def _domain(self) -> Domain:
        domain = Domain("company_id", "in", self.env.companies.ids)
        if self.text:
            domain &= Domain.OR(Domain(name, "ilike", self.text) for name in ("name", "code", "city", "zip"))
        if self.group_id:
            domain &= Domain("group_ids", "in", self.group_id.ids)
        return domain

    def _note(self, found: int, drawn: int) -> str:
        if found == MAX_PLACES:
            return self.env._("Only the first %(most)s places are shown: search for fewer.", most=MAX_PLACES)
        if drawn < found:
            return self.env._("Without coordinates, and so not shown: %(count)s.", count=found - drawn)
        return ""

    def _draw(self, places: models.BaseModel) -> Markup:
        if not places:
            return Markup("<p>%s</p>") % self.env._("No place with coordinates was found.")
        west, east = _span(places.mapped("longitude"))
        south, north = _span(places.mapped("latitude"))
        # A degree of longitude is shorter than one of latitude, the more the further from the equator.
        narrow = max(math.cos(math.radians((south + north) / 2)), 0.01)
        scale = min((WIDTH - 2 * MARGIN) / ((east - west) * narrow), (HEIGHT - 2 * MARGIN) / (north - south))

        def x(longitude: float) -> float:
            return WIDTH / 2 + (longitude - (west + east) / 2) * narrow * scale

        def y(latitude: float) -> float:
            return HEIGHT / 2 - (latitude - (south + north) / 2) * scale

        lines = [
            self._line(x(each), 0, x(each), HEIGHT, text, "o_second" if number % 2 else "")
            for number, (each, text) in enumerate(_steps(west, east))
        ]
        lines += [self._line(0, y(each), WIDTH, y(each), text) for each, text in _steps(south, north)]
        dots = [self._dot(place, x(place.longitude), y(place.latitude)) for place in places]
        return Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            'class="o_location_map w-100 border rounded" role="group" aria-label="{label}"><style>{phone}</style>'
            '<rect width="{width}" height="{height}" fill="#f8f9fa"/>'
            "{lines}{dots}</svg>{legend}"
        ).format(
            width=WIDTH,
            height=HEIGHT,
            label=self.env._("Map of Locations"),
            phone=PHONE,
            lines=Markup().join(lines),
            dots=Markup().join(dots),
            legend=self._legend(),
        )

    def _line(self, x1: float, y1: float, x2: float, y2: float, label: str, css: str = "") -> Markup:
        text = (x1 + 4, HEIGHT - 6) if x1 == x2 else (4, y1 - 4)
        return Markup(
            '<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" stroke="#ced4da"/>'
            '<text x="{:.1f}" y="{:.1f}" class="{}" font-size="12" fill="#495057">{}</text>'
        ).format(x1, y1, x2, y2, *text, css, label)

    def _dot(self, place: models.BaseModel, x: float, y: float) -> Markup:
        status = place._map_status()
        return Markup(
            '<a href="/odoo/action-emobility_crm.action_emobility_location/{id}" data-status="{status}">'
            '<circle cx="{x:.1f}" cy="{y:.1f}" r="8" fill="{colour}" stroke="white" stroke-width="2">'
            "<title>{title}</title></circle></a>"
        ).format(
            id=place.id,
            status=status,
            x=x,
            y=y,
            colour=COLOURS[status],
            title=", ".join(filter(None, [place.name, place.city, self._status_names()[status]])),
        )

    def _status_names(self) -> dict[str, str]:
        return {
            "available": self.env._("available"),
            "occupied": self.env._("occupied"),
            "unavailable": self.env._("out of order"),
            "unknown": self.env._("not known"),
        }

    def _legend(self) -> Markup:
        names = self._status_names()
        items = [
            Markup('<li class="list-inline-item"><span style="color: {}" aria-hidden="true">●</span> {}</li>').format(
                colour, names[status]
            )
            for status, colour in COLOURS.items()
        ]
        return Markup('<ul class="list-inline mt-2 mb-0">{}</ul>').format(Markup().join(items))


def _span(degrees: Sequence[float]) -> tuple[float, float]:
    """From the smallest to the largest value, and never nothing."""
    low, high = min(degrees), max(degrees)
    missing = max(SMALLEST - (high - low), 0) / 2
    return low - missing, high + missing


def _steps(low: float, high: float) -> list[tuple[float, str]]:
    """Degrees with their texts, which have as many decimals as it takes to tell them apart."""
    width = (high - low) / LINES
    decimals = max(2, math.ceil(-math.log10(width)) + 1)
    return [(low + width * step, f"{low + width * step:.{decimals}f}\N{DEGREE SIGN}") for step in range(LINES + 1)]
