from __future__ import annotations

from datetime import UTC, date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from odoo.addons.emobility_billing.models.price_component import PRICE_DIGITS
from odoo.addons.emobility_billing.rating import (
    Dimension,
    PriceComponent,
    Rating,
    SessionFacts,
    SpotPrice,
    Tariff,
    TariffElement,
    rate,
)

from ..terms import Terms

HOST_RELATIONS = [
    ("revenue_share", "Revenue share (operator to site owner)"),
    ("reimbursement", "Reimbursement (payer to host)"),
]
# What was settled was settled on these terms: they change by a new agreement only.
TERMS = frozenset(
    {
        "partner_id",
        "relation",
        "company_id",
        "date_from",
        "location_ids",
        "location_group_ids",
        "payer_id",
        "fixed_amount",
        "percent",
        "energy_source",
        "energy_price",
        "spot_series_id",
        "spot_markup",
        "minimum",
        "cap_amount",
        "cap_kwh",
        "currency_id",
    }
)


class EmobilityHostAgreement(models.Model):
    """Who gets what of the sessions at which places."""

    _name = "emobility.host.agreement"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _description = "Host Agreement"
    _order = "state desc, name, id"
    _check_company_auto = True

    name = fields.Char(required=True, tracking=True)
    partner_id = fields.Many2one(
        "res.partner",
        "Host",
        required=True,
        index=True,
        ondelete="restrict",
        tracking=True,
        check_company=True,
    )
    relation = fields.Selection(
        HOST_RELATIONS, string="Kind", required=True, default="revenue_share", tracking=True
    )
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(
        "res.currency", required=True, default=lambda self: self.env.company.currency_id
    )
    state = fields.Selection(
        [("draft", "Draft"), ("active", "Active"), ("ended", "Ended")],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
        index=True,
    )
    date_from = fields.Date(
        "First day",
        required=True,
        default=lambda self: fields.Date.context_today(self).replace(day=1),
        tracking=True,
        help="Sessions that start on this local day or later are part of it.",
    )
    date_to = fields.Date("Last day", tracking=True, help="Empty: no end.")
    location_ids = fields.Many2many(
        "emobility.location",
        "emobility_host_agreement_location_rel",
        "agreement_id",
        "location_id",
        string="Locations",
        check_company=True,
        help="Without locations and groups: all locations that name the host.",
    )
    location_group_ids = fields.Many2many(
        "emobility.location.group",
        "emobility_host_agreement_group_rel",
        "agreement_id",
        "group_id",
        string="Location groups",
        check_company=True,
    )
    payer_id = fields.Many2one(
        "res.partner",
        "Only sessions paid by",
        index="btree_not_null",
        check_company=True,
        help="For example the employer of the host. Empty: whoever pays.",
    )
    fixed_amount = fields.Monetary("Per month", tracking=True, help="In proportion to the days of validity.")
    percent = fields.Float(
        "Share of revenue (%)", digits=(5, 2), tracking=True, help="Of what the driver pays without taxes."
    )
    energy_source = fields.Selection(
        [
            ("none", "Nothing"),
            ("fixed", "Agreed price"),
            ("contract", "Host's electricity contract"),
            ("flat", "Flat rate of the year"),
            ("spot", "Hourly purchase price"),
            ("tariff", "Price rules"),
        ],
        "Per kWh",
        required=True,
        default="none",
        tracking=True,
        help="Where the price of a kWh comes from. Price rules: those for this relation and this partner.",
    )
    energy_price = fields.Float("Price per kWh", digits=(16, PRICE_DIGITS), tracking=True)
    price_ids = fields.One2many(
        "emobility.host.agreement.price", "agreement_id", "Contract prices", copy=True
    )
    spot_series_id = fields.Many2one(
        "emobility.spot.series",
        "Market",
        index="btree_not_null",
        ondelete="restrict",
        check_company=True,
        domain="[('currency_id', '=', currency_id)]",
    )
    spot_markup = fields.Float(
        "Mark-up per kWh", digits=(16, PRICE_DIGITS), help="Grid fees and levies on top of the market price."
    )
    minimum = fields.Monetary(
        "At least per month", tracking=True, help="0: no minimum. In proportion to the days of validity."
    )
    cap_amount = fields.Monetary("At most per month", tracking=True, help="0: no cap.")
    cap_kwh = fields.Float("At most kWh per month", digits=(16, 3), tracking=True, help="0: no cap.")
    has_vat = fields.Boolean(
        "Charges VAT",
        compute="_compute_has_vat",
        store=True,
        readonly=False,
        tracking=True,
        help="The host is registered for VAT and charges it. Private owners and small businesses do not: their "
        "credit notes have no VAT.",
    )
    is_passed_on = fields.Boolean(
        "Passed on to the payer",
        compute="_compute_is_passed_on",
        store=True,
        readonly=False,
        tracking=True,
        help="The payer (the employer) bears what the host gets back: on its invoice this part of the price is outside "
        "the scope of VAT, and only what is above it is our taxed service.",
    )
    is_netting = fields.Boolean(
        "Net with receivables",
        tracking=True,
        help="What the host owes as a customer is set off against the credit note when it is posted.",
    )
    is_on_one_credit_note = fields.Boolean(
        related="partner_id.emobility_one_credit_note", readonly=False, string="One credit note for the host"
    )
    rating_count = fields.Integer("Sessions", compute="_compute_counts")
    settlement_ids = fields.One2many("emobility.host.settlement", "agreement_id", "Settlements")
    settlement_count = fields.Integer(compute="_compute_counts")
    is_used = fields.Boolean(compute="_compute_counts")
    summary = fields.Char("Terms", compute="_compute_summary")

    _validity = models.Constraint("CHECK (date_to >= date_from)", "The last day is before the first day.")
    _amounts = models.Constraint(
        "CHECK (fixed_amount >= 0 AND energy_price >= 0 AND minimum >= 0 AND cap_amount >= 0 AND cap_kwh >= 0"
        " AND percent BETWEEN 0 AND 100)",
        "Amounts are 0 or more, and a share is at most 100 %.",
    )

    @api.depends("partner_id.vat")
    def _compute_has_vat(self) -> None:
        for agreement in self:
            agreement.has_vat = bool(agreement.partner_id.commercial_partner_id.vat)

    @api.depends("relation", "payer_id", "has_vat")
    def _compute_is_passed_on(self) -> None:
        for agreement in self:
            agreement.is_passed_on = bool(
                agreement.relation == "reimbursement" and agreement.payer_id and not agreement.has_vat
            )

    def _compute_counts(self) -> None:
        ratings = dict(
            self.env["emobility.rating"]
            .sudo()
            ._read_group([("agreement_id", "in", self.ids)], ["agreement_id"], ["__count"])
        )
        settlements = dict(
            self.env["emobility.host.settlement"]._read_group(
                [("agreement_id", "in", self.ids)], ["agreement_id"], ["__count"]
            )
        )
        for agreement in self:
            agreement.rating_count = ratings.get(agreement._origin, 0)
            agreement.settlement_count = settlements.get(agreement._origin, 0)
            agreement.is_used = bool(agreement.rating_count or agreement.settlement_count)

    @api.depends_context("lang")
    @api.depends(
        "fixed_amount",
        "percent",
        "energy_source",
        "energy_price",
        "minimum",
        "cap_amount",
        "cap_kwh",
        "currency_id",
    )
    def _compute_summary(self) -> None:
        sources = dict(self._fields["energy_source"]._description_selection(self.env))
        for agreement in self:
            money = (agreement.currency_id or self.env.company.currency_id).format
            parts = []
            if agreement.percent:
                parts.append(self.env._("%(percent)s %% of the revenue", percent=f"{agreement.percent:g}"))
            if agreement.energy_source == "fixed":
                parts.append(
                    self.env._(
                        "%(price)s %(currency)s per kWh",
                        price=f"{agreement.energy_price:g}",
                        currency=agreement.currency_id.name,
                    )
                )
            elif agreement.energy_source != "none":
                parts.append(self.env._("per kWh: %(origin)s", origin=sources[agreement.energy_source]))
            if agreement.fixed_amount:
                parts.append(self.env._("%(amount)s per month", amount=money(agreement.fixed_amount)))
            if agreement.minimum:
                parts.append(self.env._("at least %(amount)s", amount=money(agreement.minimum)))
            if agreement.cap_amount:
                parts.append(self.env._("at most %(amount)s", amount=money(agreement.cap_amount)))
            if agreement.cap_kwh:
                parts.append(self.env._("at most %(energy)s kWh", energy=f"{agreement.cap_kwh:g}"))
            agreement.summary = ", ".join(parts)

    @api.constrains("energy_source", "spot_series_id", "currency_id")
    def _check_market(self) -> None:
        for agreement in self:
            if agreement.energy_source == "spot" and not agreement.spot_series_id:
                raise ValidationError(self.env._("Choose the market whose hourly prices are paid."))
            series = agreement.spot_series_id
            if series and series.currency_id != agreement.currency_id:
                raise ValidationError(self.env._("The market and the agreement have different currencies."))

    @api.constrains(
        "partner_id",
        "relation",
        "state",
        "date_from",
        "date_to",
        "location_ids",
        "location_group_ids",
        "payer_id",
    )
    def _check_overlap(self) -> None:
        """A session counts once for a host and kind."""
        for agreement in self.filtered(lambda one: one.state == "active"):
            others = self.search(
                [
                    ("id", "!=", agreement.id),
                    ("partner_id", "=", agreement.partner_id.id),
                    ("relation", "=", agreement.relation),
                    ("company_id", "=", agreement.company_id.id),
                    ("state", "!=", "draft"),
                    ("date_from", "<=", agreement.date_to or date.max),
                    "|",
                    ("date_to", "=", False),
                    ("date_to", ">=", agreement.date_from),
                ]
            )
            for other in others:
                payers = {agreement.payer_id, other.payer_id}
                different_payers = len(payers) == 2 and agreement.payer_id and other.payer_id
                if not different_payers and agreement._places() & other._places():
                    raise ValidationError(
                        self.env._(
                            "%(other)s pays %(partner)s for the same sessions already.",
                            other=other.display_name,
                            partner=agreement.partner_id.display_name,
                        )
                    )

    def write(self, vals: dict[str, Any]) -> bool:
        changed = TERMS & set(vals)
        if changed and (used := self.filtered("is_used")):
            raise UserError(
                self.env._(
                    "%(agreement)s has priced sessions already, so its terms stay. End it, and make a new one with "
                    "the other terms.",
                    agreement=used[0].display_name,
                )
            )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_unused_only(self) -> None:
        if used := self.filtered("is_used"):
            raise UserError(self.env._("%s has priced sessions and cannot be deleted.", used[0].display_name))

    # Steps

    def action_activate(self) -> None:
        """From now on sessions are priced for this host; those since the first day at the next settlement."""
        for agreement in self:
            if not (
                agreement.fixed_amount
                or agreement.percent
                or agreement.minimum
                or agreement.energy_source != "none"
            ):
                raise UserError(self.env._("Enter what the host gets: per month, per kWh or of the revenue."))
            agreement.state = "active"

    def action_end(self) -> None:
        """No session that starts after the last day counts. Without a last day: today."""
        today = fields.Date.context_today(self)
        for agreement in self:
            agreement.write(
                {"state": "ended", "date_to": agreement.date_to or max(today, agreement.date_from)}
            )

    def action_new_terms(self) -> dict[str, Any]:
        """Copy the agreement, to begin the day after this one ends, or next month, and open the copy."""
        self.ensure_one()
        today = fields.Date.context_today(self)
        start = fields.Date.add(today.replace(day=1), months=1)
        if self.date_to:
            start = fields.Date.add(self.date_to, days=1)
        copy = self.copy({"date_from": start, "date_to": False})
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": copy.id,
            "view_mode": "form",
        }

    def action_open_ratings(self) -> dict[str, Any]:
        """What sessions are worth to the host."""
        return self.env["emobility.session"]._window(
            "emobility.rating", [("agreement_id", "in", self.ids)], self.env._("Ratings")
        )

    def action_open_settlements(self) -> dict[str, Any]:
        """What was paid."""
        return self.env["emobility.session"]._window(
            "emobility.host.settlement", [("agreement_id", "in", self.ids)], self.env._("Settlements")
        )

    # Which sessions

    def _places(self) -> Any:
        """The locations whose sessions count."""
        self.ensure_one()
        if self.location_ids or self.location_group_ids:
            return self.location_ids | self.env["emobility.location"].search(
                [("group_ids", "in", self.location_group_ids.ids)]
            )
        return self.env["emobility.location"].search(
            [("host_id", "=", self.partner_id.id), ("company_id", "=", self.company_id.id)]
        )

    @api.model
    def _for_cdr(self, cdr: Any) -> EmobilityHostAgreement:
        """The agreements that a CDR counts for."""
        day = cdr._local_start_day()
        candidates = self.sudo().search(
            [
                ("company_id", "=", cdr.company_id.id),
                ("state", "!=", "draft"),
                ("date_from", "<=", day),
                "|",
                ("date_to", "=", False),
                ("date_to", ">=", day),
                "|",
                ("payer_id", "=", False),
                ("payer_id", "in", (cdr.partner_id | cdr.partner_id.commercial_partner_id).ids),
            ]
        )
        return candidates.filtered(lambda agreement: agreement._counts_at(cdr.location_id))

    def _counts_at(self, location: Any) -> bool:
        """Whether the sessions of a location count. As :meth:`_places`, without looking for the others."""
        if self.location_ids or self.location_group_ids:
            return location in self.location_ids or bool(location.group_ids & self.location_group_ids)
        return location.host_id == self.partner_id

    def _unrated_cdrs(self, month_end: date) -> Any:
        """CDRs that count for this agreement and are not priced for it: a price was missing, or it is new."""
        self.ensure_one()
        cdrs = (
            self.env["emobility.cdr"]
            .sudo()
            .search(
                [
                    ("company_id", "=", self.company_id.id),
                    ("location_id", "in", self._places().ids),
                    ("credit", "=", False),
                    ("credit_cdr_ids", "=", False),
                    # A day more on each side: which day it is depends on the place.
                    ("start_at", ">=", fields.Date.subtract(self.date_from, days=1)),
                    ("end_at", "<", fields.Date.add(month_end, days=2)),
                    ("rating_ids", "not any", [("agreement_id", "=", self.id)]),
                ],
                order="end_at, id",
            )
        )
        return cdrs.filtered(lambda cdr: cdr._local_month() <= month_end and self in self._for_cdr(cdr))

    # What they are worth

    def _terms(self) -> Terms:
        self.ensure_one()
        digits = self.currency_id.decimal_places
        return Terms(
            fixed=_decimal(self.fixed_amount, digits),
            minimum=_decimal(self.minimum, digits) if self.minimum else None,
            cap_amount=_decimal(self.cap_amount, digits) if self.cap_amount else None,
            cap_kwh=_decimal(self.cap_kwh, 3) if self.cap_kwh else None,
            digits=digits,
        )

    def _price(self, cdr: Any) -> tuple[Any, Rating | None]:
        """The CDR priced per kWh by the engine, with the tariff version when a price rule gave it.

        :raises UserError: when a price is not known: money is never guessed
        :raises RatingError: when the engine cannot price the session
        """
        self.ensure_one()
        version = self.env["emobility.tariff.version"]
        if self.energy_source == "none":
            return version, None
        if self.energy_source == "tariff":
            version = self._rule_version(cdr)
            version._freeze()
            return version, version._price(cdr._facts())
        return version, self._priced_by_terms(cdr._facts(), cdr)

    def _rule_version(self, cdr: Any) -> Any:
        version = self.env["emobility.price.rule"]._select_version(
            self.company_id,
            cdr.contract_id,
            cdr.evse_id,
            cdr.connector_id,
            cdr.start_at,
            relation=self.relation,
            partner=self.partner_id,
        )
        if not version:
            raise UserError(self.env._("No price rule of this relation fits session %s.", cdr.session_id.uid))
        if version.price_mode != "net" or version.currency_id != self.currency_id:
            raise UserError(
                self.env._(
                    "%(tariff)s is no net tariff in %(currency)s, so that it cannot say what a host gets.",
                    tariff=version.display_name,
                    currency=self.currency_id.name,
                )
            )
        return version

    def _priced_by_terms(self, facts: SessionFacts, cdr: Any) -> Rating:
        spot = None
        if self.energy_source == "spot":
            spot = self.spot_series_id._engine_series(facts.start, facts.released)
        result = rate(self._engine_tariff(cdr), facts, spot=spot)
        if "spot_fallback" in result.flags:
            raise UserError(
                self.env._(
                    "%(market)s has no price for some of the time of session %(session)s.",
                    market=self.spot_series_id.display_name,
                    session=cdr.session_id.uid,
                )
            )
        return result

    def _engine_tariff(self, cdr: Any) -> Tariff:
        spot = (
            SpotPrice(markup=_decimal(self.spot_markup, PRICE_DIGITS))
            if self.energy_source == "spot"
            else None
        )
        price = Decimal(0) if spot else self._kwh_price(cdr._local_start_day(), cdr.location_id.country_id)
        component = PriceComponent(Dimension.ENERGY, price, spot=spot)
        return Tariff(
            id=f"agreement/{self.id}",
            currency=self.currency_id.name,
            elements=(TariffElement((component,)),),
            tax_included=False,
            digits=self.currency_id.decimal_places,
        )

    def _kwh_price(self, day: date, country: Any) -> Decimal:
        """The price of a kWh of a session that starts on a day. :raises UserError: when nobody entered it."""
        self.ensure_one()
        if self.energy_source == "fixed":
            return _decimal(self.energy_price, PRICE_DIGITS)
        if self.energy_source == "contract":
            return _decimal(self._contract_price(day).price, PRICE_DIGITS)
        return _decimal(self._flat_rate(day, country).price, PRICE_DIGITS)

    def _contract_price(self, day: date) -> Any:
        price = self.price_ids.filtered(lambda one: one.date_from <= day).sorted("date_from")[-1:]
        if not price:
            raise UserError(
                self.env._(
                    "%(agreement)s has no electricity price for %(day)s.",
                    agreement=self.display_name,
                    day=day,
                )
            )
        return price

    def _flat_rate(self, day: date, country: Any) -> Any:
        country = country or self.company_id.country_id
        rate_of_year = self.env["emobility.flat.rate"].search(
            [
                ("country_id", "=", country.id),
                ("year", "=", day.year),
                ("currency_id", "=", self.currency_id.id),
            ]
        )
        if not rate_of_year:
            raise UserError(
                self.env._(
                    "There is no flat rate of %(country)s for %(year)s.", country=country.name, year=day.year
                )
            )
        return rate_of_year

    def _price_basis(self, day: date, country: Any) -> str:
        """Where the price of a kWh comes from, in words, for the evidence."""
        self.ensure_one()
        source = dict(self._fields["energy_source"]._description_selection(self.env))[self.energy_source]
        if self.energy_source == "contract":
            return f"{source}: {self._contract_price(day).proof}"
        if self.energy_source == "flat":
            return f"{source} {day.year}: {self._flat_rate(day, country).source}"
        if self.energy_source == "spot":
            return f"{source}: {self.spot_series_id.display_name}"
        return source

    def _product(self) -> Any:
        """What the lines of credit notes are posted with."""
        return self.env.ref(f"emobility_host.product_{self.relation}")


def local_day(instant: Any, location: Any) -> date:
    """The day of an instant (naive UTC) on the clock of a place."""
    zone = ZoneInfo(location.time_zone or "UTC")
    return instant.replace(tzinfo=UTC).astimezone(zone).date()


def _decimal(value: float, digits: int) -> Decimal:
    return Decimal(f"{value:.{digits}f}")
