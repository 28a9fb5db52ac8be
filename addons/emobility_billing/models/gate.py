from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from odoo import models

from ..derivation import Derived
from ..rating import Context, lint
from .gate_rule import Terms
from .hold_reason import ERROR, NOTE, WARNING

if TYPE_CHECKING:
    from .session import EmobilitySession

# No public charging station measured energy before: what is older is a clock that was never set.
EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
# Two sessions whose energy differs by less are the same energy, reported twice.
SAME_ENERGY_KWH = 0.05
CLOCK_FINDING = "clock_not_certified"
# A file of old sessions is imported on purpose.
SOURCES_OF_ANY_AGE = ("import",)
OCPI_AND_OCPP_ACCEPTED = ("Accepted", "ALLOWED")


@dataclass(frozen=True)
class Finding:
    """One reason why a session may not be billed. ``rule``: what the company wants to be done about it."""

    code: str
    severity: str = ERROR
    evidence: dict[str, Any] = field(default_factory=dict)
    rule: Terms | None = None


class EmobilityGate(models.AbstractModel):
    """The plausibility gate between a session and its CDR.

    Each check is a small method that yields findings. Another module adds one by extending :meth:`_checks`,
    and the reason by ``selection_add`` on ``emobility.hold.reason_code`` and ``emobility.gate.rule.reason_code``.
    Whether a check counts, its limits and its severity are said by the rule of its reason.
    """

    _name = "emobility.gate"
    _description = "Plausibility gate"

    def _checks(self) -> list[str]:
        """Names of the checks, in the order in which a person wants to read their findings."""
        return [
            "_check_start_and_end",
            "_check_order",
            "_check_clock",
            "_check_age",
            "_check_zombie",
            "_check_amount",
            "_check_problems",
            "_check_energy",
            "_check_power",
            "_check_register_jump",
            "_check_micro_session",
            "_check_duplicate",
            "_check_overlap",
            "_check_continuation",
            "_check_signature",
            "_check_calibration",
            "_check_certified_clock",
            "_check_evse",
            "_check_token",
            "_check_payer",
            "_check_tariff",
        ]

    def _findings(self, session: EmobilitySession, derived: Derived) -> list[Finding]:
        """All findings on a session that its rules want to know of, at most one per code (the first)."""
        found: dict[str, Finding] = {}
        for name in self._checks():
            for finding in getattr(self, name)(session, derived):
                found.setdefault(finding.code, finding)
        return self._under_rules(session, list(found.values()))

    def _under_rules(self, session: EmobilitySession, findings: list[Finding]) -> list[Finding]:
        """The findings whose rules are on, each as severe as its rule says."""
        ruled = []
        for finding in findings:
            rule = self._rule(session, finding.code)
            if rule.is_on:
                ruled.append(replace(finding, severity=rule.severity or finding.severity, rule=rule))
        return ruled

    def _rule(self, session: EmobilitySession, code: str) -> Terms:
        return self.env["emobility.gate.rule"]._terms_for(session, code)

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
        tolerance = timedelta(minutes=self._rule(session, "implausible_time").limit_minutes)
        for name, instant in (
            ("start", derived.start),
            ("end", derived.end),
            ("unplugged", derived.unplugged),
        ):
            if instant and (instant < EARLIEST or instant > received + tolerance):
                yield Finding("implausible_time", evidence={name: _iso(instant), "received": _iso(received)})

    def _check_age(self, session: EmobilitySession, derived: Derived) -> Iterator[Finding]:
        """What is reported long after it happened annoys whoever pays, and may not be collectable any more."""
        days = self._rule(session, "too_old").limit_days
        if not days or not derived.end or session.source in SOURCES_OF_ANY_AGE:
            return
        age = session._received_at() - derived.end
        if age > timedelta(days=days):
            yield Finding("too_old", WARNING, {"end": _iso(derived.end), "days": age.days})

    def _check_zombie(self, session: EmobilitySession, derived: Derived) -> Iterator[Finding]:
        closed = derived.closed
        if closed and closed.payload.get("why") in ("duration", "silence"):
            yield Finding(
                "zombie",
                evidence={
                    "closed because of": closed.payload["why"],
                    "closed at": closed.at.isoformat(),
                    "last heard of": _iso(derived.end),
                    "energy_kwh": _text(derived.energy_kwh),
                },
            )
            return
        hours = self._rule(session, "zombie").limit_hours
        end = derived.end or datetime.now(UTC)
        if hours and derived.start and end - derived.start > timedelta(hours=hours):
            lasted = round((end - derived.start).total_seconds() / 3600, 1)
            yield Finding("zombie", evidence={"hours": lasted, "energy_kwh": _text(derived.energy_kwh)})

    def _check_amount(self, session: EmobilitySession, derived: Derived) -> Iterator[Finding]:
        cap = session._amount_cap()
        if not cap:
            return
        evidence = {"amount": session.amount_estimated, "cap": cap, "currency": session.currency_id.name}
        if derived.closed and derived.closed.payload.get("why") == "amount":
            yield Finding("amount_cap", evidence=evidence | {"closed at": derived.closed.at.isoformat()})
        elif session.currency_id.compare_amounts(session.amount_estimated, cap) > 0:
            yield Finding("amount_cap", evidence=evidence)

    def _check_problems(self, session: EmobilitySession, derived: Derived) -> Iterator[Finding]:
        for problem in derived.problems:
            # The signature is judged where the values come in; here it has a rule of its own.
            is_signature = problem.evidence.get("reason") == "signature_wrong"
            yield Finding("signature_wrong" if is_signature else problem.code, evidence=dict(problem.evidence))

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
        if not derived.energy_kwh or not derived.start or not derived.end or derived.end < derived.start:
            return
        possible = self._possible_kwh(session, "implausible_energy", derived.end - derived.start)
        if possible is not None and derived.energy_kwh > possible:
            yield Finding(
                "implausible_energy",
                evidence={
                    "energy_kwh": str(derived.energy_kwh),
                    "possible_kwh": str(round(possible, 3)),
                    "max_kw": session.connector_id.max_power_kw,
                },
            )

    def _check_register_jump(self, session: EmobilitySession, derived: Derived) -> Iterator[Finding]:
        """Between two readings no more can flow than the connector gives. Of two readings only: that is the total."""
        if len(derived.readings) < 3:
            return
        for before, after in pairwise(derived.readings):
            possible = self._possible_kwh(session, "register_jump", after.at - before.at)
            if possible is not None and after.energy_kwh - before.energy_kwh > possible:
                yield Finding(
                    "register_jump",
                    evidence={
                        "from": str(before.energy_kwh),
                        "from_at": _iso(before.at),
                        "to": str(after.energy_kwh),
                        "to_at": _iso(after.at),
                        "possible_kwh": str(round(possible, 3)),
                    },
                )
                return

    def _possible_kwh(self, session: EmobilitySession, code: str, time: timedelta) -> Decimal | None:
        """The most that the connector can deliver in this time, with the tolerances of the rule."""
        power = session.connector_id.max_power_kw
        if not power:
            return None
        rule = self._rule(session, code)
        hours = Decimal(str(time.total_seconds())) / 3600
        margin = 1 + Decimal(str(rule.limit_percent)) / 100
        return Decimal(str(power)) * hours * margin + Decimal(str(rule.limit_kwh))

    def _check_micro_session(self, session: EmobilitySession, derived: Derived) -> Iterator[Finding]:
        rule = self._rule(session, "micro_session")
        if not derived.energy_kwh or not derived.start or not derived.end:
            return
        short = derived.end - derived.start < timedelta(minutes=rule.limit_minutes)
        if short and derived.energy_kwh < Decimal(str(rule.limit_kwh)):
            yield Finding(
                "micro_session",
                WARNING,
                {
                    "energy_kwh": str(derived.energy_kwh),
                    "seconds": (derived.end - derived.start).total_seconds(),
                },
            )

    def _check_duplicate(self, session: EmobilitySession, derived: Derived) -> Iterator[Finding]:
        """The same times and energy on the same connector: one session that was reported by two ways."""
        twins = self._same_time(session, derived).filtered(lambda other: self._is_twin(session, derived, other))
        if twins:
            yield Finding("duplicate", evidence={"sessions": twins.mapped("uid")})

    def _is_twin(self, session: EmobilitySession, derived: Derived, other: EmobilitySession) -> bool:
        tolerance = timedelta(seconds=self._rule(session, "duplicate").limit_seconds)
        start, end = derived.start.replace(tzinfo=None), derived.end.replace(tzinfo=None)  # type: ignore[union-attr]
        return (
            abs(other.start_at - start) <= tolerance
            and abs(other.end_at - end) <= tolerance
            and abs(other.energy_kwh - float(derived.energy_kwh or 0)) <= SAME_ENERGY_KWH
        )

    def _check_overlap(self, session: EmobilitySession, derived: Derived) -> Iterator[Finding]:
        """One cable, one car: two sessions on a connector at once cannot both be right."""
        others = self._same_time(session, derived).filtered(
            lambda other: not self._is_twin(session, derived, other)
        )
        if others:
            yield Finding("overlap", evidence={"sessions": others.mapped("uid")})

    def _same_time(self, session: EmobilitySession, derived: Derived) -> EmobilitySession:
        """Other sessions on the connector at the same time.

        A session that is far too long is certainly the wrong one of the two: it is held for that, and must not hold
        all those that happened while it seemed to go on.
        """
        if not session.connector_id or not derived.start or not derived.end:
            return session.browse()
        longest = self._rule(session, "zombie").limit_hours
        tolerance = timedelta(seconds=self._rule(session, "overlap").limit_seconds)
        return session.search(
            [
                ("connector_id", "=", session.connector_id.id),
                # Between companies that roam with each other, both have a session for the same charge.
                ("company_id", "=", session.company_id.id),
                ("id", "!=", session.id),
                ("state", "in", ("ended", "held", "done")),
                ("start_at", "<", (derived.end - tolerance).replace(tzinfo=None)),
                ("end_at", ">", (derived.start + tolerance).replace(tzinfo=None)),
            ],
            order="start_at desc",
            limit=20,
        ).filtered(lambda other: not longest or other.end_at - other.start_at <= timedelta(hours=longest))

    def _check_continuation(self, session: EmobilitySession, derived: Derived) -> Iterator[Finding]:
        """A pause with the cable in comes as two sessions: the driver plugged in once and owes one start fee."""
        if before := session._continued_session():
            yield Finding("continuation", NOTE, {"session": before.uid, "end": _iso_utc(before.end_at)})

    def _check_signature(self, session: EmobilitySession, derived: Derived) -> Iterator[Finding]:
        if session.evse_id._signs_meter_values() and derived.end and not derived.signed:
            yield Finding("signature_missing", evidence={"evse": session.evse_id.display_name})

    def _check_calibration(self, session: EmobilitySession, derived: Derived) -> Iterator[Finding]:
        until = session.evse_id.calibrated_until
        if not until or not derived.end:
            return
        zone = ZoneInfo(session.location_id.time_zone or "UTC")
        if derived.end.astimezone(zone).date() > until:
            yield Finding("calibration_expired", evidence={"calibrated until": until.isoformat()})

    def _check_certified_clock(self, session: EmobilitySession, derived: Derived) -> Iterator[Finding]:
        """Calibration law: what only an uncertified clock has measured must not decide about the price."""
        version = session.tariff_version_id
        if (
            not version
            or session.evse_id.clock_certified
            or not self._rule(session, "uncertified_clock").is_on
        ):
            return
        findings = lint(version._engine_tariff(), Context(clock_certified=False))
        texts = [finding.message for finding in findings if finding.code == CLOCK_FINDING]
        if texts:
            yield Finding("uncertified_clock", evidence={"tariff": version.display_name, "why": texts[0]})

    def _check_evse(self, session: EmobilitySession, derived: Derived) -> Iterator[Finding]:
        if not session.evse_id:
            reported = derived.started.payload.get("evse_id") if derived.started else None
            yield Finding("unknown_evse", evidence={"reported": reported})

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
            yield Finding("missing_payer", evidence={"token": session.token_uid})

    def _check_tariff(self, session: EmobilitySession, derived: Derived) -> Iterator[Finding]:
        """No tariff is an error, never a price of 0."""
        if session.evse_id and session._has_payer() and not session.tariff_version_id:
            yield Finding(
                "missing_tariff",
                evidence={
                    "payer": (session.contract_id or session.partner_id).display_name,
                    "location": session.location_id.display_name,
                },
            )


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None


def _iso_utc(instant: datetime | None) -> str | None:
    return instant.replace(tzinfo=UTC).isoformat() if instant else None


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)
