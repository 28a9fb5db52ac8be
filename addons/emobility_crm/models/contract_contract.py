from calendar import monthrange
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

from odoo import Command, api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..identifiers import EMAID, emaid_check_digit, normalise_emaid, with_check_digit
from ..state_machine import ensure_transition
from .product_template import PERIOD_MONTHS

CHARGING_STATES = [
    ("draft", "Draft"),
    ("active", "Active"),
    ("suspended", "Suspended"),
    ("terminated", "Terminated"),
]
TRANSITIONS = {
    "draft": frozenset({"active", "terminated"}),
    "active": frozenset({"suspended", "terminated"}),
    "suspended": frozenset({"active", "terminated"}),
    "terminated": frozenset(),
}
# What a token of a contract in this state is answered at the station (OCPP AuthorizationStatus).
TOKEN_STATUS = {
    "draft": "Invalid",
    "active": "Accepted",
    "suspended": "Blocked",
    "terminated": "Expired",
}
SUSPENSION_REASONS = [
    ("clerk", "Decided by a clerk"),
    ("customer", "Wanted by the customer"),
    ("dunning", "Overdue invoices"),
    ("returned_debit", "Returned direct debit"),
    ("credit_limit", "Credit limit reached"),
    ("fraud", "Suspected misuse"),
]
TERMINATION_REASONS = [
    ("customer", "Notice by the customer"),
    ("provider", "Notice by us"),
    ("moved", "Customer moved"),
    ("fleet", "Car or fleet given back"),
    ("unpaid", "Unpaid invoices"),
    ("deceased", "Customer deceased"),
    ("other", "Other"),
]


