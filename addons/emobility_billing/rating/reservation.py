"""What a reservation before a session, or one that expired, is charged for.

Its elements are looked up as those of a session are, over the time from the reservation until charging starts or
the reservation expires. When it expired, RESERVATION_EXPIRES comes first for the time, and the fees of both kinds
are due (mod_tariffs, ReservationRestrictionType; `Policy.expired_flat`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from .curve import EnergyCurve
from .facts import SessionFacts
from .periods import ActivePrice, periods_on_curve
from .policy import ExpiredFlat, Policy
from .tariff import Dimension, Reservation, Tariff, TariffElement


@dataclass(frozen=True, slots=True)
class ReservationPart:
    """A volume (microseconds, or 1 for a fee) of a reservation at a price."""

    dimension: Dimension
    price: ActivePrice
    start: datetime
    end: datetime
    volume: int


def reservation_parts(tariff: Tariff, facts: SessionFacts, policy: Policy) -> Iterator[ReservationPart]:
    """In order of time; fees first."""
    if facts.reserved_from is None:
        return
    kinds = [Reservation.RESERVATION]
    if facts.reservation_expired:
        kinds = [Reservation.RESERVATION_EXPIRES, Reservation.RESERVATION]
    for kind in kinds:
        fee = next((part for part in _parts(tariff, facts, policy, [kind]) if part.volume == 1), None)
        if fee is not None:
            yield fee
            if policy.expired_flat is ExpiredFlat.REPLACE:
                break
    yield from (part for part in _parts(tariff, facts, policy, kinds) if part.volume > 1)


def _parts(
    tariff: Tariff, facts: SessionFacts, policy: Policy, kinds: list[Reservation]
) -> Iterator[ReservationPart]:
    """What the elements of these kinds price, the first kind before the second."""
    indexes = [
        index
        for kind in kinds
        for index, element in enumerate(tariff.elements)
        if element.restrictions.reservation is kind
    ]
    if not any(tariff.elements[index].components for index in indexes):
        return
    elements = tuple(_as_session(tariff.elements[index]) for index in indexes)
    reserved = _as_charging(facts)
    curve = EnergyCurve(reserved)
    for period in periods_on_curve(reserved, Tariff(tariff.id, tariff.currency, elements), curve, policy):
        for price in period.prices:
            original = replace(price, element=indexes[price.element])
            if price.dimension is Dimension.FLAT:
                yield ReservationPart(Dimension.RESERVATION_FLAT, original, period.start, period.end, 1)
            elif period.duration:
                yield ReservationPart(
                    Dimension.RESERVATION_TIME, original, period.start, period.end, period.duration
                )


def _as_session(element: TariffElement) -> TariffElement:
    return replace(element, restrictions=replace(element.restrictions, reservation=None))


def _as_charging(facts: SessionFacts) -> SessionFacts:
    """The time of the reservation as if it were a session without energy."""
    assert facts.reserved_from is not None
    return SessionFacts(facts.reserved_from, facts.start, None, Decimal(0), time_zone=facts.time_zone)
