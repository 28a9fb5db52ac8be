"""Short ways to write tariffs and sessions in tests, and OCPI-like JSON to the engine's objects."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from rating import (
    ChargingState,
    Dimension,
    OvernightDay,
    Policy,
    PriceComponent,
    Reading,
    Restrictions,
    SessionFacts,
    StateChange,
    StepSize,
    Tariff,
    TariffElement,
    Weekday,
)

TIMES = ("start_time", "end_time")
DATES = ("start_date", "end_date")
AMOUNTS = ("min_kwh", "max_kwh", "min_power", "max_power")


def utc(text: str) -> datetime:
    """``2026-01-31 10:00`` as an aware UTC instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def price(dimension: str, amount: str, step_size: int = 1) -> PriceComponent:
    return PriceComponent(Dimension(dimension), Decimal(amount), step_size)


def element(*components: PriceComponent, **restrictions: Any) -> TariffElement:
    return TariffElement(components, Restrictions(**restrictions))


def tariff(*elements: TariffElement, **options: Any) -> Tariff:
    return Tariff("test", "EUR", elements, **options)


def session(
    start: datetime,
    hours: float,
    energy: str,
    *,
    parked: float = 0,
    readings: Mapping[float, str] | None = None,
    states: Mapping[float, str] | None = None,
    time_zone: str = "UTC",
) -> SessionFacts:
    """A session of some hours. ``readings`` (register) and ``states`` are by hours since the start."""
    end = start + timedelta(hours=hours)
    return SessionFacts(
        start=start,
        end=end,
        unplugged=end + timedelta(hours=parked),
        energy_kwh=Decimal(energy),
        readings=tuple(
            Reading(start + timedelta(hours=at), Decimal(register))
            for at, register in (readings or {}).items()
        ),
        states=tuple(
            StateChange(start + timedelta(hours=at), ChargingState(state))
            for at, state in (states or {}).items()
        ),
        time_zone=time_zone,
    )


def tariff_from_json(data: Mapping[str, Any]) -> Tariff:
    """A tariff in the shape of OCPI's Tariff object."""
    return Tariff(
        id="vector",
        currency=data["currency"],
        elements=tuple(
            element(
                *(price(c["type"], c["price"], c["step_size"]) for c in each["price_components"]),
                **{name: _restriction(name, value) for name, value in each.get("restrictions", {}).items()},
            )
            for each in data["elements"]
        ),
        min_price=Decimal(data["min_price"]) if "min_price" in data else None,
        max_price=Decimal(data["max_price"]) if "max_price" in data else None,
    )


def policy_from_json(data: Mapping[str, Any]) -> Policy:
    return Policy(
        step_size=StepSize(data.get("step_size", StepSize.OCPI)),
        overnight_day=OvernightDay(data.get("overnight_day", OvernightDay.CALENDAR)),
    )


def _restriction(name: str, value: Any) -> Any:
    if name in TIMES:
        return time.fromisoformat(value)
    if name in DATES:
        return date.fromisoformat(value)
    if name in AMOUNTS:
        return Decimal(value)
    if name == "day_of_week":
        return frozenset(Weekday(day) for day in value)
    return value
