from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from odoo import fields, models
from odoo.exceptions import UserError

from odoo.addons.emobility_roaming.models.ocpi_object import Incoming
from odoo.addons.emobility_roaming.models.ocpi_receiver import literal
from odoo.addons.emobility_roaming.ocpi import payments
from odoo.addons.emobility_roaming.ocpi.internal import Party
from odoo.addons.emobility_roaming.ocpi.transport import INVALID, OcpiError, Page
from odoo.addons.emobility_roaming.ocpi.versions import as_json
from odoo.addons.emobility_terminal.terminal_messages import Confirmation, TerminalError

LISTS = ("terminals", "financial-advice-confirmations")


class EmobilityOcpiConnection(models.Model):
    """The platform of a payment terminal provider: its terminals, and what they captured."""

    _inherit = "emobility.ocpi.connection"

    terminal_ids = fields.One2many("emobility.terminal", "connection_id", "Card terminals")

    def _terminal_provider(self) -> Any:
        """The party behind this connection that provides terminals; none when there is none."""
        return self.sudo().party_ids.filtered(lambda party: party.role == "PTP")[:1]

    def _is_terminal_provider(self) -> bool:
        return bool(self._terminal_provider())

    def _more_endpoints(self, version: str) -> list[tuple[str, str, str]]:
        more = super()._more_endpoints(version)
        # Before the registration nobody knows yet what the partner is.
        is_meant = self._is_terminal_provider() or self.token_kind != "credentials"
        if version == "2.3.0" and self._we_are("CPO") and is_meant:
            more = [*more, ("payments", "cpo/payments", "RECEIVER")]
        return more

    # What it tells

    def _payments_object(self, kind: str, uid: str) -> Any:
        """What it told, word for word. :raises OcpiError: when it told of no such thing"""
        party = self._terminal_provider()
        owner = Party.of(party.country_code, party.party_id)
        found = self.env["emobility.ocpi.object"].sudo()._find(self, "payments", owner, uid, kind)
        if not found:
            raise OcpiError(INVALID, "There is no such object here.", 404)
        return found

    def _is_news(self, kind: str, uid: str, data: dict[str, Any], told_at: datetime) -> bool:
        """Keep it word for word; an older word that comes late is no news."""
        party = self._terminal_provider()
        told = Incoming(Party.of(party.country_code, party.party_id), uid, data, told_at, kind)
        return bool(self.env["emobility.ocpi.object"].sudo()._store(self, "payments", [told]))

    def _terminal_known(self, uid: str) -> Any:
        """:raises OcpiError: when this provider told of no such terminal"""
        terminal = self.sudo().terminal_ids.filtered(lambda one: one.identity.upper() == uid.upper())
        if not terminal:
            raise OcpiError(INVALID, "There is no such terminal here.", 404)
        return terminal

    def _take_terminal(self, data: dict[str, Any]) -> bool:
        """A terminal of the provider: a new one, or the one that we asked to be activated.

        :raises OcpiError: when another provider has it, or we cannot take payments at terminals
        """
        told = payments.Terminal.model_validate(data)
        at = told.last_updated or datetime.now(UTC)
        if not self._is_news("terminal", told.terminal_id, data, at):
            return False
        terminals = self.env["emobility.terminal"].sudo().with_context(active_test=False, ocpi_told=True)
        known = terminals.search([("identity", "=ilike", literal(told.terminal_id))])
        if known.connection_id != self and known:
            raise OcpiError(INVALID, "The terminal is that of somebody else.")
        if not known and told.reference:
            asked = [("connection_id", "=", self.id), ("ptp_state", "=", "activating")]
            known = terminals.search([*asked, ("serial", "=ilike", literal(told.reference))], limit=1)
        values = terminals._of_ocpi(self, told)
        if known:
            known.write(values | {"identity": told.terminal_id})
        else:
            terminals._create_of_ocpi(self, told, values)
        return True

    def _take_confirmation(self, data: dict[str, Any]) -> bool:
        """What became of a capture. One that fits nowhere waits for a person.

        :raises OcpiError: when the amount cannot be told, or the provider has no terminal here
        """
        known = as_json(payments.FinancialAdviceConfirmation.model_validate(data))
        told = Confirmation.model_validate(known)
        # Card numbers are in no copy of it.
        masked = known | {"eft_data": list(told.eft_data), "capture_status_message": told.capture_status_message}
        if not self._is_news("confirmation", told.id, masked, told.last_updated):
            return False
        terminal = self._terminal_of_confirmation(told)
        if not terminal:
            raise OcpiError(INVALID, "Tell of your terminals first.")
        try:
            self.env["emobility.terminal.confirmation"]._receive(terminal, told)
        except TerminalError as error:
            raise OcpiError(INVALID, error.message) from None
        return True

    def _terminal_of_confirmation(self, told: Confirmation) -> Any:
        """The terminal that the card was at; of something unknown the one of before, else any of this provider."""
        terminals = self.sudo().with_context(active_test=False).terminal_ids
        mine = [("terminal_id", "in", terminals.ids)]
        before = self.env["emobility.terminal.confirmation"].sudo().search([*mine, ("uid", "=", told.id)], limit=1)
        sessions = self.env["emobility.adhoc.session"].sudo()
        adhoc = sessions.search([*mine, ("terminal_reference", "=", told.authorization_reference)], limit=1)
        return before.terminal_id or adhoc.terminal_id or terminals[:1]

    # What we fetch

    def _pulled_modules(self) -> list[str]:
        found = super()._pulled_modules()
        return [*found, "payments"] if self.version == "2.3.0" and self._is_terminal_provider() else found

    def _pull(
        self, module: str, full: bool = False, date_from: datetime | None = None, attempt: int = 0, **where: Any
    ) -> int:
        """Job: the module payments has two lists below its address."""
        if module != "payments":
            return super()._pull(module, full, date_from, attempt, **where)
        source = self.env["emobility.ocpi.module"]._of(self, module, "SENDER")
        if self.state != "connected" or not source or not self._may_call():
            return 0
        begun = fields.Datetime.now()
        since = date_from or (None if full else source.pulled_until or None)
        page = Page(limit=self.page_size, date_from=since.replace(tzinfo=UTC) if since else None)
        count, errors = 0, []
        for name in LISTS:
            taken, error = self._pull_list(f"{source.url.rstrip('/')}/{name}", page)
            count += taken
            errors += [error] if error else []
        source.write({"last_error": "; ".join(errors)[:500] or False})
        if not errors:
            source.pulled_until = begun
        return count

    def _pull_list(self, url: str, page: Page) -> tuple[int, str | None]:
        count, error = 0, None
        try:
            for answer in self._client().pages(url, page, self._routing("payments").headers()):
                self._log_call("GET", url, "payments", None, answer)
                if not answer.ok or not isinstance(answer.data, list):
                    return count, answer.error or self.env._("The answer holds no list.")
                taken, problem = self._take_page("payments", answer.data)
                count += taken
                error = problem or error
        except OcpiError as refused:
            error = refused.message
        return count, error

    def _take(self, module: str, items: list[Any]) -> int:
        if module != "payments":
            return super()._take(module, items)
        count = 0
        for item in items:
            is_confirmation = isinstance(item, dict) and "authorization_reference" in item
            try:
                count += self._take_confirmation(item) if is_confirmation else self._take_terminal(item)
            except OcpiError as refused:
                raise UserError(refused.message) from None
        return count
