from __future__ import annotations

from collections.abc import Iterable
from datetime import time
from decimal import Decimal
from typing import Any, Self

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..rating import Restrictions, TariffElement, Weekday
from ..rating.wording import describe

WEEKDAYS = tuple(day.value for day in Weekday)
DAY_FIELDS = tuple(day.lower() for day in WEEKDAYS)


class EmobilityTariffElement(models.Model):
    """Prices that apply together while all restrictions hold (OCPI TariffElement).

    For each dimension the first element counts whose restrictions match. Numbers of 0 mean: no restriction.
    """

    _name = "emobility.tariff.element"
    _description = "Charging Tariff Element"
    _order = "version_id, sequence, id"
    _check_company_auto = True

    version_id = fields.Many2one("emobility.tariff.version", required=True, index=True, ondelete="cascade")
    sequence = fields.Integer(
        default=10, help="For each kind of price the first element that matches counts."
    )
    component_ids = fields.One2many("emobility.price.component", "element_id", string="Prices", copy=True)
    start_time = fields.Float(string="From Time", help="Local time at the station.")
    end_time = fields.Float(string="To Time", help="Local time at the station, 00:00 is the end of the day.")
    start_date = fields.Date(string="From Date", help="First local day.")
    end_date = fields.Date(
        string="Before Date", help="The first local day on which the prices do not apply any more."
    )
    min_kwh = fields.Float(string="From kWh", digits=(12, 3), help="Energy of the session so far.")
    max_kwh = fields.Float(string="Below kWh", digits=(12, 3), help="Energy of the session so far.")
    min_power = fields.Float(string="From kW", digits=(12, 3))
    max_power = fields.Float(string="Below kW", digits=(12, 3))
    min_duration = fields.Integer(string="After Seconds", help="Seconds since the start of the session.")
    max_duration = fields.Integer(string="Before Seconds", help="Seconds since the start of the session.")
    min_parking = fields.Integer(
        string="After Seconds of Parking",
        help="Seconds that the car has parked without charging: a time of grace. OCPI cannot express it.",
    )
    max_parking = fields.Integer(
        string="Before Seconds of Parking",
        help="Seconds that the car has parked without charging: a cap of the overstay fee. "
        "OCPI cannot express it.",
    )
    day_of_week = fields.Char(
        help="Weekdays as in OCPI (MONDAY, TUESDAY, …), separated by commas. Empty: every day."
    )
    monday = fields.Boolean(compute="_compute_days", inverse="_inverse_days")
    tuesday = fields.Boolean(compute="_compute_days", inverse="_inverse_days")
    wednesday = fields.Boolean(compute="_compute_days", inverse="_inverse_days")
    thursday = fields.Boolean(compute="_compute_days", inverse="_inverse_days")
    friday = fields.Boolean(compute="_compute_days", inverse="_inverse_days")
    saturday = fields.Boolean(compute="_compute_days", inverse="_inverse_days")
    sunday = fields.Boolean(compute="_compute_days", inverse="_inverse_days")
    restriction_summary = fields.Char(compute="_compute_restriction_summary", string="Applies")
    is_frozen = fields.Boolean(related="version_id.is_frozen")
    currency_id = fields.Many2one(related="version_id.currency_id")
    company_id = fields.Many2one(related="version_id.company_id", store=True, index=True)

    _numbers_not_negative = models.Constraint(
        "CHECK (min_kwh >= 0 AND max_kwh >= 0 AND min_power >= 0 AND max_power >= 0 AND min_duration >= 0"
        " AND max_duration >= 0 AND min_parking >= 0 AND max_parking >= 0)",
        "A restriction is 0 (none) or more.",
    )
    _times_of_day = models.Constraint(
        "CHECK (start_time >= 0 AND start_time < 24 AND end_time >= 0 AND end_time <= 24)",
        "A time of day is between 00:00 and 24:00.",
    )

    @api.depends("day_of_week")
    def _compute_days(self) -> None:
        for element in self:
            chosen = element._days()
            for name in DAY_FIELDS:
                element[name] = name.upper() in chosen

    def _inverse_days(self) -> None:
        for element in self:
            element.day_of_week = ",".join(name.upper() for name in DAY_FIELDS if element[name]) or False

    @api.depends_context("lang")
    @api.depends(
        "start_time", "end_time", "start_date", "end_date", "min_kwh", "max_kwh", "min_power", "max_power",
        "min_duration", "max_duration", "min_parking", "max_parking", "day_of_week",
    )  # fmt: skip
    def _compute_restriction_summary(self) -> None:
        lang = self.env.lang or "en"
        for element in self:
            element.restriction_summary = describe(element._engine_restrictions(), lang) or self.env._(
                "always"
            )

    @api.constrains("day_of_week")
    def _check_day_of_week(self) -> None:
        for element in self:
            unknown = element._days() - set(WEEKDAYS)
            if unknown:
                raise ValidationError(
                    self.env._(
                        "Not a weekday: %(names)s. OCPI's names are MONDAY to SUNDAY.",
                        names=", ".join(unknown),
                    )
                )

    @api.constrains("min_kwh", "max_kwh", "min_power", "max_power", "min_duration", "max_duration",
                    "min_parking", "max_parking")  # fmt: skip
    def _check_ranges(self) -> None:
        for element in self:
            for name in ("kwh", "power", "duration", "parking"):
                lower, upper = element[f"min_{name}"], element[f"max_{name}"]
                if upper and lower >= upper:
                    raise ValidationError(
                        self.env._(
                            "%(field)s has to be less than the upper limit of the same kind.",
                            field=element._fields[f"min_{name}"].get_description(self.env)["string"],
                        )
                    )

    @api.constrains("start_date", "end_date")
    def _check_dates(self) -> None:
        for element in self:
            if element.start_date and element.end_date and element.start_date >= element.end_date:
                raise ValidationError(self.env._("The last date has to be after the first date."))

    @api.constrains("start_time", "end_time")
    def _check_window(self) -> None:
        for element in self:
            if element.start_time and element.start_time == element.end_time:
                raise ValidationError(self.env._("A window of time begins and ends at different times."))

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> Self:
        elements = super().create(vals_list)
        elements.version_id._check_not_frozen()
        return elements

    def write(self, vals: dict[str, Any]) -> bool:
        target = self.env["emobility.tariff.version"].browse(vals.get("version_id"))
        (self.version_id | target)._check_not_frozen()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_frozen(self) -> None:
        self.version_id._check_not_frozen()

    def _engine_element(self) -> TariffElement:
        self.ensure_one()
        return TariffElement(
            components=tuple(component._engine_component() for component in self.component_ids),
            restrictions=self._engine_restrictions(),
        )

    def _engine_restrictions(self) -> Restrictions:
        self.ensure_one()
        has_window = bool(self.start_time or self.end_time)
        return Restrictions(
            start_time=time_of_day(self.start_time) if has_window else None,
            end_time=time_of_day(self.end_time) if has_window else None,
            start_date=self.start_date or None,
            end_date=self.end_date or None,
            min_kwh=_limit(self.min_kwh),
            max_kwh=_limit(self.max_kwh),
            min_power=_limit(self.min_power),
            max_power=_limit(self.max_power),
            min_duration=self.min_duration or None,
            max_duration=self.max_duration or None,
            min_parking=self.min_parking or None,
            max_parking=self.max_parking or None,
            day_of_week=frozenset(Weekday(day) for day in self._days() if day in WEEKDAYS),
        )

    def _days(self) -> set[str]:
        names: Iterable[str] = (self.day_of_week or "").split(",")
        return {name.strip().upper() for name in names if name.strip()}


def time_of_day(hours: float) -> time:
    """The time of a float of hours, to the minute; 24.0 is 00:00, the end of the day."""
    minutes = round(hours * 60) % (24 * 60)
    return time(minutes // 60, minutes % 60)


def _limit(value: float) -> Decimal | None:
    return Decimal(f"{value:.3f}") if value else None
