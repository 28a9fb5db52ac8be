from __future__ import annotations

from typing import Any

from odoo import fields, models
from odoo.tools import SQL

# What is earned with a session, and what is passed on of it. Wholesale is either: see the query.
REVENUE = ("retail", "adhoc")
COST = ("reimbursement", "revenue_share")


class EmobilitySessionReport(models.Model):
    """Sessions and what they are worth, one row per rating: the figures behind all dashboards.

    Amounts are without taxes and in the currency of the company. Those of an invoice are exact; what is not
    invoiced yet is reckoned with the taxes of its products.
    """

    _name = "emobility.session.report"
    _description = "Charging Figures"
    _auto = False
    _order = "end_at desc, id desc"
    _rec_name = "session_id"
    _depends = {
        "emobility.rating": [
            "cdr_id",
            "relation",
            "amount_total",
            "state",
            "price_mode",
            "partner_id",
            "end_at",
            "company_id",
            "currency_id",
        ],
        "emobility.rating.line": ["rating_id", "amount", "move_line_id", "product_id"],
        "emobility.cdr": [
            "session_id",
            "start_at",
            "end_at",
            "energy_kwh",
            "evse_id",
            "location_id",
            "credit",
        ],
        "emobility.location": ["time_zone"],
        "res.partner": ["customer_group_id"],
        "account.move.line": ["price_subtotal", "price_total"],
        "account.tax": ["amount"],
        "product.template": ["taxes_id"],
    }

    rating_id = fields.Many2one("emobility.rating", readonly=True)
    cdr_id = fields.Many2one("emobility.cdr", "CDR", readonly=True)
    session_id = fields.Many2one("emobility.session", readonly=True)
    relation = fields.Char(readonly=True)
    partner_id = fields.Many2one("res.partner", "Payer or host", readonly=True)
    customer_group_id = fields.Many2one("emobility.customer.group", readonly=True)
    location_id = fields.Many2one("emobility.location", readonly=True)
    evse_id = fields.Many2one("emobility.evse", "Charging point", readonly=True)
    state = fields.Char("Billing", readonly=True)
    end_at = fields.Datetime("End", readonly=True)
    local_date = fields.Date("Day", readonly=True, help="On the clock of the place.")
    local_hour = fields.Char("Hour of day", readonly=True, help="Of the start, on the clock of the place.")
    session_count = fields.Integer("Sessions", readonly=True)
    energy_kwh = fields.Float("Energy (kWh)", digits=(16, 3), readonly=True)
    revenue = fields.Monetary("Revenue (net)", readonly=True)
    cost = fields.Monetary("Passed on (net)", readonly=True)
    margin = fields.Monetary("Margin (net)", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)

    @property
    def _table_query(self) -> SQL:
        return SQL(
            """
            SELECT figures.*, figures.revenue - figures.cost AS margin FROM (
                SELECT r.id, r.id AS rating_id, r.cdr_id, c.session_id, r.relation, r.partner_id,
                       p.customer_group_id, c.location_id, c.evse_id, r.state, r.end_at,
                       (c.end_at AT TIME ZONE 'UTC' AT TIME ZONE COALESCE(l.time_zone, 'UTC'))::date AS local_date,
                       to_char(c.start_at AT TIME ZONE 'UTC' AT TIME ZONE COALESCE(l.time_zone, 'UTC'), 'HH24')
                           AS local_hour,
                       CASE WHEN NOT first.is_first THEN 0 WHEN c.credit THEN -1 ELSE 1 END AS session_count,
                       CASE WHEN first.is_first THEN c.energy_kwh ELSE 0 END AS energy_kwh,
                       CASE WHEN kind.is_cost THEN 0 ELSE net.amount * rate.factor END AS revenue,
                       CASE WHEN kind.is_cost THEN net.amount * rate.factor ELSE 0 END AS cost,
                       company.currency_id, r.company_id
                  FROM emobility_rating r
                  JOIN emobility_cdr c ON c.id = r.cdr_id
                  JOIN res_company company ON company.id = r.company_id
                  LEFT JOIN emobility_location l ON l.id = c.location_id
                  LEFT JOIN res_partner p ON p.id = r.partner_id
                  -- A session and its energy count once, however many ratings it has.
                  CROSS JOIN LATERAL (
                      SELECT NOT EXISTS (
                          SELECT 1 FROM emobility_rating other WHERE other.cdr_id = r.cdr_id AND other.id < r.id
                      ) AS is_first
                  ) first
                  -- Wholesale is what we pay for a driver of ours, and what we earn with a driver of others.
                  CROSS JOIN LATERAL (
                      SELECT r.relation IN %(cost)s OR (r.relation = 'wholesale' AND EXISTS (
                          SELECT 1 FROM emobility_rating own
                           WHERE own.cdr_id = r.cdr_id AND own.relation IN %(revenue)s
                      )) AS is_cost
                  ) kind
                  CROSS JOIN LATERAL (
                      SELECT CASE WHEN r.currency_id = company.currency_id THEN 1
                                  ELSE %(company_rate)s / %(own_rate)s END AS factor
                  ) rate
                  CROSS JOIN LATERAL (%(net)s) net
            ) figures
            """,
            cost=COST,
            revenue=REVENUE,
            company_rate=self._rate_sql(SQL("company.currency_id")),
            own_rate=self._rate_sql(SQL("r.currency_id")),
            net=self._net_sql(),
        )

    def _rate_sql(self, currency: SQL) -> SQL:
        """Units of a currency on the day of the session; 1 when no rate is known, as Odoo has it."""
        return SQL(
            """COALESCE((
                SELECT known.rate FROM res_currency_rate known
                 WHERE known.currency_id = %(currency)s AND known.name <= r.end_at::date
                   AND (known.company_id IS NULL OR known.company_id = r.company_id)
                 ORDER BY known.company_id NULLS LAST, known.name DESC LIMIT 1
            ), 1)""",
            currency=currency,
        )

    def _net_sql(self) -> SQL:
        """The amount without taxes: as invoiced, or with the taxes of the product."""
        return SQL(
            """
            SELECT COALESCE(SUM(
                       CASE WHEN r.price_mode = 'net' THEN rl.amount
                            WHEN ml.price_total <> 0 THEN rl.amount * ml.price_subtotal / ml.price_total
                            ELSE rl.amount / (1 + COALESCE(own.percent, usual.amount, 0) / 100)
                       END), 0) AS amount
              FROM emobility_rating_line rl
              LEFT JOIN account_move_line ml ON ml.id = rl.move_line_id
              LEFT JOIN product_product pp ON pp.id = rl.product_id
              LEFT JOIN LATERAL (
                  SELECT SUM(tax.amount) AS percent
                    FROM product_taxes_rel pt JOIN account_tax tax ON tax.id = pt.tax_id
                   WHERE pt.prod_id = pp.product_tmpl_id AND tax.company_id = r.company_id
                     AND tax.amount_type = 'percent' AND r.price_mode = 'gross' AND ml.id IS NULL
              ) own ON TRUE
              LEFT JOIN account_tax usual
                     ON usual.id = company.account_sale_tax_id AND usual.amount_type = 'percent'
             WHERE rl.rating_id = r.id
            """
        )

    def action_open_sessions(self) -> dict[str, Any]:
        """The sessions behind these figures."""
        return self.env["emobility.session"]._window(
            "emobility.session", [("id", "in", self.session_id.ids)], self.env._("Charging sessions")
        )
