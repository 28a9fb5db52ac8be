from __future__ import annotations

from typing import Any

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Command


class AccountTax(models.Model):
    _inherit = "account.tax"

    emobility_source_tax_id = fields.Many2one(
        "account.tax",
        "Twin of",
        index="btree_not_null",
        copy=False,
        readonly=True,
        help="This tax is the same as another one, only that prices include it (or do not).",
    )

    _one_twin = models.UniqueIndex(
        "(emobility_source_tax_id, price_include_override) WHERE emobility_source_tax_id IS NOT NULL",
        "This tax has a twin of that kind already.",
    )

    def _emobility_variant(self, included: bool) -> AccountTax:
        """The same taxes as price-included (gross tariffs) or price-excluded (net tariffs) ones.

        A twin is looked for first and made when there is none, so that gross and net tariffs post to the same
        accounts and tax tags. :raises UserError: for a group of taxes, which has no single price mode.
        """
        result = self.browse()
        for tax in self:
            result |= tax if tax.price_include == included else tax.sudo()._emobility_twin(included)
        return result.with_env(self.env)

    def _emobility_twin(self, included: bool) -> AccountTax:
        if self.amount_type == "group":
            raise UserError(
                self.env._(
                    "'%s' is a group of taxes: charging products need taxes that are no groups.", self.name
                )
            )
        if self.emobility_source_tax_id.price_include == included and self.emobility_source_tax_id.active:
            return self.emobility_source_tax_id
        override = "tax_included" if included else "tax_excluded"
        made = self.search(
            [("emobility_source_tax_id", "=", self.id), ("price_include_override", "=", override)], limit=1
        )
        return made or self._emobility_equivalent(included) or self._emobility_make_twin(override)

    def _emobility_equivalent(self, included: bool) -> AccountTax:
        """A tax of the chart of accounts that differs in nothing but the price mode."""
        candidates = self.search(
            [
                ("id", "!=", self.id),
                ("company_id", "=", self.company_id.id),
                ("type_tax_use", "=", self.type_tax_use),
                ("amount_type", "=", self.amount_type),
                ("amount", "=", self.amount),
                ("tax_group_id", "=", self.tax_group_id.id),
                ("tax_scope", "=", self.tax_scope),
                ("country_id", "=", self.country_id.id),
            ]
        )
        return candidates.filtered(
            lambda tax: (
                tax.price_include == included and tax._emobility_postings() == self._emobility_postings()
            )
        )[:1]

    def _emobility_postings(self) -> list[tuple[Any, ...]]:
        return [
            (
                line.document_type,
                line.repartition_type,
                line.factor_percent,
                line.account_id.id,
                tuple(line.tag_ids.ids),
            )
            for line in self.repartition_line_ids.sorted(
                lambda line: (line.document_type, line.sequence, line.id)
            )
        ]

    def _emobility_make_twin(self, override: str) -> AccountTax:
        self._emobility_come_first()
        twin = self.copy(
            {
                "name": self._emobility_twin_name(override),
                "price_include_override": override,
                "emobility_source_tax_id": self.id,
                # Fiscal positions choose among the originals; the twin of their choice is taken afterwards.
                "fiscal_position_ids": [Command.clear()],
                "original_tax_ids": [Command.clear()],
            }
        )
        # Customers read the name in their language, whoever sends the first invoice.
        for code, _name in self.env["res.lang"].get_installed():
            twin.with_context(lang=code).name = self.with_context(lang=code)._emobility_twin_name(override)
        return twin

    def _emobility_come_first(self) -> None:
        """Of two workers that need the same twin one makes it; the other's transaction is repeated, and finds it."""
        self.env.cr.execute("UPDATE account_tax SET write_date = write_date WHERE id = %s", [self.id])

    def _emobility_twin_name(self, override: str) -> str:
        suffix = self.env._("incl.") if override == "tax_included" else self.env._("excl.")
        return f"{self.name} ({suffix})"
