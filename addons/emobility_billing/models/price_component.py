from __future__ import annotations

from decimal import Decimal
from typing import Any, Self

from odoo import api, fields, models

from ..rating import Dimension, PriceComponent, SpotPrice

PRICE_DIGITS = 6


class EmobilityPriceComponent(models.Model):
    """A price per kWh, hour or session (OCPI PriceComponent)."""

    _name = "emobility.price.component"
    _description = "Charging Price Component"
    _order = "element_id, id"

    element_id = fields.Many2one("emobility.tariff.element", required=True, index=True, ondelete="cascade")
    dimension = fields.Selection(
        [
            ("ENERGY", "Energy (per kWh)"),
            ("TIME", "Charging time (per hour)"),
            ("PARKING_TIME", "Parking time after charging (per hour)"),
            ("FLAT", "Start fee (per session)"),
        ],
        required=True,
        default="ENERGY",
    )
    price = fields.Float(
        required=True,
        digits=(16, PRICE_DIGITS),
        help="Per kWh, hour or session, in the tax mode of the tariff.",
    )
    step_size = fields.Integer(
        default=1,
        help="Energy is billed in steps of so many Wh, time in steps of so many seconds. Rounded up once per "
        "session, with the step of the price that was in force last (OCPI).",
    )
    cap = fields.Monetary(help="The most that a session pays for this price. 0: no cap. OCPI cannot express it.")
    needs_energy = fields.Boolean(
        string="Only If Energy Flowed", help="A start fee that a session without energy does not pay."
    )
    follows_market = fields.Boolean(
        help="Market price times factor plus mark-up; the price itself counts when the market has none. OCPI cannot "
        "express it."
    )
    spot_factor = fields.Float(string="Factor", default=1.0, digits=(16, PRICE_DIGITS))
    spot_markup = fields.Float(string="Mark-up", digits=(16, PRICE_DIGITS), help="Per kWh.")
    spot_floor = fields.Float(string="At Least", digits=(16, PRICE_DIGITS), help="Per kWh.")
    spot_cap = fields.Float(string="At Most", digits=(16, PRICE_DIGITS), help="Per kWh. 0: no limit.")
    product_id = fields.Many2one(
        "product.product",
        string="Usage Product",
        compute="_compute_product_id",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
        index=True,
        ondelete="restrict",
        help="Gives account and tax of the amounts.",
    )
    is_frozen = fields.Boolean(related="element_id.version_id.is_frozen")
    currency_id = fields.Many2one(related="element_id.version_id.currency_id")
    company_id = fields.Many2one(related="element_id.company_id", store=True, index=True)

    _dimension_uniq = models.UniqueIndex(
        "(element_id, dimension)", "A price element has at most one price of each kind."
    )
    _price_not_negative = models.Constraint("CHECK (price >= 0)", "A price is 0 or more.")
    _cap_not_negative = models.Constraint("CHECK (cap >= 0)", "A cap is 0 (none) or more.")
    _market_is_for_energy = models.Constraint(
        "CHECK (NOT follows_market OR dimension = 'ENERGY')", "Only the price of energy can follow a market."
    )
    _energy_is_for_fees = models.Constraint(
        "CHECK (NOT needs_energy OR dimension = 'FLAT')",
        "Only a fee per session can depend on whether energy flowed.",
    )
    _spot_limits = models.Constraint(
        "CHECK (spot_floor >= 0 AND (spot_cap = 0 OR spot_cap >= spot_floor))",
        "The floor of a market price is 0 or more, and not above its limit.",
    )
    _step_size_not_negative = models.Constraint("CHECK (step_size >= 0)", "A step size is 0 or more.")

    @api.depends("dimension", "price", "currency_id")
    def _compute_display_name(self) -> None:
        labels = dict(self._fields["dimension"]._description_selection(self.env))
        for component in self:
            label = labels.get(component.dimension, "")
            component.display_name = (
                f"{label}: {component.price:g} {component.currency_id.name or ''}".strip()
            )

    @api.depends("dimension")
    def _compute_product_id(self) -> None:
        for component in self:
            component.product_id = component._default_product()

    def _default_product(self) -> Any:
        """The usage product that the addon brings for the dimension."""
        name = (self.dimension or "ENERGY").lower()
        return self.env.ref(f"emobility_billing.product_{name}", raise_if_not_found=False)

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> Self:
        components = super().create(vals_list)
        components.element_id.version_id._check_not_frozen()
        return components

    def write(self, vals: dict[str, Any]) -> bool:
        target = self.env["emobility.tariff.element"].browse(vals.get("element_id"))
        (self.element_id | target).version_id._check_not_frozen()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_frozen(self) -> None:
        self.element_id.version_id._check_not_frozen()

    def _engine_component(self) -> PriceComponent:
        self.ensure_one()
        return PriceComponent(
            dimension=Dimension(self.dimension),
            price=_amount(self.price),
            step_size=self.step_size,
            cap=_amount(self.cap) or None,
            spot=self._engine_spot() if self.follows_market else None,
            needs_energy=self.needs_energy,
        )

    def _engine_spot(self) -> SpotPrice:
        return SpotPrice(
            markup=_amount(self.spot_markup),
            factor=_amount(self.spot_factor),
            floor=_amount(self.spot_floor),
            cap=_amount(self.spot_cap) or None,
        )


def _amount(value: float) -> Decimal:
    return Decimal(f"{value:.{PRICE_DIGITS}f}").normalize()
