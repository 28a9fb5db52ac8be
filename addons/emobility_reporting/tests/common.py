"""A month of sessions of a customer, in June 2026."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from odoo.addons.emobility_billing.tests.charging_common import ChargedCommon


class ReportingCommon(ChargedCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.company.currency_id = cls.euro
        cls.group = cls.env["emobility.customer.group"].create(
            {"name": "Fleets", "code": "FLEET", "company_id": cls.company.id}
        )
        cls.driver.customer_group_id = cls.group

    def _session(self, uid: str, day: datetime, kwh: str = "10", minutes: int = 60) -> Any:
        session = self._charge(uid, self.contract, day.replace(tzinfo=UTC), minutes, kwh)
        self.assertEqual(session.state, "done", self.hold_reasons(session))
        return session

    def _invoice_on(self, sessions: Any, day: str) -> Any:
        ratings = sessions.cdr_ids.rating_ids.filtered(lambda rating: rating.state == "open")
        move = self.env["emobility.invoicing"]._invoice(ratings, day)
        move.invoice_date_due = day
        move.action_post()
        return move
