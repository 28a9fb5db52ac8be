from __future__ import annotations

from typing import Any

from lxml import html

from odoo import http
from odoo.tests import HttpCase, new_test_user, tagged

from .common import CUSTOMER_IBAN, CollectionCommon

DEBIT = "/my/charging/direct-debit"
BALANCE = "/my/charging/balance"


@tagged("post_install", "-at_install")
class TestPortalCollection(CollectionCommon, HttpCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.user = new_test_user(cls.env, "anna", groups="base.group_portal", email="anna@example.com")
        cls.contract = cls._make_contract(cls.user.partner_id, "04AAAA01", name="Anna's contract")
        other = cls.env["res.partner"].create({"name": "Volker"})
        cls.foreign = cls._make_contract(other, "04AAAA02", name="Volker's contract")
        cls.paid_by_other = cls._make_contract(
            cls.user.partner_id, "04AAAA03", name="Paid by Volker", invoice_partner_id=other.id
        )

    def setUp(self) -> None:
        super().setUp()
        self.authenticate("anna", "anna")

    def _page(self, path: str, **data: Any) -> html.HtmlElement:
        values = {"csrf_token": http.Request.csrf_token(self), **data} if data else None
        response = self.url_open(path, data=values)
        self.assertEqual(response.status_code, 200)
        self.env.invalidate_all()
        return html.fromstring(response.text)

    def _text(self, page: html.HtmlElement, key: str) -> str:
        return " ".join(" ".join(page.xpath(f"//*[@id='{key}']//text()")).split())

    def _sign_form(self, contract: Any = None, **values: Any) -> dict[str, Any]:
        return {
            "contract_id": (contract or self.contract).id,
            "iban": CUSTOMER_IBAN,
            "holder": "Anna",
            "signature": "Anna A.",
            "accept": "1",
            **values,
        }

    def test_mandate_is_signed_shown_and_revoked(self) -> None:
        page = self._page(DEBIT)
        self.assertIn("DE98ZZZ09999999999", self._text(page, f"debit_text_{self.contract.id}"))
        page = self._page(f"{DEBIT}/sign", **self._sign_form(iban="de02 1203 0000 0000 2020 51"))
        mandate = self.contract.mandate_id
        self.assertEqual((mandate.signed_name, mandate.signed_user_id), ("Anna A.", self.user))
        self.assertTrue(mandate.signed_ip and mandate.signed_agent and mandate.signed_at)
        self.assertIn("DE02 … 2051", self._text(page, "charging_debit"))
        self.assertNotIn(CUSTOMER_IBAN, html.tostring(page).decode())
        self.assertIn(
            "DE02 … 2051", html.tostring(self._page(f"/my/charging/contracts/{self.contract.id}"), encoding="unicode")
        )
        self._page(f"{DEBIT}/revoke", contract_id=self.contract.id)
        self.assertFalse(self.contract.mandate_id)
        self.assertEqual(mandate.state, "cancel")

    def test_mistakes_are_explained_and_what_was_entered_stays(self) -> None:
        for values, words in (
            ({"iban": "DE00"}, "not valid"),
            ({"accept": ""}, "tick the box"),
            ({"signature": " "}, "type your name"),
            ({"holder": " "}, "account holder"),
        ):
            with self.subTest(values=values):
                page = self._page(f"{DEBIT}/sign", **self._sign_form(**values))
                self.assertIn(words, self._text(page, "charging_error"))
                self.assertTrue(page.xpath(f"//input[@id='iban_{self.contract.id}']/@value"))
        self.assertFalse(self.contract.mandate_id)

    def test_nobody_signs_for_a_contract_that_somebody_else_pays(self) -> None:
        for contract in (self.foreign, self.paid_by_other):
            with self.subTest(contract=contract.name):
                page = self._page(f"{DEBIT}/sign", **self._sign_form(contract))
                self.assertIn("Choose one of your contracts", self._text(page, "charging_error"))
                self.assertFalse(contract.mandate_id)

    def test_page_says_so_when_direct_debit_is_not_offered(self) -> None:
        self.company.emobility_debit_method_id = False
        self.assertFalse(self._page(DEBIT).xpath("//form[contains(@action, 'sign')]"))

    def test_balance_shows_ledger_and_offers_top_up_and_reload(self) -> None:
        self.assertIn("None of your contracts", " ".join(self._page(BALANCE).xpath("//main//text()")))
        wallet = self.ready_wallet(50)
        page = self._page(BALANCE)
        self.assertIn("50.00", self._text(page, f"balance_{wallet.id}"))
        self.assertTrue(page.xpath("//td[contains(., 'Top-up')]"))
        token = self.env["payment.token"].search([("partner_id", "=", self.user.partner_id.id)], limit=1)
        self._page(f"{BALANCE}/{wallet.id}/reload", reload_below="10", reload_amount="25", token_id=token.id)
        self.assertEqual((wallet.reload_below, wallet.reload_amount, wallet.payment_token_id), (10, 25, token))
        token.provider_id.is_published = True
        form = self._page(f"{BALANCE}/{wallet.id}/topup?amount=20").xpath("//form[@id='o_payment_form']")
        self.assertEqual(form[0].get("data-transaction-route"), f"{BALANCE}/{wallet.id}/transaction")

    def test_top_up_in_the_portal_reaches_the_balance(self) -> None:
        wallet = self.ready_wallet()
        token = self._make_payment_token(self.contract)
        token.provider_id.is_published = True
        answer = self.make_jsonrpc_request(
            f"{BALANCE}/{wallet.id}/transaction",
            {
                "provider_id": token.provider_id.id,
                "payment_method_id": token.payment_method_id.id,
                "token_id": token.id,
                "amount": 20,
                "flow": "token",
                "tokenization_requested": False,
                "landing_route": BALANCE,
            },
        )
        self.env.invalidate_all()
        transaction = self.env["payment.transaction"].search([("reference", "=", answer["reference"])])
        self.assertEqual((transaction.emobility_wallet_id, transaction.state), (wallet, "done"))
        transaction._post_process()
        wallet.invalidate_recordset()
        self.assertEqual(wallet.balance, 20)

    def test_balance_of_somebody_else_is_as_if_it_did_not_exist(self) -> None:
        self.company._emobility_set_up_wallets()
        self.foreign.is_prepaid = True
        wallet = self.foreign._wallet()
        self.assertFalse(self._page(f"{BALANCE}/{wallet.id}/topup?amount=20").xpath("//form[@id='o_payment_form']"))
        page = self._page(f"{BALANCE}/{wallet.id}/reload", reload_below="1", reload_amount="0")
        self.assertIn("no such balance", self._text(page, "charging_error"))
