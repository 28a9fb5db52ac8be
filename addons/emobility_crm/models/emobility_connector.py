from odoo import api, fields, models


class EmobilityConnector(models.Model):
    """A socket or cable of an EVSE (OCPI Connector)."""

    _name = "emobility.connector"
    _description = "EVSE Connector"
    _order = "evse_id, code"
    _rec_name = "code"
    _rec_names_search = ["code", "evse_id.evse_id", "evse_id.uid", "evse_id.physical_reference"]

    evse_id = fields.Many2one("emobility.evse", string="EVSE", required=True, index=True, ondelete="cascade")
    code = fields.Char(
        string="Connector ID", required=True, default="1", help="The ID of the connector in OCPI."
    )
    standard = fields.Selection(
        [
            ("IEC_62196_T2", "Type 2"),
            ("IEC_62196_T2_COMBO", "CCS (Combo 2)"),
            ("IEC_62196_T1", "Type 1"),
            ("IEC_62196_T1_COMBO", "CCS (Combo 1)"),
            ("IEC_62196_T3A", "Type 3A"),
            ("IEC_62196_T3C", "Type 3C"),
            ("CHADEMO", "CHAdeMO"),
            ("CHAOJI", "ChaoJi"),
            ("GBT_AC", "GB/T AC"),
            ("GBT_DC", "GB/T DC"),
            ("TESLA_R", "Tesla Roadster"),
            ("TESLA_S", "Tesla Model S/X"),
            ("SAE_J3400", "NACS (SAE J3400)"),
            ("MCS", "Megawatt Charging System"),
            ("DOMESTIC_A", "Domestic A"),
            ("DOMESTIC_B", "Domestic B"),
            ("DOMESTIC_C", "Domestic C"),
            ("DOMESTIC_D", "Domestic D"),
            ("DOMESTIC_E", "Domestic E"),
            ("DOMESTIC_F", "Domestic F (Schuko)"),
            ("DOMESTIC_G", "Domestic G"),
            ("DOMESTIC_H", "Domestic H"),
            ("DOMESTIC_I", "Domestic I"),
            ("DOMESTIC_J", "Domestic J"),
            ("DOMESTIC_K", "Domestic K"),
            ("DOMESTIC_L", "Domestic L"),
            ("DOMESTIC_M", "Domestic M"),
            ("DOMESTIC_N", "Domestic N"),
            ("DOMESTIC_O", "Domestic O"),
            ("IEC_60309_2_single_16", "IEC 60309-2, single phase, 16 A"),
            ("IEC_60309_2_three_16", "IEC 60309-2, three phases, 16 A"),
            ("IEC_60309_2_three_32", "IEC 60309-2, three phases, 32 A"),
            ("IEC_60309_2_three_64", "IEC 60309-2, three phases, 64 A"),
            ("NEMA_5_20", "NEMA 5-20"),
            ("NEMA_6_30", "NEMA 6-30"),
            ("NEMA_6_50", "NEMA 6-50"),
            ("NEMA_10_30", "NEMA 10-30"),
            ("NEMA_10_50", "NEMA 10-50"),
            ("NEMA_14_30", "NEMA 14-30"),
            ("NEMA_14_50", "NEMA 14-50"),
            ("PANTOGRAPH_BOTTOM_UP", "Pantograph, bottom up"),
            ("PANTOGRAPH_TOP_DOWN", "Pantograph, top down"),
        ],
        required=True,
        default="IEC_62196_T2",
    )
    power_type = fields.Selection(
        [
            ("AC_1_PHASE", "AC, one phase"),
            ("AC_2_PHASE", "AC, two phases"),
            ("AC_2_PHASE_SPLIT", "AC, two phases (split)"),
            ("AC_3_PHASE", "AC, three phases"),
            ("DC", "DC"),
        ],
        required=True,
        default="AC_3_PHASE",
    )
    max_power_kw = fields.Float(
        string="Max. Power (kW)",
        digits=(10, 3),
        help="The most that this connector can give. Energy beyond it is not plausible.",
    )
    company_id = fields.Many2one(related="evse_id.company_id", store=True, index=True)

    _code_uniq = models.UniqueIndex("(evse_id, code)", "This EVSE has a connector with this ID already.")
    _max_power_not_negative = models.Constraint(
        "CHECK (max_power_kw >= 0)", "The maximum power of a connector cannot be negative."
    )

    @api.depends("evse_id.display_name", "code")
    def _compute_display_name(self) -> None:
        for connector in self:
            connector.display_name = f"{connector.evse_id.display_name} / {connector.code}"
