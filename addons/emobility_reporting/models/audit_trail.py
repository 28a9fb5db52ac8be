from __future__ import annotations

from typing import Any

from odoo import fields, models
from odoo.tools import SQL

# Whose changes an auditor asks for, as far as their addons are there.
AUDITED = (
    "emobility.tariff",
    "emobility.tariff.version",
    "emobility.price.rule",
    "emobility.discount",
    "emobility.gate.rule",
    "emobility.hold",
    "emobility.session",
    "emobility.cdr",
    "emobility.billing.run",
    "emobility.correction",
    "emobility.dispute",
    "emobility.host.agreement",
    "emobility.host.settlement",
    "emobility.roaming.agreement",
    "emobility.roaming.settlement",
    "emobility.wallet",
    "emobility.instalment.plan",
    "emobility.token",
    "emobility.brand",
    "emobility.accrual",
    "account.banking.mandate",
    "contract.contract",
    "account.move",
    "account.payment",
)


class EmobilityAuditTrail(models.Model):
    """Who changed what, when, from what to what: tracked fields and the notes on decisions, in one list."""

    _name = "emobility.audit.trail"
    _description = "Audit Trail"
    _auto = False
    _order = "date desc, id desc"
    _rec_name = "res_model"
    _depends = {
        "mail.tracking.value": ["field_id", "mail_message_id", "old_value_char", "new_value_char"],
        "mail.message": ["model", "res_id", "author_id", "body", "date"],
    }

    date = fields.Datetime("When", readonly=True)
    author_id = fields.Many2one("res.partner", "Who", readonly=True)
    model_id = fields.Many2one("ir.model", "Kind", readonly=True)
    res_model = fields.Char("Model", readonly=True)
    res_id = fields.Many2oneReference("Record ID", model_field="res_model", readonly=True)
    record_name = fields.Char("Record", compute="_compute_record_name", compute_sudo=True)
    field_id = fields.Many2one("ir.model.fields", "What", readonly=True)
    before = fields.Char(readonly=True)
    after = fields.Char(readonly=True)
    note = fields.Char(readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)

    @property
    def _table_query(self) -> SQL:
        audited = [name for name in AUDITED if name in self.env]
        return SQL(
            """
            SELECT change.id, change.date, change.author_id, model.id AS model_id, change.res_model, change.res_id,
                   change.field_id, change.before, change.after, change.note,
                   record.company_id
              FROM (%(tracked)s UNION ALL %(notes)s) change
              JOIN ir_model model ON model.model = change.res_model
              JOIN (%(records)s) record ON record.model = change.res_model AND record.id = change.res_id
             WHERE change.res_model IN %(audited)s
            """,
            tracked=self._tracked_sql(),
            notes=self._notes_sql(),
            records=SQL(" UNION ALL ").join(self._record_sql(name) for name in audited),
            audited=tuple(audited),
        )

    def _tracked_sql(self) -> SQL:
        return SQL(
            """
            SELECT value.id * 2 AS id, message.date, message.author_id, message.model AS res_model, message.res_id,
                   value.field_id, %(before)s AS before, %(after)s AS after, NULL::text AS note
              FROM mail_tracking_value value
              JOIN mail_message message ON message.id = value.mail_message_id
              LEFT JOIN ir_model_fields field ON field.id = value.field_id
            """,
            before=self._value_sql("old"),
            after=self._value_sql("new"),
        )

    def _value_sql(self, side: str) -> SQL:
        """A tracked value as text; which column has it depends on the type of the field."""
        columns = {kind: SQL.identifier("value", f"{side}_value_{kind}") for kind in
                   ("char", "text", "integer", "float", "datetime")}  # fmt: skip
        return SQL(
            """CASE WHEN field.ttype = 'boolean' THEN CASE WHEN %(integer)s = 1 THEN '✓' ELSE '–' END
                    WHEN field.ttype = 'integer' THEN %(integer)s::text
                    WHEN field.ttype IN ('float', 'monetary') THEN trim_scale(%(float)s::numeric)::text
                    WHEN field.ttype = 'date' THEN to_char(%(datetime)s, 'YYYY-MM-DD')
                    WHEN field.ttype = 'datetime' THEN to_char(%(datetime)s, 'YYYY-MM-DD HH24:MI:SS')
                    ELSE COALESCE(%(char)s, %(text)s) END""",
            **columns,
        )

    def _notes_sql(self) -> SQL:
        """What the product itself wrote about a decision or a price; the talk of people is no change."""
        return SQL(
            """
            SELECT message.id * 2 + 1 AS id, message.date, message.author_id, message.model AS res_model,
                   message.res_id, NULL::int AS field_id, NULL AS before, NULL AS after,
                   btrim(regexp_replace(message.body, '(<[^>]*>|[[:space:]])+', ' ', 'g')) AS note
              FROM mail_message message
             WHERE message.message_type = 'notification' AND COALESCE(message.body, '') NOT IN ('', '<p></p>')
                OR message.message_type = 'comment' AND message.model IN ('emobility.session', 'emobility.cdr')
                   AND COALESCE(message.body, '') <> ''
            """
        )

    def _record_sql(self, name: str) -> SQL:
        """Ids and companies of a model. What was deleted is left out; what has no company belongs to all of them."""
        return SQL(
            "SELECT %(name)s AS model, id, company_id FROM %(table)s",
            name=name,
            table=SQL.identifier(self.env[name]._table),
        )

    def _compute_record_name(self) -> None:
        for change in self:
            change.record_name = self.env[change.res_model].browse(change.res_id).display_name

    def action_open(self) -> dict[str, Any]:
        """The record that was changed."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": self.res_model,
            "res_id": self.res_id,
            "view_mode": "form",
        }
