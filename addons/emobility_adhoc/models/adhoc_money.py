from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

from odoo import fields, models

from .adhoc_session import FINAL

ATTEMPTS = 5
BACKOFF_SECONDS = 30


class EmobilityAdhocMoney(models.Model):
    """How the money of an ad-hoc session moves: receipt, capture of what is due, release of the rest."""

    # A part of its own, beside the life of the session.
    _inherit = "emobility.adhoc.session"

    # Nothing to pay

    def _release(self, reason: str) -> None:
        """Give the whole hold back at once. Harmless when that was done."""
        adhoc = self._locked()
        if adhoc.state in FINAL:
            return
        adhoc.write({"state": "released", "ended_reason": reason, "start_by": False, "power_kw": 0.0})
        if adhoc.token_id.state == "active":
            adhoc.token_id.state = "expired"
        for hold in adhoc.transaction_ids.filtered(lambda tx: not tx.source_transaction_id):
            adhoc._give_back(hold)
        adhoc._notify()

    def _give_back(self, hold: Any) -> None:
        """Cancel a hold of which nothing was captured."""
        captured = hold.child_transaction_ids.filtered(lambda child: child.state in ("done", "pending"))
        if hold.state != "authorized" or captured:
            return
        release = hold._void()
        # What is pending is told later.
        if hold.state == "authorized" and release.state != "pending":
            self._try_again("release_failed", "_finish")

    # Something to pay

    def _invoice_due(self) -> None:
        """Job: make the receipt. What is due is its total; it is charged in a job of its own.

        The receipt is committed before anything is charged, so that a crash in between repeats the charge of the
        same amount, which the provider recognises.
        """
        adhoc = self._locked()
        rating = adhoc._rating()
        if not rating or adhoc.move_id or adhoc.state == "settled":
            return
        if adhoc.kind == "paid":
            adhoc._make_receipt(rating)
        else:
            adhoc._pay_without_money(rating)
        adhoc._enqueue("capture")._capture_due()

    def _rating(self) -> Any:
        cdr = self.session_id._current_cdr()
        return cdr.rating_ids.filtered(lambda rating: rating.relation == "adhoc")[:1]

    def _make_receipt(self, rating: Any) -> None:
        move = self.env["emobility.invoicing"]._invoice(rating) or rating.move_id
        if not move:
            self.amount_due = 0.0
            return
        move.with_context(lang=self.lang or self.env.lang).action_post()
        self.write({"move_id": move.id, "amount_due": move.amount_total})
        # The source transaction carries the document: captures are reconciled with it.
        self.transaction_id.invoice_ids = [fields.Command.link(move.id)]

    def _pay_without_money(self, rating: Any) -> None:
        """Free sessions and vouchers: the rating says what it was worth, and is closed."""
        self.amount_due = rating.amount_total
        rating.sudo()._as_system().state = "free"
        if self.voucher_id:
            self.voucher_id._use(self, rating.amount_total)

    def _capture_due(self) -> None:
        """Job: charge what is due, at most what is held; release the rest; what is over is a claim."""
        adhoc = self._locked()
        if adhoc.state in ("settled", "draft") or not (adhoc.move_id or adhoc._rating().state == "free"):
            return
        hold = adhoc.transaction_id
        due = adhoc.amount_due if adhoc.kind == "paid" else 0.0
        amount = min(due, hold.amount) if hold.state == "authorized" else 0.0
        if hold.state == "authorized" and not adhoc._captures("done", "pending"):
            if adhoc.currency_id.is_zero(amount):
                adhoc._give_back(hold)
            else:
                hold._capture(amount)
        if adhoc._captures("pending"):
            return  # the provider tells later
        if hold.state == "authorized" and not adhoc._captures("done"):
            if not adhoc.currency_id.is_zero(amount):
                adhoc._try_again("capture_failed", "_capture_due")
            return
        adhoc._settle(due)

    def _captures(self, *states: str) -> Any:
        return self.transaction_id.child_transaction_ids.filtered(
            lambda child: child.operation != "refund" and child.state in states
        )

    def _settle(self, due: float) -> None:
        """What was due is charged, or known not to be: release the rest, book, tell the customer."""
        captured = sum(self._captures("done").mapped("amount"))
        hold = self.transaction_id
        rest = self.currency_id.round(hold.amount - captured)
        if hold.state == "authorized" and captured and not self.currency_id.is_zero(rest):
            hold._void(rest)
        self._enqueue("book")._book_captures()
        claim = self.currency_id.round(due - captured)
        values: dict[str, Any] = {"amount_claim": max(claim, 0.0), "attempts": 0}
        if claim > 0:
            values["attention"] = self.attention or "claim"
        elif self.attention == "capture_failed":
            values["attention"] = False
        if self.state != "released":
            values["state"] = "settled"
        self.write(values)
        if self.email and self.move_id:
            self._enqueue("mail")._mail_receipt()
        self._notify()

    def _book_captures(self) -> None:
        """Job: the payment in the books, reconciled with the receipt."""
        for capture in self._locked()._captures("done").filtered(lambda child: not child.is_post_processed):
            capture._post_process()

    def _try_again(self, problem: str, step: str) -> None:
        """The provider failed: again in a while, longer each time, and then a person has to see to it."""
        attempts = self.attempts + 1
        self.attempts = attempts
        if attempts >= ATTEMPTS:
            self.attention = problem
            return
        wait = timedelta(seconds=BACKOFF_SECONDS * 4 ** (attempts - 1))
        getattr(self._enqueue(step, eta=fields.Datetime.now() + wait), step)()

    def _finish(self) -> None:
        """Job: whatever is left to do with the money of a session that is over."""
        adhoc = self._locked()
        if adhoc.state == "released":
            for hold in adhoc.transaction_ids.filtered(lambda tx: not tx.source_transaction_id):
                adhoc._give_back(hold)
                if hold.state != "authorized" and adhoc.attention == "release_failed":
                    adhoc.attention = False
        elif adhoc.session_id.state == "void":
            adhoc._release("nothing")
        elif adhoc.session_id.state == "done":
            adhoc._invoice_due()
            adhoc._capture_due()

    # Receipt

    def _receipt_pdf(self) -> bytes:
        """The receipt, as the company prints its invoices."""
        self.ensure_one()
        report = self.env["ir.actions.report"].sudo().with_context(lang=self.lang or self.env.lang)
        return report._render_qweb_pdf("account.account_invoices", self.move_id.ids)[0]

    def _mail_receipt(self) -> None:
        """Job: send the receipt to the address that the customer gave, once."""
        adhoc = self._locked()
        marker = "emobility.adhoc.receipt"
        attachments = self.env["ir.attachment"].sudo()
        mine = [("res_model", "=", self._name), ("res_id", "=", adhoc.id), ("description", "=", marker)]
        if attachments.search_count(mine):
            return
        file = attachments.create(
            {
                "name": f"{adhoc.move_id.name.replace('/', '-')}.pdf",
                "datas": base64.b64encode(adhoc._receipt_pdf()),
                "mimetype": "application/pdf",
                "description": marker,
                "res_model": self._name,
                "res_id": adhoc.id,
            }
        )
        template = self.env.ref("emobility_adhoc.mail_template_receipt").sudo()
        template.send_mail(adhoc.id, force_send=True, email_values={"attachment_ids": [fields.Command.link(file.id)]})

    # Invoice on request

    def _can_reissue(self) -> bool:
        """Whether the receipt can still be replaced by an invoice with a name: once."""
        anonymous = self.move_id.partner_id == self.company_id._adhoc_payer()
        return bool(self.move_id) and anonymous and self.state == "settled"

    def _reissue(self, values: dict[str, Any]) -> Any:
        """An invoice to a name in place of the receipt: what was issued stays, and is credited.

        :param values: of the partner, as the customer gave them
        """
        adhoc = self._locked(wait=True)
        if not adhoc._can_reissue():
            return adhoc.move_id
        receipt = adhoc.move_id
        partner = self.env["res.partner"].sudo().create(
            values | {"company_id": adhoc.company_id.id, "is_company": bool(values.get("vat")), "lang": adhoc.lang}
        )
        invoice = receipt.copy({"partner_id": partner.id, "invoice_date": fields.Date.context_today(self),
                                "ref": self.env._("Instead of %s", receipt.name)})  # fmt: skip
        invoice.action_post()
        payments = receipt._adhoc_free_payments()
        credit = receipt._reverse_moves(
            [{"invoice_date": fields.Date.context_today(self), "ref": self.env._("Replaced by %s", invoice.name)}],
        )
        credit.action_post()
        _reconcile(receipt.line_ids | credit.line_ids)
        _reconcile(payments | invoice.line_ids)
        receipt._adhoc_hand_ratings_to(invoice)
        adhoc.write({"move_id": invoice.id, "email": values.get("email") or adhoc.email})
        adhoc.transaction_id.invoice_ids = [fields.Command.set(invoice.ids)]
        return invoice


def _reconcile(lines: Any) -> None:
    open_lines = lines.filtered(lambda one: one.account_id.account_type == "asset_receivable" and not one.reconciled)
    for account in open_lines.account_id:
        open_lines.filtered(lambda one, account=account: one.account_id == account).reconcile()
