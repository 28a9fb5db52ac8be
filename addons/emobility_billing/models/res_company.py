from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    emobility_settle_minutes = fields.Integer(
        "Settling time (minutes)",
        default=15,
        help="How long an ended session waits for the cable to come out and for late meter values.",
    )
    emobility_zombie_hours = fields.Integer(
        "Longest session (hours)",
        default=72,
        help="A session that lasts longer is held: it probably never ended.",
    )
    emobility_power_margin = fields.Integer(
        "Power tolerance (%)",
        default=10,
        help="How much more than connector power times duration a session may deliver before it is held.",
    )
    emobility_micro_minutes = fields.Integer(
        "Micro session: shorter than (minutes)",
        default=2,
        help="A session that is also below the energy limit is held.",
    )
    emobility_micro_kwh = fields.Float("Micro session: less than (kWh)", default=0.1, digits=(16, 3))
    emobility_annex_files = fields.Selection(
        [("none", "PDF only"), ("csv", "CSV"), ("xlsx", "Excel"), ("both", "CSV and Excel")],
        "Session lists in mails",
        default="both",
        required=True,
        help="Files with the sessions of an invoice that are mailed beside its PDF. Both can always be downloaded.",
    )
    emobility_zero_invoices = fields.Boolean(
        "Invoices of 0.00",
        default=True,
        help="Make an invoice also when all of its sessions were free. Otherwise they are closed without one.",
    )

    _emobility_settle_minutes_positive = models.Constraint(
        "CHECK (emobility_settle_minutes >= 0)", "The settling time of charging sessions cannot be negative."
    )
    _emobility_zombie_hours_positive = models.Constraint(
        "CHECK (emobility_zombie_hours > 0)", "The longest charging session must be at least one hour."
    )
