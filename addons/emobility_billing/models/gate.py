from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from odoo import models

from ..derivation import Derived

if TYPE_CHECKING:
    from .session import EmobilitySession

WARNING = "1_warning"
ERROR = "2_error"
# No public charging station measured energy before: what is older is a clock that was never set.
EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
CLOCK_TOLERANCE = timedelta(minutes=5)
OVERLAP_TOLERANCE = timedelta(seconds=60)
ENERGY_SLACK_KWH = Decimal("0.5")
OCPI_AND_OCPP_ACCEPTED = ("Accepted", "ALLOWED")


@dataclass(frozen=True)
class Finding:
    """One reason why a session may not be billed. ``retry``: master data may cure it without a person."""

    code: str
    severity: str = ERROR
    evidence: dict[str, Any] = field(default_factory=dict)
    retry: bool = False


class EmobilityGate(models.AbstractModel):
    """The plausibility gate between a session and its CDR.

    Each check is a small method that yields findings. Another module adds one by extending :meth:`_checks`,
    and the reason by ``selection_add`` on ``emobility.hold.reason_code``.
    """

    _name = "emobility.gate"
    _description = "Plausibility gate"

    def _checks(self) -> list[str]:
        """Names of the checks, in the order in which a person wants to read their findings."""
        return [
            "_check_start_and_end",
            "_check_order",
            "_check_clock",
            "_check_zombie",
            "_check_problems",
            "_check_energy",
            "_check_power",
            "_check_micro_session",
            "_check_overlap",
            "_check_evse",
            "_check_token",
            "_check_payer",
            "_check_tariff",
        ]

    def _findings(self, session: EmobilitySession, derived: Derived) -> list[Finding]:
        """All findings on a session, at most one per code (the first)."""
        found: dict[str, Finding] = {}
        for name in self._checks():
            for finding in getattr(self, name)(session, derived):
                found.setdefault(finding.code, finding)
        return list(found.values())

    def _check_start_and_end(self, session: EmobilitySession, derived: Derived) -> Iterator[Finding]:
        if derived.start is None:
            yield Finding("missing_start", evidence={"end": _iso(derived.end)})
        if derived.end is None:
            yield Finding("missing_end", evidence={"last event": _iso(derived.last_at)})

    def _check_order(self, session: EmobilitySession, derived: Derived) -> Iterator[Finding]:
        if derived.start and derived.end and derived.end < derived.start:
            yield Finding(
                "end_before_start", evidence={"start": _iso(derived.start), "end": _iso(derived.end)}
            )

    def _check_clock(self, session: EmobilitySession, derived: Derived) -> Iterator[Finding]:
        received = session._received_at()
        for name, instant in (
            ("start", derived.start),
            ("end", derived.end),
            ("unplugged", derived.unplugged),
        ):
            if instant and (instant < EARLIEST or instant > received + CLOCK_TOLERANCE):
                yield Finding("implausible_time", evidence={name: _iso(instant), "received": _iso(received)})

    def _check_zombie(self, session: EmobilitySession, derived: Derived) -> Iterator[Finding]:
        limit = timedelta(hours=session.company_id.emobility_zombie_hours)
        end = derived.end or datetime.now(UTC)
        if derived.start and end - derived.start > limit:
            hours = round((end - derived.start).total_seconds() / 3600, 1)
            yield Finding("zombie", evidence={"hours": hours, "energy_kwh": _text(derived.energy_kwh)})

    def _check_problems(self, session: EmobilitySession, derived: Derived) -> Iterator[Finding]:
        for problem in derived.problems:
            yield Finding(problem.code, evidence=dict(problem.evidence))

    def _check_energy(self, session: EmobilitySession, derived: Derived) -> Iterator[Finding]:
        energy = derived.energy_kwh
        if energy is None:
            yield Finding("no_energy")
        elif energy < 0:
            yield Finding("negative_energy", evidence={"energy_kwh": str(energy)})
        elif energy == 0:
            yield Finding("zero_energy", WARNING)

    def _check_power(self, session: EmobilitySession, derived: Derived) -> Iterator[Finding]:
        """Signatures do not prove plausibility: energy must fit connector power x time."""
        power = session.connector_id.max_power_kw
        if (
            not power
            or not derived.energy_kwh
            or not derived.start
            or not derived.end
            or derived.end < derived.start
        ):
            return
        hours = Decimal(str((derived.end - derived.start).total_seconds())) / 3600
        margin = 1 + Decimal(str(session.company_id.emobility_power_margin)) / 100
        possible = Decimal(str(power)) * hours * margin + ENERGY_SLACK_KWH
        if derived.energy_kwh > possible:
            yield Finding(
                "implausible_energy",
                evidence={
                    "energy_kwh": str(derived.energy_kwh),
                    "possible_kwh": str(round(possible, 3)),
                    "max_kw": power,
                },
            )

    def _check_micro_session(self, session: EmobilitySession, derived: Derived) -> Iterator[Finding]:
        company = session.company_id
        if not derived.energy_kwh or not derived.start or not derived.end:
            return
        short = derived.end - derived.start < timedelta(minutes=company.emobility_micro_minutes)
        if short and derived.energy_kwh < Decimal(str(company.emobility_micro_kwh)):
            yield Finding(
                "micro_session",
                WARNING,
                {
                    "energy_kwh": str(derived.energy_kwh),
                    "seconds": (derived.end - derived.start).total_seconds(),
                },
            )

    def _check_overlap(self, session: EmobilitySession, derived: Derived) -> Iterator[Finding]:
        """One cable, one car: two sessions on a connector at once cannot both be right.

        A session that is far too long is certainly the wrong one of the two: it is held for that, and must not hold
        all those that happened while it seemed to go on.
        """
        if not session.connector_id or not derived.start or not derived.end:
            return
        longest = timedelta(hours=session.company_id.emobility_zombie_hours)
        others = session.search(
            [
                ("connector_id", "=", session.connector_id.id),
                # Between companies that roam with each other, both have a session for the same charge.
                ("company_id", "=", session.company_id.id),
                ("id", "!=", session.id),
                ("state", "in", ("ended", "held", "done")),
                ("start_at", "<", (derived.end - OVERLAP_TOLERANCE).replace(tzinfo=None)),
                ("end_at", ">", (derived.start + OVERLAP_TOLERANCE).replace(tzinfo=None)),
            ],
            order="start_at desc",
            limit=20,
        ).filtered(lambda other: other.end_at - other.start_at <= longest)
        if others:
            yield Finding("overlap", evidence={"sessions": others.mapped("uid")})

    def _check_evse(self, session: EmobilitySession, derived: Derived) -> Iterator[Finding]:
        if not session.evse_id:
            reported = derived.started.payload.get("evse_id") if derived.started else None
            yield Finding("unknown_evse", evidence={"reported": reported}, retry=True)

    def _check_token(self, session: EmobilitySession, derived: Derived) -> Iterator[Finding]:
        """Who charged without leave (an offline station, free mode) does not pay until a person says so."""
        if not derived.started:
            return
        authorization = derived.started.payload.get("authorization")
        if authorization and authorization not in OCPI_AND_OCPP_ACCEPTED:
            yield Finding(
                "unauthorised_token", evidence={"authorization": authorization, "token": session.token_uid}
            )
        elif not authorization and session.token_id:
            status = session.token_id._authorization_status()
            if status != "Accepted":
                yield Finding(
                    "unauthorised_token", evidence={"status now": status, "token": session.token_uid}
                )

    def _check_payer(self, session: EmobilitySession, derived: Derived) -> Iterator[Finding]:
        if not session._has_payer():
            yield Finding("missing_payer", evidence={"token": session.token_uid}, retry=True)

    def _check_tariff(self, session: EmobilitySession, derived: Derived) -> Iterator[Finding]:
        """No tariff is an error, never a price of 0."""
        if session.evse_id and session._has_payer() and not session.tariff_version_id:
            yield Finding(
                "missing_tariff",
                evidence={
                    "payer": (session.contract_id or session.partner_id).display_name,
                    "location": session.location_id.display_name,
                },
                retry=True,
            )


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)
