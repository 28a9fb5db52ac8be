from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from lxml import html

from odoo import fields, http
from odoo.exceptions import UserError, ValidationError
from odoo.tests import HttpCase, new_test_user, tagged

from .charging_common import ChargedCommon

PICTURE = b"\x89PNG\r\n\x1a\n"


@tagged("post_install", "-at_install")
class TestDispute(ChargedCommon, HttpCase):
    """A customer complains in the portal, a clerk examines it, and the answer has its effect."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("de_DE")
        cls.user = new_test_user(cls.env, "anna", groups="base.group_portal", email="anna@example.com")
        cls.user.partner_id.write({"name": "Anna Ampere", "lang": "de_DE"})
        cls.other = new_test_user(cls.env, "volker", groups="base.group_portal")
        cls.clerk = cls._make_user("dispute-clerk", "emobility_crm.group_user")
        cls.contract = cls._make_contract(cls.user.partner_id, "04AAAA01")

    def setUp(self) -> None:
        super().setUp()
        self.charged = self._charge("jan", self.contract, datetime(2026, 1, 10, 9, tzinfo=UTC), 40, "12.5")
        self.move = self._invoice(self.charged)

    def _dispute(self, **values: Any) -> Any:
        return self.env["emobility.dispute"].create(
            {
                "partner_id": self.user.partner_id.id,
                "session_id": self.charged.id,
                "reason": "energy",
                "text": "My car took 10 kWh only.",
                **values,
            }
        )

    def _answer(self, dispute: Any, result: str, user: Any = None, **values: Any) -> None:
        wizard = self.env["emobility.dispute.answer"].with_user(user or self.env.user).create(
            {"dispute_id": dispute.id, "result": result, "answer": "We looked at the meter.", **values}
        )
        with self.running_jobs():
            wizard.action_send()

    def _mails(self, dispute: Any) -> Any:
        return self.env["mail.mail"].sudo().search(
            [("model", "=", "emobility.dispute"), ("res_id", "=", dispute.id)], order="id"
        )

    # Back office

    def test_complaint_has_a_number_a_deadline_and_a_responsible(self) -> None:
        self.company.write({"emobility_dispute_days": 10, "emobility_dispute_user_id": self.clerk.id})
        dispute = self._dispute()
        self.assertEqual((dispute.state, dispute.user_id), ("new", self.clerk))
        self.assertEqual(dispute.deadline, fields.Date.today() + timedelta(days=10))
        self.assertEqual(dispute.activity_ids.user_id, self.clerk)
        self.assertAlmostEqual(dispute.amount, self.charged.cdr_ids.retail_amount)
        dispute.deadline = fields.Date.today() - timedelta(days=1)
        self.assertTrue(dispute.is_overdue)
        self.assertIn(dispute, self.env["emobility.dispute"].search([("is_overdue", "=", True)]))

    def test_state_is_said_by_the_steps_only(self) -> None:
        dispute = self._dispute(state="closed", result="accepted")
        self.assertEqual((dispute.state, dispute.result), ("new", False))
        with self.assertRaises(UserError):
            dispute.with_user(self.clerk).write({"state": "answered"})
        with self.assertRaisesRegex(UserError, "Answer"):
            dispute.with_user(self.clerk).action_close()

    def test_mails_are_in_the_language_of_the_customer(self) -> None:
        dispute = self._dispute()
        self.env["mail.template"].browse(
            self.env.ref("emobility_billing.mail_dispute_received").id
        ).with_context(lang="de_DE").subject = "Ihre Reklamation {{ object.name }}"
        second = self._dispute(session_id=False, move_id=self.move.id)
        self.assertEqual(self._mails(second).subject, f"Ihre Reklamation {second.name}")
        self.assertIn("anna@example.com", self._mails(dispute).mail_message_id.partner_ids.mapped("email"))

    def test_invoice_is_not_dunned_while_it_is_open(self) -> None:
        self.assertFalse(self.move._has_open_dispute())
        dispute = self._dispute()
        self.assertTrue(self.move._has_open_dispute())
        moves = self.env["account.move"]
        self.assertIn(self.move, moves.search([("has_open_dispute", "=", True)]))
        self.assertNotIn(self.move, moves.search([("has_open_dispute", "=", False)]))
        self._answer(dispute, "rejected", self.clerk)
        self.move.invalidate_recordset()
        self.assertFalse(self.move._has_open_dispute())

    def test_rejected_complaint_is_answered_and_changes_nothing(self) -> None:
        dispute = self._dispute()
        dispute.with_user(self.clerk).action_review()
        self.assertEqual((dispute.state, dispute.user_id), ("in_review", self.clerk))
        self._answer(dispute, "rejected", self.clerk)
        self.assertEqual((dispute.state, dispute.result, dispute.answered_by_id), ("answered", "rejected", self.clerk))
        self.assertFalse(dispute.correction_id)
        self.assertFalse(dispute.activity_ids)
        self.assertIn("We looked at the meter.", self._mails(dispute)[-1].body_html)
        dispute.with_user(self.clerk).action_close()
        self.assertEqual(dispute.state, "closed")
        with self.assertRaisesRegex(UserError, "already"):
            dispute.with_user(self.clerk).action_review()

    def test_accepted_complaint_credits_the_session(self) -> None:
        dispute = self._dispute()
        self._answer(dispute, "accepted")
        correction = dispute.correction_id
        self.assertEqual((correction.state, correction.reason), ("done", "dispute"))
        self.assertEqual(self.charged.state, "void")
        note = correction.move_ids
        self.assertEqual((note.move_type, note.reversed_entry_id, note.state), ("out_refund", self.move, "posted"))
        self.assertAlmostEqual(note.amount_total, self.move.amount_total)

    def test_complaint_accepted_in_part_credits_a_part(self) -> None:
        before = self.charged.cdr_ids.retail_amount
        dispute = self._dispute()
        self._answer(dispute, "partly", amount=2.0)
        self.assertAlmostEqual(self.charged._current_cdr().retail_amount, before - 2)
        self.assertAlmostEqual(dispute.correction_id.difference, -2)

    def test_clerk_cannot_credit(self) -> None:
        dispute = self._dispute()
        with self.assertRaisesRegex(UserError, "manager"):
            self._answer(dispute, "accepted", self.clerk)

    def test_complaint_about_an_invoice_can_credit_one_of_its_sessions(self) -> None:
        more = self._charge("feb", self.contract, datetime(2026, 2, 10, 9, tzinfo=UTC), 40, "10")
        more |= self._charge("mar", self.contract, datetime(2026, 3, 10, 9, tzinfo=UTC), 40, "11")
        move = self._invoice(more)
        dispute = self._dispute(session_id=False, move_id=move.id)
        self._answer(dispute, "accepted", cdr_ids=more[0].cdr_ids.ids)
        self.assertEqual([session.state for session in more], ["void", "done"])

    def test_complaint_is_about_one_thing_that_was_billed(self) -> None:
        with self.assertRaises(ValidationError):
            self._dispute(move_id=self.move.id)
        with self.assertRaises(ValidationError):
            self._dispute(session_id=False)

    # Portal

    def _page(self, path: str, login: str = "anna") -> html.HtmlElement:
        self.authenticate(login, login)
        response = self.url_open(path)
        self.assertEqual(response.status_code, 200)
        self.last_url = response.url
        return html.fromstring(response.text)

    def _post(self, path: str, login: str = "anna", files: Any = None, **data: Any) -> html.HtmlElement:
        self.authenticate(login, login)
        response = self.url_open(path, data={"csrf_token": http.Request.csrf_token(self), **data}, files=files)
        self.assertEqual(response.status_code, 200)
        self.last_url = response.url
        self.env.invalidate_all()
        return html.fromstring(response.text)

    def test_driver_complains_and_follows_it(self) -> None:
        page = self._page(f"/my/charging/{self.charged.id}")
        [link] = page.xpath("//*[@id='session_dispute']/a/@href")
        self.assertTrue(self._page(link).xpath("//form[@id='dispute_form']"))
        page = self._post(
            link, reason="energy", text="10 kWh only", files=[("files", ("meter.png", PICTURE, "image/png"))]
        )
        [dispute] = self.charged.dispute_ids
        self.assertEqual((dispute.partner_id, dispute.text), (self.user.partner_id, "10 kWh only"))
        self.assertIn(f"/my/charging/disputes/{dispute.id}", self.last_url)
        self.assertIn("meter.png", page.xpath("//*[@id='dispute_text']")[0].text_content())
        self._page(link)
        self.assertIn(f"/my/charging/disputes/{dispute.id}", self.last_url, "one complaint about a session is enough")
        self._answer(dispute, "rejected", self.clerk)
        page = self._page(f"/my/charging/disputes/{dispute.id}")
        self.assertIn("We looked at the meter.", page.xpath("//*[@id='dispute_answer']")[0].text_content())
        self.assertEqual(len(self._page("/my/charging/disputes").xpath("//*[@id='charging_disputes']/a")), 1)

    def test_driver_complains_about_an_invoice(self) -> None:
        [link] = self._page(f"/my/invoices/{self.move.id}").xpath("//*[@id='invoice_dispute']/@href")
        self._post(link, reason="price", text="Too much")
        dispute = self.env["emobility.dispute"].search([("move_id", "=", self.move.id)])
        self.assertEqual(dispute.partner_id, self.user.partner_id)

    def test_driver_adds_something_and_the_clerk_sees_it_in_the_chatter(self) -> None:
        dispute = self._dispute()
        dispute.with_user(self.clerk).message_post(body="Only for us", subtype_xmlid="mail.mt_note")
        path = f"/my/charging/disputes/{dispute.id}"
        page = self._post(
            f"{path}/reply", text="Here is\na photo", files=[("files", ("meter.png", PICTURE, "image/png"))]
        )
        self.assertTrue(page.xpath("//*[@id='charging_done']"))
        text = page.xpath("//*[@id='dispute_messages']")[0].text_content()
        self.assertIn("a photo", text)
        self.assertIn("meter.png", text)
        self.assertNotIn("Only for us", page.text_content())
        message = dispute.with_user(self.clerk).message_ids[0]
        self.assertEqual((message.author_id, message.attachment_ids.name), (self.user.partner_id, "meter.png"))
        page = self._post(f"{path}/reply", text=" ")
        self.assertTrue(page.xpath("//*[@id='charging_error']"))

    def test_answer_that_does_not_convince_is_examined_again(self) -> None:
        dispute = self._dispute()
        self._answer(dispute, "rejected", self.clerk)
        self._post(f"/my/charging/disputes/{dispute.id}/reply", text="The meter is not mine")
        self.assertEqual((dispute.state, dispute.activity_ids.user_id), ("in_review", self.clerk))
        self.assertTrue(self.move._has_open_dispute())
        self._answer(dispute, "rejected", self.clerk)
        dispute.with_user(self.clerk).action_close()
        page = self._page(f"/my/charging/disputes/{dispute.id}")
        self.assertFalse(page.xpath("//form[@id='dispute_reply']"))
        with self.assertRaisesRegex(UserError, "closed"):
            dispute._reply("Again", [])

    def test_driver_withdraws_and_reminders_go_on(self) -> None:
        self.company.emobility_dispute_user_id = self.clerk
        dispute = self._dispute()
        page = self._post(f"/my/charging/disputes/{dispute.id}/withdraw")
        self.assertEqual((dispute.state, dispute.result), ("closed", "withdrawn"))
        self.assertFalse(dispute.activity_ids)
        self.assertFalse(self.move._has_open_dispute())
        self.assertFalse(page.xpath("//form[@id='dispute_withdraw']"))
        self._post(f"/my/charging/{self.charged.id}/dispute", reason="price", text="After all")
        self.assertEqual(len(self.charged.dispute_ids), 2, "one may change one's mind")

    def test_mistakes_are_explained_and_nothing_is_made(self) -> None:
        path = f"/my/charging/{self.charged.id}/dispute"
        program = [("files", ("a.exe", b"MZ", "application/x-msdownload"))]
        for values, words in (
            ({"reason": "energy", "text": " "}, "beschreiben|describe"),
            ({"reason": "nonsense", "text": "x"}, "wählen|choose"),
            ({"reason": "energy", "text": "x", "files": program}, "a.exe"),
        ):
            page = self._post(path, **values)
            self.assertRegex(page.xpath("//*[@id='charging_error']")[0].text_content().lower(), words)
        self.assertFalse(self.charged.dispute_ids)

    def test_f52_nobody_reaches_the_sessions_and_complaints_of_others(self) -> None:
        dispute = self._dispute()
        self._page(f"/my/charging/disputes/{dispute.id}", "volker")
        self.assertTrue(self.last_url.endswith("/my/charging/disputes"))
        self.assertNotIn(dispute.name, self._page("/my/charging/disputes", "volker").text_content())
        other = self._charge("feb", self.contract, datetime(2026, 2, 10, 9, tzinfo=UTC), 40, "10")
        move = self._invoice(other)
        for step in ("reply", "withdraw"):
            self._post(f"/my/charging/disputes/{dispute.id}/{step}", "volker", text="not mine")
        self.assertEqual(dispute.state, "new")
        self.assertNotIn("not mine", "".join(dispute.message_ids.mapped("body")))
        for path in (f"/my/charging/{other.id}/dispute", f"/my/charging/invoices/{move.id}/dispute"):
            self._post(path, "volker", reason="energy", text="mine now")
        self.assertFalse(other.dispute_ids)
        self.assertFalse(self.env["emobility.dispute"].search([("move_id", "=", move.id)]))
