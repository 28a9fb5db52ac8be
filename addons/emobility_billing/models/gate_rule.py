from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from odoo import api, fields, models, tools
from odoo.exceptions import UserError, ValidationError

from .hold_reason import NOT_ACCEPTABLE, REASONS, SEVERITIES

if TYPE_CHECKING:
    from .session import EmobilitySession

# Which limits a check looks at; the others are not shown in its rule.
LIMITS = {
    "zombie": ("limit_hours", "limit_silence_hours"),
    "amount_cap": ("limit_amount",),
    "implausible_time": ("limit_minutes",),
    "implausible_energy": ("limit_percent", "limit_kwh"),
    "register_jump": ("limit_percent", "limit_kwh"),
    "micro_session": ("limit_minutes", "limit_kwh"),
    "duplicate": ("limit_seconds",),
    "overlap": ("limit_seconds",),
    "continuation": ("limit_minutes",),
    "too_old": ("limit_days",),
}
VALUES = (
    "is_on",
    "severity",
    "limit_hours",
    "limit_silence_hours",
    "limit_minutes",
    "limit_seconds",
    "limit_days",
    "limit_percent",
    "limit_kwh",
    "limit_amount",
    "retry_hours",
    "expiry_days",
    "on_expiry",
    "four_eyes",
)
MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a rule says, as plain values that can be kept for all sessions of a company."""

    code: str
    id: int | None = None
    company_id: int | None = None
    location_group_id: int | None = None
    customer_group_id: int | None = None
    limit_currency_id: int | None = None
    is_on: bool = True
    severity: str | None = None
    limit_hours: float = 0.0
    limit_silence_hours: float = 0.0
    limit_minutes: float = 0.0
    limit_seconds: int = 0
    limit_days: int = 0
    limit_percent: float = 0.0
    limit_kwh: float = 0.0
    limit_amount: float = 0.0
    retry_hours: float = 0.0
    expiry_days: int = 0
    on_expiry: str = "keep"
    four_eyes: bool = False

    def is_for(self, session: EmobilitySession) -> bool:
        """Whether the rule is about sessions such as this one."""
        return (
            not self.location_group_id or self.location_group_id in session.location_id.group_ids.ids
        ) and (
            not self.customer_group_id or self.customer_group_id == session.partner_id.customer_group_id.id
        )


class EmobilityGateRule(models.Model):
    """How strict the gate is about one reason: whether, within which limits, and what follows.

    The check itself is code, found by the reason. Of several rules the one counts that says most about a session:
    its place, then its customer, then the company.
    """

    _name = "emobility.gate.rule"
    _description = "Plausibility rule"
    _order = "sequence, reason_code, company_id desc, id"
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=100)
    reason_code = fields.Selection(REASONS, string="Reason", required=True, index=True)
    is_on = fields.Boolean("On", default=True, help="Off: sessions are not checked for this.")
    severity = fields.Selection(
        SEVERITIES,
        required=True,
        default="2_error",
        help="A note is kept with the session, which is billed all the same. Doubts and what is blocking hold it.",
    )
    company_id = fields.Many2one("res.company", index=True, help="Empty: all companies.")
    location_group_id = fields.Many2one(
        "emobility.location.group",
        "Only locations of",
        index="btree_not_null",
        check_company=True,
        ondelete="cascade",
        help="Empty: all locations.",
    )
    customer_group_id = fields.Many2one(
        "emobility.customer.group",
        "Only customers of",
        index="btree_not_null",
        check_company=True,
        ondelete="cascade",
        help="Empty: all customers.",
    )
    limit_names = fields.Char(compute="_compute_limit_names")
    limit_text = fields.Char("Limits", compute="_compute_limit_text")
    limit_hours = fields.Float("Longest session (hours)")
    limit_silence_hours = fields.Float(
        "Longest silence (hours)", help="A session that nothing was heard of for so long is closed. 0: never."
    )
    limit_minutes = fields.Float("Minutes")
    limit_seconds = fields.Integer("Tolerance (seconds)")
    limit_days = fields.Integer("Days")
    limit_percent = fields.Float("Tolerance (%)")
    limit_kwh = fields.Float("Energy (kWh)", digits=(16, 3))
    limit_amount = fields.Monetary(
        "Highest amount",
        currency_field="limit_currency_id",
        help="A session that costs more is closed and held. A contract can have an amount of its own. 0: no limit.",
    )
    limit_currency_id = fields.Many2one(
        "res.currency", required=True, default=lambda self: self.env.company.currency_id
    )
    retry_hours = fields.Float(
        "Retry after (hours)",
        help="Look again by itself, for master data may cure it: after so long, then after twice as long each time, "
        "up to a day. 0: never.",
    )
    expiry_days = fields.Integer(
        "Expires after (days)", help="For how long a session waits for a cure or a decision. 0: without end."
    )
    on_expiry = fields.Selection(
        [("keep", "Stop retrying, keep on the work list"), ("write_off", "Write the session off")],
        "When it expires",
        required=True,
        default="keep",
    )
    four_eyes = fields.Boolean(
        "Four eyes",
        help="A decision on it counts only when another person has confirmed it.",
    )
    next_action = fields.Text(translate=True, help="What to do about it, for the person who works on it.")
    hold_ids = fields.One2many("emobility.hold", "rule_id", "Holds", readonly=True)
    open_count = fields.Integer("Open", compute="_compute_counts")
    month_count = fields.Integer("Last 30 days", compute="_compute_counts")
    hit_count = fields.Integer("All hits", compute="_compute_counts")

    _one_per_scope = models.UniqueIndex(
        "(reason_code, COALESCE(company_id, 0), COALESCE(location_group_id, 0), COALESCE(customer_group_id, 0))",
        "There is a rule for this reason, company, place and customer already.",
    )
    _limits_not_negative = models.Constraint(
        "CHECK (LEAST(limit_hours, limit_silence_hours, limit_minutes, limit_seconds, limit_days, limit_percent, "
        "limit_kwh, limit_amount, retry_hours, expiry_days) >= 0)",
        "Limits cannot be negative.",
    )

    @api.depends("reason_code")
    def _compute_limit_names(self) -> None:
        for rule in self:
            rule.limit_names = ",".join(LIMITS.get(rule.reason_code, ()))

    @api.depends("reason_code", *sorted({name for names in LIMITS.values() for name in names}), "limit_currency_id")
    def _compute_limit_text(self) -> None:
        for rule in self:
            rule.limit_text = ", ".join(
                rule._limit_text(name) for name in LIMITS.get(rule.reason_code, ()) if rule[name]
            )

    def _limit_text(self, name: str) -> str:
        value = f"{self[name]:g}"
        texts = {
            "limit_hours": self.env._("%s h", value),
            "limit_silence_hours": self.env._("silent for %s h", value),
            "limit_minutes": self.env._("%s min", value),
            "limit_seconds": self.env._("%s s", value),
            "limit_days": self.env._("%s days", value),
            "limit_percent": self.env._("%s %%", value),
            "limit_kwh": self.env._("%s kWh", value),
            "limit_amount": self.limit_currency_id.format(self.limit_amount),
        }
        return texts[name]

    @api.depends("hold_ids.state")
    def _compute_counts(self) -> None:
        holds = self.env["emobility.hold"]
        since = fields.Datetime.now() - MONTH

        def counts(*domain: Any) -> dict[Any, int]:
            return dict(holds._read_group([("rule_id", "in", self.ids), *domain], ["rule_id"], ["__count"]))

        every, open_ones, month = counts(), counts(("state", "=", "open")), counts(("create_date", ">=", since))
        for rule in self:
            rule.hit_count = every.get(rule, 0)
            rule.open_count = open_ones.get(rule, 0)
            rule.month_count = month.get(rule, 0)

    @api.constrains("reason_code", "is_on", "severity")
    def _check_needed(self) -> None:
        for rule in self:
            if rule.reason_code in NOT_ACCEPTABLE and (not rule.is_on or rule.severity != "2_error"):
                raise ValidationError(
                    self.env._("Without it nothing could be billed: '%s' is always blocking.", rule.name)
                )

    @api.ondelete(at_uninstall=False)
    def _unlink_exceptions_only(self) -> None:
        for rule in self:
            if not (rule.company_id or rule.location_group_id or rule.customer_group_id):
                raise UserError(self.env._("'%s' is the general rule: switch it off instead.", rule.name))

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> EmobilityGateRule:
        rules = super().create(vals_list)
        self.env.registry.clear_cache()
        return rules

    def write(self, vals: dict[str, Any]) -> bool:
        result = super().write(vals)
        self.env.registry.clear_cache()
        return result

    def unlink(self) -> bool:
        result = super().unlink()
        self.env.registry.clear_cache()
        return result

    # What the gate asks

    @api.model
    def _terms_for(self, session: EmobilitySession, code: str) -> Terms:
        """The rule that says most about the session; without any, the check has no limits of its own."""
        fitting = (
            terms
            for terms in self.sudo()._all_terms(session.company_id.id)
            if terms.code == code and terms.is_for(session)
        )
        return next(fitting, Terms(code))

    @tools.ormcache("company_id")
    def _all_terms(self, company_id: int) -> tuple[Terms, ...]:
        rules = self.search([("company_id", "in", (False, company_id))])
        return tuple(
            Terms(
                rule.reason_code,
                rule.id,
                limit_currency_id=rule.limit_currency_id.id,
                company_id=rule.company_id.id or None,
                location_group_id=rule.location_group_id.id or None,
                customer_group_id=rule.customer_group_id.id or None,
                **{name: rule[name] for name in VALUES},
            )
            for rule in rules.sorted(lambda rule: rule._weight(), reverse=True)
        )

    def _weight(self) -> tuple[bool, bool, bool]:
        return bool(self.location_group_id), bool(self.customer_group_id), bool(self.company_id)

    # Buttons

    def action_open_holds(self) -> dict[str, Any]:
        """The sessions that these rules hold now."""
        return self._holds_window({"search_default_open": 1}, "list,kanban,form,pivot,graph")

    def action_open_hits(self) -> dict[str, Any]:
        """How often these rules hit, over time."""
        return self._holds_window({}, "graph,pivot,list,form")

    def _holds_window(self, context: dict[str, Any], modes: str) -> dict[str, Any]:
        return {
            "type": "ir.actions.act_window",
            "res_model": "emobility.hold",
            "name": ", ".join(self.mapped("name")),
            "domain": [("rule_id", "in", self.ids)],
            "view_mode": modes,
            "context": context,
        }

    def action_make_exception(self) -> dict[str, Any]:
        """A new rule like this one, to be narrowed to a company, a place or a customer group."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "name": self.env._("Exception"),
            "view_mode": "form",
            "context": {
                "default_name": self.name,
                "default_reason_code": self.reason_code,
                "default_sequence": self.sequence,
                "default_next_action": self.next_action,
                "default_limit_currency_id": self.limit_currency_id.id,
                "default_company_id": self.env.company.id,
                **{f"default_{name}": self[name] for name in VALUES},
            },
        }
