from __future__ import annotations

from datetime import date
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.rating import RELATIONS


class EmobilityPriceExplanation(models.TransientModel):
    """Which tariff would this contract pay at that EVSE at this time, and why this rule?"""

    _name = "emobility.price.explanation"
    _description = "Price Explanation"
    _check_company_auto = True

    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    relation = fields.Selection(RELATIONS, required=True, default="retail")
    token_uid = fields.Char("Token", help="The number that a reader sends, in any spelling: finds the contract.")
    contract_id = fields.Many2one(
        "contract.contract",
        "Charging Contract",
        domain="[('is_charging', '=', True), ('company_id', '=', company_id)]",
        compute="_compute_contract_id",
        store=True,
        readonly=False,
        check_company=True,
        help="Empty: somebody without a contract.",
    )
    partner_id = fields.Many2one(
        "res.partner", help="Who pays when that is not the payer of the contract: a roaming partner, a host."
    )
    evse_id = fields.Many2one(
        "emobility.evse", "EVSE", domain="[('company_id', '=', company_id)]", required=True, check_company=True
    )
    connector_id = fields.Many2one(
        "emobility.connector",
        domain="[('evse_id', '=', evse_id)]",
        check_company=True,
        help="Empty: all connectors of the EVSE have to agree.",
    )
    at = fields.Datetime("Start of the Session", required=True, default=fields.Datetime.now)
    answer = fields.Text(readonly=True)
    is_answered = fields.Boolean(readonly=True)
    is_priced = fields.Boolean(readonly=True)
    rule_id = fields.Many2one("emobility.price.rule", "Rule That Counts", readonly=True)
    tariff_version_id = fields.Many2one("emobility.tariff.version", readonly=True)
    price_summary = fields.Text(related="tariff_version_id.price_summary")
    included_text = fields.Char("Included in the Plan", readonly=True)
    line_ids = fields.One2many("emobility.price.explanation.line", "explanation_id", readonly=True)

    @api.depends("token_uid", "company_id")
    def _compute_contract_id(self) -> None:
        for wizard in self:
            if wizard.token_uid:
                token = self.env["emobility.token"]._find_by_uid(wizard.token_uid, wizard.company_id)
                wizard.contract_id = token.contract_id
            else:
                wizard.contract_id = wizard.contract_id

    @api.depends("evse_id")
    def _compute_display_name(self) -> None:
        for wizard in self:
            wizard.display_name = self.env._("Explain a Price")

    def action_explain(self) -> dict[str, Any]:
        """Fill in the answer and the list of rules, and show them."""
        self.ensure_one()
        self._check_question()
        rules = self.env["emobility.price.rule"]
        answer = rules._answer(
            self.company_id,
            self.contract_id,
            self.evse_id,
            self.connector_id,
            self.at,
            self.relation,
            self.partner_id or None,
        )
        others = rules._explain_others(self.company_id, self.relation, answer)
        self.write(
            {
                "answer": rules._answer_text(answer),
                "is_answered": True,
                "is_priced": bool(answer.version),
                "rule_id": answer.rule.id,
                "tariff_version_id": answer.version.id,
                "included_text": self._included_text(answer.situation.day, answer.version.currency_id),
                "line_ids": [
                    fields.Command.clear(),
                    *(
                        fields.Command.create({"sequence": number, "rule_id": rule.id, "reason": reason})
                        for number, (rule, reason) in enumerate(others, 1)
                    ),
                ],
            }
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Explain a Price"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
        }

    def _included_text(self, day: date, currency: Any) -> str | bool:
        """Only drivers have what a plan includes: in other relations a session has its whole price."""
        return (
            self.relation == "retail" and self.contract_id and self.contract_id._included_text(day, currency or None)
        )

    def _check_question(self) -> None:
        if self.connector_id and self.connector_id.evse_id != self.evse_id:
            raise UserError(
                self.env._(
                    "Connector %(connector)s does not belong to the EVSE %(evse)s.",
                    connector=self.connector_id.display_name,
                    evse=self.evse_id.display_name,
                )
            )
        if self.token_uid and not self.contract_id:
            raise UserError(
                self.env._("No token %(uid)s with a contract is known.", uid=self.token_uid.strip())
            )
