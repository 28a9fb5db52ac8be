from __future__ import annotations

from datetime import timedelta
from typing import Any

from odoo import api, fields, models

PER_MINUTE = 60
KEEP_DAYS = 30


class EmobilityNapFetch(models.Model):
    """Somebody read public data: what, when, with which answer. Who it was is kept as a digest only."""

    _name = "emobility.nap.fetch"
    _description = "Fetch of Public Data"
    _order = "id desc"
    _rec_name = "kind"
    _check_company_auto = True

    publication_id = fields.Many2one(
        "emobility.nap.publication", required=True, readonly=True, index=True, ondelete="cascade", check_company=True
    )
    company_id = fields.Many2one(related="publication_id.company_id", store=True, index=True)
    at = fields.Datetime("Time", required=True, readonly=True, default=fields.Datetime.now)
    kind = fields.Char("Document", required=True, readonly=True)
    since = fields.Datetime("Changes Since", readonly=True, help="Empty: everything was asked for.")
    status = fields.Integer(
        readonly=True,
        help="200: sent; 204: nothing to send; 304: unchanged since it was fetched last; 400: the time of the delta "
        "could not be read; 401: no valid token; 503: the data were just being made.",
    )
    size = fields.Integer("Bytes", readonly=True)
    client = fields.Char(readonly=True, groups="base.group_system")

    _by_client = models.Index("(publication_id, client, at)")

    @api.model
    def _is_too_often(self, publication: Any, client: str) -> bool:
        since = fields.Datetime.now() - timedelta(minutes=1)
        recent = [("publication_id", "=", publication.id), ("client", "=", client), ("at", ">=", since)]
        return self.sudo().search_count(recent, limit=PER_MINUTE) >= PER_MINUTE

    @api.autovacuum
    def _gc_fetches(self) -> None:
        limit = fields.Datetime.now() - timedelta(days=KEEP_DAYS)
        self.sudo().search([("at", "<", limit)], limit=100_000).unlink()
