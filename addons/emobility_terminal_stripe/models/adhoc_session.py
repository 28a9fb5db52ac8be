from __future__ import annotations

from datetime import timedelta
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from odoo.addons.emobility_adhoc.models.adhoc_session import FINAL

POLL_SECONDS = 3
# So long the customer has to show a card; the reader itself gives up sooner.
PATIENCE = timedelta(seconds=120)
REASONS = {"card_declined": "card_refused", "customer_canceled": "cancelled"}


class EmobilityAdhocSession(models.Model):
    """The card is shown at a reader of Stripe.

    The reader is told to hold an amount, and looked at until it says what became of it; a webhook that comes first, or
    never, makes no difference. Once there is a hold it is one at Stripe as any other.
    """

    _inherit = "emobility.adhoc.session"

    ended_reason = fields.Selection(
        selection_add=[
            ("card_refused", "The card was refused."),
            ("card_timeout", "No card was shown in time."),
            ("terminal_busy", "The card terminal is busy or out of order."),
        ]
    )

    @api.model
    def _check_out_at_reader(self, evse: Any, terminal: Any, **values: Any) -> EmobilityAdhocSession:
        """A customer wants to pay at the reader. :raises UserError: when somebody else does so at this moment"""
        waiting = [("terminal_id", "=", terminal.id), ("state", "=", "draft")]
        if self.sudo().search_count([*waiting, ("create_date", ">", fields.Datetime.now() - PATIENCE)], limit=1):
            raise UserError(self.env._("Somebody else is paying at the card terminal. Please wait a moment."))
        adhoc = self._check_out(evse, **values)
        if adhoc.kind == "paid":
            adhoc.terminal_id = terminal
            adhoc._enqueue("reader")._show_at_reader()
        return adhoc

    def _show_at_reader(self) -> None:
        """Job: let the reader ask for a card. Repeated, it finds the intent that was made before."""
        adhoc = self._locked()
        if adhoc.state != "draft" or adhoc.transaction_ids:
            return
        terminal = adhoc.terminal_id
        hold = adhoc._make_reader_hold()
        intent = hold._stripe_create_intent()
        if not intent:
            adhoc._release("terminal_busy")
            return
        hold.provider_reference = adhoc.terminal_reference = intent["id"]
        try:
            terminal._stripe_call("POST", "process_payment_intent", {"payment_intent": intent["id"]})
        except ValidationError as error:
            # It may have been told nevertheless, and only the answer was lost.
            if not adhoc._is_at_reader():
                adhoc.message_post(body=str(error))
                adhoc._release("terminal_busy")
                return
        adhoc._look_again()

    def _make_reader_hold(self) -> Any:
        transactions = self.env["payment.transaction"].sudo()
        return transactions.create(
            {
                "provider_id": self.terminal_id.provider_id.id,
                "payment_method_id": self.env.ref("payment.payment_method_card").id,
                "reference": transactions._compute_reference("stripe", prefix=self.name),
                "amount": self.hold_amount,
                "currency_id": self.currency_id.id,
                "partner_id": self.company_id._adhoc_payer().id,
                "operation": "online_direct",
                "adhoc_id": self.id,
            }
        )

    def _reader_action(self) -> dict[str, Any]:
        """What the reader does for this session; nothing when it does something else."""
        try:
            action = self.terminal_id._stripe_call("GET").get("action") or {}
        except ValidationError:
            return {}
        is_mine = (action.get("process_payment_intent") or {}).get("payment_intent") == self.terminal_reference
        return action if is_mine else {}

    def _is_at_reader(self) -> bool:
        return self._reader_action().get("status") == "in_progress"

    def _look_again(self) -> None:
        self._enqueue("card", eta=fields.Datetime.now() + timedelta(seconds=POLL_SECONDS))._check_reader()

    def _check_reader(self) -> None:
        """Job: has a card been shown?"""
        adhoc = self._locked()
        hold = adhoc.transaction_ids.filtered(lambda tx: not tx.source_transaction_id)[:1]
        if not adhoc.terminal_id.stripe_reader or not hold:
            return
        if hold.state == "authorized" or adhoc._ask_stripe(hold):
            adhoc._keep_card(hold)
        elif adhoc.state == "draft":
            action = adhoc._reader_action()
            if action.get("status") == "failed":
                adhoc._release(REASONS.get(action.get("failure_code") or "", "card_timeout"))
            elif fields.Datetime.now() > adhoc.create_date + PATIENCE:
                adhoc._release("card_timeout")
            else:
                adhoc._look_again()

    def _ask_stripe(self, hold: Any) -> bool:
        """Whether a card was shown, and the amount is held."""
        try:
            intent = hold._send_api_request("GET", f"payment_intents/{hold.provider_reference}")
        except ValidationError:
            return False
        if intent["status"] not in ("requires_capture", "succeeded", "canceled"):
            return False
        hold._stripe_process_intent(intent)
        return hold.state == "authorized"

    def _keep_card(self, hold: Any) -> None:
        """What of the card belongs on the receipt."""
        try:
            intent = hold._send_api_request(
                "GET", f"payment_intents/{hold.provider_reference}", params={"expand[]": "latest_charge"}
            )
        except ValidationError:
            return
        charge = intent.get("latest_charge")
        card = (charge or {}).get("payment_method_details", {}).get("card_present") or {}
        receipt = card.get("receipt") or {}
        lines = (
            receipt.get("application_preferred_name"),
            receipt.get("dedicated_file_name") and f"AID: {receipt['dedicated_file_name']}",
            receipt.get("authorization_code") and f"Auth: {receipt['authorization_code']}",
        )
        self.write(
            {
                "terminal_card": f"{(card.get('brand') or '').title()} **** {card.get('last4') or ''}",
                "terminal_eft_data": "\n".join(filter(None, lines)),
            }
        )

    def _release(self, reason: str) -> None:  # pylint: disable=missing-return
        """Nobody shall be asked for a card any more."""
        was_open = self.state not in FINAL
        super()._release(reason)
        if self.terminal_id.stripe_reader and was_open:
            self._stop_reader()

    def _stop_reader(self) -> None:
        holds = self.transaction_ids.filtered(lambda tx: not tx.source_transaction_id)
        for hold in holds.filtered(lambda tx: tx.state in ("draft", "pending", "error") and tx.provider_reference):
            if self._is_at_reader():
                self._quietly(f"terminal/readers/{self.terminal_id.stripe_reader}/cancel_action")
            # A card that is shown all the same is told by a webhook, and given back at once.
            intent = self._quietly(f"payment_intents/{hold.provider_reference}/cancel")
            if intent:
                hold._stripe_process_intent(intent)

    def _quietly(self, path: str) -> dict[str, Any]:
        """A request that may fail: what it is for is looked after in another way too."""
        try:
            answer: dict[str, Any] = self.terminal_id.provider_id.sudo()._send_api_request("POST", path)
        except ValidationError:
            return {}
        return answer

    @api.model
    def _cron_watch(self) -> None:  # pylint: disable=missing-return
        """A lost job does not leave a customer at the reader."""
        super()._cron_watch()
        for adhoc in self.sudo()._as_system().search(
            [("state", "=", "draft"), ("terminal_id.stripe_reader", "!=", False)]
        ):
            step = "_check_reader" if adhoc.transaction_ids else "_show_at_reader"
            getattr(adhoc._enqueue(f"cron{step}"), step)()
