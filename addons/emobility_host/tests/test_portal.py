from __future__ import annotations

from datetime import date, datetime

from odoo.tests import HttpCase, new_test_user, tagged

from .common import HostCommon


@tagged("post_install", "-at_install")
class TestHostPortal(HostCommon, HttpCase):
    def test_a_host_sees_own_statements_and_nobody_elses(self) -> None:
        user = new_test_user(self.env, "host-portal", groups="base.group_portal", password="host-portal")
        user.partner_id.write(
            {
                "street": "Weg 1",
                "city": "München",
                "country_id": self.env.ref("base.de").id,
                "email": "h@example.com",
            }
        )
        self._make_agreement(partner_id=user.partner_id.id, name="Mine", fixed_amount=77)
        self._make_agreement(name="Not mine", fixed_amount=99)
        self._session("P1", datetime(2026, 6, 3, 8), "10")
        settlements = self._confirm(self._run(date(2026, 6, 1)))
        mine = settlements.filtered(lambda one: one.partner_id == user.partner_id)
        foreign = settlements - mine
        # The jobs of tests make no PDF.
        made = [("res_model", "=", mine._name), ("res_id", "in", settlements.ids)]
        self.env["ir.attachment"].sudo().search(made).unlink()
        settlements.with_context(force_report_rendering=True).mapped(lambda one: one._make_files())
        self.authenticate("host-portal", "host-portal")
        page = self.url_open("/my/charging/host").text
        self.assertIn("77.00", page)
        self.assertIn("Mine", page)
        self.assertNotIn("Not mine", page)
        file = self.url_open(f"/my/charging/host/statements/{mine.id}/pdf")
        self.assertTrue(file.content.startswith(b"%PDF"))
        self.assertIn(".pdf", file.headers["Content-Disposition"])
        stranger = self.url_open(f"/my/charging/host/statements/{foreign.id}/pdf")
        self.assertFalse(stranger.content.startswith(b"%PDF"))
        self.assertEqual(self.url_open("/my/charging/host/statements/999999/csv").status_code, 200)
