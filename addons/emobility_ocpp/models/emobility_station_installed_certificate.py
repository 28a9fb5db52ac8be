from typing import Any

from odoo import api, fields, models
from odoo.exceptions import AccessError

# How OCPP calls the use of a certificate, and how the bridge calls it.
_USES = {
    "V2GRootCertificate": "v2g",
    "MORootCertificate": "mo",
    "CSMSRootCertificate": "central_system",
    "CentralSystemRootCertificate": "central_system",
    "ManufacturerRootCertificate": "manufacturer",
    "V2GCertificateChain": "v2g_chain",
}
USES = [
    ("central_system", "Central system (TLS)"),
    ("manufacturer", "Manufacturer (firmware)"),
    ("mo", "Contracts (ISO 15118)"),
    ("v2g", "V2G root (ISO 15118)"),
]


class EmobilityStationInstalledCertificate(models.Model):
    """A root certificate that a station says it trusts, as its last report named it."""

    _name = "emobility.station.installed.certificate"
    _description = "Certificate Installed in a Charging Station"
    _rec_name = "serial"
    _order = "station_id, use, id"

    station_id = fields.Many2one(
        "emobility.station", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="station_id.company_id", store=True, index=True)
    use = fields.Selection([*USES, ("v2g_chain", "V2G chain")], readonly=True)
    serial = fields.Char("Serial Number", readonly=True)
    hash_data = fields.Json(readonly=True)
    reported_at = fields.Datetime(readonly=True)

    @api.model
    def _take_over(self, station: models.Model, answer: dict[str, Any]) -> None:
        """The answer to a listing takes the place of the one before; of OCPP 1.6 that is one use at a time."""
        chains = answer.get("certificateHashDataChain")
        if isinstance(chains, list):
            found = [(_USES.get(chain.get("certificateType")), chain.get("certificateHashData")) for chain in chains]
            self.search([("station_id", "=", station.id)]).unlink()
        else:
            found = [(False, data) for data in answer.get("certificateHashData") or []]
            self.search([("station_id", "=", station.id), ("use", "=", False)]).unlink()
        now = fields.Datetime.now()
        self.create(
            [
                {
                    "station_id": station.id,
                    "use": use or False,
                    "serial": data.get("serialNumber"),
                    "hash_data": data,
                    "reported_at": now,
                }
                for use, data in found
                if isinstance(data, dict)
            ]
        )

    def action_delete_installed(self) -> dict[str, Any]:
        """Ask the station to trust this certificate no longer."""
        self.ensure_one()
        self.check_access("read")
        if not self.env.su and not self.env.user.has_group("emobility_crm.group_manager"):
            raise AccessError(self.env._("Only a manager of e-mobility may delete a certificate in a station."))
        command = self.env["emobility.command"].sudo()._request(
            self.sudo().station_id, "delete_certificate", self.sudo().hash_data, on_result=self
        )
        return command._action_open()

    def _on_command_result(self, command: models.Model) -> None:
        if command.state == "accepted":
            self.unlink()
