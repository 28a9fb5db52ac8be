from datetime import timedelta
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import AccessError

from ..bridge_event import EventError
from ..station_ca import RequestError, new_authority, sign


class EmobilityStationCertificate(models.Model):
    """A certificate that a station proves itself with. The bridge lets in those that are listed as good."""

    _name = "emobility.station.certificate"
    _description = "Certificate of a Charging Station"
    _rec_name = "serial"
    _order = "id desc"

    station_id = fields.Many2one(
        "emobility.station", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="station_id.company_id", store=True, index=True)
    serial = fields.Char("Serial Number", required=True, readonly=True)
    certificate = fields.Text(readonly=True)
    not_before = fields.Datetime("Valid From", required=True, readonly=True)
    not_after = fields.Datetime("Valid To", required=True, readonly=True)
    revoked_at = fields.Datetime(readonly=True)

    _serial_unique = models.UniqueIndex("(serial)", "There is already a certificate with this serial number.")

    @api.model
    def _issue(self, station: models.Model, csr: str) -> models.Model:
        """Sign the request of a station and send the certificate to it."""
        if not station.accepted:
            raise EventError(self.env._("A station that is not accepted gets no certificate."))
        company = station.company_id.sudo()
        now = fields.Datetime.now()
        if not company.emobility_station_ca_key:
            key, certificate = new_authority(f"{company.name} stations", now)
            company.write(
                {"emobility_station_ca_key": key, "emobility_station_ca_certificate": certificate}
            )
        try:
            issued = sign(
                csr,
                station.identity,
                company.emobility_station_ca_key,
                company.emobility_station_ca_certificate,
                now,
            )
        except RequestError as error:
            raise EventError(str(error)) from error
        record = self.create(
            {
                "station_id": station.id,
                "serial": issued.serial,
                "certificate": issued.pem,
                "not_before": issued.not_before,
                "not_after": issued.not_after,
            }
        )
        station._record_ocpp_change()
        chain = issued.pem + company.emobility_station_ca_certificate
        self.env["emobility.command"]._request(station, "certificate", {"chain": chain})
        return record

    def _is_good(self) -> bool:
        self.ensure_one()
        return not self.revoked_at and self.not_after > fields.Datetime.now()

    def action_revoke(self) -> None:
        """The stations are no longer let in with these certificates."""
        self.check_access("read")
        if not self.env.su and not self.env.user.has_group("emobility_crm.group_manager"):
            raise AccessError(self.env._("Only a manager of e-mobility may revoke a certificate."))
        self.sudo().filtered(lambda certificate: not certificate.revoked_at).revoked_at = fields.Datetime.now()
        self.station_id._record_ocpp_change()

    @api.model
    def _cron_renew(self, days: int = 60) -> None:
        """Ask stations for a new signing request before their last good certificate ends."""
        now = fields.Datetime.now()
        for station in self.env["emobility.station"].search([("security_profile", "=", "3")]):
            good = station.certificate_ids.filtered(lambda certificate: certificate._is_good())
            if good and max(good.mapped("not_after")) < now + timedelta(days=days):
                self.env["emobility.command"]._request(station, "rotate_certificate", {})

    @api.model
    def _values_for_bridge(self, station: models.Model) -> list[Any]:
        return station.certificate_ids.filtered(lambda certificate: certificate._is_good()).mapped("serial")
