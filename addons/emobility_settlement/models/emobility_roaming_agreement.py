from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import float_compare, ormcache


class EmobilityRoamingAgreement(models.Model):
    """On what terms a partner's drivers charge at our stations (sell), or our drivers at theirs (buy)."""

    _name = "emobility.roaming.agreement"
    _description = "Roaming Agreement"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "roaming_partner_id, direction, date_from desc"
    _check_company_auto = True

    roaming_partner_id = fields.Many2one(
        "emobility.roaming.partner", required=True, index=True, ondelete="restrict", check_company=True, tracking=True
    )
    company_id = fields.Many2one(related="roaming_partner_id.company_id", store=True, index=True)
    direction = fields.Selection(
        [("sell", "Sell: their drivers at our stations"), ("buy", "Buy: our drivers at their stations")],
        required=True,
        default="sell",
        tracking=True,
    )
    active = fields.Boolean(default=True)
    date_from = fields.Date("First Day", required=True, default=fields.Date.context_today, tracking=True)
    date_to = fields.Date("Last Day", tracking=True, help="Empty: until further notice.")
    country_ids = fields.Many2many(
        "res.country",
        string="Countries of Charging",
        help="Only for stations in these countries: a partner may have a legal entity with its own VAT ID for each. "
        "Empty: everywhere.",
    )
    legal_entity_id = fields.Many2one(
        "res.partner",
        required=True,
        index=True,
        ondelete="restrict",
        check_company=True,
        tracking=True,
        help="Who is invoiced, or invoices us.",
    )
    vat = fields.Char(related="legal_entity_id.vat", string="VAT ID")
    currency_id = fields.Many2one(
        "res.currency", required=True, default=lambda self: self.env.company.currency_id, tracking=True
    )
    payment_term_id = fields.Many2one("account.payment.term", check_company=True, tracking=True)
    age_limit_days = fields.Integer(
        "Age Limit (days)",
        default=90,
        tracking=True,
        help="A CDR that comes later after the end of its session is not paid. 0: no limit.",
    )
    max_price_kwh = fields.Monetary(
        "Highest Price per kWh",
        tracking=True,
        help="Without taxes, over the whole session. A CDR above it is not sent, and not accepted by itself. "
        "0: no limit.",
    )
    min_energy_kwh = fields.Float(
        "Smallest Energy (kWh)",
        digits=(12, 3),
        tracking=True,
        help="A CDR with less is not sent, and not accepted by itself. 0: no limit.",
    )
    tolerance_amount = fields.Monetary(
        "Tolerance", default=0.01, tracking=True, help="Differences up to this amount are accepted."
    )
    tolerance_percent = fields.Float("Tolerance (%)", default=0.5, tracking=True)
    dispute_days = fields.Integer(
        "Time to Answer (days)", default=30, tracking=True, help="Until when a dispute has to be answered."
    )
    hub_name = fields.Char("Hub", tracking=True, help="The platform that takes a fee for each CDR, if any.")
    hub_fee_per_cdr = fields.Monetary("Fee per CDR", tracking=True)
    hub_fee_per_kwh = fields.Monetary("Fee per kWh", tracking=True)
    hub_fee_percent = fields.Float("Fee (% of the net amount)", tracking=True)
    hub_fee_policy = fields.Selection(
        [("absorb", "We bear it"), ("pass_on", "Invoiced to the partner")],
        default="absorb",
        required=True,
        tracking=True,
    )
    pricing = fields.Selection(
        [("rules", "Price rules"), ("percent", "Share of the driver's price")],
        default="rules",
        required=True,
        tracking=True,
        help="A share is possible only between companies of this database, where the driver's price is known.",
    )
    share_percent = fields.Float("Share (%)", help="Of what the driver pays without taxes.")
    internal_company_id = fields.Many2one(related="roaming_partner_id.internal_company_id", store=True, index=True)
    rule_count = fields.Integer("Price Rules", compute="_compute_rule_count")
    note = fields.Text()

    _date_order = models.Constraint("CHECK (date_to >= date_from)", "The last day is before the first day.")
    _no_negative = models.Constraint(
        "CHECK (age_limit_days >= 0 AND max_price_kwh >= 0 AND min_energy_kwh >= 0"
        " AND tolerance_amount >= 0 AND tolerance_percent >= 0 AND dispute_days >= 0"
        " AND hub_fee_per_cdr >= 0 AND hub_fee_per_kwh >= 0 AND hub_fee_percent >= 0)",
        "Limits, tolerances and fees cannot be negative.",
    )
    _share = models.Constraint(
        "CHECK (pricing != 'percent' OR (share_percent > 0 AND share_percent <= 100))",
        "The share has to be above 0 and at most 100 percent.",
    )

    @api.depends("roaming_partner_id.name", "direction", "date_from")
    def _compute_display_name(self) -> None:
        directions = dict(self._fields["direction"]._description_selection(self.env))
        for agreement in self:
            direction = directions.get(agreement.direction, "").split(":")[0]
            agreement.display_name = f"{agreement.roaming_partner_id.name or ''}: {direction}, {agreement.date_from}"

    def _compute_rule_count(self) -> None:
        for agreement in self:
            agreement.rule_count = self.env["emobility.price.rule"].search_count(agreement._rule_domain())

    def _rule_domain(self) -> list[Any]:
        return [
            ("company_id", "=", self.company_id.id),
            ("relation", "=", "wholesale"),
            ("partner_id", "in", [False, *(self.legal_entity_id | self.legal_entity_id.commercial_partner_id).ids]),
        ]

    @api.onchange("roaming_partner_id")
    def _onchange_roaming_partner_id(self) -> None:
        if not self.legal_entity_id:
            self.legal_entity_id = self.roaming_partner_id.partner_id

    @api.constrains("roaming_partner_id", "direction", "date_from", "date_to", "country_ids", "active")
    def _check_overlap(self) -> None:
        """Two agreements that both count for a session would leave its terms open."""
        for agreement in self.filtered("active"):
            others = self.search(
                Domain("id", "!=", agreement.id)
                & Domain("roaming_partner_id", "=", agreement.roaming_partner_id.id)
                & Domain("direction", "=", agreement.direction)
                & (Domain("date_to", "=", False) | Domain("date_to", ">=", agreement.date_from))
                & (Domain("date_from", "<=", agreement.date_to) if agreement.date_to else Domain.TRUE)
            )
            for other in others:
                if not (agreement.country_ids and other.country_ids) or agreement.country_ids & other.country_ids:
                    raise ValidationError(
                        self.env._(
                            "%(one)s and %(other)s count on the same days and in the same countries. End one of them "
                            "first.",
                            one=agreement.display_name,
                            other=other.display_name,
                        )
                    )

    @api.constrains("pricing", "roaming_partner_id", "direction")
    def _check_pricing(self) -> None:
        for agreement in self:
            if agreement.pricing == "percent" and not agreement.internal_company_id:
                raise ValidationError(
                    self.env._("Only with a company of this database can a share of the driver's price be agreed.")
                )

    def unlink(self) -> bool:
        self._tell_stations()
        return super().unlink()

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> EmobilityRoamingAgreement:
        agreements = super().create(vals_list)
        agreements._tell_stations()
        agreements._tell_partner()
        return agreements

    def write(self, vals: dict[str, Any]) -> bool:
        told = bool(vals.keys() & {"active", "direction", "date_from", "date_to", "roaming_partner_id"})
        if told:
            # Before and after: who may not charge here any more has to be told too.
            self._tell_stations()
        result = super().write(vals)
        if told:
            self._tell_stations()
        if told or vals.keys() & {"legal_entity_id", "country_ids"}:
            self._tell_partner()
        return result

    def _tell_partner(self) -> None:
        """The partner is told the prices that count for it now, and where."""
        selling = self.sudo().filtered(lambda agreement: agreement.direction == "sell")
        selling.roaming_partner_id.connection_id.filtered(lambda one: one.state == "connected")._queue_publish()

    @api.model
    def _internal_in_force(self, domain: Domain, today: date | None = None) -> EmobilityRoamingAgreement:
        """Agreements between companies of this database by which cards charge today."""
        today = today or fields.Date.today()
        in_force = Domain("date_from", "<=", today) & (Domain("date_to", "=", False) | Domain("date_to", ">=", today))
        internal = Domain("direction", "=", "sell") & Domain("internal_company_id", "!=", False)
        return self.sudo().search(domain & internal & in_force)

    @api.model
    @ormcache("company_id", "today")
    def _operators_for(self, company_id: int, today: date) -> tuple[int, ...]:
        """Ids of the companies at whose stations the cards of this one charge. Asked for at each change of a card."""
        return tuple(self._internal_in_force(Domain("internal_company_id", "=", company_id), today).company_id.ids)

    def _tell_stations(self) -> None:
        """The cards of another company of this database begin or cease to charge here."""
        self.env.registry.clear_cache()
        providers = self.internal_company_id
        if providers:
            tokens = self.env["emobility.token"].sudo().search([("company_id", "in", providers.ids)])
            tokens._acceptance_changed()

    @api.model
    def _find(self, roaming_partner: Any, direction: str, day: date, country: Any) -> EmobilityRoamingAgreement:
        """The agreement that counts on a day for charging in a country, or an empty recordset."""
        found = self.search(
            [
                ("roaming_partner_id", "=", roaming_partner.id),
                ("direction", "=", direction),
                ("date_from", "<=", day),
                "|",
                ("date_to", "=", False),
                ("date_to", ">=", day),
            ]
        )
        return found.filtered(lambda one: not one.country_ids or country in one.country_ids)[:1]

    def _broken_rules(self, energy_kwh: float, net: float) -> list[str]:
        """Which of the agreed limits a CDR does not keep, as sentences."""
        broken = []
        if self.min_energy_kwh and float_compare(energy_kwh, self.min_energy_kwh, precision_digits=3) < 0:
            broken.append(
                self.env._(
                    "%(energy)s kWh is less than the %(limit)s kWh from which a CDR is paid.",
                    energy=f"{energy_kwh:.3f}",
                    limit=f"{self.min_energy_kwh:.3f}",
                )
            )
        price = net / energy_kwh if energy_kwh else 0.0
        if self.max_price_kwh and float_compare(price, self.max_price_kwh, precision_digits=4) > 0:
            broken.append(
                self.env._(
                    "%(price)s per kWh is more than the agreed %(limit)s.",
                    price=f"{price:.4f}",
                    limit=f"{self.max_price_kwh:.4f}",
                )
            )
        return broken

    def _share_of(self, net: float, currency: Any) -> float:
        """The agreed share of what a driver pays without taxes, rounded once."""
        step = Decimal(10) ** -currency.decimal_places
        share = Decimal(str(net)) * Decimal(str(self.share_percent)) / 100
        return float(share.quantize(step, ROUND_HALF_UP))

    def _hub_fee(self, net: Decimal, energy_kwh: Decimal) -> Decimal:
        """What the hub takes for a CDR, unrounded. A credit CDR gives no fee back: hubs count messages."""
        self.ensure_one()
        return (
            Decimal(str(self.hub_fee_per_cdr))
            + Decimal(str(self.hub_fee_per_kwh)) * abs(energy_kwh)
            + Decimal(str(self.hub_fee_percent)) / 100 * abs(net)
        )

    def _hub_fee_of(self, rating: Any) -> Decimal:
        """The fee for one of our CDRs."""
        energy = Decimal(str(rating.energy_kwh))
        return self._hub_fee(Decimal(str(rating._net_amount())), energy) if self else Decimal(0)

    def action_open_rules(self) -> dict[str, Any]:
        """The wholesale price rules that can count for this agreement."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_billing.action_price_rule")
        context = {"default_relation": "wholesale", "default_partner_id": self.legal_entity_id.id}
        return action | {"domain": self._rule_domain(), "context": context}
