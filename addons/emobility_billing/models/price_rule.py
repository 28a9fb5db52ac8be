from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..price_matrix import AC, DC_LT150, HPC, OWN, Outlet, Power, Rule, Situation, matching, mismatches

# Rules of the company that did not fit are explained too, the nearest ones first, up to this many.
EXPLAINED = 50


@dataclass(frozen=True)
class PriceAnswer:
    """Which price, by which rule, and why. The version is empty when no price is known."""

    situation: Situation
    rules: Any
    version: Any
    obstacle: str | None

    @property
    def rule(self) -> Any:
        return self.rules[:1]


class EmobilityPriceRule(models.Model):
    """One row of the price matrix: who charges where, in which relation, has which tariff.

    An empty field matches everything. Of all rules that match the one with the lowest sequence counts. Among
    rules of one sequence the most specific one counts: one for a partner before one for a plan, then for a
    customer group, a location group and a power class, then one with dates; then the older one.
    """

    _name = "emobility.price.rule"
    _description = "Charging Price Rule"
    _order = "sequence, id"
    _check_company_auto = True

    sequence = fields.Integer(
        "Priority",
        default=10,
        help="The lowest number counts; among equal ones the most specific rule.",
    )
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    tariff_id = fields.Many2one(
        "emobility.tariff", required=True, index=True, ondelete="restrict", check_company=True
    )
    relation = fields.Selection(
        [
            ("retail", "Retail: driver pays provider"),
            ("wholesale", "Wholesale: provider pays operator"),
            ("adhoc", "Ad hoc: driver pays without contract"),
            ("reimbursement", "Reimbursement: payer pays host"),
        ],
        required=True,
        default="retail",
    )
    plan_id = fields.Many2one(
        "product.template",
        string="Charging Plan",
        domain=[("is_charging_plan", "=", True)],
        index=True,
        ondelete="cascade",
        check_company=True,
    )
    customer_group_id = fields.Many2one(
        "emobility.customer.group", index=True, ondelete="cascade", check_company=True
    )
    location_group_id = fields.Many2one(
        "emobility.location.group", index=True, ondelete="cascade", check_company=True
    )
    power_class = fields.Selection(
        [
            (AC, "AC"),
            (DC_LT150, "DC below 150 kW"),
            (HPC, "HPC, DC from 150 kW"),
            (OWN, "Own bounds"),
        ],
        help="By the connector; when that is not known, all connectors of the EVSE have to fit.",
    )
    power_current = fields.Selection(
        [("AC", "AC"), ("DC", "DC")], string="Current", help="Empty: AC and DC."
    )
    power_from_kw = fields.Float("From (kW)", digits=(10, 3), help="The bound itself is included.")
    power_below_kw = fields.Float("Below (kW)", digits=(10, 3), help="0: no upper bound.")
    partner_id = fields.Many2one(
        "res.partner",
        index=True,
        ondelete="cascade",
        check_company=True,
        help="The payer, or the roaming partner of a wholesale price. Also matches its contacts.",
    )
    date_from = fields.Date(string="First Day", help="Local day on which the session starts.")
    date_to = fields.Date(string="Last Day", help="Local day on which the session starts.")
    price_summary = fields.Text(related="tariff_id.price_summary")
    criteria = fields.Char("For", compute="_compute_criteria", help="What the rule is for, in words.")

    note = fields.Char(help="Why this rule exists, for colleagues.")

    _power_bounds = models.Constraint(
        "CHECK (power_from_kw >= 0 AND (power_below_kw = 0 OR power_below_kw > power_from_kw))",
        "The power of a rule has to go from a lower to a higher bound.",
    )
    _date_order = models.Constraint("CHECK (date_to >= date_from)", "The last day is before the first day.")

    @api.depends("tariff_id.name", "relation")
    def _compute_display_name(self) -> None:
        relations = dict(self._fields["relation"]._description_selection(self.env))
        for rule in self:
            relation = relations.get(rule.relation, "").split(":")[0]
            rule.display_name = f"{rule.tariff_id.name or ''} ({relation})"

    @api.depends_context("lang")
    @api.depends(
        "partner_id",
        "plan_id",
        "customer_group_id",
        "location_group_id",
        "power_class",
        "power_current",
        "power_from_kw",
        "power_below_kw",
        "date_from",
        "date_to",
    )
    def _compute_criteria(self) -> None:
        for rule in self:
            rule.criteria = rule._criteria_text()

    @api.model
    def _select_version(
        self,
        company: Any,
        contract: Any,
        evse: Any,
        connector: Any,
        at: datetime,
        relation: str = "retail",
        partner: Any = None,
    ) -> Any:
        """The tariff version for a session.

        The rule is chosen first, then the version of its tariff. When the tariff has no prices at that
        instant the answer is empty: falling back to a less specific rule would charge a price that was not
        meant.

        :param contract: ``contract.contract``, or empty for a session without contract
        :param connector: ``emobility.connector``; when empty the connectors of the EVSE tell the power class,
            if they agree
        :param at: start of the session, UTC (naive as in the ORM, or aware)
        :param partner: who pays when that is not the payer of the contract (wholesale, reimbursement)
        :return: ``emobility.tariff.version``, empty when no price is known: the session has to be held
        """
        answer = self._answer(company, contract, evse, connector, at, relation, partner)
        return answer.version.with_env(self.env)

    @api.model
    def _answer(
        self,
        company: Any,
        contract: Any,
        evse: Any,
        connector: Any,
        at: datetime,
        relation: str = "retail",
        partner: Any = None,
    ) -> PriceAnswer:
        """As :meth:`_select_version`, with the rules that match (the one that counts first) and what is missing.

        ``obstacle`` is ``no_rule``, ``not_valid`` (the tariff has no version then) or ``no_prices``.
        """
        at = at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at
        payer = self._payer(contract, partner)
        situation = self._situation(company, contract, payer, evse, connector, at)
        candidates = self.sudo().search(self._candidate_domain(company, relation, situation))
        by_id = {rule.id: rule for rule in candidates}
        ranked = matching((rule._as_rule() for rule in candidates), situation)
        rules = self.sudo().browse([rule.id for rule in ranked])
        version = self.env["emobility.tariff.version"].sudo()
        if not rules:
            return PriceAnswer(situation, rules, version, "no_rule")
        version = by_id[rules[0].id].tariff_id._version_at(at)
        if not version:
            return PriceAnswer(situation, rules, version, "not_valid")
        if not version.element_ids.component_ids:
            return PriceAnswer(situation, rules, version.browse(), "no_prices")
        return PriceAnswer(situation, rules, version, None)

    @api.model
    def _priced_plans(self, companies: Any, plans: Any) -> set[tuple[int, int | bool]]:
        """Pairs (company, plan) of which a retail rule gives some session a price, now or later.

        False is the plan of a contract without one.
        """
        found = self.sudo()._read_group(
            [
                ("relation", "=", "retail"),
                ("company_id", "in", companies.ids),
                ("plan_id", "in", [False, *plans.ids]),
                "|",
                ("date_to", "=", False),
                ("date_to", ">=", fields.Date.context_today(self)),
            ],
            ["company_id", "plan_id"],
        )
        known = {(company.id, plan.id) for company, plan in found}
        return {
            (company, plan)
            for company in companies.ids
            for plan in (False, *plans.ids)
            if (company, plan) in known or (company, False) in known
        }

    @api.model
    def _payer(self, contract: Any, partner: Any) -> Any:
        contract = contract.sudo()
        return (partner or contract.invoice_partner_id or contract.partner_id).sudo()

    @api.model
    def _situation(
        self, company: Any, contract: Any, payer: Any, evse: Any, connector: Any, at: datetime
    ) -> Situation:
        day = self._local_day(evse, at)
        return Situation(
            day=day,
            plan=(contract and contract.sudo()._plan_on(day).id) or None,
            partners=frozenset((payer | payer.commercial_partner_id).ids),
            customer_groups=frozenset(self._customer_groups(payer, company).ids),
            location_groups=frozenset(evse.sudo().location_id.group_ids.ids),
            outlets=frozenset(
                Outlet(each.power_type == "DC", each.max_power_kw)
                for each in (connector or evse.connector_ids).sudo()
            ),
        )

    @api.model
    def _candidate_domain(self, company: Any, relation: str, situation: Situation) -> list[Any]:
        """Rules that may match: the database leaves out most, :mod:`price_matrix` decides."""
        return [
            ("company_id", "=", company.id),
            ("relation", "=", relation),
            ("plan_id", "in", [False, situation.plan or False]),
            ("partner_id", "in", [False, *situation.partners]),
            ("customer_group_id", "in", [False, *situation.customer_groups]),
            ("location_group_id", "in", [False, *situation.location_groups]),
            *self._date_domain(situation.day),
        ]

    def _as_rule(self) -> Rule:
        """This row as :mod:`price_matrix` takes it."""
        self.ensure_one()
        return Rule(
            id=self.id,
            sequence=self.sequence,
            partner=self.partner_id.id or None,
            plan=self.plan_id.id or None,
            customer_group=self.customer_group_id.id or None,
            location_group=self.location_group_id.id or None,
            power=self._as_power(),
            date_from=self.date_from or None,
            date_to=self.date_to or None,
        )

    def _as_power(self) -> Power | None:
        if not self.power_class:
            return None
        if self.power_class != OWN:
            return Power(self.power_class)
        return Power(OWN, self.power_current or None, self.power_from_kw, self.power_below_kw or None)

    @api.constrains("power_class", "power_current", "power_from_kw", "power_below_kw")
    def _check_own_bounds(self) -> None:
        for rule in self:
            if rule.power_class == OWN and not (
                rule.power_current or rule.power_from_kw or rule.power_below_kw
            ):
                raise ValidationError(
                    self.env._(
                        "The price rule %(rule)s has own bounds of power, but none is given: enter the current, "
                        "a lower or an upper bound.",
                        rule=rule.display_name,
                    )
                )

    @api.constrains("relation", "tariff_id", "plan_id")
    def _check_currency_of_plan(self) -> None:
        self.filtered(lambda rule: rule.relation == "retail").plan_id._check_overage_currency()

    @api.model
    def _explain_others(self, company: Any, relation: str, answer: PriceAnswer) -> list[tuple[Any, str]]:
        """Pairs of a rule that does not count here and a sentence that says why, the nearest ones first."""
        winner = answer.rule
        explained = [(rule, self._why_behind(winner, rule)) for rule in answer.rules[1:]]
        others = self.sudo().search(
            [
                ("company_id", "=", company.id),
                ("relation", "=", relation),
                ("id", "not in", answer.rules.ids),
            ]
        )
        missing = {rule: mismatches(rule._as_rule(), answer.situation) for rule in others}
        nearest = sorted(others, key=lambda rule: (len(missing[rule]), rule._as_rule().rank()))
        labels = self._axis_labels()
        explained += [
            (
                rule,
                self.env._("Does not fit: %(axes)s.", axes=", ".join(labels[a] for a in missing[rule])),
            )
            for rule in nearest
        ]
        return explained[:EXPLAINED]

    @api.model
    def _answer_text(self, answer: PriceAnswer) -> str:
        """The answer in one or two sentences, for support and for the portal."""
        rule = answer.rule.with_env(self.env).sudo()
        if answer.obstacle == "no_rule":
            return self.env._("No price: no rule fits. A session would be held until there is one.")
        if answer.obstacle == "not_valid":
            return self.env._(
                "No price: the rule for %(criteria)s counts, but its tariff %(tariff)s is not valid at that time.",
                criteria=rule.criteria,
                tariff=rule.tariff_id.name,
            )
        if answer.obstacle == "no_prices":
            return self.env._(
                "No price: the rule for %(criteria)s counts, but its tariff %(tariff)s has no prices.",
                criteria=rule.criteria,
                tariff=rule.tariff_id.name,
            )
        return self.env._(
            "Tariff %(tariff)s, by the rule for %(criteria)s (priority %(priority)s).",
            tariff=rule.tariff_id.name,
            criteria=rule.criteria,
            priority=rule.sequence,
        )

    def _why_behind(self, winner: Any, loser: Any) -> str:
        if winner.sequence != loser.sequence:
            return self.env._(
                "Fits, but its priority %(loser)s comes after %(winner)s.",
                loser=loser.sequence,
                winner=winner.sequence,
            )
        if winner._as_rule().rank()[:-1] != loser._as_rule().rank()[:-1]:
            return self.env._("Fits, but is less specific than the rule that counts.")
        return self.env._("Fits as well as the rule that counts, but is newer.")

    @api.model
    def _axis_labels(self) -> dict[str, str]:
        return {
            "partner": self.env._("partner"),
            "plan": self.env._("charging plan"),
            "customer_group": self.env._("customer group"),
            "location_group": self.env._("location group"),
            "power": self.env._("power"),
            "date": self.env._("days of validity"),
        }

    def _criteria_text(self) -> str:
        """What the rule is for, in words: "Plan Home, HPC, from 2026-01-01"."""
        self.ensure_one()
        parts = [
            self.partner_id.display_name,
            self.plan_id.display_name,
            self.customer_group_id.display_name,
            self.location_group_id.display_name,
            self._power_text(),
        ]
        if self.date_from:
            parts.append(self.env._("from %(day)s", day=fields.Date.to_string(self.date_from)))
        if self.date_to:
            parts.append(self.env._("until %(day)s", day=fields.Date.to_string(self.date_to)))
        return ", ".join(part for part in parts if part) or self.env._("everybody, everywhere")

    def _power_text(self) -> str:
        if self.power_class != OWN:
            return dict(self._fields["power_class"]._description_selection(self.env)).get(self.power_class, "")
        bounds = f"{self.power_from_kw:g} – {self.power_below_kw:g}" if self.power_below_kw else (
            f"≥ {self.power_from_kw:g}"
        )
        return f"{self.power_current or ''} {bounds} kW".strip()

    @api.model
    def _customer_groups(self, payer: Any, company: Any) -> Any:
        groups = (payer | payer.commercial_partner_id).sudo().customer_group_id
        return groups.filtered(lambda group: group.company_id in (company, company.browse()))

    @api.model
    def _local_day(self, evse: Any, at: datetime) -> date:
        """The day of an instant (naive UTC) at the location of the EVSE."""
        zone = ZoneInfo(evse.sudo().location_id.time_zone or "UTC")
        return at.replace(tzinfo=UTC).astimezone(zone).date()

    @api.model
    def _date_domain(self, day: date) -> list[Any]:
        return ["|", ("date_from", "=", False), ("date_from", "<=", day), "|", ("date_to", "=", False),
                ("date_to", ">=", day)]  # fmt: skip
