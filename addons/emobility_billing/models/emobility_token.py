from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models

STAFF = "emobility_crm.group_user,emobility_crm.group_auditor"


class EmobilityToken(models.Model):
    """Who used a token when, and what it may cost in a month."""

    _inherit = "emobility.token"

    emobility_session_ids = fields.One2many("emobility.session", "token_id", "Charging Sessions")
    emobility_session_count = fields.Integer("Sessions", compute="_compute_usage", groups=STAFF)
    last_used_at = fields.Datetime("Last Used", compute="_compute_usage", groups=STAFF)

    @api.depends("emobility_session_ids.start_at")
    def _compute_usage(self) -> None:
        groups = self.env["emobility.session"]._read_group(
            [("token_id", "in", self.ids)], ["token_id"], ["__count", "start_at:max"]
        )
        by_token = {token.id: (count, last) for token, count, last in groups}
        for token in self:
            count, last = by_token.get(token.id, (0, False))
            token.emobility_session_count = count
            token.last_used_at = last

    def action_view_sessions(self) -> dict[str, Any]:
        """Charging sessions of these tokens."""
        return self.env["emobility.session"]._window(
            "emobility.session", [("token_id", "in", self.ids)], self.env._("Charging sessions")
        )

    def _amount_in_month(self, day: date) -> float:
        """What the sessions that started in the month of a day cost, in the time zone of the company."""
        self.ensure_one()
        zone = ZoneInfo(self.company_id.partner_id.tz or "UTC")
        first = datetime(day.year, day.month, 1, tzinfo=zone)
        bounds = [one.astimezone(UTC).replace(tzinfo=None) for one in (first, first + relativedelta(months=1))]
        amount = (
            self.env["emobility.rating"]
            .sudo()
            ._read_group(
                [
                    ("session_id.token_id", "=", self.id),
                    ("relation", "=", "retail"),
                    ("cdr_id.start_at", ">=", bounds[0]),
                    ("cdr_id.start_at", "<", bounds[1]),
                ],
                [],
                ["amount_total:sum"],
            )[0][0]
        )
        return amount or 0.0

    def _is_above_limit(self, day: date) -> bool:
        self.ensure_one()
        return bool(self.monthly_limit) and self._amount_in_month(day) >= self.monthly_limit

    def _after_new_rating(self, day: date) -> None:
        """Block the tokens whose sessions of the month reach their limit; only in that month itself."""
        for token in self.sudo():
            today = fields.Date.context_today(token)
            if (
                token.state == "active"
                and (day.year, day.month) == (today.year, today.month)
                and token._is_above_limit(day)
            ):
                token._block("limit")
