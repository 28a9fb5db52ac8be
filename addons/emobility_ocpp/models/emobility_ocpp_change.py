from odoo import api, fields, models
from odoo.tools import SQL


class EmobilityOcppChange(models.Model):
    """What changed since the bridge asked: one row per token or station, with the transaction of its last change.

    A cursor made of write dates loses rows: a transaction that began before the bridge asked and commits after
    it leaves an older date. A transaction number does not: everything below the oldest transaction that was
    still open when the bridge asked is final, so that is the cursor; what is above it is sent again, which does
    no harm.
    """

    _name = "emobility.ocpp.change"
    _description = "Change to Replicate to the Bridge"
    _log_access = False
    _order = "id"

    company_id = fields.Many2one("res.company", required=True, index=True, ondelete="cascade")
    kind = fields.Selection([("token", "Token"), ("station", "Station")], required=True)
    key = fields.Char(required=True, help="Token uid, or station identity.")
    xid = fields.Float(required=True, digits=(20, 0), help="Number of the transaction of the last change.")

    _subject_unique = models.UniqueIndex("(company_id, kind, key)")
    _xid_index = models.Index("(xid)")

    @api.model
    def _record(self, kind: str, keys: list[tuple[int, str]]) -> None:
        """Note that the subjects ``(company id, key)`` change in this transaction."""
        subjects = sorted({(company, key) for company, key in keys if key})
        if not subjects:
            return
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO emobility_ocpp_change (company_id, kind, key, xid)
                SELECT subject.company, %s, subject.key, pg_current_xact_id()::text::numeric
                  FROM unnest(%s::int[], %s::text[]) AS subject (company, key)
                ON CONFLICT (company_id, kind, key) DO UPDATE SET xid = EXCLUDED.xid
                """,
                kind,
                [company for company, _key in subjects],
                [key for _company, key in subjects],
            )
        )
        self.invalidate_model()

    @api.model
    def _horizon(self) -> int:
        """Number of the oldest transaction that was open when this one began."""
        [[xmin]] = self.env.execute_query(SQL("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"))
        return xmin

    @api.model
    def _epoch(self, company: models.Model) -> str:
        """Name of the numbering: transaction numbers of another database, or of a restored one, mean nothing."""
        [[oid]] = self.env.execute_query(
            SQL("SELECT oid::bigint FROM pg_database WHERE datname = current_database()")
        )
        uuid = self.env["ir.config_parameter"].sudo().get_param("database.uuid", "")
        return f"{uuid}/{oid}/{company.id}"

    @api.model
    def _keys_since(self, kind: str, company: models.Model, xid: int) -> list[str]:
        """Keys of ``kind`` that changed in transaction ``xid`` or later, for the company."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT key FROM emobility_ocpp_change
                 WHERE kind = %s AND company_id = %s AND xid >= %s
                 ORDER BY key
                """,
                kind,
                company.id,
                xid,
            )
        )
        return [key for [key] in rows]
