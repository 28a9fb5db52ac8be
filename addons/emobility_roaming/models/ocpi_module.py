from typing import Any

from odoo import fields, models

MODULES = [
    ("credentials", "Credentials"),
    ("locations", "Locations"),
    ("sessions", "Sessions"),
    ("cdrs", "CDRs"),
    ("tariffs", "Tariffs"),
    ("tokens", "Tokens"),
    ("commands", "Commands"),
    ("chargingprofiles", "Charging profiles"),
    ("hubclientinfo", "Parties of the hub"),
    ("invoicereconciliation", "Invoice reconciliation"),
]


class EmobilityOcpiModule(models.Model):
    """A module at a partner: where it is, and when it was used last."""

    _name = "emobility.ocpi.module"
    _description = "OCPI Module"
    _order = "connection_id, module, interface"
    _rec_name = "module"

    connection_id = fields.Many2one("emobility.ocpi.connection", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(related="connection_id.company_id", store=True, index=True)
    module = fields.Selection(MODULES, required=True, readonly=True)
    interface = fields.Selection(
        [("SENDER", "Sender"), ("RECEIVER", "Receiver")],
        required=True,
        readonly=True,
        help="A sender has the objects and is asked for them; a receiver is told of them.",
    )
    url = fields.Char("URL", readonly=True)
    sent_at = fields.Datetime("We Called", readonly=True)
    received_at = fields.Datetime("They Called", readonly=True)
    pulled_until = fields.Datetime(readonly=True, help="Everything that changed before was fetched.")
    last_error = fields.Char(readonly=True)

    _once = models.UniqueIndex("(connection_id, module, interface)")

    def _of(self, connection: Any, module: str, interface: str) -> "EmobilityOcpiModule":
        """The row of a module; empty when the partner does not offer it."""
        return self.sudo().search(
            [
                ("connection_id", "=", connection.id),
                ("module", "=", module),
                ("interface", "=", interface),
                ("url", "!=", False),
            ],
            limit=1,
        )
