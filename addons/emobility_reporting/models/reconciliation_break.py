from __future__ import annotations

from typing import Any

from odoo import fields, models
from odoo.tools import SQL

BREAKS = [
    ("session_without_cdr", "Session done without CDR"),
    ("cdr_without_rating", "CDR without rating"),
    ("rating_without_invoice", "Rating not invoiced"),
    ("invoice_differs", "Invoice differs from its sessions"),
    ("invoice_unpaid", "Invoice overdue"),
    ("invoice_overpaid", "Paid too much"),
    ("payment_without_invoice", "Payment without invoice"),
    ("transaction_without_payment", "Transaction without payment"),
    ("captured_too_much", "Captured more than invoiced"),
    ("payment_without_payout", "Payment not on the bank account"),
]


class EmobilityReconciliationBreak(models.Model):
    """Every place where session, CDR, rating, invoice, payment and bank do not fit together."""

    _name = "emobility.reconciliation.break"
    _description = "Reconciliation Break"
    _auto = False
    _order = "since, id"
    _rec_name = "kind"
    _depends = {
        "emobility.session": ["state", "end_at", "partner_id", "location_id"],
        "emobility.cdr": ["session_id", "credit", "credited_cdr_id"],
        "emobility.rating": [
            "cdr_id",
            "state",
            "move_id",
            "amount_total",
            "relation",
            "end_at",
            "company_id",
            "session_id",
            "currency_id",
        ],
        "emobility.rating.line": ["amount", "move_line_id"],
        "account.move": ["state", "payment_state", "amount_residual", "invoice_date_due"],
        "account.move.line": ["amount_residual", "reconciled", "price_total", "price_subtotal", "balance"],
        "account.payment": ["state", "move_id", "is_matched", "amount"],
        "payment.transaction": ["state", "payment_id", "amount", "invoice_ids", "last_state_change"],
        "res.company": ["emobility_invoice_days", "emobility_payout_days"],
    }

    kind = fields.Selection(BREAKS, "Break", readonly=True)
    since = fields.Datetime(readonly=True)
    session_id = fields.Many2one("emobility.session", readonly=True)
    cdr_id = fields.Many2one("emobility.cdr", "CDR", readonly=True)
    rating_id = fields.Many2one("emobility.rating", readonly=True)
    move_id = fields.Many2one("account.move", "Invoice", readonly=True)
    payment_id = fields.Many2one("account.payment", readonly=True)
    transaction_id = fields.Many2one("payment.transaction", readonly=True)
    partner_id = fields.Many2one("res.partner", readonly=True)
    expected = fields.Monetary(readonly=True)
    found = fields.Monetary(readonly=True)
    difference = fields.Monetary(readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)

    @property
    def _table_query(self) -> SQL:
        kinds = {kind: number for number, (kind, _label) in enumerate(BREAKS)}
        parts = [
            SQL(
                "SELECT part.record * %(step)s + %(number)s AS id, %(kind)s AS kind, part.since, part.session_id,"
                " part.cdr_id, part.rating_id, part.move_id, part.payment_id, part.transaction_id, part.partner_id,"
                " part.expected, part.found, part.found - part.expected AS difference, part.currency_id,"
                " part.company_id FROM (%(query)s) part",
                step=len(BREAKS),
                number=number,
                kind=kind,
                query=getattr(self, f"_{kind}_sql")(),
            )
            for kind, number in kinds.items()
        ]
        return SQL(" UNION ALL ").join(parts)

    def _select(self, record: str, since: str, **values: str) -> SQL:
        """The columns of a part; what a part knows nothing of is empty."""
        columns = {
            "session_id": "NULL::int",
            "cdr_id": "NULL::int",
            "rating_id": "NULL::int",
            "move_id": "NULL::int",
            "payment_id": "NULL::int",
            "transaction_id": "NULL::int",
            "partner_id": "NULL::int",
            "expected": "NULL::numeric",
            "found": "NULL::numeric",
            "currency_id": "NULL::int",
            "company_id": "NULL::int",
        } | values
        listed = ", ".join(f"{value} AS {name}" for name, value in columns.items())
        return SQL(f"SELECT {record} AS record, {since} AS since, {listed}")  # noqa: S608

    def _session_without_cdr_sql(self) -> SQL:
        return SQL(
            """%s FROM emobility_session s
                WHERE s.state = 'done' AND NOT EXISTS (
                    SELECT 1 FROM emobility_cdr c WHERE c.session_id = s.id AND NOT COALESCE(c.credit, FALSE)
                       AND NOT EXISTS (SELECT 1 FROM emobility_cdr back WHERE back.credited_cdr_id = c.id))""",
            self._select(
                "s.id", "s.end_at", session_id="s.id", partner_id="s.partner_id", company_id="s.company_id"
            ),
        )

    def _cdr_without_rating_sql(self) -> SQL:
        return SQL(
            """%s FROM emobility_cdr c
                WHERE NOT EXISTS (SELECT 1 FROM emobility_rating r WHERE r.cdr_id = c.id
                                     AND r.relation IN ('retail', 'adhoc', 'wholesale'))""",
            self._select(
                "c.id",
                "c.end_at",
                session_id="c.session_id",
                cdr_id="c.id",
                partner_id="c.partner_id",
                company_id="c.company_id",
            ),
        )

    def _rating_without_invoice_sql(self) -> SQL:
        """Open for longer than the company's days, or marked as invoiced without an invoice."""
        return SQL(
            """%s FROM emobility_rating r JOIN res_company company ON company.id = r.company_id
                WHERE r.relation IN ('retail', 'adhoc') AND r.move_id IS NULL
                  AND (r.state = 'invoiced' OR r.state = 'open' AND r.end_at <
                       (now() AT TIME ZONE 'UTC') - make_interval(days => company.emobility_invoice_days))""",
            self._select(
                "r.id",
                "r.end_at",
                session_id="r.session_id",
                cdr_id="r.cdr_id",
                rating_id="r.id",
                partner_id="r.partner_id",
                expected="r.amount_total",
                found="0",
                currency_id="r.currency_id",
                company_id="r.company_id",
            ),
        )

    def _invoice_differs_sql(self) -> SQL:
        """The lines that carry sessions are not what the sessions add up to."""
        return SQL(
            """%s FROM account_move m
                JOIN (SELECT r.move_id, MIN(r.price_mode) AS price_mode, SUM(r.amount_total) AS rated
                        FROM emobility_rating r
                       WHERE r.move_id IS NOT NULL AND r.relation IN ('retail', 'adhoc') GROUP BY r.move_id) sessions
                  ON sessions.move_id = m.id
                JOIN res_currency currency ON currency.id = m.currency_id
                CROSS JOIN LATERAL (
                    SELECT COALESCE(SUM(CASE WHEN sessions.price_mode = 'gross' THEN ml.price_total
                                             ELSE ml.price_subtotal END), 0)
                           * CASE WHEN m.move_type = 'out_refund' THEN -1 ELSE 1 END AS invoiced
                      FROM account_move_line ml
                     WHERE ml.move_id = m.id AND ml.id IN (
                         SELECT rl.move_line_id FROM emobility_rating_line rl
                           JOIN emobility_rating r ON r.id = rl.rating_id WHERE r.move_id = m.id)) lines
                WHERE m.state <> 'cancel' AND abs(sessions.rated - lines.invoiced) >= currency.rounding / 2""",
            self._select(
                "m.id",
                "COALESCE(m.invoice_date, m.date)::timestamp",
                move_id="m.id",
                partner_id="m.partner_id",
                expected="sessions.rated",
                found="lines.invoiced",
                currency_id="m.currency_id",
                company_id="m.company_id",
            ),
        )

    def _invoice_unpaid_sql(self) -> SQL:
        return SQL(
            """%s FROM account_move m
                WHERE m.move_type = 'out_invoice' AND m.state = 'posted' AND m.amount_residual > 0
                  AND m.payment_state IN ('not_paid', 'partial') AND m.invoice_date_due < CURRENT_DATE
                  AND EXISTS (SELECT 1 FROM emobility_rating r WHERE r.move_id = m.id)""",
            self._select(
                "m.id",
                "m.invoice_date_due::timestamp",
                move_id="m.id",
                partner_id="m.partner_id",
                expected="m.amount_total",
                found="m.amount_total - m.amount_residual",
                currency_id="m.currency_id",
                company_id="m.company_id",
            ),
        )

    def _invoice_overpaid_sql(self) -> SQL:
        """A payment of which a part is matched with an invoice, and a part is left."""
        return SQL(
            """%s FROM account_payment pay
                JOIN account_move_line ml ON ml.move_id = pay.move_id
                JOIN account_account account ON account.id = ml.account_id AND account.account_type = 'asset_receivable'
                WHERE pay.payment_type = 'inbound' AND pay.partner_type = 'customer' AND ml.parent_state = 'posted'
                  AND ml.amount_residual_currency < 0 AND ml.amount_residual_currency > ml.amount_currency""",
            self._payment_columns("ml.amount_residual_currency - ml.amount_currency", "-ml.amount_currency"),
        )

    def _payment_without_invoice_sql(self) -> SQL:
        """Nothing of the payment is matched. One without entries (as some methods make them) names no invoice."""
        return SQL(
            """%s FROM account_payment pay
                LEFT JOIN account_move_line ml ON ml.move_id = pay.move_id AND ml.parent_state = 'posted'
                     AND ml.account_id IN (SELECT id FROM account_account WHERE account_type = 'asset_receivable')
                WHERE pay.payment_type = 'inbound' AND pay.partner_type = 'customer'
                  AND pay.state IN ('in_process', 'paid')
                  AND CASE WHEN pay.move_id IS NOT NULL THEN ml.amount_residual_currency = ml.amount_currency
                      ELSE NOT EXISTS (SELECT 1 FROM account_move__account_payment named
                                        WHERE named.payment_id = pay.id) END""",
            self._payment_columns("0", "pay.amount"),
        )

    def _payment_columns(self, expected: str, found: str) -> SQL:
        return self._select(
            "pay.id",
            "pay.date::timestamp",
            payment_id="pay.id",
            partner_id="pay.partner_id",
            expected=expected,
            found=found,
            currency_id="pay.currency_id",
            company_id="pay.company_id",
        )

    def _transaction_without_payment_sql(self) -> SQL:
        """The provider took money, and an hour later there is still no payment."""
        return SQL(
            """%s FROM payment_transaction tx
                WHERE tx.state = 'done' AND tx.payment_id IS NULL AND tx.amount <> 0
                  AND COALESCE(tx.operation, '') <> 'validation'
                  AND NOT EXISTS (SELECT 1 FROM payment_transaction part
                                   WHERE part.source_transaction_id = tx.id AND part.state = 'done')
                  AND COALESCE(tx.last_state_change, tx.create_date)
                      < (now() AT TIME ZONE 'UTC') - interval '1 hour'""",
            self._select(
                "tx.id",
                "COALESCE(tx.last_state_change, tx.create_date)",
                transaction_id="tx.id",
                partner_id="tx.partner_id",
                expected="tx.amount",
                found="0",
                currency_id="tx.currency_id",
                company_id="tx.company_id",
            ),
        )

    def _captured_too_much_sql(self) -> SQL:
        """More was taken for an invoice than it says. Refunds have negative amounts; they count for the source."""
        return SQL(
            """%s FROM account_move m
                JOIN res_currency currency ON currency.id = m.currency_id
                JOIN (SELECT named.invoice_id, SUM(tx.amount) AS amount
                        FROM payment_transaction tx
                        JOIN account_invoice_transaction_rel named
                          ON named.transaction_id = COALESCE(tx.source_transaction_id, tx.id)
                       WHERE tx.state = 'done' AND COALESCE(tx.operation, '') <> 'validation'
                       GROUP BY named.invoice_id) taken ON taken.invoice_id = m.id
                WHERE m.move_type = 'out_invoice' AND m.state = 'posted'
                  AND taken.amount - m.amount_total >= currency.rounding / 2""",
            self._select(
                "m.id",
                "COALESCE(m.invoice_date, m.date)::timestamp",
                move_id="m.id",
                partner_id="m.partner_id",
                expected="m.amount_total",
                found="taken.amount",
                currency_id="m.currency_id",
                company_id="m.company_id",
            ),
        )

    def _payment_without_payout_sql(self) -> SQL:
        """A provider's payment that the bank has not seen after the company's days."""
        return SQL(
            """%s FROM account_payment pay
                JOIN payment_transaction tx ON tx.id = pay.payment_transaction_id
                JOIN res_company company ON company.id = pay.company_id
                WHERE pay.state IN ('in_process', 'paid') AND pay.is_matched IS NOT TRUE
                  AND pay.date < CURRENT_DATE - company.emobility_payout_days""",
            self._payment_columns("pay.amount", "0"),
        )

    def action_open(self) -> dict[str, Any]:
        """The record that is nearest to the break."""
        self.ensure_one()
        record = next(
            self[name]
            for name in ("transaction_id", "payment_id", "move_id", "rating_id", "cdr_id", "session_id")
            if self[name]
        )
        return {
            "type": "ir.actions.act_window",
            "res_model": record._name,
            "res_id": record.id,
            "view_mode": "form",
        }
