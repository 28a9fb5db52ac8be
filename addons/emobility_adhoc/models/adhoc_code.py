from __future__ import annotations

import hashlib
import hmac
import time
from datetime import timedelta
from typing import Any

from odoo import api, fields, models
from odoo.tools import SQL

from .adhoc_voucher import readable_code

CODE_LENGTH = 8
ROTATE_MINUTES = 5
# Who scans a code just before it is replaced still has the time to press the button.
VALID_MINUTES = 2 * ROTATE_MINUTES
KEEP_DAYS = 2


class EmobilityAdhocCode(models.Model):
    """A code for one session, as the display of a station shows it, or as the station made it itself."""

    _name = "emobility.adhoc.code"
    _description = "Code for one session"
    _order = "id desc"
    _rec_name = "evse_id"

    evse_id = fields.Many2one("emobility.evse", "EVSE", required=True, readonly=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(related="evse_id.company_id", store=True, index=True)
    code = fields.Char(required=True, readonly=True, index=True)
    expires_at = fields.Datetime(required=True, readonly=True)
    used_at = fields.Datetime(readonly=True)
    command_ids = fields.Many2many(
        "emobility.command", "emobility_adhoc_code_command_rel", "code_id", "command_id", "Commands", readonly=True
    )

    _once = models.UniqueIndex("(evse_id, code)", "This code exists already.")

    @api.model
    def _issue(self, evse: Any) -> EmobilityAdhocCode:
        """A new code for the display of this EVSE."""
        until = fields.Datetime.now() + timedelta(minutes=VALID_MINUTES)
        return self.sudo().create({"evse_id": evse.id, "code": readable_code(CODE_LENGTH), "expires_at": until})

    @api.model
    def _find(self, code: str) -> EmobilityAdhocCode:
        """The code that somebody typed or scanned, when it is still good."""
        wanted = "".join(code.split()).upper()[:CODE_LENGTH]
        found = self.sudo().search([("code", "=", wanted), ("used_at", "=", False)], limit=2)
        return found.filtered(lambda one: one.expires_at > fields.Datetime.now()) if len(found) == 1 else self.browse()

    def _signature(self) -> str:
        """Says that the code in an address comes from us."""
        return self._digest(f"adhoc-display:{self.code}")[:12]

    @api.model
    def _digest(self, text: str) -> str:
        secret = self.env["ir.config_parameter"].sudo().get_param("database.secret") or ""
        return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()

    # The ticket: what the page of a charging point has from whoever came with a fresh code

    @api.model
    def _ticket(self, evse: Any, code: str) -> str:
        until = int(time.time()) + 60 * VALID_MINUTES
        return f"{until}.{code}.{self._digest(f'adhoc-ticket:{evse.id}:{until}:{code}')[:32]}"

    @api.model
    def _read_ticket(self, evse: Any, ticket: str) -> str | None:
        """The code of a ticket of ours that is not too old and that nobody has used."""
        until, _dot, rest = ticket.partition(".")
        code, _dot, signature = rest.rpartition(".")
        right = self._digest(f"adhoc-ticket:{evse.id}:{until}:{code}")[:32]
        if not hmac.compare_digest(signature.encode(), right.encode()):
            return None
        if int(until) < time.time():
            return None
        used = [("evse_id", "=", evse.id), ("code", "=", code), ("used_at", "!=", False)]
        return None if self.sudo().search_count(used, limit=1) else code

    @api.model
    def _redeem(self, evse: Any, ticket: str) -> bool:
        """Use the code of a ticket, once, whoever else tries it now; the other codes of the EVSE end with it."""
        code = self._read_ticket(evse, ticket)
        if code is None:
            return False
        now = fields.Datetime.now()
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO emobility_adhoc_code
                    (evse_id, company_id, code, expires_at, used_at, create_date, write_date)
                VALUES (%s, %s, %s, %s, %s, %s, %s)
                ON CONFLICT (evse_id, code) DO UPDATE SET used_at = EXCLUDED.used_at
                WHERE emobility_adhoc_code.used_at IS NULL RETURNING id
                """,
                evse.id, evse.company_id.id, code, now, now, now, now,
            )
        )  # fmt: skip
        if not self.env.cr.fetchone():
            return False
        self.invalidate_model()
        self.sudo().search([("evse_id", "=", evse.id), ("used_at", "=", False)]).used_at = now
        return True

    @api.autovacuum
    def _gc_codes(self) -> None:
        """Old codes go, and with them the commands that showed them: there are hundreds a day."""
        limit = fields.Datetime.now() - timedelta(days=KEEP_DAYS)
        old = self.sudo().search([("create_date", "<", limit)], limit=50_000)
        old.command_ids.unlink()
        old.unlink()
