from __future__ import annotations

from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError

# What a price means: with another currency or tax mode old ratings could not be explained any more.
MEANING = frozenset({"currency_id", "price_mode", "company_id"})


class EmobilityTariff(models.Model):
    """A named price list for charging. Its prices are in versions, of which one is valid at a time."""

    _name = "emobility.tariff"
    _description = "Charging Tariff"
    _inherit = ["mail.thread"]
    _order = "name, id"
    _rec_names_search = ["name", "code"]
    _check_company_auto = True

    name = fields.Char(required=True, translate=True, tracking=True)
    code = fields.Char(
        required=True, copy=False, tracking=True, help="The ID of the tariff in OCPI and imports."
    )
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        default=lambda self: self.env.company.currency_id,
        tracking=True,
    )
    price_mode = fields.Selection(
        [("gross", "Including tax"), ("net", "Excluding tax")],
        string="Prices Are",
        required=True,
        default="gross",
        tracking=True,
        help="Consumers are shown and invoiced prices including tax, businesses prices excluding tax.",
    )
    version_ids = fields.One2many("emobility.tariff.version", "tariff_id", string="Versions")
    version_count = fields.Integer(compute="_compute_version_count", string="Number of Versions")
    current_version_id = fields.Many2one(
        "emobility.tariff.version",
        compute="_compute_current_version_id",
        help="The version that is valid now.",
    )
    price_summary = fields.Text(compute="_compute_price_summary", string="Current Prices")
    rule_ids = fields.One2many("emobility.price.rule", "tariff_id", string="Price Rules")

    _code_uniq = models.UniqueIndex(
        "(company_id, code)", "A tariff with this code exists already in this company."
    )

    @api.depends("version_ids")
    def _compute_version_count(self) -> None:
        for tariff in self:
            tariff.version_count = len(tariff.version_ids)

    @api.depends("version_ids.valid_from", "version_ids.valid_to")
    def _compute_current_version_id(self) -> None:
        now = fields.Datetime.now()
        for tariff in self:
            tariff.current_version_id = tariff._version_at(now)

    @api.depends_context("lang")
    @api.depends("version_ids.valid_from", "version_ids.valid_to", "version_ids.price_summary")
    def _compute_price_summary(self) -> None:
        for tariff in self:
            tariff.price_summary = tariff.current_version_id.price_summary

    @api.constrains("currency_id")
    def _check_currency_of_plans(self) -> None:
        self.rule_ids._check_currency_of_plan()

    def write(self, vals: dict[str, Any]) -> bool:
        changed = MEANING & set(vals)
        if changed:
            self._check_meaning_can_change({name: vals[name] for name in changed})
        return super().write(vals)

    def copy(self, default: dict[str, Any] | None = None) -> EmobilityTariff:
        """A copy has the prices of the newest version, in a version of its own that is not frozen."""
        copies = super().copy(default)
        for tariff, duplicate in zip(self, copies, strict=True):
            newest = tariff.version_ids.sorted("number")[-1:]
            if newest:
                newest.copy({"tariff_id": duplicate.id, "valid_from": newest.valid_from})
        return copies

    def copy_data(self, default: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        values = super().copy_data(default)
        for tariff, vals in zip(self, values, strict=True):
            if not (default and "name" in default):
                vals["name"] = self.env._("%(name)s (copy)", name=tariff.name)
            if not (default and "code" in default):
                vals["code"] = tariff._free_code()
        return values

    @api.ondelete(at_uninstall=False)
    def _unlink_except_frozen(self) -> None:
        # The database deletes versions in cascade, past the check of the versions themselves.
        self.version_ids._check_not_frozen()

    def action_new_version(self) -> dict[str, Any]:
        """Copy the newest version into one that can be edited, and open it."""
        self.ensure_one()
        newest = self.version_ids.sorted("number")[-1:]
        if newest:
            return newest.action_new_version()
        return {
            "type": "ir.actions.act_window",
            "res_model": "emobility.tariff.version",
            "view_mode": "form",
            "context": {"default_tariff_id": self.id},
        }

    def _version_at(self, at: Any) -> Any:
        """The version valid at an instant (naive UTC): of those that cover it the one that begins last."""
        self.ensure_one()
        versions = self.version_ids.filtered(
            lambda version: version.valid_from <= at and (not version.valid_to or at < version.valid_to)
        )
        return versions.sorted("valid_from")[-1:]

    def _check_meaning_can_change(self, vals: dict[str, Any]) -> None:
        for tariff in self:
            current = {name: tariff._fields[name].convert_to_write(tariff[name], tariff) for name in vals}
            if current != vals and any(tariff.version_ids.mapped("is_frozen")):
                raise UserError(
                    self.env._(
                        "Sessions were priced with the tariff %(tariff)s: its currency, its tax mode and its "
                        "company cannot change any more. Make a new tariff instead.",
                        tariff=tariff.display_name,
                    )
                )

    def _free_code(self) -> str:
        """A code derived from this one that no tariff of the company has."""
        self.ensure_one()
        taken = set(
            self.with_context(active_test=False)
            .search([("company_id", "=", self.company_id.id), ("code", "=like", f"{self.code}-%")])
            .mapped("code")
        )
        number = 2
        while f"{self.code}-{number}" in taken:
            number += 1
        return f"{self.code}-{number}"
