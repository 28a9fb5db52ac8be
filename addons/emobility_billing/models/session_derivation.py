from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from odoo import fields, models

from ..derivation import Derived, Event, derive
from ..rating import RatingError, SessionFacts
from ..reductions import Reductions
from .session import OPEN_STATES
from .session_event import OFFICE

_NAMED = {"emobility.evse": "evse_id", "emobility.connector": "connector_id", "contract.contract": "contract_id"}
"""What a start names by its ID."""

_logger = logging.getLogger(__name__)


class EmobilitySession(models.Model):
    """From events to facts: a session is brought in line with all its events, whatever order they came in."""

    _inherit = "emobility.session"

    def _derive(self, events: dict[int, list[Event]] | None = None) -> dict[int, Derived]:
        """What the events say, by session id."""
        events = (
            self.env["emobility.session.event"].sudo()._by_session(self.ids) if events is None else events
        )
        result = {}
        for session in self:
            power = (
                session.connector_id.max_power_kw or self._reported_connector(events[session.id]).max_power_kw
            )
            result[session.id] = derive(events[session.id], Decimal(str(power)) if power else None)
        return result

    def _reported_connector(self, events: list[Event]) -> Any:
        """The connector that a first start names, while it is not on the session yet."""
        for event in events:
            connector_id = event.payload.get("connector_id") if event.kind == "started" else None
            if isinstance(connector_id, int) and connector_id:
                return self._existing("emobility.connector", connector_id).sudo()
        return self.env["emobility.connector"]

    def _refresh(self) -> None:
        """Bring the sessions in line with all their events, and see to what follows from that."""
        events = self.env["emobility.session.event"]._by_session(self.ids)
        sessions = self._knowing(events)
        derived = sessions._derive(events)
        for session in sessions:
            if session.state in OPEN_STATES:
                session._apply(derived[session.id], len(events[session.id]))
            else:
                session.event_count = len(events[session.id])
                session._note_late_change(derived[session.id])
        self.filtered(lambda session: session.state in ("ended", "held"))._schedule()

    def _knowing(self, events: dict[int, list[Event]]) -> EmobilitySession:
        """The same sessions, with all that their starts name looked up at once."""
        if len(self) < 2:
            return self
        named: dict[str, set[int]] = {}
        uids: dict[Any, set[str]] = {}
        for session in self:
            for event in events[session.id]:
                if event.kind == "started":
                    for model, key in _NAMED.items():
                        value = event.payload.get(key)
                        named.setdefault(model, set()).update([value] if isinstance(value, int) and value else [])
                    uid = event.payload.get("token_uid")
                    uids.setdefault(session.company_id, set()).update([uid] if uid else [])
        existing = {model: frozenset(self.env[model].browse(ids).exists().ids) for model, ids in named.items()}
        return self.with_context(emobility_existing=existing, **self.env["emobility.token"]._knowing(uids))

    def _apply(self, derived: Derived, event_count: int) -> None:
        """Write what the events say; a session stays as it is where they say nothing."""
        self.ensure_one()
        values: dict[str, Any] = {
            "event_count": event_count,
            "start_at": _naive(derived.start),
            "end_at": _naive(derived.end),
            "unplugged_at": _naive(derived.unplugged),
            "last_event_at": _naive(derived.last_at),
            "energy_kwh": float(derived.energy_kwh or 0),
            "notes": list(derived.notes) or False,
        }
        if derived.ended:
            values["end_reason"] = derived.ended.payload.get("reason") or False
        if derived.started:
            values.update(self._identity(derived.started))
        if derived.end and self.state == "live":
            values["state"] = "ended"
        if derived.end or derived.unplugged:
            values["settle_at"] = self._settle_time(derived)
        self.write({name: value for name, value in values.items() if self._differs(name, value)})
        self._freeze_tariff()
        self._estimate(derived)

    def _differs(self, name: str, value: Any) -> bool:
        current = self[name]
        return (current.id or False) != value if isinstance(current, models.BaseModel) else current != value

    def _identity(self, started: Event) -> dict[str, Any]:
        """Who charged, where: as reported at the start, as far as it is known here."""
        payload = started.payload
        values: dict[str, Any] = {"remote_ref": payload.get("remote_ref") or False}
        evse = self._existing("emobility.evse", payload.get("evse_id"))
        connector = self._existing("emobility.connector", payload.get("connector_id"))
        if evse:
            values["evse_id"] = evse.id
        if connector and connector.evse_id == (evse or self.evse_id):
            values["connector_id"] = connector.id
        company = self._company_at(evse)
        if company != self.company_id:
            values["company_id"] = company.id
        token_uid = payload.get("token_uid") or False
        values["token_uid"] = token_uid
        tokens = self.env["emobility.token"].with_company(company)
        token = tokens._find_by_uid(token_uid, company) if token_uid else tokens
        values["token_id"] = token.id or False
        contract = self._existing("contract.contract", payload.get("contract_id")) or token.contract_id
        if not contract and not token_uid:
            contract = (evse or self.evse_id).location_id.default_contract_id
        if contract:
            values["contract_id"] = contract.id
        return values

    def _company_at(self, evse: Any) -> Any:
        """Whose session it is: that of the company of the EVSE, when this is known."""
        return evse.company_id or self.company_id

    def _existing(self, model: str, record_id: Any) -> Any:
        if not isinstance(record_id, int) or not record_id:
            return self.env[model]
        record = self.env[model].browse(record_id)
        known = self.env.context.get("emobility_existing", {}).get(model, ())
        return record if record_id in known else record.exists()

    def _relation(self) -> str:
        """Between whom the session is priced first: a driver and their provider, unless another module knows better."""
        self.ensure_one()
        return "retail"

    def _has_payer(self) -> bool:
        """Whether it is known who pays, and on what terms."""
        self.ensure_one()
        return bool(self.contract_id and self.partner_id)

    def _freeze_tariff(self) -> None:
        """Choose the tariff version of the start, once: later price changes do not touch a session."""
        if self.tariff_version_id or not (self.start_at and self.evse_id and self._has_payer()):
            return
        version = self.env["emobility.price.rule"]._select_version(
            self.company_id,
            self.contract_id,
            self.evse_id,
            self.connector_id,
            self.start_at,
            relation=self._relation(),
            partner=self.partner_id,
        )
        if version:
            version._freeze()
            self.write({"tariff_version_id": version.id, "currency_id": version.tariff_id.currency_id.id})

    def _estimate(self, derived: Derived) -> None:
        """The cost so far, by the engine that also makes the invoice."""
        facts = derived.facts(self.location_id.time_zone or "UTC")
        if facts is None or not self.tariff_version_id:
            return
        try:
            amount = self._amount_of(facts)
        except RatingError as error:
            _logger.info("Session %s has no estimate: %s", self.uid, error)
            return
        if self.currency_id.compare_amounts(amount, self.amount_estimated):
            self.amount_estimated = amount

    def _amount_of(self, facts: SessionFacts) -> float:
        """What the payer would pay for these facts now, with all that the contract has off. Nothing is used up.

        :raises RatingError: when the engine cannot price it
        """
        return float(self._payable_until(facts)(facts))

    def _payable_until(self, whole: SessionFacts) -> Callable[[SessionFacts], Decimal]:
        """What tells the price of this session for facts with the start of ``whole``, with all that is off.

        Of a session that is rated what it has used up itself, and what was used after it, is not used yet.
        """
        version, contract = self.tariff_version_id, self.contract_id
        rating = self._present_rating()
        reductions = (
            Reductions(whole.start, contract, self.partner_id, self.location_id, self.currency_id, own=rating)
            if contract and self._relation() == "retail"
            else None
        )

        def payable(facts: SessionFacts) -> Decimal:
            result = version._price(facts, contract, before=rating)
            off = reductions.of(result) if reductions else []
            return sum((each.amount for each in off), result.total)

        return payable

    def _present_rating(self) -> Any:
        """The rating that counts of this session; empty before there is one."""
        if self.state != "done":
            return self.env["emobility.rating"]
        relation = self._relation()
        return self.sudo().cdr_ids.filtered(lambda cdr: not cdr.credit).rating_ids.filtered(
            lambda rating: rating.relation == relation and rating.state != "credited"
        )[-1:]

    def _received_at(self) -> datetime:
        """When the server heard of the session last: the one clock that can be trusted."""
        newest = (
            self.env["emobility.session.event"]
            .sudo()
            .search(
                [("session_id", "=", self.id), ("source", "!=", OFFICE)], order="received_at desc", limit=1
            )
        )
        return (newest.received_at or fields.Datetime.now()).replace(tzinfo=UTC)


def _naive(instant: datetime | None) -> datetime | bool:
    """Aware UTC -> what an Odoo Datetime field holds."""
    return instant.astimezone(UTC).replace(tzinfo=None) if instant else False
