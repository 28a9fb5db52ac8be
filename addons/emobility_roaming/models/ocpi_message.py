from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..ocpi.internal import Party
from ..ocpi.transport import redacted
from .ocpi_module import MODULES

LONGEST = 200_000
"""Characters of a text that are kept."""
KEPT_DAYS = 90


class EmobilityOcpiMessage(models.Model):
    """A request and its answer, as they went over the wire, without secrets."""

    _name = "emobility.ocpi.message"
    _inherit = "emobility.guarded"
    _description = "OCPI Message"
    _order = "id desc"
    _rec_name = "path"

    connection_id = fields.Many2one(
        "emobility.ocpi.connection", readonly=True, index=True, ondelete="cascade", check_company=True
    )
    company_id = fields.Many2one("res.company", readonly=True, index=True)
    direction = fields.Selection([("in", "They called"), ("out", "We called")], required=True, readonly=True)
    module = fields.Selection([*MODULES, ("versions", "Versions")], readonly=True, index=True)
    method = fields.Char(readonly=True)
    path = fields.Char("Address", readonly=True)
    http_status = fields.Integer("HTTP", readonly=True)
    status_code = fields.Integer("OCPI Status", readonly=True)
    error = fields.Char(readonly=True)
    state = fields.Selection([("ok", "OK"), ("failed", "Failed")], required=True, readonly=True, index=True)
    request_id = fields.Char("Request ID", readonly=True, index="btree_not_null")
    correlation_id = fields.Char("Correlation ID", readonly=True, index="btree_not_null")
    address = fields.Char("Network Address", readonly=True, help="Where the call came from.")
    credential = fields.Char(
        readonly=True, index="btree_not_null", help="With which token they called: the beginning of its hash."
    )
    party_from = fields.Char("From", readonly=True)
    party_to = fields.Char("To", readonly=True)
    is_down = fields.Boolean(readonly=True, help="The partner was not there, or could not answer.")
    clock_difference = fields.Float(readonly=True)
    milliseconds = fields.Integer("Time (ms)", readonly=True)
    request_body = fields.Text("Request", readonly=True)
    response_body = fields.Text("Answer", readonly=True)

    _newest = models.Index("(connection_id, direction, id DESC)")

    @api.model
    def _log(self, **values: Any) -> EmobilityOcpiMessage:
        """Keep a message. Bodies are texts; what opens doors is taken out of them."""
        for name in ("request_body", "response_body"):
            values[name] = _safe(values.get(name))
        values["state"] = "failed" if values.get("error") else "ok"
        return self.sudo()._as_system().create([values])

    def action_replay(self) -> dict[str, Any]:
        """Send a request of ours again: for what a partner lost or answered wrongly."""
        self.ensure_one()
        self.check_access("read")
        if not self.env.user.has_group("emobility_crm.group_roaming_manager"):
            raise UserError(self.env._("Only a roaming manager may send messages."))
        if self.direction != "out" or self.module in ("credentials", "versions") or not self.connection_id:
            raise UserError(self.env._("Only what we sent can be sent again, and no credentials."))
        connection = self.connection_id
        if connection.state != "connected":
            raise UserError(self.env._("%(name)s is not connected.", name=connection.name))
        body = json.loads(self.request_body) if self.request_body else None
        receiver = connection.sudo().party_ids.filtered(
            lambda party: str(Party.of(party.country_code, party.party_id)) == self.party_to
        )[:1]
        answer = connection.sudo()._call(
            self.method, self.path, module=self.module, body=body, receiver=receiver, open_routing=not self.party_to
        )
        newest = self.search([("connection_id", "=", connection.id)], limit=1)
        kind, text = ("success", self.env._("The partner took it."))
        if not answer.ok:
            kind, text = ("danger", answer.error or "")
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": kind,
                "message": text,
                "next": {
                    "type": "ir.actions.act_window",
                    "res_model": self._name,
                    "res_id": newest.id,
                    "views": [[False, "form"]],
                },
            },
        }

    @api.autovacuum
    def _gc_messages(self) -> None:
        """Messages are for finding faults; what has to be kept for the books is in the CDRs."""
        limit = fields.Datetime.now() - timedelta(days=KEPT_DAYS)
        self.sudo()._as_system().search([("create_date", "<", limit)], limit=10_000).unlink()


def _safe(text: str | bytes | None) -> str | bool:
    if not text:
        return False
    text = text.decode(errors="replace") if isinstance(text, bytes) else text
    # What is no JSON is kept as it is, for who looks for the fault.
    with suppress(ValueError, RecursionError):
        text = json.dumps(redacted(json.loads(text)), indent=2, ensure_ascii=False)
    # PostgreSQL has no room for the character NUL.
    return text.replace("\x00", "\ufffd")[:LONGEST]
