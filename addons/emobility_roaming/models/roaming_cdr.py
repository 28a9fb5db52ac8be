from __future__ import annotations

import json
from typing import Any

from odoo import api, fields, models

from odoo.addons.emobility_billing.models.session import ENERGY_DIGITS

from ..ocpi.internal import Party


class EmobilityRoamingCdr(models.Model):
    """A CDR that was exchanged with a partner: theirs about our drivers, or ours about theirs.

    It is kept word for word. A CDR never changes: the second one with the same ID is the same one, sent again.
    """

    _name = "emobility.roaming.cdr"
    _inherit = ["emobility.guarded", "mail.thread"]
    _description = "Exchanged CDR"
    _order = "end_at desc, id desc"
    _check_company_auto = True

    name = fields.Char("CDR ID", required=True, readonly=True, index="trigram")
    direction = fields.Selection([("in", "Received"), ("out", "Sent")], required=True, readonly=True, index=True)
    connection_id = fields.Many2one(
        "emobility.ocpi.connection", required=True, readonly=True, index=True, ondelete="restrict", check_company=True
    )
    roaming_partner_id = fields.Many2one(
        "emobility.roaming.partner", readonly=True, index=True, ondelete="restrict", check_company=True
    )
    country_code = fields.Char(required=True, readonly=True)
    party_id = fields.Char("Party ID", required=True, readonly=True)
    version = fields.Char("OCPI Version", required=True, readonly=True)
    session_ref = fields.Char("Their Session", readonly=True, index="btree_not_null")
    session_id = fields.Many2one(
        "emobility.session", readonly=True, index=True, ondelete="restrict", check_company=True
    )
    cdr_id = fields.Many2one(
        "emobility.cdr", "Our CDR", readonly=True, index=True, ondelete="restrict", check_company=True
    )
    start_at = fields.Datetime(required=True, readonly=True)
    end_at = fields.Datetime(required=True, readonly=True, index=True)
    energy_kwh = fields.Float("Energy (kWh)", digits=ENERGY_DIGITS, readonly=True)
    currency_code = fields.Char("Currency Code", required=True, readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    total_net = fields.Monetary("Total Without Tax", readonly=True)
    total_gross = fields.Monetary(
        "Total With Tax", readonly=True, help="0 when the partner does not say it."
    )
    has_gross = fields.Boolean(readonly=True)
    token_uid = fields.Char("Token", readonly=True)
    contract_ref = fields.Char("Contract of the Driver", readonly=True)
    credit = fields.Boolean(readonly=True, help="This CDR takes another one back.")
    credit_reference = fields.Char("Takes Back", readonly=True)
    credited_id = fields.Many2one(
        "emobility.roaming.cdr", "Taken Back CDR", readonly=True, index=True, ondelete="restrict"
    )
    credit_ids = fields.One2many("emobility.roaming.cdr", "credited_id", "Taken Back By")
    invoice_reference = fields.Char(readonly=True)
    last_updated = fields.Datetime(readonly=True)
    exchanged_at = fields.Datetime(readonly=True, help="When it was received, or when the partner took it.")
    receiver_url = fields.Char("At the Partner", readonly=True, help="Where the partner keeps the CDR that we sent.")
    error = fields.Char(readonly=True, help="Why no session could be made of it, or why the partner refused it.")
    data = fields.Json(readonly=True)
    data_text = fields.Text("As Exchanged", compute="_compute_data_text")
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)

    # F45: the border of two pulls brings a CDR twice; the database decides what is new.
    _once = models.UniqueIndex("(company_id, direction, country_code, party_id, upper(name))")

    @api.depends("data")
    def _compute_data_text(self) -> None:
        for cdr in self:
            cdr.data_text = json.dumps(cdr.data, indent=2, ensure_ascii=False)

    @api.model
    def _received(self, connection: Any, party: Party, name: str) -> Any:
        """The CDR of a party behind the connection, or an empty recordset."""
        return self.search(
            [
                ("connection_id", "=", connection.id),
                ("direction", "=", "in"),
                ("country_code", "=", party.country_code),
                ("party_id", "=", party.party_id),
                ("name", "=ilike", name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")),
            ],
            limit=1,
        )

    def action_open_session(self) -> dict[str, Any]:
        """The session of these CDRs."""
        return self.env["emobility.session"]._window(
            "emobility.session", [("id", "in", self.session_id.ids)], self.env._("Session")
        )
