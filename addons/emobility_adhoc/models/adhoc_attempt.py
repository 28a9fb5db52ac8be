from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from typing import Any, NamedTuple

from odoo import api, fields, models


class Limit(NamedTuple):
    """At most so many in so many minutes."""

    count: int
    minutes: int


PER_CLIENT = {
    "start": Limit(8, 10),
    "code": Limit(10, 10),
    "voucher": Limit(5, 30),
    "report": Limit(3, 60),
    "invoice": Limit(6, 60),
}
PER_EVSE = {"start": Limit(20, 10), "report": Limit(10, 60)}
# Who has so many holds released without charging within a day may try others' cards: no more today.
FARMING = Limit(5, 24 * 60)
KEEP_DAYS = 2


class EmobilityAdhocAttempt(models.Model):
    """What an address tried lately, to slow down whoever tries too much. It is forgotten after two days."""

    _name = "emobility.adhoc.attempt"
    _description = "Attempt on a public page"
    _order = "id desc"

    kind = fields.Char(required=True, readonly=True)
    client = fields.Char(required=True, readonly=True)
    evse_id = fields.Many2one("emobility.evse", "EVSE", readonly=True, index="btree_not_null", ondelete="cascade")

    _by_client = models.Index("(client, kind, create_date)")

    @api.model
    def _client(self, address: str) -> str:
        """A digest of a network address: it tells the same one again, and cannot be turned back."""
        secret = self.env["ir.config_parameter"].sudo().get_param("database.secret") or ""
        return hmac.new(secret.encode(), f"adhoc:{address}".encode(), hashlib.sha256).hexdigest()[:24]

    @api.model
    def _may(self, kind: str, client: str, evse: Any = None) -> bool:
        """Count an attempt and say whether it is within the limits."""
        attempts = self.sudo()
        attempts.create({"kind": kind, "client": client, "evse_id": evse.id if evse else False})
        if self._exceeds(PER_CLIENT[kind], [("kind", "=", kind), ("client", "=", client)]):
            return False
        if evse and kind in PER_EVSE:
            return not self._exceeds(PER_EVSE[kind], [("kind", "=", kind), ("evse_id", "=", evse.id)])
        return True

    def _exceeds(self, limit: Limit, domain: list[Any]) -> bool:
        since = fields.Datetime.now() - timedelta(minutes=limit.minutes)
        return self.sudo().search_count([*domain, ("create_date", ">=", since)]) > limit.count

    @api.model
    def _is_farming(self, client: str) -> bool:
        """Whether this address had many holds that nobody charged with: it tries cards."""
        since = fields.Datetime.now() - timedelta(minutes=FARMING.minutes)
        wasted = self.env["emobility.adhoc.session"].sudo().search_count(
            [("client", "=", client), ("create_date", ">=", since), ("transaction_ids", "!=", False),
             ("session_id", "=", False), ("state", "in", ("draft", "released"))]
        )  # fmt: skip
        return wasted >= FARMING.count

    @api.autovacuum
    def _gc_attempts(self) -> None:
        limit = fields.Datetime.now() - timedelta(days=KEEP_DAYS)
        self.sudo().search([("create_date", "<", limit)], limit=100_000).unlink()
