from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from odoo import api, models

from odoo.addons.emobility_billing.models.price_rule import PriceAnswer

NOT_SOLD = "not_sold"


class EmobilityPriceRule(models.Model):
    """At the stations of an operator an ad-hoc price counts only where the operator is meant to be sold to walk-ups."""

    _inherit = "emobility.price.rule"

    @api.model
    def _answer(
        self, company: Any, contract: Any, evse: Any, connector: Any, at: datetime, relation: str = "retail",
        partner: Any = None,
    ) -> PriceAnswer:  # fmt: skip
        answer = super()._answer(company, contract, evse, connector, at, relation, partner)
        operator = evse.sudo().location_id.roaming_partner_id
        if relation != "adhoc" or not operator or operator._sells_adhoc():
            return answer
        nothing = answer.version.browse()
        return replace(answer, rules=answer.rules.browse(), version=nothing, obstacle=NOT_SOLD)

    @api.model
    def _answer_text(self, answer: PriceAnswer) -> str:
        if answer.obstacle == NOT_SOLD:
            return self.env._("No price: ad-hoc charging at the stations of this operator is not switched on.")
        return super()._answer_text(answer)
