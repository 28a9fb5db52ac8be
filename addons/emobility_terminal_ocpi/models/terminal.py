from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError as OcpiValidationError

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.emobility_billing.jobs import NORMAL, enqueue
from odoo.addons.emobility_roaming.models.ocpi_sync import FIRST_WAIT, TRIES
from odoo.addons.emobility_roaming.ocpi import payments
from odoo.addons.emobility_roaming.ocpi.transport import INVALID, OcpiError
from odoo.addons.emobility_roaming.ocpi.versions import as_json

# What is told to the provider when it changes here.
UPDATED = {"customer_reference", "invoice_base_url", "invoice_creator", "serial"}
STEPS = {"assign": "_tell_assignment", "update": "_tell_update", "activate": "_tell_activation",
         "deactivate": "_tell_deactivation"}  # fmt: skip


class EmobilityTerminal(models.Model):
    """A terminal of a payment terminal provider (OCPI 2.3.0, module payments).

    The provider owns the terminal and the hold on the card; we say which charging points it is for, start the session
    that it asks for, tell it the cost by the CDR, and hear from it what it captured.
    """

    _inherit = "emobility.terminal"

    connection_id = fields.Many2one(
        "emobility.ocpi.connection", "Terminal provider (OCPI)", check_company=True, ondelete="restrict",
        index="btree_not_null", tracking=True, domain=[("party_ids.role", "=", "PTP")],
        help="The platform of the payment terminal provider. Without one the terminal calls us with its key."
    )  # fmt: skip
    ptp_state = fields.Selection(
        [("new", "Not Activated"), ("activating", "Activation Asked For"), ("active", "In Use"),
         ("inactive", "Deactivated")],
        "At the provider", required=True, readonly=True, default="new", copy=False, tracking=True,
    )  # fmt: skip
    customer_reference = fields.Char(size=36, copy=False, help="How the provider tells your terminals from others'.")
    invoice_base_url = fields.Char("Invoice address", size=255, help="The provider adds the authorization reference.")
    invoice_creator = fields.Selection(
        [("CPO", "We"), ("PTP", "The terminal provider")], "Receipts are made by", required=True, default="CPO"
    )
    ptp_error = fields.Char("Not told", readonly=True, copy=False, help="Why the provider does not know of a change.")

    def write(self, vals: dict[str, Any]) -> bool:
        result = super().write(vals)
        if not self.env.context.get("ocpi_told"):
            for terminal in self.filtered(lambda one: one.connection_id and one.ptp_state == "active"):
                if "evse_ids" in vals:
                    terminal._queue_tell("assign")
                if vals.keys() & UPDATED:
                    terminal._queue_tell("update")
        return result

    # From the provider

    @api.model
    def _of_ocpi(self, connection: Any, told: payments.Terminal) -> dict[str, Any]:
        """Values of a terminal. Charging points only when some are named: usually we assign them."""
        values: dict[str, Any] = {"ptp_state": "active", "ptp_error": False}
        texts = {"serial": told.reference, "customer_reference": told.customer_reference,
                 "invoice_base_url": told.invoice_base_url,
                 "invoice_creator": told.invoice_creator and told.invoice_creator.upper()}  # fmt: skip
        values |= {name: text for name, text in texts.items() if text}
        if told.location_ids or told.evse_uids:
            evses = self._evses_of_ocpi(connection, told)
            values["evse_ids"] = [fields.Command.set(evses.ids)]
        return values

    @api.model
    def _evses_of_ocpi(self, connection: Any, told: payments.Terminal) -> Any:
        """The charging points of the locations, and those that are named, together."""
        company = ("company_id", "=", connection.company_id.id)
        locations = self.env["emobility.location"].sudo().search([company, ("roaming_partner_id", "=", False)])
        wanted = {uid.upper() for uid in told.location_ids or ()}
        uids = {uid.upper() for uid in told.evse_uids or ()}
        return locations.evse_ids.filtered(
            lambda evse: (evse.location_id.code or "").upper() in wanted or evse.uid.upper() in uids
        )

    @api.model
    def _create_of_ocpi(self, connection: Any, told: payments.Terminal, values: dict[str, Any]) -> Any:
        """:raises OcpiError: when the company takes no payments at terminals"""
        company = connection.company_id
        provider = self.with_company(company)._default_provider()
        if not provider:
            raise OcpiError(INVALID, "Payments at terminals are not set up here.")
        return self.create(
            values
            | {
                "name": " ".join(filter(None, (told.city, told.address))) or told.reference or told.terminal_id,
                "identity": told.terminal_id,
                "company_id": company.id,
                "provider_id": provider,
                "connection_id": connection.id,
            }
        )

    # To the provider

    def _queue_tell(self, step: str, attempt: int = 0) -> None:
        wait = FIRST_WAIT * 2 ** (attempt - 1) if attempt else None
        job = enqueue(
            self, f"emobility.terminal.ptp:{self.id}:{step}", self.env._("Tell the terminal provider"),
            eta=fields.Datetime.now() + wait if wait else None, priority=NORMAL,
        )  # fmt: skip
        job._tell(step, attempt)

    def _tell(self, step: str, attempt: int = 0) -> None:
        """Job: tell the provider how things are now, and try again when it is not there."""
        self.ensure_one()
        module = self.env["emobility.ocpi.module"]._of(self.connection_id, "payments", "SENDER")
        if not module:
            self.ptp_error = self.env._("The provider does not offer the module payments of OCPI 2.3.0.")
            return
        try:
            answer = getattr(self, STEPS[step])(f"{module.url.rstrip('/')}/terminals")
        except OcpiValidationError as error:
            self.ptp_error = str(error)[:500]
            return
        self.ptp_error = False if answer.ok else (answer.error or self.env._("No answer."))[:500]
        is_down = not answer.ok and (not answer.status or answer.status >= 500 or answer.status == 429)
        if is_down and attempt + 1 < TRIES:
            self._queue_tell(step, attempt + 1)

    def _call_provider(self, method: str, url: str, message: Any = None) -> Any:
        body = as_json(message) if message else None
        party = self.connection_id._terminal_provider()
        return self.connection_id._call(method, url, module="payments", body=body, receiver=party)

    def _tell_assignment(self, url: str) -> Any:
        uids = tuple(sorted(self.evse_ids.mapped("uid")))
        told = payments.TerminalAssignment(location_ids=(), evse_uids=uids, last_updated=datetime.now(UTC))
        return self._call_provider("PATCH", f"{url}/{self.identity}", told)

    def _tell_update(self, url: str) -> Any:
        return self._call_provider("PUT", f"{url}/{self.identity}", payments.Terminal.model_validate(self._to_ocpi()))

    def _tell_activation(self, url: str) -> Any:
        known = {name: value for name, value in self._to_ocpi().items() if name != "terminal_id"}
        answer = self._call_provider("POST", f"{url}/activate", payments.TerminalActivation.model_validate(known))
        if not answer.ok and answer.status == 200:
            self.ptp_state = "new"
        return answer

    def _tell_deactivation(self, url: str) -> Any:
        answer = self._call_provider("POST", f"{url}/{self.identity}/deactivate")
        if answer.ok:
            self.ptp_state = "inactive"
        return answer

    def _to_ocpi(self) -> dict[str, Any]:
        data = super()._to_ocpi()
        if not self.connection_id:
            return data
        location = self.location_ids[:1]
        ours = {
            "customer_reference": self.customer_reference or None,
            "invoice_base_url": self.invoice_base_url or None,
            "invoice_creator": self.invoice_creator,
            "address": (location.street or "")[:45] or None,
            "city": (location.city or "")[:45] or None,
            "postal_code": (location.zip or "")[:10] or None,
        }
        return data | {name: value for name, value in ours.items() if value is not None}

    def _settles_alone(self) -> bool:
        """The provider has the CDR, and confirms what it captured."""
        return bool(self.connection_id) or super()._settles_alone()

    # Buttons

    def action_activate(self) -> None:
        """Ask the provider to put the terminal into use; it then tells of it with its own ID."""
        self.ensure_one()
        self.check_access("write")
        if not self.serial:
            raise UserError(self.env._("Enter the serial number: by it the provider knows the terminal."))
        self.ptp_state = "activating"
        self._queue_tell("activate")

    def action_deactivate(self) -> None:
        """Ask the provider to take the terminal out of use."""
        self.ensure_one()
        self.check_access("write")
        self._queue_tell("deactivate")

    def action_tell_again(self) -> None:
        """Tell the provider again what is assigned, and what else it should know."""
        self.ensure_one()
        self.check_access("write")
        self._queue_tell("assign")
        self._queue_tell("update")

    # A session that the provider asks for

    def _start_for_provider(self, evse: Any, command: Any) -> Any:
        """The session for a card that the provider holds money on; None when nothing can be sold here."""
        reference = command.authorization_reference
        if known := self._adhoc_of(reference):
            return known if known.evse_id == evse else None
        version = evse._adhoc_version()
        sheet = evse._adhoc_sheet()
        if sheet is None or self.provider_id.state == "disabled" or evse._adhoc_is_taken():
            return None
        adhoc = self.env["emobility.adhoc.session"]._check_out(
            evse, email=None, lang=self._language(command.token.language or ""), client=self.identity
        )
        amount = self.env["emobility.ocpi.publisher"]._preauthorize_amount(self.connection_id, version)
        adhoc.write({"terminal_id": self.id, "terminal_reference": reference, "hold_amount": amount})
        if adhoc.kind == "paid":
            self._make_hold(adhoc)
        return adhoc
