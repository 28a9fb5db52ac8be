from __future__ import annotations

from typing import Any, Self

from odoo import models

from odoo.addons.emobility_billing.jobs import enqueue
from odoo.addons.emobility_billing.report.account_move import ANNEX_MARK

from ..cdr_list import cdr_list


class AccountMove(models.Model):
    _inherit = "account.move"

    def _post(self, soft: bool = True) -> Self:
        posted = super()._post(soft)
        told = posted.filtered("rating_ids")
        told._tell_roaming_partner()
        told._enter_in_settlement()
        told._queue_bill_of_other_company()
        return posted

    def _emobility_is_accrued(self) -> bool:
        """Bills of partners too."""
        bought = self.env.ref("emobility_settlement.product_roaming_purchase")
        return super()._emobility_is_accrued() or bought in self.invoice_line_ids.product_id

    # The list of CDRs that goes with the invoice of a partner

    def _cdr_list(self) -> Any:
        """The attachment with the CDRs of this invoice, made once; what reads it on the other side is the import of a
        partner's invoice. Empty for an invoice that is not a partner's.
        """
        ratings = self.sudo().rating_ids.filtered(lambda rating: rating.relation == "wholesale")
        attachments = self.env["ir.attachment"].sudo()
        if not ratings:
            return attachments
        name = f"CDRs {self.name.replace('/', '_')}.csv"
        known = attachments.search([("res_model", "=", self._name), ("res_id", "=", self.id), ("name", "=", name)])
        return known or attachments.create(
            {
                "name": name,
                "raw": cdr_list(ratings).encode("utf-8-sig"),
                "mimetype": "text/csv",
                "res_model": self._name,
                "res_id": self.id,
                "description": ANNEX_MARK,
            }
        )

    def _emobility_make_annex_files(self) -> Any:
        return super()._emobility_make_annex_files() | self._cdr_list()

    def _enter_in_settlement(self) -> None:
        """A credit note belongs to the month whose invoice it corrects: it counts in the balance and the set-off."""
        for move in self.sudo().filtered(lambda one: one.move_type == "out_refund"):
            move.rating_ids.credited_rating_id.roaming_settlement_id.move_ids |= move

    # Between companies of this database both sides have each document.

    def _queue_bill_of_other_company(self) -> None:
        for move in self.sudo():
            if move._other_company():
                enqueue(
                    move,
                    f"emobility.settlement.bill:{move.id}",
                    self.env._("Bill of the other company for %s", move.name),
                )._bill_other_company()

    def _other_company(self) -> Any:
        """The company of this database that this invoice or credit note is for, or an empty recordset."""
        wholesale = self.rating_ids.filtered(lambda rating: rating.relation == "wholesale")
        return wholesale.session_id.roaming_agreement_id.internal_company_id[:1]

    def _bill_other_company(self) -> None:
        """Job: the draft bill or credit note of the other side, once."""
        move, company = self.sudo(), self.sudo()._other_company()
        theirs = self.env["account.move"].sudo().with_company(company)
        seller = move.company_id.partner_id

        def known(other: Any) -> Any:
            domain = [("company_id", "=", company.id), ("partner_id", "=", seller.id), ("ref", "=", other.name)]
            return theirs.search(domain, limit=1) if other else theirs

        if known(move):
            return
        sign = -1 if move.move_type == "out_refund" else 1
        bill = self.env["emobility.roaming.settlement"].sudo()._bill_in(
            company, seller, move.name, sign * move.amount_untaxed, move.currency_id, move.delivery_date
        )
        bill.reversed_entry_id = known(move.reversed_entry_id)

    def _tell_roaming_partner(self) -> None:
        """Which CDRs the invoice is about, by OCPI's module for that (2.3.0, invoicereconciliation)."""
        reconciliations = self.env["emobility.ocpi.reconciliation"].sudo()
        for move in self:
            wholesale = move.sudo().rating_ids.filtered(lambda rating: rating.relation == "wholesale")
            sent = wholesale.cdr_id.exchange_ids.filtered(lambda cdr: cdr.direction == "out")
            for connection, cdrs in sent.grouped("connection_id").items():
                if not reconciliations.search_count(
                    [("connection_id", "=", connection.id), ("invoice_ref", "=", move.name)], limit=1
                ):
                    reconciliations._tell(connection, move.name, cdrs)
