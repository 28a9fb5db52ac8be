from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Self

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import ormcache

from ..rating import (
    Context,
    Finding,
    Grace,
    IdleFee,
    Month,
    Rating,
    RatingError,
    SessionFacts,
    Severity,
    SpotSeries,
    Tariff,
    lint,
    rate,
    tariff_sentences,
    to_ocpi,
)
from .guarded import TALK
from .price_component import PRICE_DIGITS
from .tariff_element import time_of_day

# A frozen version may still be ended: sessions that it priced keep it.
EDITABLE_WHEN_FROZEN = frozenset({"valid_to"})
OCPI_VERSION = "2.2.1"
CHANGES = "emobility.tariff.version:prices"


class EmobilityTariffVersion(models.Model):
    """The prices of a tariff from one instant to another.

    It is frozen as soon as a session uses it. From then on neither the version nor anything below it changes,
    so that every price that was ever charged can be explained.
    """

    _name = "emobility.tariff.version"
    _description = "Charging Tariff Version"
    _inherit = ["mail.thread"]
    _order = "tariff_id, number desc"
    _check_company_auto = True

    tariff_id = fields.Many2one(
        "emobility.tariff", required=True, index=True, ondelete="cascade", check_company=True
    )
    number = fields.Integer(readonly=True, copy=False, help="Counts the versions of a tariff from 1.")
    valid_from = fields.Datetime(
        required=True,
        copy=False,
        tracking=True,
        default=fields.Datetime.now,
        help="Sessions that start from this moment on have these prices. When versions overlap, the one that "
        "begins last counts.",
    )
    valid_to = fields.Datetime(
        copy=False,
        tracking=True,
        help="Sessions that start at this moment or later do not have these prices. Empty: no end.",
    )
    is_frozen = fields.Boolean(
        string="Frozen",
        readonly=True,
        copy=False,
        tracking=True,
        help="A session was priced with it: it cannot change any more.",
    )
    element_ids = fields.One2many(
        "emobility.tariff.element", "version_id", string="Price Elements", copy=True
    )
    min_price = fields.Monetary(string="Lowest Price of a Session", help="0: no lowest price.")
    max_price = fields.Monetary(string="Highest Price of a Session", help="0: no highest price.")
    idle_price = fields.Float(
        string="Blocking Fee",
        digits=(16, PRICE_DIGITS),
        help="Per hour that a car stays plugged in when charging is over. Pauses by the station do not count.",
    )
    idle_grace = fields.Integer(string="Grace", help="Minutes after charging that cost nothing.")
    idle_grace_mode = fields.Selection(
        [("deducted", "Is free in any case"), ("retroactive", "Is due from whoever stays longer")],
        string="The Grace Time",
        default="deducted",
        required=True,
    )
    idle_cap = fields.Monetary(string="Blocking Fee at Most", help="Per session. 0: no limit.")
    idle_free_from = fields.Float(string="No Blocking Fee From", help="Local time, for example 22:00.")
    idle_free_until = fields.Float(string="No Blocking Fee Until", help="Local time, for example 08:00.")
    free_kwh = fields.Float(
        string="Free kWh", digits=(12, 3), help="At the begin of each session."
    )
    free_minutes = fields.Integer(help="Charging time at the begin of each session.")
    free_below_kwh = fields.Float(
        string="Free Below kWh", digits=(12, 3), help="A session with less energy costs nothing."
    )
    free_below_minutes = fields.Integer(help="A session that is shorter costs nothing.")
    quota_kwh = fields.Float(
        string="Free kWh per Month",
        digits=(12, 3),
        help="Of each contract, over all its sessions with this tariff; what is over has its price.",
    )
    month_cap = fields.Monetary(
        string="Highest Price of a Month", help="Of each contract, over all its sessions with this tariff. 0: none."
    )
    spot_series_id = fields.Many2one(
        "emobility.spot.series",
        string="Market",
        index="btree_not_null",
        ondelete="restrict",
        help="Whose prices the prices of energy follow that are marked so.",
    )
    lint_findings = fields.Html(
        compute="_compute_lint_findings",
        string="Findings",
        help="What is legal but probably wrong, or against the law.",
    )
    lint_count = fields.Integer(compute="_compute_lint_findings")
    ocpi_losses = fields.Text(
        compute="_compute_ocpi_losses",
        string="Not in OCPI",
        help="What a roaming partner would not be told of these prices.",
    )
    currency_id = fields.Many2one(related="tariff_id.currency_id")
    price_mode = fields.Selection(related="tariff_id.price_mode")
    company_id = fields.Many2one(related="tariff_id.company_id", store=True, index=True)
    price_summary = fields.Text(
        compute="_compute_price_summary",
        string="Prices",
        help="The prices in words, in the order in which they count.",
    )

    _number_uniq = models.UniqueIndex(
        "(tariff_id, number)", "This tariff has a version with this number already."
    )
    _valid_from_uniq = models.UniqueIndex(
        "(tariff_id, valid_from)", "This tariff has a version that begins at the same moment already."
    )
    _validity_order = models.Constraint(
        "CHECK (valid_to IS NULL OR valid_to > valid_from)", "A version has to end after it begins."
    )
    _prices_not_negative = models.Constraint(
        "CHECK (min_price >= 0 AND max_price >= 0)",
        "The lowest and the highest price of a session are 0 or more.",
    )
    _terms_not_negative = models.Constraint(
        "CHECK (idle_price >= 0 AND idle_grace >= 0 AND idle_cap >= 0 AND free_kwh >= 0 AND free_minutes >= 0"
        " AND free_below_kwh >= 0 AND free_below_minutes >= 0 AND quota_kwh >= 0 AND month_cap >= 0)",
        "Fees, grace times, free quantities and caps are 0 or more.",
    )
    _idle_window = models.Constraint(
        "CHECK (idle_free_from >= 0 AND idle_free_from < 24 AND idle_free_until >= 0 AND idle_free_until <= 24)",
        "A time of day is between 00:00 and 24:00.",
    )

    @api.depends("tariff_id.name", "number")
    def _compute_display_name(self) -> None:
        for version in self:
            version.display_name = self.env._(
                "%(tariff)s, version %(number)s", tariff=version.tariff_id.name or "", number=version.number
            )

    @api.depends_context("lang")
    @api.depends(
        "min_price",
        "max_price",
        "tariff_id.currency_id",
        "element_ids.sequence",
        "element_ids.restriction_summary",
        "element_ids.component_ids.price",
        "element_ids.component_ids.dimension",
    )
    def _compute_price_summary(self) -> None:
        lang = self.env.lang or "en"
        for version in self:
            try:
                sentences = tariff_sentences(version._compile_engine_tariff(), lang)
            except RatingError:
                sentences = ()
            version.price_summary = "\n".join(sentences)

    @api.constrains("min_price", "max_price")
    def _check_price_bounds(self) -> None:
        for version in self:
            if version.max_price and version.min_price > version.max_price:
                raise ValidationError(self.env._("The lowest price of a session is above its highest price."))

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> Self:
        tariffs = self.env["emobility.tariff"].browse(
            vals["tariff_id"] for vals in vals_list if "tariff_id" in vals
        )
        next_numbers = {
            tariff.id: max(tariff.version_ids.mapped("number"), default=0) + 1 for tariff in tariffs
        }
        for vals in vals_list:
            if vals.get("tariff_id") in next_numbers and not vals.get("number"):
                vals["number"] = next_numbers[vals["tariff_id"]]
                next_numbers[vals["tariff_id"]] += 1
        return super().create(vals_list)

    def write(self, vals: dict[str, Any]) -> bool:
        changed = {name for name in vals if not name.startswith(TALK)}
        if changed - EDITABLE_WHEN_FROZEN:
            self._check_not_frozen()
            self._note_price_change()
        elif "valid_to" in vals:
            self._check_end_of_frozen(fields.Datetime.to_datetime(vals["valid_to"]))
        if "is_frozen" in vals:
            # Versions are cached by id once frozen; a freeze that is rolled back must leave nothing behind.
            self.env.registry.clear_cache()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_frozen(self) -> None:
        self._check_not_frozen()

    def action_new_version(self) -> dict[str, Any]:
        """Copy this version, with elements and prices, into one that can be edited, and open it.

        The copy begins tomorrow at midnight (UTC), or later when a version already begins then.
        """
        self.ensure_one()
        version = self.copy({"valid_from": self._next_free_start()})
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": version.id,
            "view_mode": "form",
        }

    def _next_free_start(self) -> Any:
        start = fields.Datetime.add(
            fields.Datetime.now().replace(hour=0, minute=0, second=0, microsecond=0), days=1
        )
        taken = set(self.tariff_id.version_ids.mapped("valid_from"))
        while start in taken:
            start = fields.Datetime.add(start, days=1)
        return start

    def _freeze(self) -> None:
        """Forbid any later change, because a session is about to use these prices.

        :raises UserError: when the version has no prices
        """
        for version in self.filtered(lambda each: not each.is_frozen):
            try:
                version._compile_engine_tariff()
            except RatingError as error:
                raise UserError(
                    self.env._(
                        "%(version)s cannot be used: %(error)s", version=version.display_name, error=error
                    )
                ) from error
            # Whoever starts a session has to freeze prices, without the right to change them.
            version.sudo().write({"is_frozen": True})

    def _engine_tariff(self) -> Tariff:
        """The version as the engine takes it; compiled once per process when frozen.

        :raises RatingError: when the version has no prices
        """
        self.ensure_one()
        return self._frozen_engine_tariff() if self.sudo().is_frozen else self._compile_engine_tariff()

    @ormcache("self.id")
    def _frozen_engine_tariff(self) -> Tariff:
        return self._compile_engine_tariff()

    def _compile_engine_tariff(self) -> Tariff:
        version = self.sudo()
        return Tariff(
            id=f"{version.tariff_id.code}/{version.number}",
            currency=version.currency_id.name,
            elements=tuple(element._engine_element() for element in version._ordered_elements()),
            tax_included=version.price_mode == "gross",
            min_price=version._price_bound(version.min_price),
            max_price=version._price_bound(version.max_price),
            digits=version.currency_id.decimal_places,
            idle=version._engine_idle_fee(),
            free_kwh=_kwh(version.free_kwh),
            free_seconds=version.free_minutes * 60,
            free_below_kwh=_kwh(version.free_below_kwh),
            free_below_seconds=version.free_below_minutes * 60,
            quota_kwh=_kwh(version.quota_kwh),
            month_caps=((None, cap),) if (cap := version._price_bound(version.month_cap)) else (),
        )

    def _engine_idle_fee(self) -> IdleFee | None:
        if not self.idle_price:
            return None
        has_window = bool(self.idle_free_from or self.idle_free_until)
        return IdleFee(
            price=Decimal(f"{self.idle_price:.{PRICE_DIGITS}f}").normalize(),
            grace=self.idle_grace * 60,
            grace_mode=Grace(self.idle_grace_mode),
            cap=self._price_bound(self.idle_cap),
            free_from=time_of_day(self.idle_free_from) if has_window else None,
            free_until=time_of_day(self.idle_free_until) if has_window else None,
        )

    # Pricing

    def _price(self, facts: SessionFacts, contract: Any = None, before: Any = None) -> Rating:
        """What a session costs: the one place where the product asks the engine.

        :param contract: whose month counts for quotas and caps; None: a month in which nothing happened yet
        :param before: of that month only what was rated before this rating
        :raises RatingError: when the engine cannot price it
        """
        self.ensure_one()
        month = self._month_before(facts, contract, before)
        return rate(self._engine_tariff(), facts, month=month, spot=self._spot_series(facts))

    def _month_before(self, facts: SessionFacts, contract: Any, before: Any = None) -> Month | None:
        """What the contract has used and paid with this tariff in the local month in which the session ended.

        Those sessions count that are rated already, in whatever order they came in.
        """
        if not contract or not self._has_month_terms():
            return None
        zone = facts.zone
        first = facts.end.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        following = (first + timedelta(days=32)).replace(day=1)
        ratings = self.env["emobility.rating"].sudo()
        domain = [
            ("contract_id", "=", contract.id),
            ("relation", "=", "retail"),
            ("state", "!=", "credited"),
            ("credited_rating_id", "=", False),
            ("tariff_version_id.tariff_id", "=", self.tariff_id.id),
            ("end_at", ">=", _naive_utc(first)),
            ("end_at", "<", _naive_utc(following)),
        ]
        if before:
            domain.append(("id", "<", before.id))
        [[energy, amount]] = ratings._read_group(domain, [], ["energy_kwh:sum", "amount_total:sum"])
        paid = Decimal(f"{amount or 0:.{self.currency_id.decimal_places}f}")
        return Month(_kwh(energy or 0.0), {"TOTAL": max(paid, Decimal(0))})

    def _has_month_terms(self) -> bool:
        return bool(self.quota_kwh or self.month_cap)

    def _spot_series(self, facts: SessionFacts) -> SpotSeries | None:
        if not self.spot_series_id:
            return None
        return self.spot_series_id.sudo()._engine_series(facts.start, facts.released)

    def _price_sheet_sentences(self) -> tuple[str, ...]:
        """The prices in words, for the price sheet. :raises RatingError: when the version has no prices."""
        return tariff_sentences(self._engine_tariff(), self.env.lang or "en")

    # Change log

    def _note_price_change(self) -> None:
        """Remember the prices as they are before this transaction changes them; its end logs the difference, once."""
        before = self.env.cr.precommit.data.setdefault(CHANGES, {})
        if not before:
            self.env.cr.precommit.add(self.env["emobility.tariff.version"].sudo()._log_price_changes)
        for version in self:
            before.setdefault(version.id, version.price_summary or "")

    @api.model
    def _log_price_changes(self) -> None:
        before = self.env.cr.precommit.data.pop(CHANGES, {})
        for version in self.browse(before).exists():
            old, new = before[version.id], version.price_summary or ""
            if old and old != new:
                version.message_post(
                    body=Markup("<p>%s</p><pre>%s</pre><p>%s</p><pre>%s</pre>")
                    % (self.env._("Prices changed. Before:"), old, self.env._("Now:"), new)
                )

    # Findings

    @api.depends("element_ids.component_ids.price", "element_ids.restriction_summary", "min_price", "max_price",
                 "idle_price", "tariff_id.rule_ids.relation", "tariff_id.price_mode")  # fmt: skip
    def _compute_lint_findings(self) -> None:
        for version in self:
            try:
                findings = lint(version._compile_engine_tariff(), version._lint_context())
            except RatingError as error:
                version.lint_count = 1
                version.lint_findings = Markup("<p class='text-danger'>%s</p>") % str(error)
                continue
            version.lint_count = len(findings)
            version.lint_findings = self._finding_list(findings) if findings else False

    @api.depends("price_summary", "element_ids.component_ids.cap", "element_ids.component_ids.follows_market")
    def _compute_ocpi_losses(self) -> None:
        for version in self:
            try:
                # How gross prices become net ones is decided by the taxes of the place, not by the engine.
                tariff = replace(version._compile_engine_tariff(), tax_included=False)
                version.ocpi_losses = "\n".join(to_ocpi(tariff, OCPI_VERSION)[1])
            except RatingError as error:
                version.ocpi_losses = str(error)

    def _usage_vat(self, dimension: str, element: int) -> Decimal | None:
        """VAT in percent that the usage product of a price has at home; None when there is none in percent."""
        product = self.env["emobility.rating.line"]._products(self)(dimension, element)
        company = self.company_id
        taxes = product.taxes_id._filter_taxes_by_company(company) or company.account_sale_tax_id
        if not taxes or set(taxes.mapped("amount_type")) != {"percent"}:
            return None
        return sum((Decimal(str(tax.amount)) for tax in taxes), Decimal(0))

    @api.model
    def _finding_list(self, findings: Iterable[Finding]) -> Markup:
        colours = {Severity.ERROR: "danger", Severity.WARNING: "warning", Severity.HINT: "info"}
        return Markup().join(
            Markup(
                "<div class='alert alert-%s mb-2'><strong>%s</strong> <span class='text-muted'>%s</span><br/>%s</div>"
            )
            % (colours[finding.severity], finding.message, finding.place, finding.remedy)
            for finding in findings
        )

    def _lint_context(self) -> Context:
        """Where the tariff applies, as far as price rules and master data tell."""
        rules = self.sudo().tariff_id.rule_ids
        uncertified = self.env["emobility.evse"].sudo().search_count(
            [("company_id", "=", self.company_id.id), ("clock_certified", "=", False)], limit=1
        )
        return Context(
            adhoc=any(rule.relation == "adhoc" for rule in rules) or None,
            country=self.company_id.country_id.code or None,
            clock_certified=False if uncertified else None,
        )

    # Buttons

    def action_simulate(self) -> dict[str, Any]:
        """Open the simulator with this version."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_billing.action_tariff_simulation")
        return action | {"context": {"default_version_id": self.id}}

    def action_replay(self) -> dict[str, Any]:
        """Compare with the sessions of last month."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "emobility.tariff.replay",
            "name": self.env._("Tariff replay"),
            "view_mode": "form",
            "context": {"default_version_id": self.id},
        }

    def _ordered_elements(self) -> Any:
        """Elements in the order of the engine: ``Line.element`` is an index into this."""
        self.ensure_one()
        return self.element_ids.sorted(lambda element: (element.sequence, element._origin.id or 0))

    def _price_bound(self, amount: float) -> Decimal | None:
        digits = self.currency_id.decimal_places
        return Decimal(f"{amount:.{digits}f}") if amount else None

    def _check_not_frozen(self) -> None:
        """:raises UserError: when one of the versions is frozen"""
        for version in self:
            if version.is_frozen:
                raise UserError(
                    self.env._(
                        "Sessions were priced with %(version)s: it cannot change any more. "
                        "Make a new version instead.",
                        version=version.display_name,
                    )
                )

    def _check_end_of_frozen(self, valid_to: Any) -> None:
        """Late sessions have the price of their start: the past of a frozen version stays."""
        now = fields.Datetime.now()
        for version in self.filtered("is_frozen"):
            ends_in_past = version.valid_to and version.valid_to < now
            if version.valid_to != (valid_to or False) and (ends_in_past or (valid_to and valid_to < now)):
                raise UserError(
                    self.env._(
                        "Sessions were priced with %(version)s: it can only be ended from now on, "
                        "not in the past.",
                        version=version.display_name,
                    )
                )


def _kwh(value: float) -> Decimal:
    return Decimal(f"{value:.3f}")


def _naive_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
