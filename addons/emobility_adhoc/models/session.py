from __future__ import annotations

from datetime import datetime
from typing import Any

from odoo import api, fields, models

from odoo.addons.emobility_billing.derivation import Derived, Event
from odoo.addons.emobility_billing.rating import Dimension


class EmobilitySession(models.Model):
    """A charging session that somebody without a contract started and pays for at once."""

    _inherit = "emobility.session"

    adhoc_id = fields.Many2one(
        "emobility.adhoc.session", "Ad-hoc session", readonly=True, index="btree_not_null", ondelete="restrict"
    )

    @api.depends("adhoc_id")
    def _compute_partner_id(self) -> None:  # pylint: disable=missing-return
        super()._compute_partner_id()
        for session in self.filtered("adhoc_id"):
            session.partner_id = session.company_id._adhoc_payer()

    def _apply(self, derived: Derived, event_count: int) -> None:  # pylint: disable=missing-return
        """Who pays is known before anything else is made of the events."""
        token_uid = derived.started and derived.started.payload.get("token_uid")
        if token_uid and not self.adhoc_id:
            self.adhoc_id = self.env["emobility.token"]._find_by_uid(token_uid, self.company_id).adhoc_id
        super()._apply(derived, event_count)

    def _identity(self, started: Event) -> dict[str, Any]:
        values = super()._identity(started)
        if self.adhoc_id:
            values.pop("contract_id", None)
        return values

    def _freeze_tariff(self) -> None:  # pylint: disable=missing-return
        """The price is the one that the customer saw before the start."""
        if not self.adhoc_id:
            super()._freeze_tariff()
        elif not self.tariff_version_id and self.adhoc_id.tariff_version_id:
            version = self.adhoc_id.tariff_version_id
            self.write({"tariff_version_id": version.id, "currency_id": version.currency_id.id})

    def _has_payer(self) -> bool:
        """The hold that was made for the session pays."""
        return bool(self.adhoc_id and self.partner_id) or super()._has_payer()

    def _relation(self) -> str:
        return "adhoc" if self.adhoc_id else super()._relation()

    def _settle_time(self, derived: Derived) -> datetime:
        """The customer wants the receipt at once; only a price for blocking has to wait for the cable."""
        settle_at = super()._settle_time(derived)
        if self.adhoc_id and derived.end and derived.energy_kwh is not None and not self._waits_for_cable():
            return min(settle_at, fields.Datetime.now())
        return settle_at

    def _waits_for_cable(self) -> bool:
        version = self.adhoc_id.tariff_version_id
        tariff = version and version._engine_tariff()
        return bool(tariff) and (tariff.idle is not None or tariff.has_price_for(Dimension.PARKING_TIME))

    def _refresh(self) -> None:  # pylint: disable=missing-return
        super()._refresh()
        for session in self.filtered("adhoc_id"):
            session.adhoc_id._enqueue("session")._on_session()

    def _process(self) -> None:  # pylint: disable=missing-return
        super()._process()
        if self.adhoc_id and self.state == "held" and self._is_nothing():
            self.hold_ids.filtered(lambda hold: hold.state == "open")._as_system()._resolve()
            self._void()

    def _is_nothing(self) -> bool:
        """Whether no energy flowed, and that is all that there is to say about the session."""
        return self.hold_ids.filtered(lambda hold: hold.state == "open").mapped("reason_code") == ["zero_energy"]

    def _void(self) -> None:  # pylint: disable=missing-return
        super()._void()
        for session in self.filtered(lambda one: one.adhoc_id and one.state == "void"):
            session.sudo().adhoc_id._enqueue("release")._release("nothing")
