from __future__ import annotations

from typing import Any

from markupsafe import Markup

from odoo import fields, models

from odoo.addons.emobility_adhoc.models.adhoc_session import FINAL

# The part of the hold from which on the terminal is asked to hold more.
ASK_FROM = 0.6


class EmobilityAdhocSession(models.Model):
    """A session whose hold is at a card terminal."""

    _inherit = "emobility.adhoc.session"

    terminal_id = fields.Many2one(
        "emobility.terminal", readonly=True, index="btree_not_null", ondelete="restrict", check_company=True
    )
    terminal_reference = fields.Char(readonly=True, help="How the terminal calls the pre-authorisation.")
    terminal_card = fields.Char("Card (masked)", readonly=True)
    terminal_eft_data = fields.Text(
        "Card slip", readonly=True, help="What the terminal said of the card payment; it belongs on the receipt."
    )

    terminal_can_increase = fields.Boolean(
        "Hold can grow", readonly=True, help="The terminal said that more can be held on this card later."
    )
    terminal_increase_to = fields.Monetary("Asked to hold", readonly=True)

    _terminal_reference_unique = models.UniqueIndex(
        "(terminal_id, terminal_reference) WHERE terminal_reference IS NOT NULL",
        "The terminal has told of this pre-authorisation already.",
    )

    # A hold that grows

    def _watch_limit(self) -> None:  # pylint: disable=missing-return
        """A terminal needs time to hold more: it is asked long before the limit is reached."""
        if self.terminal_can_increase and not self.terminal_increase_to and not self.stop_requested_at:
            held, most = self.transaction_id.amount, self.company_id.adhoc_hold_max
            ahead = self._cost_ahead()
            if ahead is not None and ahead >= held * ASK_FROM and held < most:
                self.terminal_increase_to = self.currency_id.round(min(held + self.hold_amount, most))
        super()._watch_limit()

    def _increase_order(self) -> dict[str, Any]:
        """It may be repeated: it says how much is to be held in the end."""
        return {
            "action": "increase",
            "authorization_reference": self.terminal_reference,
            "amount": f"{self.terminal_increase_to:.2f}",
            "currency": self.currency_id.name,
        }

    def _hold_is_now(self, amount: float) -> None:
        """What the terminal holds by now: more, or as before when the bank did not want it."""
        adhoc = self._locked()
        hold = adhoc.transaction_id
        if hold.state != "authorized":
            return
        if adhoc.currency_id.compare_amounts(amount, hold.amount) > 0:
            hold.amount = amount
        else:
            adhoc.terminal_can_increase = False
        adhoc.terminal_increase_to = 0.0

    def _card_label(self) -> str:
        return self.terminal_card or super()._card_label()

    def _make_receipt(self, rating: Any) -> None:  # pylint: disable=missing-return
        super()._make_receipt(rating)
        self._put_slip_on_receipt()

    def _put_slip_on_receipt(self) -> None:
        """The law wants the data of the card payment on the receipt."""
        if self.move_id and self.terminal_eft_data:
            lines = Markup("<br/>").join(self.terminal_eft_data.splitlines())
            self.move_id.narration = (self.move_id.narration or Markup("")) + Markup("<p>%s</p>") % lines

    def _on_payment(self) -> None:  # pylint: disable=missing-return
        """Job: a release that took its time may have kept what is due waiting."""
        super()._on_payment()
        adhoc = self._locked()
        if adhoc.terminal_id and adhoc.state == "released" and adhoc.transaction_id.state != "authorized":
            if adhoc.attention == "release_failed":
                adhoc.attention = False
            if adhoc.move_id:
                adhoc._capture_due()

    def _terminal_status(self) -> dict[str, Any]:
        """What the terminal shows while it goes on, and prints at the end."""
        adhoc = self.sudo().with_context(lang=self.sudo().lang or "en_US")
        status = adhoc._public_status()
        over = adhoc.state in FINAL
        return {
            "authorization_reference": adhoc.terminal_reference,
            "session": adhoc.name,
            "evse_uid": adhoc.evse_id.uid,
            "currency": adhoc.currency_id.name,
            **status,
            "captured": f"{adhoc.amount_captured:.2f}",
            "reason": adhoc.ended_reason or None,
            "receipt": adhoc._terminal_receipt() if over and adhoc.move_id else [],
            "receipt_url": f"{adhoc._session_url()}/receipt.pdf" if over and adhoc.move_id else None,
            "session_url": adhoc._session_url(),
        }

    def _terminal_receipt(self) -> list[str]:
        """The receipt for the printer or the display of the terminal, line by line."""
        company, move, session = self.company_id, self.move_id, self.session_id
        sheet, lang = self._sheet(), self.env.lang or "en"
        day = fields.Date.to_string(move.invoice_date)
        return [
            line
            for line in (
                company.name,
                company.street,
                " ".join(filter(None, (company.zip, company.city))),
                company.vat,
                self.env._("Receipt %(number)s of %(day)s", number=move.name, day=day),
                f"{self.location_id.name}, {self.evse_id.display_name}",
                f"{session.energy_kwh:.3f} kWh",
                *(sheet.price_text(one, lang) for one in sheet.lines),
                self.env._("Total %(amount)s %(currency)s, of which tax %(tax)s", amount=f"{move.amount_total:.2f}",
                           currency=move.currency_id.name, tax=f"{move.amount_tax:.2f}"),
                self.env._("Charged %(amount)s %(currency)s", amount=f"{self.amount_captured:.2f}",
                           currency=move.currency_id.name),
                self.terminal_card,
                *(self.terminal_eft_data or "").splitlines(),
            )
            if line
        ]  # fmt: skip
