from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from odoo import api, fields, models
from odoo.tools import SQL

from ..price_matrix import Outlet, Rule, Situation, conflicts, matching, mismatches, shadowed

MAX_LINES = 200


class Customers(NamedTuple):
    """Contracts that the matrix cannot tell apart."""

    plan: int | None
    partners: frozenset[int]
    groups: frozenset[int]
    count: int


class Places(NamedTuple):
    """Connectors that the matrix cannot tell apart."""

    groups: frozenset[int]
    outlet: Outlet
    count: int


class EmobilityPriceCheck(models.TransientModel):
    """Looks for what is wrong in the price matrix, before a customer finds it.

    * conflict: two rules say the same, only their age decides;
    * shadowed: a rule that can never count, because another one in front of it matches all that it matches;
    * currency: a rule for all plans whose tariff is in another currency than the price that a plan has for what is
      beyond the included charging: there the price of the tariff counts;
    * no price: a rule whose tariff has no prices on that day;
    * hole: contracts that no rule gives a price at some connectors. Their sessions would be held.
    """

    _name = "emobility.price.check"
    _description = "Check of the Price Matrix"

    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    day = fields.Date(
        required=True, default=fields.Date.context_today, help="Holes are looked for on this day."
    )
    line_ids = fields.One2many("emobility.price.check.line", "check_id")
    line_count = fields.Integer("Findings", compute="_compute_line_count")
    is_done = fields.Boolean()
    is_cut = fields.Boolean(help="There are more findings than this list shows.")

    @api.depends("day")
    def _compute_display_name(self) -> None:
        for check in self:
            check.display_name = self.env._("Prices on %(day)s", day=check.day or "")

    @api.depends("line_ids")
    def _compute_line_count(self) -> None:
        for check in self:
            check.line_count = len(check.line_ids)

    def action_check(self) -> dict[str, Any]:
        """Look for conflicts and holes, and list them."""
        self.ensure_one()
        found = list(self._findings())
        self.write(
            {
                "is_done": True,
                "is_cut": len(found) > MAX_LINES,
                "line_ids": [
                    fields.Command.clear(),
                    *(fields.Command.create(values) for values in found[:MAX_LINES]),
                ],
            }
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Check the Price Matrix"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
        }

    def _findings(self) -> Iterator[dict[str, Any]]:
        records = self.env["emobility.price.rule"].search([("company_id", "=", self.company_id.id)])
        by_relation: dict[str, list[Rule]] = defaultdict(list)
        for record in records:
            by_relation[record.relation].append(record._as_rule())
        for rules in by_relation.values():
            yield from self._conflicts(rules)
        yield from self._without_prices(records)
        yield from self._other_currencies(records.filtered(lambda rule: rule.relation == "retail" and not rule.plan_id))
        places = self._places()
        yield from self._holes("retail", by_relation["retail"], self._customers(records), places)
        if by_relation["adhoc"]:
            nobody = [Customers(None, frozenset(), frozenset(), 0)]
            yield from self._holes("adhoc", by_relation["adhoc"], nobody, places)

    def _conflicts(self, rules: list[Rule]) -> Iterator[dict[str, Any]]:
        for winner, loser in conflicts(rules):
            yield {
                "kind": "conflict",
                "rule_id": loser.id,
                "other_rule_id": winner.id,
                "description": self.env._("Says the same as an older rule, which counts on the days of both."),
            }
        for front, hidden in shadowed(rules):
            yield {
                "kind": "shadowed",
                "rule_id": hidden.id,
                "other_rule_id": front.id,
                "description": self.env._("Never counts: the other rule matches all of it and comes first."),
            }

    def _without_prices(self, records: Any) -> Iterator[dict[str, Any]]:
        noon = fields.Datetime.to_datetime(self.day).replace(hour=12)
        for record in records:
            if mismatches(Rule(record.id, date_from=record.date_from or None, date_to=record.date_to or None),
                          Situation(self.day)):  # fmt: skip
                continue
            if not record.tariff_id._version_at(noon).element_ids.component_ids:
                yield {
                    "kind": "no_price",
                    "rule_id": record.id,
                    "description": self.env._(
                        "The tariff %(tariff)s has no prices on %(day)s: sessions would be held.",
                        tariff=record.tariff_id.display_name,
                        day=self.day,
                    ),
                }

    def _other_currencies(self, records: Any) -> Iterator[dict[str, Any]]:
        plans = self.env["product.template"].search(
            [
                ("is_charging_plan", "=", True),
                ("company_id", "in", [False, self.company_id.id]),
                "|",
                ("plan_overage", "=", "price"),
                ("plan_session_overage", "=", "price"),
            ]
        )
        for plan in plans.filtered(lambda one: one._has_overage_price() or one._has_session_overage_price()):
            for record in records.filtered(lambda rule: not plan._knows_currency(rule.tariff_id.currency_id)):  # noqa: B023
                yield {
                    "kind": "currency",
                    "rule_id": record.id,
                    "plan_id": plan.id,
                    "description": self.env._(
                        "%(plan)s has a price in %(currency)s beyond what it includes; with this tariff, which is in "
                        "%(other)s, the price of the tariff counts instead.",
                        plan=plan.name,
                        currency=plan._overage_currency().name,
                        other=record.tariff_id.currency_id.name,
                    ),
                }

    def _holes(
        self, relation: str, rules: list[Rule], customers: list[Customers], places: list[Places]
    ) -> Iterator[dict[str, Any]]:
        for customer in customers:
            whoever = Situation(self.day, customer.plan, customer.partners, customer.groups)
            # What already fails for the customer cannot match anywhere.
            near = [
                rule for rule in rules if not set(mismatches(rule, whoever)) - {"location_group", "power"}
            ]
            missing = [
                place
                for place in places
                if not matching(
                    near,
                    Situation(
                        self.day,
                        customer.plan,
                        customer.partners,
                        customer.groups,
                        place.groups,
                        frozenset([place.outlet]),
                    ),
                )
            ]
            if missing:
                yield {
                    "kind": "hole",
                    "relation": relation,
                    "plan_id": customer.plan,
                    "contract_count": customer.count,
                    "connector_count": sum(place.count for place in missing),
                    "description": self._hole_text(customer, missing),
                }

    def _hole_text(self, customer: Customers, missing: list[Places]) -> str:
        groups = self.env["emobility.customer.group"].browse(sorted(customer.groups))
        where = sorted({self._place_text(place) for place in missing})
        shown = "; ".join(where[:5]) + (" …" if len(where) > 5 else "")
        if groups:
            return self.env._(
                "No price for customers of %(groups)s at: %(places)s.",
                groups=", ".join(groups.mapped("name")),
                places=shown,
            )
        return self.env._("No price at: %(places)s.", places=shown)

    def _place_text(self, place: Places) -> str:
        groups = self.env["emobility.location.group"].browse(sorted(place.groups))
        names = ", ".join(groups.mapped("name")) or self.env._("locations without group")
        return f"{names} ({place.outlet.power_class}, {place.outlet.kw:g} kW)"

    def _customers(self, records: Any) -> list[Customers]:
        """Contracts in use, counted by what the matrix can tell apart; one row each, however many there are."""
        self.env["contract.contract"].flush_model()
        self.env["res.partner"].flush_model(["customer_group_id", "commercial_partner_id"])
        named = records.partner_id.ids or [0]
        rows = self.env.execute_query(
            SQL(
                """SELECT contract.plan_id,
                          CASE WHEN payer.id = ANY(%(named)s) THEN payer.id END,
                          CASE WHEN firm.id = ANY(%(named)s) THEN firm.id END,
                          payer.customer_group_id, firm.customer_group_id, count(*)
                     FROM contract_contract contract
                     JOIN res_partner payer
                       ON payer.id = COALESCE(contract.invoice_partner_id, contract.partner_id)
                     LEFT JOIN res_partner firm ON firm.id = payer.commercial_partner_id
                    WHERE contract.is_charging AND contract.active AND contract.company_id = %(company)s
                      AND contract.charging_state IN ('draft', 'active', 'suspended')
                    GROUP BY 1, 2, 3, 4, 5""",
                named=named,
                company=self.company_id.id,
            )
        )
        counts: dict[tuple[Any, ...], int] = defaultdict(int)
        for plan, payer, firm, payer_group, firm_group, count in rows:
            key = plan, frozenset({payer, firm} - {None}), frozenset({payer_group, firm_group} - {None})
            counts[key] += count
        return [Customers(*key, count) for key, count in counts.items()]

    def _places(self) -> list[Places]:
        """Connectors in use, counted by what the matrix can tell apart."""
        self.env["emobility.connector"].flush_model()
        self.env["emobility.evse"].flush_model()
        self.env["emobility.location"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT place.groups, connector.power_type = 'DC', COALESCE(connector.max_power_kw, 0), count(*)
                     FROM emobility_connector connector
                     JOIN emobility_evse evse ON evse.id = connector.evse_id AND evse.active
                     JOIN (SELECT location.id,
                                  array_remove(array_agg(rel.group_id ORDER BY rel.group_id), NULL) AS groups
                             FROM emobility_location location
                             LEFT JOIN emobility_location_group_rel rel ON rel.location_id = location.id
                            WHERE location.active AND location.company_id = %s
                            GROUP BY location.id) place ON place.id = evse.location_id
                    GROUP BY 1, 2, 3""",
                self.company_id.id,
            )
        )
        return [Places(frozenset(groups), Outlet(is_dc, float(kw)), count) for groups, is_dc, kw, count in rows]
