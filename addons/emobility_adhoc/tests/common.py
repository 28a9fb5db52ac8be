"""A charging point with a price for walk-ups, a station that answers, and a payment provider on loopback."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from odoo import fields

from odoo.addons.emobility_billing.tests.common import ChargingCommon, stamp
from odoo.addons.emobility_payment_stripe.tests.common import LocalPspMixin


class AdhocCommon(LocalPspMixin, ChargingCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.setup_psp(cls.company, journal_id=cls.company_data["default_journal_bank"].id)
        cls.company.write({"adhoc_hold_ac": 20.0, "adhoc_hold_max": 20.0, "country_id": cls.env.ref("base.de").id})
        cls.adhoc_tariff = cls._make_tariff("WALKUP", {"ENERGY": 0.59})
        cls.adhoc_rule = cls._make_rule(cls.adhoc_tariff, relation="adhoc")
        cls.location.is_public = True
        cls.station = cls.env["emobility.station"].create(
            {"identity": "ADHOC-1", "location_id": cls.location.id, "accepted": True, "company_id": cls.company.id}
        )
        cls.evse.write({"station_id": cls.station.id, "ocpp_evse_number": 1})
        cls.set_online(True)

    @classmethod
    def set_online(cls, online: bool) -> None:
        cls.station._apply_connection(fields.Datetime.now(), {"ocpp": "1.6", "remote_address": "::1"}, online)

    def setUp(self) -> None:
        super().setUp()
        self.starts: dict[str, datetime] = {}

    # The customer

    def check_out(self, **values: Any) -> Any:
        with self.running_jobs():
            return self.env["emobility.adhoc.session"]._check_out(
                self.evse, **{"email": None, "lang": "en_US", "client": "test", **values}
            )

    def pay(self, adhoc: Any, *, confirm: bool = True) -> Any:
        """The payment form makes a transaction; the browser confirms it."""
        with self.running_jobs():
            tx = self.start_hold(
                adhoc.hold_amount, adhoc.currency_id, self.company._adhoc_payer(), adhoc_id=adhoc.id
            )
            if confirm:
                self.confirm(tx)
        return tx

    def paid(self, **values: Any) -> Any:
        adhoc = self.check_out(**values)
        self.pay(adhoc)
        return adhoc

    # The station

    def command(self, adhoc: Any) -> Any:
        return self.env["emobility.command"].sudo().search([("token_id", "=", adhoc.token_id.id)])

    def answer_start(self, adhoc: Any, result: str) -> None:
        with self.running_jobs():
            self.command(adhoc)._apply_result(result, None)

    def charge(
        self,
        adhoc: Any,
        *,
        kwh: str = "10",
        minutes: int = 60,
        end: bool = True,
        ago: int = 120,
        uid: str | None = None,
    ) -> Any:
        """The session at the station; returns it."""
        uid = uid or f"CS-{adhoc.id}"
        start = self.starts.setdefault(uid, datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=ago))
        first, last = self.events(
            uid, start, kwh=kwh, minutes=minutes, token_uid=adhoc.token_id.uid, token_type="AD_HOC_USER", unplug=False
        )
        if not end:
            at = start + timedelta(minutes=minutes)
            reading = {"at": stamp(at), "energy_kwh": str(1000 + float(kwh)), "power_kw": "11"}
            last = self.event(uid, "meter", at, {"readings": [reading]})
        events = [first | {"uid": f"{uid}-started"}, last]
        return self.ingest(events)

    # The money

    def real(self, adhoc: Any) -> tuple[int, int]:
        """What the provider says that it charged and holds, over all transactions of the session."""
        intents = [one for one in self.psp.intents.values()
                   if one["description"] in adhoc.transaction_ids.mapped("reference")]  # fmt: skip
        return sum(self.psp.captured(one["id"]) for one in intents), sum(self.psp.held(one["id"]) for one in intents)
