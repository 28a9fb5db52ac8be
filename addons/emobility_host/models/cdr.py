from __future__ import annotations

import logging
from datetime import date
from typing import Any

from odoo import models
from odoo.exceptions import UserError

from odoo.addons.emobility_billing.rating import RatingError

from .emobility_host_agreement import local_day

_logger = logging.getLogger(__name__)


class EmobilityCdr(models.Model):
    _inherit = "emobility.cdr"

    def _rate_others(self) -> None:
        result = super()._rate_others()
        for cdr in self:
            for agreement in self.env["emobility.host.agreement"]._for_cdr(cdr):
                cdr._rate_for_host(agreement)
        return result

    def _rate_for_host(self, agreement: Any) -> str | None:
        """Price the CDR for a host. What is wrong stops neither the driver's invoice nor other hosts: the
        settlement tries again, and says what is missing.
        """
        self.ensure_one()
        try:
            with self.env.cr.savepoint():
                self.env["emobility.rating"]._create_for_host(self, agreement)
        except (RatingError, UserError) as error:
            _logger.info("%s was not priced for agreement %s: %s", self.name, agreement.id, error)
            return str(error)
        return None

    def _local_start_day(self) -> date:
        return local_day(self.start_at, self.location_id)

    def _local_month(self) -> date:
        """First day of the month in which the session ended, on the clock of the place."""
        return local_day(self.end_at, self.location_id).replace(day=1)
