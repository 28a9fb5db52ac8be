"""A terminal beside the charging point of the ad-hoc tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from odoo import Command

from odoo.addons.emobility_adhoc.tests.common import AdhocCommon

from ..terminal_messages import Authorization, Confirmation, OrderAnswer

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


class TerminalCommon(AdhocCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.evse.uid = "E1"
        cls.provider = cls.env.ref("emobility_terminal.payment_provider_terminal").sudo().copy(
            {"company_id": cls.company.id}
        )
        cls.provider.write({"state": "test", "journal_id": cls.company_data["default_journal_bank"].id})
        cls.terminal = cls.env["emobility.terminal"].create(
            {"name": "Entrance", "provider_id": cls.provider.id, "company_id": cls.company.id,
             "evse_ids": [Command.link(cls.evse.id)]}
        )  # fmt: skip

    def told(self, **values: Any) -> Authorization:
        known = {"authorization_reference": "pp-1", "evse_uid": "E1", "amount": Decimal(20), "currency": "EUR",
                 "price_id": self.terminal._price_id(self.evse), "card": "Visa **** 1234", "lang": "en"}  # fmt: skip
        return Authorization.model_validate(known | values)

    def authorise(self, **values: Any) -> Any:
        with self.running_jobs():
            return self.terminal._authorise(self.told(**values))

    def ended(self, kwh: str = "10", **values: Any) -> Any:
        """A session that is over, and whose capture is ordered."""
        adhoc = self.authorise()
        self.charge(adhoc, kwh=kwh, **values)
        return adhoc

    def poll(self) -> list[dict[str, Any]]:
        return self.terminal._hand_out_orders()

    def actions(self) -> list[tuple[str, str]]:
        return [(order["action"], order["amount"]) for order in self.poll()]

    def answer(self, uid: str, status: str, message: str = "") -> dict[str, Any]:
        with self.running_jobs():
            return self.terminal._order_known(uid)._answered(OrderAnswer(status=status, message=message))

    def confirm(self, amount: str, status: str = "SUCCESS", *, uid: str = "fac-1", minutes: int = 0,
                reference: str = "pp-1", currency: str = "EUR") -> dict[str, Any]:  # fmt: skip
        told = Confirmation.model_validate(
            {
                "id": uid,
                "authorization_reference": reference,
                "total_costs": {"incl_vat": amount},
                "currency": currency,
                "eft_data": ["Visa", "AID: A0000000031010"],
                "capture_status_code": status,
                "last_updated": NOW + timedelta(minutes=minutes),
            }
        )
        with self.running_jobs():
            return self.env["emobility.terminal.confirmation"]._receive(self.terminal, told)

    def confirmation(self, uid: str = "fac-1") -> Any:
        return self.env["emobility.terminal.confirmation"].search([("uid", "=", uid)])
