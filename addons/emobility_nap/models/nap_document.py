from __future__ import annotations

from odoo import fields, models


class EmobilityNapDocument(models.Model):
    """A snapshot as it was last made; it is made again only when something in it has changed."""

    _name = "emobility.nap.document"
    _description = "Public Data Snapshot"
    _rec_name = "kind"

    publication_id = fields.Many2one(
        "emobility.nap.publication", required=True, readonly=True, index=True, ondelete="cascade"
    )
    kind = fields.Char(required=True, readonly=True)
    revision = fields.Integer(required=True, readonly=True)
    body = fields.Binary(attachment=False, readonly=True)
    etag = fields.Char(readonly=True, help="Empty: not made yet.")
    changed_at = fields.Datetime(readonly=True)

    _document_uniq = models.UniqueIndex("(publication_id, kind)", "There is one snapshot of each kind.")
