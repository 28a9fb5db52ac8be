from __future__ import annotations

from odoo import api, fields, models

KINDS = [
    ("soft", "Try again later"),
    ("hard", "Never try again"),
    ("authentication", "The customer has to confirm"),
]


class EmobilityDeclineReason(models.Model):
    """What the answer of a provider means for further attempts."""

    _name = "emobility.decline.reason"
    _description = "Reason of a declined charge"
    _order = "sequence, id"

    sequence = fields.Integer(default=10)
    name = fields.Char(required=True, translate=True)
    pattern = fields.Char(
        required=True, help="The reason applies when this is part of the message of the provider, in any case."
    )
    kind = fields.Selection(KINDS, required=True, default="soft")
    active = fields.Boolean(default=True)

    @api.model
    def _kind_of(self, message: str) -> str:
        """The first reason that fits decides; an answer that nobody knows may be temporary."""
        text = (message or "").lower().replace(" ", "_")
        for reason in self.sudo().search([("active", "=", True)]):
            if reason.pattern.lower().replace(" ", "_") in text:
                return reason.kind
        return "soft"
