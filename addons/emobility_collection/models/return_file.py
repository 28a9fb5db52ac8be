from __future__ import annotations

import base64
import hashlib
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..bank_message import MessageError, Returned, read


class EmobilityReturnFile(models.Model):
    """A file of the bank about debits that were not paid. The same content is taken in once."""

    _name = "emobility.return.file"
    _description = "Bank file of returned debits"
    _inherit = ["emobility.guarded", "mail.thread"]
    _order = "id desc"
    _check_company_auto = True

    name = fields.Char(required=True, readonly=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    content = fields.Binary(attachment=True, readonly=True)
    content_hash = fields.Char(readonly=True)
    item_ids = fields.One2many("emobility.return.item", "file_id", "Returned debits", readonly=True)
    item_count = fields.Integer(compute="_compute_counts")
    unknown_count = fields.Integer("To clarify", compute="_compute_counts")

    _content_uniq = models.UniqueIndex("(company_id, content_hash)", "This file has been imported already.")

    @api.depends("item_ids.state")
    def _compute_counts(self) -> None:
        for file in self:
            file.item_count = len(file.item_ids)
            file.unknown_count = len(file.item_ids.filtered(lambda item: item.state == "unknown"))

    @api.model
    def _import(self, name: str, content: bytes, company: Any) -> Any:
        """Take a file in and do what its reasons ask for. Again: the file of the first time, nothing else."""
        digest = hashlib.sha256(content).hexdigest()
        files = self.sudo()._as_system()
        known = files.search([("company_id", "=", company.id), ("content_hash", "=", digest)])
        if known:
            return known
        try:
            found = read(content)
        except MessageError as error:
            raise UserError(self.env._("%(file)s cannot be read: %(error)s.", file=name, error=error)) from error
        file = files.create(
            {"name": name, "company_id": company.id, "content": base64.b64encode(content), "content_hash": digest}
        )
        for returned in found:
            file._take_in(returned)
        return file

    def _take_in(self, returned: Returned) -> None:
        """One item per debit: those of a rejected lot or order are looked up."""
        self.ensure_one()
        items = self.env["emobility.return.item"].sudo()
        payments = items._payments_of(returned, self.company_id)
        for payment in payments or [payments]:
            items._make(self, returned, payment)

    def action_view_items(self) -> dict[str, Any]:
        """Debits of these files."""
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_collection.action_return_item")
        return {**action, "domain": [("file_id", "in", self.ids)], "context": {}}
