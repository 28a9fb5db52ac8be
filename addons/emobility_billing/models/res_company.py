import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError


class ResCompany(models.Model):
    _inherit = "res.company"

    emobility_settle_minutes = fields.Integer(
        "Settling time (minutes)",
        default=15,
        help="How long an ended session waits for the cable to come out and for late meter values.",
    )
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
    emobility_datev_consultant = fields.Integer(
        "DATEV consultant", help="Number of the tax adviser (Beraternummer): 1001 to 9999999."
    )
    emobility_datev_client = fields.Integer(
        "DATEV client", help="Number of this company at the tax adviser (Mandantennummer): 1 to 99999."
    )
    emobility_datev_account_length = fields.Integer(
        "DATEV account length", default=4, help="Digits of general ledger accounts: 4 to 8."
    )
    emobility_datev_automatic_accounts = fields.Char(
        "DATEV automatic accounts",
        help="Accounts to which DATEV adds taxes by itself, such as '8300-8499, 8125'. Our bookings carry the "
        "taxes already, so that it is told not to (key 40).",
    )

    _emobility_datev_numbers = models.Constraint(
        "CHECK (COALESCE(emobility_datev_consultant, 0) = 0 OR emobility_datev_consultant BETWEEN 1001 AND 9999999)",
        "The DATEV number of the consultant is between 1001 and 9999999.",
    )
    _emobility_datev_client_number = models.Constraint(
        "CHECK (COALESCE(emobility_datev_client, 0) BETWEEN 0 AND 99999)",
        "The DATEV number of the client is between 1 and 99999.",
    )
    _emobility_datev_length = models.Constraint(
        "CHECK (emobility_datev_account_length BETWEEN 4 AND 8)", "DATEV accounts have 4 to 8 digits."
    )
    _emobility_settle_minutes_positive = models.Constraint(
        "CHECK (emobility_settle_minutes >= 0)", "The settling time of charging sessions cannot be negative."
    )
    @api.constrains("emobility_datev_automatic_accounts")
    def _check_emobility_datev_automatic_accounts(self) -> None:
        for company in self:
            text = company.emobility_datev_automatic_accounts or ""
            if text and not re.fullmatch(r"\s*\d+(-\d+)?(\s*,\s*\d+(-\d+)?)*\s*", text):
                raise ValidationError(
                    self.env._("Automatic accounts are numbers and ranges with commas: 8300-8499, 8125.")
                )

    def _emobility_is_datev_automatic(self, code: str) -> bool:
        """Whether DATEV adds the tax of an account by itself."""
        self.ensure_one()
        for part in filter(None, (self.emobility_datev_automatic_accounts or "").replace(" ", "").split(",")):
            first, _dash, last = part.partition("-")
            if int(first) <= int(code) <= int(last or first):
                return True
        return False
