from __future__ import annotations

import json
from typing import Any, NamedTuple

from odoo import api, fields, models
from odoo.tools import SQL

from ..ocpi.internal import Party


class Incoming(NamedTuple):
    """An object of a partner as it came, checked."""

    party: Party
    uid: str
    data: Any
    last_updated: Any
    kind: str = ""


class EmobilityOcpiObject(models.Model):
    """What a partner told us, word for word: the source of what we made of it, and what we show when asked."""

    _name = "emobility.ocpi.object"
    _inherit = "emobility.guarded"
    _description = "OCPI Object"
    _order = "id"
    _rec_name = "uid"

    connection_id = fields.Many2one(
        "emobility.ocpi.connection", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    module = fields.Selection(
        [
            ("locations", "Locations"),
            ("sessions", "Sessions"),
            ("tariffs", "Tariffs"),
            ("tokens", "Tokens"),
            ("hubclientinfo", "Parties of the hub"),
            ("invoicereconciliation", "Invoice reconciliation"),
        ],
        required=True,
        readonly=True,
    )
    country_code = fields.Char(required=True, readonly=True)
    party_id = fields.Char("Party ID", required=True, readonly=True)
    uid = fields.Char("OCPI ID", required=True, readonly=True)
    kind = fields.Char(readonly=True, help="The type of a token; else empty.")
    version = fields.Char(required=True, readonly=True)
    data = fields.Json(readonly=True)
    last_updated = fields.Datetime(readonly=True)
    error = fields.Char(readonly=True, help="Why nothing could be made of it.")
    data_text = fields.Text("Content", compute="_compute_data_text")

    # IDs of OCPI do not distinguish upper and lower case. Of one company, not of one connection: a party that is
    # reached by a hub and directly has each object once.
    _once = models.UniqueIndex("(company_id, module, country_code, party_id, COALESCE(kind, ''), upper(uid))")

    @api.depends("data")
    def _compute_data_text(self) -> None:
        for each in self:
            each.data_text = json.dumps(each.data, indent=2, ensure_ascii=False)

    @api.model
    def _store(self, connection: Any, module: str, rows: list[Incoming]) -> set[tuple[Party, str, str]]:
        """Keep the objects; return the keys of those that are new or newer than what is known.

        An older state of an object that arrives late changes nothing, and the same state again is no change.
        """
        newest: dict[tuple[Party, str, str], Incoming] = {}
        for row in rows:
            key = (row.party, row.uid.upper(), row.kind)
            if key not in newest or row.last_updated >= newest[key].last_updated:
                newest[key] = row
        if not newest:
            return set()
        now = fields.Datetime.now()
        values = [
            SQL(
                "(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                connection.id,
                connection.company_id.id,
                module,
                row.party.country_code,
                row.party.party_id,
                row.uid,
                row.kind,
                connection.version,
                json.dumps(row.data),
                row.last_updated.replace(tzinfo=None),
                self.env.uid,
                now,
                self.env.uid,
                now,
            )
            for row in newest.values()
        ]
        changed = self.env.execute_query(
            SQL(
                """INSERT INTO emobility_ocpi_object AS known
                       (connection_id, company_id, module, country_code, party_id, uid, kind, version, data,
                        last_updated, create_uid, create_date, write_uid, write_date)
                   VALUES %s
                   ON CONFLICT (company_id, module, country_code, party_id, COALESCE(kind, ''), upper(uid))
                   DO UPDATE SET data = EXCLUDED.data, last_updated = EXCLUDED.last_updated,
                       version = EXCLUDED.version, write_date = EXCLUDED.write_date, error = NULL
                   WHERE known.connection_id = EXCLUDED.connection_id
                     AND (known.last_updated < EXCLUDED.last_updated
                          OR (known.last_updated = EXCLUDED.last_updated AND known.data::text <> EXCLUDED.data::text))
                   RETURNING country_code, party_id, upper(uid), COALESCE(kind, '')""",
                SQL(", ").join(values),
            )
        )
        self.invalidate_model(flush=False)
        return {(Party(country, party), uid, kind) for country, party, uid, kind in changed}

    @api.model
    def _find(self, connection: Any, module: str, party: Party, uid: str, kind: str | None = None) -> Any:
        """The object of a party behind the connection, or an empty recordset."""
        domain = [
            ("connection_id", "=", connection.id),
            ("module", "=", module),
            ("country_code", "=", party.country_code),
            ("party_id", "=", party.party_id),
            ("uid", "=ilike", uid.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")),
        ]
        if kind is not None:
            domain.append(("kind", "=", kind))
        return self.search(domain, limit=1)
