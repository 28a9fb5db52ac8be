from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from odoo import models

from odoo.addons.emobility_billing.models.gate import Finding


class EmobilityGate(models.AbstractModel):
    """Before a CDR goes to a partner: what the partner would refuse is held here, not disputed there."""

    _inherit = "emobility.gate"

    def _checks(self) -> list[str]:
        return [*super()._checks(), "_check_partner_age", "_check_partner_rules"]

    def _check_partner_age(self, session: Any, derived: Any) -> Iterator[Finding]:
        """Many partners do not pay for what is too old (F51)."""
        limit = session.roaming_agreement_id.age_limit_days
        if not limit or not derived.end:
            return
        age = datetime.now(UTC) - derived.end
        if age > timedelta(days=limit):
            yield Finding("partner_age_limit", evidence={"days": age.days, "limit": limit})

    def _check_partner_rules(self, session: Any, derived: Any) -> Iterator[Finding]:
        """F56: what is above the price that the partner pays, or too small, is not billed unseen."""
        agreement, facts = session.roaming_agreement_id, derived.facts("UTC")
        if not agreement or facts is None:
            return
        broken = agreement._broken_rules(float(facts.energy_kwh), session.amount_estimated)
        if broken:
            yield Finding("partner_rule", evidence={"rules": " ".join(broken)})

    def _check_tariff(self, session: Any, derived: Any) -> Iterator[Finding]:
        """Who gets a share of the driver's price needs no price of their own."""
        if session.roaming_agreement_id.pricing != "percent":
            yield from super()._check_tariff(session, derived)
