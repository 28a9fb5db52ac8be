from odoo import fields, models


class EmobilityThgReportLine(models.TransientModel):
    """The energy of one public charging point in the period."""

    _name = "emobility.thg.report.line"
    _description = "THG Report Line"
    _order = "report_id, problem, location_id, evse_id, id"
    _rec_name = "evse_id"

    report_id = fields.Many2one(
        "emobility.thg.report", required=True, readonly=True, ondelete="cascade", index=True
    )
    evse_id = fields.Many2one("emobility.evse", "Charging point", readonly=True)
    location_id = fields.Many2one("emobility.location", readonly=True)
    evse_name = fields.Char("EVSE-ID", readonly=True)
    bnetza_number = fields.Char("Registration number", readonly=True)
    date_from = fields.Date("From", readonly=True, help="The registration, when that is within the period.")
    date_to = fields.Date("To", readonly=True)
    session_count = fields.Integer("Sessions", readonly=True)
    energy_mwh = fields.Float("Energy (MWh)", digits=(16, 6), readonly=True)
    problem = fields.Char(readonly=True, help="Why this point cannot be claimed as it is.")
