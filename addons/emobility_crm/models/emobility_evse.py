from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

from ..identifiers import EVSE_ID, normalise_code

SOON_DAYS = 90


class EmobilityEvse(models.Model):
    """What charges one car at a time (OCPI EVSE)."""

    _name = "emobility.evse"
    _description = "EVSE"
    _inherit = ["mail.thread"]
    _order = "location_id, physical_reference, id"
    _rec_name = "uid"
    _rec_names_search = ["uid", "evse_id", "physical_reference"]

    uid = fields.Char(
        string="UID",
        required=True,
        copy=False,
        default=lambda self: self.env["ir.sequence"].sudo().next_by_code("emobility.evse"),
        help="The ID of the EVSE in OCPI. It never changes.",
    )
    evse_id = fields.Char(
        string="EVSE-ID",
        copy=False,
        tracking=True,
        help="The public ID of the EVSE (eMI3), for example DE*ABC*E1234*1.",
    )
    location_id = fields.Many2one("emobility.location", required=True, index=True, ondelete="restrict")
    physical_reference = fields.Char(help="What is written on the station, for example a bay number.")
    active = fields.Boolean(default=True)
    connector_ids = fields.One2many("emobility.connector", "evse_id", string="Connectors")
    clock_certified = fields.Boolean(
        tracking=True,
        help="The clock is part of the certified meter. Only then may its time decide about prices.",
    )
    meter_serial = fields.Char(tracking=True)
    meter_model = fields.Char(tracking=True, help="Maker and model of the meter, as its approval names it.")
    calibrated_until = fields.Date(
        tracking=True, index="btree_not_null", help="The last day on which what the meter measures may be billed."
    )
    calibration_state = fields.Selection(
        [("unknown", "Unknown"), ("valid", "Valid"), ("soon", "Ends soon"), ("expired", "Expired")],
        compute="_compute_calibration_state",
        search="_search_calibration_state",
        help="Ends soon: within 90 days.",
    )
    company_id = fields.Many2one(related="location_id.company_id", store=True, index=True)

    _uid_uniq = models.UniqueIndex(
        "(company_id, uid)", "An EVSE with this UID exists already in this company."
    )
    _evse_id_uniq = models.UniqueIndex(
        "(company_id, replace(evse_id, '*', '')) WHERE evse_id IS NOT NULL",
        "An EVSE with this EVSE-ID exists already in this company.",
    )

    @api.depends("calibrated_until")
    def _compute_calibration_state(self) -> None:
        today = fields.Date.context_today(self)
        soon = today + timedelta(days=SOON_DAYS)
        for evse in self:
            until = evse.calibrated_until
            if not until:
                evse.calibration_state = "unknown"
            else:
                evse.calibration_state = (
                    "expired" if until < today else "soon" if until <= soon else "valid"
                )

    def _search_calibration_state(self, operator: str, value: list[str]) -> Domain:
        if operator != "in":
            return NotImplemented
        today = fields.Date.context_today(self)
        soon = today + timedelta(days=SOON_DAYS)
        domains = {
            "unknown": Domain("calibrated_until", "=", False),
            "expired": Domain("calibrated_until", "<", today),
            "soon": Domain("calibrated_until", ">=", today) & Domain("calibrated_until", "<=", soon),
            "valid": Domain("calibrated_until", ">", soon),
        }
        return Domain.OR(domains[state] for state in value if state in domains)

    @api.depends("uid", "evse_id")
    def _compute_display_name(self) -> None:
        for evse in self:
            evse.display_name = evse.evse_id or evse.uid or ""

    def _live_status(self) -> str:
        """`available`, `occupied` or `unavailable`; `unknown` without a connection to the station."""
        self.ensure_one()
        return "unknown"

    @api.constrains("evse_id")
    def _check_evse_id(self) -> None:
        for evse in self:
            if evse.evse_id and not EVSE_ID.fullmatch(evse.evse_id):
                raise ValidationError(
                    self.env._(
                        "%(evse_id)s is not an EVSE-ID: it must be a country code, an operator ID, the "
                        "letter E and up to 31 letters, digits or stars, for example DE*ABC*E1234*1.",
                        evse_id=evse.evse_id,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list: list[dict]) -> models.BaseModel:
        return super().create([self._normalise_vals(vals) for vals in vals_list])

    def write(self, vals: dict) -> bool:
        return super().write(self._normalise_vals(vals))

    @api.model
    def _normalise_vals(self, vals: dict) -> dict:
        if "evse_id" not in vals:
            return vals
        return {**vals, "evse_id": normalise_code(vals["evse_id"]) or False}
