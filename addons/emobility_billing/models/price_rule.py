from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from odoo import api, fields, models

# Most specific first: what decides between two rules of the same sequence.
SPECIFICITY = ("partner_id", "plan_id", "customer_group_id", "location_group_id", "power_class")
HPC_FROM_KW = 150


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
        default=10, help="The lowest sequence counts; among equal ones the most specific rule."
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
        [("AC", "AC"), ("DC_LT150", "DC below 150 kW"), ("HPC", "HPC, DC from 150 kW")],
    )
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

    _date_order = models.Constraint("CHECK (date_to >= date_from)", "The last day is before the first day.")

    @api.depends("tariff_id.name", "relation")
    def _compute_display_name(self) -> None:
        relations = dict(self._fields["relation"]._description_selection(self.env))
        for rule in self:
            relation = relations.get(rule.relation, "").split(":")[0]
            rule.display_name = f"{rule.tariff_id.name or ''} ({relation})"

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
        at = at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at
        contract = contract.sudo()
        payer = partner or contract.invoice_partner_id or contract.partner_id
        candidates = self.sudo().search(
            [
                ("company_id", "=", company.id),
                ("relation", "=", relation),
                ("plan_id", "in", [False, contract.plan_id.id]),
                ("partner_id", "in", [False, payer.id, payer.commercial_partner_id.id]),
                ("customer_group_id", "in", [False, *self._customer_groups(payer, company).ids]),
                ("location_group_id", "in", [False, *evse.sudo().location_id.group_ids.ids]),
                ("power_class", "in", [False, self._power_class_of(evse, connector)]),
                *self._date_domain(self._local_day(evse, at)),
            ]
        )
        best = candidates.sorted(lambda rule: rule._rank())[:1]
        if not best:
            return self.env["emobility.tariff.version"]
        version = best.tariff_id._version_at(at)
        has_prices = bool(version.element_ids.component_ids)
        return (version if has_prices else version.browse()).with_env(self.env)

    @api.model
    def _power_class_of(self, evse: Any, connector: Any) -> str | bool:
        """The power class of a connector, or of all connectors of the EVSE; False when that is not known."""
        classes = set()
        for each in (connector or evse.connector_ids).sudo():
            if each.power_type != "DC":
                classes.add("AC")
            else:
                classes.add("HPC" if each.max_power_kw >= HPC_FROM_KW else "DC_LT150")
        return classes.pop() if len(classes) == 1 else False

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

    def _rank(self) -> tuple[Any, ...]:
        """Sorts rules that match: the lowest counts."""
        self.ensure_one()
        has_dates = bool(self.date_from or self.date_to)
        return (self.sequence, *(not self[name] for name in SPECIFICITY), not has_dates, self.id)
