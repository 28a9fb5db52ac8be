from __future__ import annotations

from typing import Any, Self

from odoo import api, fields, models

KINDS = (
    "datex2/table",
    "datex2/status",
    "ocpi/2.2.1/locations",
    "ocpi/2.2.1/tariffs",
    "ocpi/2.3.0/locations",
    "ocpi/2.3.0/tariffs",
)
# Two letters of the country and three of the party.
PARTY_LENGTH = 5
# What is said in the documents themselves: then they are made anew.
_TOLD = frozenset({"country_id", "lang_id", "national_identifier", "is_test", "company_id"})


class EmobilityNapPublication(models.Model):
    """The public data of the charging points in a country, for its national access point."""

    _name = "emobility.nap.publication"
    _description = "Public Data of a Country"
    _order = "company_id, country_id"
    _rec_name = "country_id"
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    country_id = fields.Many2one("res.country", required=True, default=lambda self: self.env.company.country_id)
    lang_id = fields.Many2one(
        "res.lang",
        "Language",
        required=True,
        default=lambda self: self.env["res.lang"]._lang_get(self.env.user.lang or "en_US"),
        help="The language of names and notes in the data.",
    )
    national_identifier = fields.Char(
        required=True, help="Who publishes, by the name that the national access point gave to you."
    )
    is_test = fields.Boolean("Test", help="The data say of themselves that they are a test.")
    active = fields.Boolean(default=True, help="What is not active cannot be fetched.")
    addresses = fields.Text(compute="_compute_addresses", help="Where the data are; add ?since= for what changed.")
    last_fetch_at = fields.Datetime("Last Fetch", compute="_compute_last_fetch_at")
    point_ids = fields.One2many("emobility.nap.point", "publication_id", groups="base.group_system")
    revision = fields.Integer(readonly=True, copy=False, help="Goes up with each change of the data.")
    checked_at = fields.Datetime(readonly=True, copy=False, help="When changes were last looked for.")

    _country_uniq = models.UniqueIndex(
        "(company_id, country_id)", "The company has a publication for this country already."
    )

    @api.depends("country_id", "company_id.emobility_country_code", "company_id.emobility_party_id")
    def _compute_addresses(self) -> None:
        for publication in self:
            base = publication._path()
            host = publication.get_base_url()
            publication.addresses = base and "\n".join(f"{host}{base}/{kind}" for kind in KINDS)

    def _compute_last_fetch_at(self) -> None:
        latest = dict(
            self.env["emobility.nap.fetch"]._read_group(
                [("publication_id", "in", self.ids)], ["publication_id"], ["at:max"]
            )
        )
        for publication in self:
            publication.last_fetch_at = latest.get(publication, False)

    def _path(self) -> str | bool:
        company = self.company_id
        if not (company.emobility_country_code and company.emobility_party_id and self.country_id.code):
            return False
        party = f"{company.emobility_country_code}{company.emobility_party_id}"
        return f"/nap/{party}/{self.country_id.code.lower()}"

    @api.model
    def _find(self, party: str, country: str) -> EmobilityNapPublication:
        """The publication at an address, or none; none either when two companies have the same party."""
        if len(party) != PARTY_LENGTH:
            return self.browse()
        found = self.sudo().search(
            [
                ("company_id.emobility_country_code", "=", party[:2].upper()),
                ("company_id.emobility_party_id", "=", party[2:].upper()),
                ("country_id.code", "=", country.upper()),
            ],
            limit=2,
        )
        return found if len(found) == 1 else self.browse()

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> Self:
        # All rows of snapshots are there from the beginning: two requests at once cannot make the same one twice.
        publications = super().create(vals_list)
        self.env["emobility.nap.document"].sudo().create(
            [
                {"publication_id": publication.id, "kind": kind, "revision": -1}
                for publication in publications
                for kind in KINDS
            ]
        )
        return publications

    def write(self, vals: dict[str, Any]) -> bool:
        result = super().write(vals)
        if vals.keys() & _TOLD:
            for publication in self:
                publication.revision += 1
        return result

    def action_view_fetches(self) -> dict[str, Any]:
        """Return the action that lists who read these data."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_nap.action_nap_fetch")
        return action | {"domain": [("publication_id", "=", self.id)]}
