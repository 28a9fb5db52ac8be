from __future__ import annotations

import secrets
from typing import Any

from odoo import api, fields, models

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without letters and digits that look alike."""


def readable_code(length: int) -> str:
    """A random code that a person can type."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


class EmobilityAdhocVoucher(models.Model):
    """An amount for which somebody may charge without paying."""

    _name = "emobility.adhoc.voucher"
    _description = "Charging voucher"
    _inherit = ["mail.thread"]
    _order = "id desc"
    _rec_name = "code"
    _check_company_auto = True

    code = fields.Char(
        required=True, copy=False, default=lambda self: readable_code(10), help="What the customer types."
    )
    name = fields.Char("Purpose", help="For whom or for what it was given out.")
    company_id = fields.Many2one("res.company", required=True, index=True, default=lambda self: self.env.company)
    currency_id = fields.Many2one(
        "res.currency", required=True, default=lambda self: self.env.company.currency_id
    )
    amount = fields.Monetary(required=True, tracking=True)
    amount_used = fields.Monetary("Used", readonly=True, copy=False)
    amount_left = fields.Monetary("Left", compute="_compute_amount_left", store=True)
    valid_until = fields.Date(tracking=True, help="The last day. Empty: no end.")
    active = fields.Boolean(default=True)
    adhoc_ids = fields.One2many("emobility.adhoc.session", "voucher_id", "Sessions", readonly=True)

    _code_unique = models.UniqueIndex("(upper(code))", "Another voucher has this code.")
    _amounts = models.Constraint("CHECK (amount > 0 AND amount_used >= 0)", "A voucher is worth more than 0.")

    @api.depends("amount", "amount_used")
    def _compute_amount_left(self) -> None:
        for voucher in self:
            voucher.amount_left = max(voucher.amount - voucher.amount_used, 0.0)

    @api.model
    def _find(self, code: str, company: Any, currency: Any) -> EmobilityAdhocVoucher:
        """The voucher that can be used now, or none. Codes are compared without regard to case and spaces."""
        wanted = "".join(code.split()).upper()
        voucher = self.sudo().search([("code", "=ilike", wanted), ("company_id", "=", company.id)], limit=1)
        today = fields.Date.context_today(self)
        usable = (
            voucher.code == wanted
            and voucher.currency_id == currency
            and voucher.amount_left > 0
            and (not voucher.valid_until or voucher.valid_until >= today)
            and not voucher.adhoc_ids.filtered(lambda one: one.state in ("held", "starting", "charging", "ended"))
        )
        return voucher if usable else self.browse()

    def _use(self, adhoc: Any, amount: float) -> None:
        """A session cost this; what it cost beyond the voucher is not collected, and is on its record."""
        self.ensure_one()
        self.amount_used += min(amount, self.amount_left)
        self.message_post(body=self.env._("%(session)s: %(amount)s", session=adhoc.name,
                                          amount=self.currency_id.format(amount)))  # fmt: skip
