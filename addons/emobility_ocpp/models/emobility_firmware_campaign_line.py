from datetime import timedelta
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

PATIENCE = timedelta(hours=6)
"""How long a station may say nothing of an update that it was told of before its outcome counts as unknown."""
_FAILED = {
    "DownloadFailed",
    "InstallationFailed",
    "InvalidSignature",
    "InstallVerificationFailed",
    "RevokedCertificate",
    "InvalidCertificate",
}


class EmobilityFirmwareCampaignLine(models.Model):
    """One station of a campaign. It is told once; what became of it, it says itself, or nobody knows."""

    _name = "emobility.firmware.campaign.line"
    _description = "Station of a Firmware Campaign"
    _rec_name = "station_id"
    _order = "campaign_id, id"
    _check_company_auto = True

    campaign_id = fields.Many2one(
        "emobility.firmware.campaign", required=True, index=True, ondelete="cascade", check_company=True
    )
    company_id = fields.Many2one(related="campaign_id.company_id", store=True, index=True)
    station_id = fields.Many2one(
        "emobility.station", required=True, index=True, ondelete="cascade", check_company=True
    )
    state = fields.Selection(
        [
            ("waiting", "Waiting"),
            ("busy", "Being updated"),
            ("installed", "Installed"),
            ("skipped", "Up to date"),
            ("failed", "Failed"),
            ("unknown", "Unknown"),
        ],
        required=True,
        readonly=True,
        default="waiting",
        copy=False,
        index=True,
    )
    connection_state = fields.Selection(related="station_id.connection_state")
    firmware = fields.Char(related="station_id.firmware", string="Reported Firmware")
    firmware_before = fields.Char(readonly=True, copy=False)
    report = fields.Char("Last Report", readonly=True, copy=False, help="What the station said last, in its own words.")
    reported_at = fields.Datetime(readonly=True, copy=False)
    command_id = fields.Many2one("emobility.command", readonly=True, copy=False, ondelete="set null", index=True)

    _station_unique = models.UniqueIndex("(campaign_id, station_id)", "The station is in the campaign already.")

    def _is_up_to_date(self) -> bool:
        self.ensure_one()
        return bool(self.campaign_id.version) and self.station_id.firmware == self.campaign_id.version

    @api.ondelete(at_uninstall=False)
    def _unlink_only_waiting(self) -> None:
        """What was done at a station stays on record."""
        if any(line.state != "waiting" for line in self):
            raise UserError(self.env._("Only a station that still waits can be taken out of a campaign."))

    def _send(self) -> None:
        for line in self:
            command = self.env["emobility.command"]._request(line.station_id, "firmware", line.campaign_id._payload())
            line.write(
                {
                    "state": "busy",
                    "command_id": command.id,
                    "firmware_before": line.station_id.firmware,
                    "reported_at": fields.Datetime.now(),
                }
            )

    def action_again(self) -> None:
        """Tell the station once more. Only a person decides that: the first update may still be under way."""
        self.check_access("read")
        if not self.env.su and not self.env.user.has_group("emobility_crm.group_technician") and (
            not self.env.user.has_group("emobility_crm.group_manager")
        ):
            raise AccessError(self.env._("Only a technician or a manager may repeat an update."))
        lines = self.sudo().filtered(lambda line: line.state in ("failed", "unknown"))
        lines.write({"state": "waiting", "report": False, "command_id": False})
        lines.campaign_id.filtered(lambda campaign: campaign.state == "done").state = "running"
        lines.campaign_id._advance()

    # --- what is reported ---

    @api.model
    def _note_answer(self, command: models.Model) -> None:
        """The station, or the bridge, answered the command itself."""
        line = self.sudo().search([("command_id", "=", command.id), ("state", "=", "busy")])
        if not line:
            return
        if command.state == "accepted":
            line._report(command.result or "Accepted", "busy")
        elif command.state == "offline":
            line._report(command.result or "offline", "waiting")  # it never left: the station gets it when it is back
        else:
            line._report(command.result or command.state, "failed" if command.state == "rejected" else "unknown")

    @api.model
    def _note_progress(self, station: models.Model, status: str, number: int | None) -> None:
        """FirmwareStatusNotification; later versions name the command, OCPP 1.6 means the newest."""
        line = self._running(station)
        if not line or (number and line.command_id.number and number != line.command_id.number):
            return
        if status in _FAILED:
            line._report(status, "failed")
        elif status == "Installed":
            line._report(status, "installed")
        elif status != "Idle":
            line._report(status, "busy")

    @api.model
    def _note_boot(self, station: models.Model) -> None:
        """A station that boots with the wanted version has it, whether it said so before or not."""
        line = self._running(station)
        if line and line._is_up_to_date():
            line._report("Installed", "installed")

    @api.model
    def _give_up(self) -> None:
        silent = self.sudo().search(
            [("state", "=", "busy"), ("reported_at", "<", fields.Datetime.now() - PATIENCE)]
        )
        for line in silent:
            line._report(self.env._("The station says nothing more."), "unknown")

    def _running(self, station: models.Model) -> models.Model:
        """The update of a station that is under way, or whose outcome was not known so far."""
        return self.sudo().search(
            [("station_id", "=", station.id), ("state", "in", ("busy", "unknown")), ("command_id", "!=", False)],
            order="command_id desc",
            limit=1,
        )

    def _report(self, words: str, state: str) -> None:
        self.ensure_one()
        values: dict[str, Any] = {"report": words, "state": state, "reported_at": fields.Datetime.now()}
        self.write(values)
        self.campaign_id._advance()
