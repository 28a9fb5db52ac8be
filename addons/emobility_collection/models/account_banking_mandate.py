from __future__ import annotations

from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from odoo.addons.emobility_billing.jobs import enqueue

EVIDENCE = ("signed_at", "signed_name", "signed_ip", "signed_agent", "signed_text", "signed_user_id")


class AccountBankingMandate(models.Model):
    _inherit = "account.banking.mandate"

    emobility_contract_ids = fields.One2many("contract.contract", "mandate_id", "Charging contracts")
    signed_at = fields.Datetime("Signed at", readonly=True, copy=False)
    signed_name = fields.Char("Signed as", readonly=True, copy=False)
    signed_ip = fields.Char("Signed from address", readonly=True, copy=False)
    signed_agent = fields.Char("Signed with browser", readonly=True, copy=False)
    signed_text = fields.Text("What was signed", readonly=True, copy=False)
    signed_user_id = fields.Many2one("res.users", "Signed by user", readonly=True, copy=False)
    revoke_reason_id = fields.Many2one("payment.return.reason", "Revoked because of", readonly=True, copy=False)

    def write(self, vals: dict[str, Any]) -> bool:
        """The evidence of a signature is written once, when the mandate is made."""
        if any(name in vals for name in EVIDENCE):
            raise UserError(self.env._("The evidence of a signature cannot be changed."))
        result = super().write(vals)
        if vals.get("state") in ("cancel", "expired"):
            self.sudo().emobility_contract_ids.mandate_id = False
        return result

    # Signature in the portal

    @api.model
    def _sign(self, contract: Any, iban: str, holder: str, evidence: dict[str, Any]) -> Any:
        """A valid mandate of the payer of a contract, which pays with it from now on.

        :param evidence: who signed, when, from where and with what
        """
        contract.ensure_one()
        company = contract.company_id
        if not company.emobility_debit_method_id or not company._emobility_creditor_identifier():
            raise UserError(self.env._("Direct debit is not offered at present."))
        if not holder.strip():
            raise UserError(self.env._("Please enter the name of the account holder."))
        payer = (contract.invoice_partner_id or contract.partner_id).commercial_partner_id
        account = self._account_of(payer, self._checked_iban(iban), holder.strip(), company)
        mandate = self.with_company(company).create(
            {
                "company_id": company.id,
                "partner_id": payer.id,
                "partner_bank_id": account.id,
                "format": "sepa_core",
                "type": "recurrent",
                "signature_date": fields.Date.context_today(contract),
                "signed_text": self._text_to_sign(company),
                **evidence,
            }
        )
        mandate.validate()
        replaced = contract.mandate_id
        contract.write({"mandate_id": mandate.id, "payment_token_id": False})
        replaced.filtered(lambda one: not one.emobility_contract_ids and one.state == "valid").cancel()
        enqueue(mandate, f"emobility.mandate.mail:{mandate.id}", self.env._("Mail the mandate"))._mail_copy()
        return mandate

    def _checked_iban(self, iban: str) -> str:
        """The IBAN without spaces, or an explanation of what is wrong with it."""
        compact = "".join(iban.split()).upper()
        if not compact:
            raise UserError(self.env._("Please enter the IBAN of your account."))
        if not self.env["res.partner.bank"].check_iban(compact):
            raise UserError(self.env._("The IBAN %s is not valid: please compare it with your card.", iban.strip()))
        if compact[:2] not in self.env["account.payment.order"]._sepa_iban_prefix_list():
            raise UserError(self.env._("Accounts outside the SEPA area cannot be debited."))
        return compact

    def _account_of(self, payer: Any, iban: str, holder: str, company: Any) -> Any:
        accounts = self.env["res.partner.bank"].with_context(active_test=False)
        known = accounts.search([("partner_id", "=", payer.id), ("sanitized_acc_number", "=", iban)], limit=1)
        if known:
            known.write({"acc_holder_name": holder, "active": True})
            return known
        return accounts.create({"partner_id": payer.id, "acc_number": iban, "acc_holder_name": holder})

    @api.model
    def _text_to_sign(self, company: Any) -> str:
        return self.env._(
            "I authorise %(company)s (creditor identifier %(creditor)s) to send instructions to my bank to debit "
            "my account, and my bank to debit my account in accordance with the instructions from %(company)s. "
            "This is a SEPA core mandate for recurrent payments. As part of my rights I am entitled to a refund "
            "from my bank under the terms and conditions of my agreement with my bank. A refund must be claimed "
            "within 8 weeks starting from the date on which my account was debited. I am told of each debit at "
            "least %(days)s days before it.",
            company=company.name,
            creditor=company._emobility_creditor_identifier() or "",
            days=company.emobility_prenotification_days,
        )

    def _mail_copy(self) -> None:
        """Job: the payer gets a copy of what was signed."""
        self.ensure_one()
        if self.partner_id.email:
            self.env.ref("emobility_collection.mail_mandate").send_mail(self.id, force_send=False)

    # What pages and documents say

    def _masked_iban(self) -> str:
        number = self.sudo().partner_bank_id.sanitized_acc_number or ""
        return f"{number[:4]} … {number[-4:]}" if number else ""

    def _signed_sentence(self) -> str:
        self.ensure_one()
        return self.env._(
            "Signed by %(name)s on %(day)s.",
            name=self.signed_name or self.partner_id.name,
            day=format_date(self.env, self.signature_date),
        )

    def _revoke(self, reason: Any = None) -> None:
        """No further debit: the customer or the bank of the customer took the mandate back."""
        for mandate in self.filtered(lambda one: one.state in ("draft", "valid", "final")):
            mandate.revoke_reason_id = reason
            mandate.cancel()
