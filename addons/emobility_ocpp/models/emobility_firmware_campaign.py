from typing import Any

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError


class EmobilityFirmwareCampaign(models.Model):
    """New firmware for many stations, in waves: a wave begins when the one before it is through."""

    _name = "emobility.firmware.campaign"
    _description = "Firmware Campaign"
    _inherit = ["mail.thread"]
    _order = "id desc"
    _check_company_auto = True

    name = fields.Char(required=True, tracking=True)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    url = fields.Char("Image Address", required=True, help="Where the stations fetch the image from.")
    version = fields.Char(
        help="What the stations report once they run it. A station that reports it already is left out."
    )
    checksum = fields.Char("SHA-256 of the Image", help="To compare the file with what the manufacturer published.")
    signing_certificate = fields.Text(
        help="PEM, for stations that check the image (OCPP 1.6 security extension, OCPP 2)."
    )
    signature = fields.Char(help="Signature of the image as base64, from the manufacturer.")
    wave_size = fields.Integer(
        "Stations at Once", required=True, default=5, help="So many stations are being updated at the same time."
    )
    max_failures = fields.Integer(
        "Pause after Failures", required=True, default=3, help="The campaign pauses itself when so many have failed."
    )
    state = fields.Selection(
        [("draft", "Draft"), ("running", "Running"), ("paused", "Paused"), ("done", "Done")],
        required=True,
        readonly=True,
        default="draft",
        copy=False,
        tracking=True,
    )
    line_ids = fields.One2many("emobility.firmware.campaign.line", "campaign_id", "Stations")
    station_count = fields.Integer("Number of Stations", compute="_compute_progress")
    done_count = fields.Integer("Through", compute="_compute_progress")
    failed_count = fields.Integer("Failed or Unknown", compute="_compute_progress")
    progress = fields.Float(compute="_compute_progress")

    accepted_failures = fields.Integer(readonly=True, copy=False, help="Failures that a person knew of when going on.")

    _wave_size_positive = models.Constraint("CHECK (wave_size > 0)", "At least one station is updated at once.")

    @api.depends("line_ids.state")
    def _compute_progress(self) -> None:
        counts: dict[int, dict[str, int]] = {}
        for campaign, state, count in self.env["emobility.firmware.campaign.line"]._read_group(
            [("campaign_id", "in", self.ids)], ["campaign_id", "state"], ["__count"]
        ):
            counts.setdefault(campaign.id, {})[state] = count
        for campaign in self:
            states = counts.get(campaign.id, {})
            total = sum(states.values())
            campaign.station_count = total
            campaign.done_count = states.get("installed", 0) + states.get("skipped", 0)
            campaign.failed_count = states.get("failed", 0) + states.get("unknown", 0)
            campaign.progress = 100.0 * (campaign.done_count + campaign.failed_count) / total if total else 0.0

    @api.constrains("signing_certificate", "signature")
    def _check_signature(self) -> None:
        for campaign in self:
            if bool(campaign.signing_certificate) != bool(campaign.signature):
                raise ValidationError(
                    self.env._("A signed image needs both the signing certificate and the signature.")
                )

    def action_start(self) -> None:
        """Begin, or go on after a pause."""
        self._check_technician()
        for campaign in self:
            if not campaign.line_ids:
                raise UserError(self.env._("The campaign has no stations yet."))
            campaign.state = "running"
            campaign._advance()

    def action_pause(self) -> None:
        """Tell no further station; those that were told go on."""
        self._check_technician()
        self.filtered(lambda campaign: campaign.state == "running").state = "paused"

    def _check_technician(self) -> None:
        self.check_access("write")

    def _advance(self) -> None:
        """Tell the next stations, as far as the wave has room; nothing is told twice."""
        for campaign in self.sudo():
            if campaign.state != "running":
                continue
            lines = campaign.line_ids
            if campaign.failed_count - campaign.accepted_failures >= campaign.max_failures > 0:
                campaign.write({"state": "paused", "accepted_failures": campaign.failed_count})
                campaign.message_post(body=self.env._("Paused: too many stations have failed. Look, then go on."))
                continue
            busy = lines.filtered(lambda line: line.state == "busy")
            waiting = lines.filtered(lambda line: line.state == "waiting")
            waiting.filtered(lambda line: line._is_up_to_date()).state = "skipped"
            ready = waiting.filtered(
                lambda line: line.state == "waiting" and line.station_id.connection_state == "online"
            )
            ready[: max(campaign.wave_size - len(busy), 0)]._send()
            if not lines.filtered(lambda line: line.state in ("waiting", "busy")):
                campaign.state = "done"

    @api.model
    def _cron_advance(self) -> None:
        """Stations that were offline come back."""
        lines = self.env["emobility.firmware.campaign.line"]
        lines._give_up()
        self.search([("state", "=", "running")])._advance()

    def _payload(self) -> dict[str, Any]:
        self.ensure_one()
        payload = {"url": self.url, "at": fields.Datetime.now().isoformat() + "Z"}
        if self.signing_certificate:
            payload |= {"certificate": self.signing_certificate, "signature": self.signature}
        return payload
