from __future__ import annotations

from typing import Any

from odoo import fields, models
from odoo.tools import SQL


class EmobilityRoamingMargin(models.Model):
    """What is left of what our drivers pay at stations of others, one row per session: retail less wholesale less fees.

    The others are partners, whose CDRs we received, or other companies of this database. A CDR that was taken back
    has no row; the one that took its place has.
    """

    _name = "emobility.roaming.margin"
    _description = "Roaming Margin"
    _auto = False
    _order = "end_at desc, id desc"
    _rec_name = "session_id"
    _depends = {
        "emobility.roaming.cdr": [
            "direction",
            "credited_id",
            "check_state",
            "roaming_partner_id",
            "session_id",
            "location_name",
            "end_at",
            "energy_kwh",
            "currency_id",
            "retail_net",
            "total_net",
            "hub_fee",
            "margin",
            "has_margin",
            "company_id",
        ],
        "emobility.roaming.partner": ["name"],
        "emobility.session": [
            "origin_session_id",
            "location_id",
            "end_at",
            "energy_kwh",
            "internal_currency_id",
            "internal_retail_net",
            "internal_wholesale_net",
            "internal_fee",
            "company_id",
        ],
        "emobility.location": ["name"],
        "res.company": ["name"],
    }

    kind = fields.Selection(
        [("ocpi", "Partner"), ("internal", "Company of this database")], "Roaming With", readonly=True
    )
    operator = fields.Char(readonly=True, help="At whose station our driver charged.")
    roaming_partner_id = fields.Many2one("emobility.roaming.partner", readonly=True)
    roaming_cdr_id = fields.Many2one("emobility.roaming.cdr", "CDR of the Partner", readonly=True)
    session_id = fields.Many2one("emobility.session", readonly=True)
    location_name = fields.Char("Place", readonly=True)
    end_at = fields.Datetime("End", readonly=True)
    energy_kwh = fields.Float("Energy (kWh)", digits=(16, 3), readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    retail_net = fields.Monetary("Driver Pays", readonly=True, help="Without taxes.")
    wholesale_net = fields.Monetary("Operator Gets", readonly=True, help="Without taxes.")
    fee = fields.Monetary("Fees", readonly=True, help="Of the hub.")
    margin = fields.Monetary(readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)

    @property
    def _table_query(self) -> SQL:
        return SQL(
            """
            SELECT cdr.id * 2 AS id, 'ocpi' AS kind, partner.name AS operator, cdr.roaming_partner_id,
                   cdr.id AS roaming_cdr_id, cdr.session_id, cdr.location_name, cdr.end_at, cdr.energy_kwh,
                   cdr.currency_id, cdr.retail_net, cdr.total_net AS wholesale_net, cdr.hub_fee AS fee, cdr.margin,
                   cdr.company_id
              FROM emobility_roaming_cdr cdr
              LEFT JOIN emobility_roaming_partner partner ON partner.id = cdr.roaming_partner_id
             WHERE cdr.direction = 'in' AND cdr.has_margin AND cdr.check_state <> 'credited'
               AND NOT EXISTS (SELECT 1 FROM emobility_roaming_cdr credit
                                WHERE credit.credited_id = cdr.id AND credit.check_state IN ('accepted', 'credited'))
             UNION ALL
            SELECT session.id * 2 + 1, 'internal', operator.name, NULL, NULL, session.id, place.name, session.end_at,
                   session.energy_kwh, session.internal_currency_id, session.internal_retail_net,
                   session.internal_wholesale_net, session.internal_fee,
                   session.internal_retail_net - session.internal_wholesale_net - session.internal_fee,
                   session.company_id
              FROM emobility_session session
              JOIN emobility_session origin ON origin.id = session.origin_session_id
              JOIN res_company operator ON operator.id = origin.company_id
              LEFT JOIN emobility_location place ON place.id = session.location_id
             WHERE session.internal_currency_id IS NOT NULL
            """
        )

    def action_open_session(self) -> dict[str, Any]:
        """The session, with its CDR, its prices and its events."""
        return self.env["emobility.session"]._window(
            "emobility.session", [("id", "in", self.session_id.ids)], self.env._("Session")
        )
