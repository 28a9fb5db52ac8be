from __future__ import annotations

import uuid
from datetime import UTC
from typing import Any, Self

from odoo import api, fields, models

from ..ocpi.v230 import InvoiceReconciliationRecord


class EmobilityOcpiReconciliation(models.Model):
    """Which CDRs an invoice of ours is about, for the partner that got the invoice (OCPI 2.3.0)."""

    _name = "emobility.ocpi.reconciliation"
    _inherit = "emobility.guarded"
    _description = "OCPI Invoice Reconciliation"
    _order = "id desc"
    _rec_name = "invoice_ref"
    _check_company_auto = True

    uid = fields.Char("OCPI ID", required=True, readonly=True, default=lambda self: str(uuid.uuid4()))
    connection_id = fields.Many2one(
        "emobility.ocpi.connection", required=True, readonly=True, index=True, ondelete="restrict", check_company=True
    )
    company_id = fields.Many2one(related="connection_id.company_id", store=True, index=True)
    invoice_ref = fields.Char("Invoice", required=True, readonly=True)
    cdr_ids = fields.Many2many("emobility.roaming.cdr", string="CDRs", readonly=True)

    _once = models.UniqueIndex("(connection_id, invoice_ref)", "This invoice has been told to the partner already.")

    @api.model
    def _tell(self, connection: Any, invoice_ref: str, cdrs: Any) -> Self:
        """Tell the partner which CDRs the invoice is about; partners of older versions cannot be told."""
        record = self.sudo()._as_system().create(
            [{"connection_id": connection.id, "invoice_ref": invoice_ref, "cdr_ids": cdrs.ids}]
        )
        if connection.version == "2.3.0":
            connection._queue_one("invoicereconciliation", record)
        return record

    def _record(self) -> InvoiceReconciliationRecord:
        party = self.connection_id._our_party()
        return InvoiceReconciliationRecord(
            country_code=party.country_code,
            party_id=party.party_id,
            id=self.uid,
            invoice_id=self.invoice_ref,
            cdrs=tuple(self.cdr_ids.mapped("name")),
            last_updated=self.create_date.replace(tzinfo=UTC),
        )