class ContractContract(models.Model):
    _inherit = "contract.contract"

    is_charging = fields.Boolean(string="Charging Contract", index=True)
    plan_id = fields.Many2one(
        "product.template",
        string="Charging Plan",
        domain="[('is_charging_plan', '=', True)]",
        index=True,
        check_company=True,
        ondelete="restrict",
        tracking=True,
    )
    charging_state = fields.Selection(
        CHARGING_STATES,
        default="draft",
        required=True,
        index=True,
        copy=False,
        tracking=True,
        help="Only the tokens of an active contract can charge.",
    )
    emaid = fields.Char(
        string="EMAID",
        copy=False,
        tracking=True,
        help="e-Mobility account identifier (ISO 15118), stored without separators. It is assigned when the "
        "contract is activated and the company has a country code and a party ID.",
    )
    token_ids = fields.One2many("emobility.token", "contract_id", string="Tokens")
    token_count = fields.Integer(compute="_compute_token_count", string="Number of Tokens")
    billing_trigger = fields.Selection(
        [
            ("session", "After each session"),
            ("weekly", "Weekly"),
            ("monthly", "Monthly"),
            ("quarterly", "Quarterly"),
            ("threshold", "When the open amount passes a threshold"),
        ],
        default="monthly",
        required=True,
        tracking=True,
        help="When the charging sessions of this contract are invoiced.",
    )
    billing_threshold = fields.Monetary(
        tracking=True, help="Sessions are invoiced as soon as what is not invoiced yet reaches this amount."
    )
    credit_limit = fields.Monetary(
        tracking=True,
        groups="emobility_crm.group_user,emobility_crm.group_auditor",
        help="The contract is suspended when what is not paid yet exceeds this amount, and resumed when it is "
        "paid. 0: no limit.",
    )
    cost_centre = fields.Char(tracking=True, help="Printed on the invoice. A token can have one of its own.")
    # Any payer: an employer, a leasing company or a parent, not only a relative of the customer.
    invoice_partner_id = fields.Many2one(domain="[]", tracking=True)
    phase_ids = fields.One2many("emobility.contract.phase", "contract_id", string="Plans")
    next_plan_id = fields.Many2one(
        "product.template", readonly=True, copy=False, check_company=True, tracking=True
    )
    next_plan_date = fields.Date("Next Plan From", readonly=True, copy=False, tracking=True)
    activated_on = fields.Date(readonly=True, copy=False, tracking=True)
    suspended_on = fields.Datetime(readonly=True, copy=False)
    suspension_reason = fields.Selection(SUSPENSION_REASONS, readonly=True, copy=False, tracking=True)
    notice_on = fields.Date("Notice Given On", readonly=True, copy=False, tracking=True)
    terminates_on = fields.Date(
        "Last Day", readonly=True, copy=False, tracking=True, index="btree_not_null",
        help="The tokens can charge until the end of this day.",
    )  # fmt: skip
    termination_reason = fields.Selection(TERMINATION_REASONS, readonly=True, copy=False, tracking=True)
    min_term_end = fields.Date(
        "Minimum Term Until", compute="_compute_min_term_end", help="The contract cannot end before this day."
    )
    earliest_end = fields.Date(
        compute="_compute_min_term_end",
        help="The first possible last day of a notice that is given today.",
    )

    # The order of all lists of contracts: without it each page would sort all of them.
    _code_name_index = models.Index("(code, name)")
    # With and without check digit it is the same account.
    _emaid_uniq = models.UniqueIndex(
        "(left(emaid, 14)) WHERE emaid IS NOT NULL", "This EMAID belongs to another contract already."
    )
    _amounts_not_negative = models.Constraint(
        "CHECK (billing_threshold >= 0 AND credit_limit >= 0)",
        "The threshold and the credit limit of a contract cannot be negative.",
    )

    @api.depends("token_ids")
    def _compute_token_count(self) -> None:
        counts = self.env["emobility.token"]._read_group(
            [("contract_id", "in", self.ids)], ["contract_id"], ["__count"]
        )
        by_contract = {contract.id: count for contract, count in counts}
        for contract in self:
            contract.token_count = by_contract.get(contract.id, 0)

    @api.depends("activated_on", "plan_id.plan_min_months", "plan_id.plan_notice_days")
    def _compute_min_term_end(self) -> None:
        today = fields.Date.context_today(self)
        for contract in self:
            plan, start = contract.plan_id, contract.activated_on
            contract.min_term_end = (
                start + relativedelta(months=plan.plan_min_months, days=-1)
                if start and plan.plan_min_months
                else False
            )
            notice = today + timedelta(days=plan.plan_notice_days)
            contract.earliest_end = max(notice, contract.min_term_end or notice)

    @api.constrains("billing_trigger", "billing_threshold")
    def _check_threshold(self) -> None:
        for contract in self:
            if contract.billing_trigger == "threshold" and not contract.billing_threshold:
                raise ValidationError(
                    self.env._(
                        "%(contract)s is billed when a threshold is passed, but the threshold is missing.",
                        contract=contract.display_name,
                    )
                )

    @api.constrains("plan_id", "is_charging")
    def _check_plan(self) -> None:
        for contract in self:
            if contract.is_charging and contract.plan_id and not contract.plan_id.is_charging_plan:
                raise ValidationError(
                    self.env._(
                        "%(plan)s is not a charging plan, so %(contract)s cannot have it.",
                        plan=contract.plan_id.display_name,
                        contract=contract.display_name,
                    )
                )

    @api.constrains("emaid")
    def _check_emaid(self) -> None:
        for contract in self:
            emaid = contract.emaid
            if emaid and EMAID.fullmatch(emaid) and len(emaid) == 15:
                digit = emaid_check_digit(emaid)
                if emaid[14] != digit:
                    raise ValidationError(
                        self.env._(
                            "The check digit of the EMAID %(emaid)s is wrong: it would have to be %(digit)s. "
                            "Please compare it with the original.",
                            emaid=emaid,
                            digit=digit,
                        )
                    )
            if contract.emaid and not EMAID.fullmatch(contract.emaid):
                raise ValidationError(
                    self.env._(
                        "%(emaid)s is not an EMAID: it must be a country code, a provider ID and nine or ten "
                        "letters or digits, for example DEABCC00000001.",
                        emaid=contract.emaid,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list: list[dict]) -> models.BaseModel:
        contracts = super().create([self._normalise_emaid_vals(vals) for vals in vals_list])
        contracts.filtered(lambda c: c.is_charging and c.charging_state == "active")._begin()
        return contracts

    def write(self, vals: dict) -> bool:
        if "charging_state" in vals:
            ensure_transition(self, "charging_state", TRANSITIONS, vals["charging_state"])
        if "partner_id" in vals:
            vals = self._prepare_customer_change(vals)
        if "plan_id" in vals:
            self._check_plan_is_changed_by_action(vals["plan_id"])
        activated = self.filtered(lambda c: c.charging_state != "active")
        ended = self.filtered(lambda c: c.charging_state != "terminated")
        vals = self._prepare_state_change(vals)
        result = super().write(self._normalise_emaid_vals(vals))
        if vals.get("charging_state") == "active":
            activated.filtered("is_charging")._begin()
        if vals.get("plan_id"):
            self._begin_first_phases()
        if vals.get("charging_state") == "terminated":
            ended.filtered("is_charging")._finish()
        return result

    @api.model
    def _prepare_state_change(self, vals: dict) -> dict:
        """Return `vals` completed by what belongs to the new state, however it is reached."""
        if vals.get("charging_state") == "suspended":
            return {"suspension_reason": "clerk", "suspended_on": fields.Datetime.now(), **vals}
        if "charging_state" in vals:
            return {"suspension_reason": False, "suspended_on": False, **vals}
        return vals

    def _check_plan_is_changed_by_action(self, plan_id: int | bool) -> None:
        """The plan of a contract in use decides about prices and fees of days: it changes on a day."""
        for contract in self:
            if (
                contract.is_charging
                and contract.charging_state != "draft"
                and contract.plan_id
                and contract.plan_id.id != plan_id
                and not self.env.context.get("emobility_plan_change")
            ):
                raise UserError(
                    self.env._(
                        "%(contract)s is in use: change its plan with the button, which asks for the day.",
                        contract=contract.display_name,
                    )
                )

    @api.model
    def _normalise_emaid_vals(self, vals: dict) -> dict:
        if "emaid" not in vals:
            return vals
        return {**vals, "emaid": normalise_emaid(vals["emaid"]) or False}

    def _prepare_customer_change(self, vals: dict) -> dict:
        """Return `vals` completed for the contracts that get another customer.

        The sessions and invoices of a contract belong to its customer, so a contract in use keeps it.
        """
        moved = self.filtered(lambda c: c.is_charging and c.partner_id.id != vals["partner_id"])
        for contract in moved:
            if contract.charging_state != "draft":
                raise UserError(
                    self.env._(
                        "%(contract)s was activated for its customer and cannot move to another one. "
                        "Terminate it and create a new contract.",
                        contract=contract.display_name,
                    )
                )
            # Followers can read the contract in the portal: the previous customer must not.
            contract.message_unsubscribe(contract.partner_id.ids)
            contract.message_subscribe([vals["partner_id"]])
        if not moved or "invoice_partner_id" in vals:
            return vals
        # Else the previous customer would go on paying: `contract` only fills in a payer that is missing.
        customer = self.env["res.partner"].browse(vals["partner_id"])
        return {**vals, "invoice_partner_id": customer.address_get(["invoice"])["invoice"]}

    def _assign_emaid(self) -> None:
        """Give an EMAID to the contracts that have none, if the company has an identity to issue it under."""
        for contract in self.filtered(lambda c: not c.emaid):
            company = contract.company_id
            if not (company.emobility_country_code and company.emobility_party_id):
                continue
            number = self.env["ir.sequence"].sudo().next_by_code("emobility.emaid")
            # The letter C marks a contract in the instance part (eMI3).
            contract.emaid = with_check_digit(
                f"{company.emobility_country_code}{company.emobility_party_id}C{number}"
            )

    def _token_authorization_status(self) -> str:
        """Return what the state of this contract means for its tokens: an OCPP AuthorizationStatus."""
        self.ensure_one()
        if not self.is_charging:
            return "Invalid"
        return TOKEN_STATUS[self.charging_state] if self.active else "Blocked"

    def action_activate(self) -> None:
        """Let the tokens of these contracts charge, and assign the EMAIDs."""
        self._ensure_charging()
        self.write({"charging_state": "active"})

    def action_suspend(self) -> None:
        """Block the tokens of these contracts until they are resumed."""
        self._suspend("clerk")

    def action_resume(self) -> None:
        """Let the tokens of suspended contracts charge again."""
        self._ensure_charging()
        for contract in self:
            if contract.charging_state != "suspended":
                raise UserError(
                    self.env._(
                        "%(contract)s is not suspended, so it cannot be resumed.",
                        contract=contract.display_name,
                    )
                )
        self.write({"charging_state": "active"})

    def action_terminate(self) -> None:
        """End these contracts for good: their tokens cannot charge, and their recurring lines end."""
        self._ensure_charging()
        self.write({"charging_state": "terminated"})

    def action_open_change(self) -> dict:
        """Return the dialogue that suspends, terminates or changes the plan, with reason and day."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Change %(contract)s", contract=self.display_name),
            "res_model": "emobility.contract.change",
            "view_mode": "form",
            "target": "new",
            "context": {"default_contract_id": self.id, **self.env.context},
        }

    def action_withdraw_notice(self) -> None:
        """Take back the notice of contracts that have not ended yet."""
        for contract in self:
            if not contract.terminates_on or contract.charging_state == "terminated":
                raise UserError(
                    self.env._("No notice was given for %(contract)s.", contract=contract.display_name)
                )
        self.write({"terminates_on": False, "termination_reason": False, "notice_on": False})

    # --- Suspension: by clerks, and by what watches payments ---

    def _suspend(self, reason: str, note: str | bool = False) -> None:
        """Stop the authorisation of all tokens at once.

        :param reason: one of SUSPENSION_REASONS; dunning, returned debits and the credit limit call this
        """
        self._ensure_charging()
        self.write({"charging_state": "suspended", "suspension_reason": reason})
        if note:
            for contract in self:
                contract.message_post(body=note)

    def _resume_from(self, reason: str) -> None:
        """Resume those of these contracts that are suspended for this reason, and for no other."""
        self.filtered(
            lambda c: c.charging_state == "suspended" and c.suspension_reason == reason
        ).action_resume()

    # --- Begin and end ---

    def _begin(self) -> None:
        """What follows from the first activation: EMAID, the phase of the plan, its fees."""
        self._assign_emaid()
        for contract in self.filtered(lambda c: not c.activated_on):
            contract._check_fee_currency(contract.plan_id)
            today = fields.Date.context_today(contract)
            contract.activated_on = today
            if contract.plan_id:
                contract._begin_phase(contract.plan_id, today)
                contract._add_fee(
                    contract.plan_id.plan_activation_fee,
                    "emobility_crm.product_activation_fee",
                    contract.plan_id.name,
                )

    def _check_fee_currency(self, plan: models.BaseModel) -> None:
        """Fees are numbers in the currency of the plan: in another one they would be another price."""
        self.ensure_one()
        plan = plan.with_company(self.company_id)
        fees = plan.plan_base_fee or plan.plan_activation_fee or plan.plan_card_fee
        if fees and self.currency_id != plan.currency_id:
            raise UserError(
                self.env._(
                    "The fees of the plan %(plan)s are in %(currency)s, but %(contract)s is invoiced in %(other)s: "
                    "choose the same currency for the contract, or a plan without fees.",
                    plan=plan.name,
                    currency=plan.currency_id.name,
                    contract=self.display_name,
                    other=self.currency_id.name,
                )
            )

    def _begin_first_phases(self) -> None:
        """Contracts in use that get a plan for the first time have it from today on."""
        for contract in self:
            in_use = contract.is_charging and contract.charging_state in ("active", "suspended")
            if in_use and contract.activated_on and not contract.phase_ids:
                contract._check_fee_currency(contract.plan_id)
                contract._begin_phase(contract.plan_id, fields.Date.context_today(contract))

    def _begin_phase(self, plan: models.BaseModel, day: date) -> None:
        self.ensure_one()
        self.env["emobility.contract.phase"].sudo().create(
            {"contract_id": self.id, "plan_id": plan.id, "date_start": day}
        )
        self._start_base_fee(plan, day)

    def _finish(self) -> None:
        """What follows from the end: no phase, no fee and no plan change lies behind it."""
        for contract in self:
            today = fields.Date.context_today(contract)
            last = min(contract.terminates_on or today, today)
            contract.write(
                {
                    "terminates_on": last,
                    "termination_reason": contract.termination_reason or "other",
                    "next_plan_id": False,
                    "next_plan_date": False,
                }
            )
            contract._end_phases(last)
            contract._end_base_fee(last)
        self._end_recurring_lines()

    def _end_phases(self, last: date) -> None:
        for phase in self.sudo().phase_ids.filtered(lambda one: not one.date_end or one.date_end > last):
            if phase.date_start > last:
                phase.unlink()
            else:
                phase.date_end = last

    def _give_notice(self, last_day: date, reason: str, *, force: bool = False) -> None:
        """Terminate on a day: today at once, later by the scheduled action.

        :param force: the minimum term and the notice period do not count (goodwill, or notice by us)
        """
        self._ensure_charging()
        for contract in self:
            today = fields.Date.context_today(contract)
            if last_day < today:
                raise UserError(
                    self.env._("A contract cannot end in the past (%(day)s).", day=last_day)
                )
            if not force and last_day < contract.earliest_end:
                raise UserError(
                    self.env._(
                        "%(contract)s can end on %(earliest)s at the earliest: minimum term until %(term)s, "
                        "notice period %(days)s days.",
                        contract=contract.display_name,
                        earliest=contract.earliest_end,
                        term=contract.min_term_end or "-",
                        days=contract.plan_id.plan_notice_days,
                    )
                )
            contract.write({"terminates_on": last_day, "termination_reason": reason, "notice_on": today})
            if last_day == today:
                contract.action_terminate()

    @api.model
    def _cron_due_changes(self) -> None:
        """End the contracts whose last day is over, and begin the plans that are due, one by one."""
        today = fields.Date.context_today(self)
        ending = self.search(
            [("charging_state", "!=", "terminated"), ("is_charging", "=", True), ("terminates_on", "<", today)]
        )
        changing = self.search([("next_plan_date", "<=", today)]) - ending
        todo = [(contract, "action_terminate") for contract in ending]
        todo += [(contract, "_begin_next_plan") for contract in changing]
        for number, (contract, step) in enumerate(todo, 1):
            getattr(contract, step)()
            if not self.env["ir.cron"]._commit_progress(1, remaining=len(todo) - number):
                return

    # --- Plan ---

    def _change_plan(self, plan: models.BaseModel, day: date) -> None:
        """Give the contract another plan from a day on: today at once, later by the scheduled action."""
        self.ensure_one()
        self._ensure_charging()
        today = fields.Date.context_today(self)
        self._check_plan_change(plan, day, today)
        self.write({"next_plan_id": plan.id, "next_plan_date": day})
        if day <= today:
            self._begin_next_plan()

    def _check_plan_change(self, plan: models.BaseModel, day: date, today: date) -> None:
        problem = None
        if self.charging_state not in ("active", "suspended"):
            problem = self.env._("only a contract in use can change its plan")
        elif not plan.is_charging_plan:
            problem = self.env._("%(plan)s is not a charging plan", plan=plan.display_name)
        elif plan == self.plan_id:
            problem = self.env._("it has the plan %(plan)s already", plan=plan.display_name)
        elif day < today:
            problem = self.env._("a plan cannot begin in the past (%(day)s)", day=day)
        elif self.terminates_on and day > self.terminates_on:
            problem = self.env._("it ends on %(day)s", day=self.terminates_on)
        elif self.phase_ids.filtered(lambda phase: phase.date_start == day):
            problem = self.env._("its present plan begins on %(day)s too: choose a later day", day=day)
        if problem:
            raise UserError(
                self.env._(
                    "The plan of %(contract)s cannot change: %(problem)s.",
                    contract=self.display_name,
                    problem=problem,
                )
            )
        self._check_fee_currency(plan)

    def _begin_next_plan(self) -> None:
        self.ensure_one()
        plan, day = self.next_plan_id, self.next_plan_date
        self._end_phases(day - timedelta(days=1))
        self._end_base_fee(day - timedelta(days=1))
        self.with_context(emobility_plan_change=True).write(
            {"plan_id": plan.id, "next_plan_id": False, "next_plan_date": False}
        )
        self._begin_phase(plan, day)

    def _plan_on(self, day: date) -> models.BaseModel:
        """The plan of a day: late sessions have the prices of their own day."""
        self.ensure_one()
        phase = self.sudo().phase_ids.filtered(lambda one: one._covers(day))[:1]
        return phase.plan_id or self.sudo().plan_id

    def _included_in_month(self, month: date) -> tuple[float, int]:
        """(kWh, sessions) that the plans of a month include, each for its days.

        Sessions are rounded up: in favour of the customer.
        """
        self.ensure_one()
        days = monthrange(month.year, month.month)[1]
        last = month.replace(day=days)
        kwh, sessions = 0.0, 0.0
        for phase in self.sudo().phase_ids:
            part = phase._days_in(month, last) / days
            kwh += phase.plan_id.plan_included_kwh * part
            sessions += phase.plan_id.plan_included_sessions * part
        return round(kwh, 3), -int(-sessions // 1)

    # --- Fees: recurring lines of the module contract ---

    def _start_base_fee(self, plan: models.BaseModel, day: date) -> None:
        """Add the recurring line of a plan: by calendar months, so that all fees of a customer go together."""
        self.ensure_one()
        if not plan.plan_base_fee:
            return
        self.write(
            {
                "line_recurrence": True,
                "contract_line_ids": [
                    Command.create(
                        {
                            "product_id": plan.product_variant_id.id,
                            "name": self._fee_text(plan),
                            "quantity": 1.0,
                            "price_unit": plan.plan_base_fee,
                            "specific_price": plan.plan_base_fee,
                            "date_start": day,
                            "recurring_rule_type": "monthlylastday",
                            "recurring_interval": PERIOD_MONTHS[plan.plan_period or "monthly"],
                            "recurring_invoicing_type": plan.plan_invoicing_type or "post-paid",
                            "is_base_fee": True,
                        }
                    )
                ],
            }
        )

    def _fee_text(self, plan: models.BaseModel) -> str:
        here = self.with_context(lang=self.partner_id.lang or self.env.lang)
        return here.env._(
            "%(plan)s, base fee #START# to #END#", plan=plan.with_context(lang=here.env.lang).name
        )

    def _end_base_fee(self, last: date) -> None:
        """End the base fee; what was invoiced beyond the last day is credited with the next invoice."""
        self.ensure_one()
        for line in self.contract_line_ids.filtered("is_base_fee"):
            if line.date_end and line.date_end <= last:
                continue
            if line.date_start > last:
                line.unlink()
                continue
            line.date_end = max(filter(None, (last, line.last_date_invoiced)))
            if line.last_date_invoiced and line.last_date_invoiced > last:
                self._credit_base_fee(line, last + timedelta(days=1), line.last_date_invoiced)

    def _credit_base_fee(self, line: models.BaseModel, first: date, last: date) -> None:
        share = line._share_of_period(first, last)
        here = self.with_context(lang=self.partner_id.lang or self.env.lang)
        self._add_one_off(
            line.product_id,
            here.env._(
                "Credit of the base fee, %(first)s to %(last)s",
                first=fields.Date.to_string(first),
                last=fields.Date.to_string(last),
            ),
            -line.price_unit * share,
        )

    def _restart_base_fee(self, day: date) -> None:
        """From a day on the fee of the plan is another one."""
        self.ensure_one()
        self._end_base_fee(day - timedelta(days=1))
        self._start_base_fee(self.plan_id, day)

    def _add_fee(self, amount: float, product: str, detail: str) -> None:
        """A fee that is invoiced once, with the next recurring invoice."""
        if amount:
            variant = self.env.ref(product)
            here = variant.with_context(lang=self.partner_id.lang or self.env.lang)
            self._add_one_off(variant, f"{here.name}: {detail}", amount)

    def _add_one_off(self, product: models.BaseModel, name: str, price: float) -> None:
        self.ensure_one()
        today = fields.Date.context_today(self)
        self.write(
            {
                "line_recurrence": True,
                "contract_line_ids": [
                    Command.create(
                        {
                            "product_id": product.id,
                            "name": name,
                            "quantity": 1.0,
                            "price_unit": price,
                            "specific_price": price,
                            "date_start": today,
                            "date_end": today,
                            "recurring_rule_type": "daily",
                            "recurring_interval": 1,
                            "recurring_invoicing_type": "pre-paid",
                        }
                    )
                ],
            }
        )

    def _ensure_charging(self) -> None:
        for contract in self:
            if not contract.is_charging:
                raise UserError(
                    self.env._("%(contract)s is not a charging contract.", contract=contract.display_name)
                )

    def _end_recurring_lines(self) -> None:
        """Stop the recurring fees today, or at the end of the period that is invoiced already."""
        today = fields.Date.context_today(self)
        for line in self.contract_line_ids.filtered(lambda ln: not ln.date_end or ln.date_end > today):
            line.date_end = max(filter(None, (today, line.last_date_invoiced, line.date_start)))

    def action_view_tokens(self) -> dict:
        """Return the action that lists the tokens of this contract."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_crm.action_emobility_token")
        action["domain"] = [("contract_id", "=", self.id)]
        action["context"] = {"default_contract_id": self.id, "default_company_id": self.company_id.id}
        return action
