"""A host, and sessions at its place."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from odoo import Command

from odoo.addons.emobility_billing.tests.charging_common import ChargedCommon


class HostCommon(ChargedCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.company.currency_id = cls.euro
        cls.host = cls._make_host("Hanna Host")
        cls.location.host_id = cls.host
        cls.evse.meter_serial = "1EMH0011223344"

    @classmethod
    def _make_host(cls, name: str, **values: Any) -> Any:
        return cls.env["res.partner"].create(
            {
                "name": name,
                "email": "hanna@example.com",
                "street": "Hofgasse 3",
                "zip": "80331",
                "city": "München",
                "country_id": cls.env.ref("base.de").id,
                **values,
            }
        )

    @classmethod
    def _make_agreement(cls, **values: Any) -> Any:
        agreement = cls.env["emobility.host.agreement"].create(
            {
                "name": "Market square",
                "partner_id": cls.host.id,
                "company_id": cls.company.id,
                "currency_id": cls.euro.id,
                "date_from": "2026-06-01",
                **values,
            }
        )
        agreement.action_activate()
        return agreement

    def _session(self, uid: str, day: datetime, kwh: str, minutes: int = 60) -> Any:
        session = self._charge(uid, self.contract, day.replace(tzinfo=UTC), minutes, kwh)
        self.assertEqual(session.state, "done", self.hold_reasons(session))
        return session

    def _host_rating(self, session: Any) -> Any:
        return session.cdr_ids.rating_ids.filtered("agreement_id")

    def _run(self, month: date) -> Any:
        run = self.env["emobility.host.run"].create({"company_id": self.company.id, "month": month})
        run.action_prepare()
        return run

    def _confirm(self, run: Any) -> Any:
        with self.running_jobs():
            run.action_confirm()
        return run.settlement_ids

    def _series(self, prices: dict[str, float]) -> Any:
        return self.env["emobility.spot.series"].create(
            {
                "name": "Day-ahead",
                "company_id": self.company.id,
                "currency_id": self.euro.id,
                "price_ids": [Command.create({"at": at, "price": price}) for at, price in prices.items()],
            }
        )
