from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..identifiers import COUNTRY_CODE, PARTY_ID, normalise_code


class ResCompany(models.Model):
    _inherit = "res.company"

    emobility_country_code = fields.Char(
        string="E-Mobility Country Code",
        size=2,
        help="ISO 3166 country code of this company's identity in charging networks, for example DE.",
    )
    emobility_party_id = fields.Char(
        string="E-Mobility Party ID",
        size=3,
        help="The three characters that the national ID registration office assigned to this company.",
    )

    emobility_match_reversed_uid = fields.Boolean(
        "Readers With Reversed UIDs",
        help="Some readers send the bytes of a card in the other order. A UID that is not found is also looked "
        "for in reverse.",
    )

    @api.model_create_multi
    def create(self, vals_list: list[dict]) -> models.BaseModel:
        return super().create([self._normalise_emobility_codes(vals) for vals in vals_list])

    def write(self, vals: dict) -> bool:
        return super().write(self._normalise_emobility_codes(vals))

    @api.model
    def _normalise_emobility_codes(self, vals: dict) -> dict:
        names = {"emobility_country_code", "emobility_party_id"} & vals.keys()
        return {**vals, **{name: normalise_code(vals[name]) or False for name in names}}

    @api.constrains("emobility_country_code", "emobility_party_id")
    def _check_emobility_codes(self) -> None:
        for company in self:
            if company.emobility_country_code and not COUNTRY_CODE.fullmatch(company.emobility_country_code):
                raise ValidationError(
                    self.env._(
                        "The e-mobility country code %(code)s is not made of two letters.",
                        code=company.emobility_country_code,
                    )
                )
            if company.emobility_party_id and not PARTY_ID.fullmatch(company.emobility_party_id):
                raise ValidationError(
                    self.env._(
                        "The e-mobility party ID %(code)s is not made of three letters or digits.",
                        code=company.emobility_party_id,
                    )
                )
