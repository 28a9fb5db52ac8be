import base64
import json
from datetime import UTC, datetime

from odoo.exceptions import UserError
from odoo.tests import tagged

from .charging_common import ChargedCommon


@tagged("post_install", "-at_install")
class TestBillingPrivacy(ChargedCommon):
    def test_sessions_and_invoices_are_exported_kept_and_block_the_erasure_while_unpaid(self) -> None:
        contract = self._make_contract(self.driver.copy({"name": "Petra"}), "04PETRA1")
        session = self._charge("P1", contract, datetime(2026, 1, 10, 9, tzinfo=UTC), 40, "12.5")

        def wizard():
            return self.env["emobility.partner.privacy"].create(
                {"partner_id": contract.partner_id.id, "confirm": True}
            )

        contract.action_terminate()
        self.assertIn("1 sessions are not invoiced yet", wizard().blockers)
        move = self._invoice(session)
        with self.assertRaisesRegex(UserError, f"not paid: {move.name}"):
            wizard().action_erase()
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=move.ids
        ).create({})._create_payments()
        last = wizard()
        last.action_export()
        data = json.loads(base64.b64decode(last.file))
        self.assertEqual((data["sessions"][0]["energy_kwh"], data["invoices"][0]["number"]), (12.5, move.name))
        fates = {line.name: line.fate for line in last.line_ids}
        self.assertEqual((fates["Charging sessions"], fates["Invoices"]), ("kept", "kept"))
        last.action_erase()
        self.assertEqual(move.partner_id.name, f"Erased contact {contract.partner_id.id}")
