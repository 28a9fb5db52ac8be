"""What holds for every tariff and every session."""

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from rating import (
    ChargingState,
    Dimension,
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
    facts_from_json,
    facts_to_json,
    rate,
)

DIMENSIONS = (Dimension.FLAT, Dimension.ENERGY, Dimension.TIME, Dimension.PARKING_TIME)
ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu")

prices = st.decimals(0, 20, places=4)
limits = st.none() | st.integers(1, 40)
times = st.none() | st.builds(time, st.integers(0, 23), st.sampled_from((0, 15, 30)))


@st.composite
def restrictions(draw: st.DrawFn) -> Restrictions:
    def amount() -> Decimal | None:
        limit = draw(limits)
        return None if limit is None else Decimal(limit)

    def seconds() -> int | None:
        limit = draw(limits)
        return None if limit is None else limit * 600

    return Restrictions(
        start_time=draw(times),
        end_time=draw(times),
        start_date=draw(st.none() | st.just(date(2026, 3, 29))),
        end_date=draw(st.none() | st.just(date(2026, 3, 30))),
        min_kwh=amount(),
        max_kwh=amount(),
        min_power=amount(),
        max_power=amount(),
        min_duration=seconds(),
        max_duration=seconds(),
        min_parking=seconds(),
        max_parking=seconds(),
        day_of_week=draw(st.frozensets(st.sampled_from(tuple(Weekday)))),
    )


@st.composite
def elements(draw: st.DrawFn) -> TariffElement:
    dimensions = draw(st.lists(st.sampled_from(DIMENSIONS), min_size=1, unique=True))
    components = tuple(
        PriceComponent(dimension, draw(prices), draw(st.sampled_from((0, 1, 60, 1000))))
        for dimension in dimensions
    )
    return TariffElement(components, draw(st.just(Restrictions()) | restrictions()))


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    bounds = sorted(draw(st.lists(st.integers(0, 30), min_size=2, max_size=2)))
    lowest, highest = (draw(st.none() | st.just(Decimal(bound))) for bound in bounds)
    return Tariff(
        "any",
        "EUR",
        tuple(draw(st.lists(elements(), min_size=1, max_size=4))),
        min_price=lowest,
        max_price=highest,
        digits=draw(st.sampled_from((0, 2, 3))),
    )


@st.composite
def sessions(draw: st.DrawFn) -> SessionFacts:
    # Around the change of clocks in Europe; other zones have theirs in the same weeks or none.
    start = datetime(2026, 3, 28, 18, tzinfo=UTC) + timedelta(seconds=draw(st.integers(0, 86_400)))
    duration = draw(st.integers(0, 100_000))
    offsets = sorted(draw(st.lists(st.integers(-600, duration + 600), max_size=6)))
    rises = draw(st.lists(st.integers(0, 8_000), min_size=len(offsets), max_size=len(offsets)))
    registers = [sum(rises[: index + 1], 100_000) for index in range(len(offsets))]
    changes = sorted(draw(st.lists(st.integers(0, duration + 600), max_size=5)))
    return SessionFacts(
        start=start,
        end=start + timedelta(seconds=duration),
        unplugged=draw(
            st.none() | st.just(start + timedelta(seconds=duration + draw(st.integers(0, 40_000))))
        ),
        energy_kwh=Decimal(draw(st.integers(0, 60_000))).scaleb(-3),
        readings=tuple(
            Reading(start + timedelta(seconds=offset), Decimal(register).scaleb(-3))
            for offset, register in zip(offsets, registers, strict=True)
        ),
        states=tuple(
            StateChange(start + timedelta(seconds=offset), draw(st.sampled_from(tuple(ChargingState))))
            for offset in changes
        ),
        time_zone=draw(st.sampled_from(ZONES)),
    )


@settings(max_examples=300, deadline=None)
@given(tariffs(), sessions())
def test_lines_add_up_to_the_total_and_the_total_is_within_its_bounds(
    tariff: Tariff, facts: SessionFacts
) -> None:
    rating = rate(tariff, facts)
    assert sum(line.amount for line in rating.lines) == rating.total
    assert rating.total >= (tariff.min_price or 0)
    assert tariff.max_price is None or rating.total <= tariff.max_price
    unit = Decimal(1).scaleb(-tariff.digits)
    for line in rating.lines:
        assert line.amount == line.amount.quantize(unit)
        assert line.amount >= 0 or line.dimension is Dimension.MAX_PRICE
        # The quantity of hours has 6 decimals, prices are up to 20.
        assert abs(line.quantity * line.unit_price - line.amount) <= unit / 2 + Decimal("0.00002")


@settings(max_examples=300, deadline=None)
@given(tariffs(), sessions())
def test_periods_cover_the_session_without_gaps_and_hold_all_its_energy(
    tariff: Tariff, facts: SessionFacts
) -> None:
    periods = rate(tariff, facts).periods
    assert periods[0].start == facts.start
    assert periods[-1].end == facts.released
    assert all(earlier.end == later.start for earlier, later in pairwise(periods))
    assert all(
        (earlier.activity, earlier.prices) != (later.activity, later.prices)
        for earlier, later in pairwise(periods)
    )
    assert sum(period.energy_kwh for period in periods) == facts.energy_kwh
    assert all(period.energy_kwh >= 0 for period in periods)


@settings(max_examples=200, deadline=None)
@given(tariffs(), sessions())
def test_no_step_rounds_up_by_a_whole_step_or_more(tariff: Tariff, facts: SessionFacts) -> None:
    exact = rate(tariff, facts, policy=Policy(step_size=StepSize.IGNORE))
    assert all(line.rounded_up == 0 for line in exact.lines)
    for line in rate(tariff, facts).lines:
        if line.rounded_up:
            component = tariff.elements[line.element].component(line.dimension)
            assert component is not None
            per_unit = 1000 if line.unit == "kWh" else 3600
            assert line.rounded_up * per_unit < max(component.step_size, 1) + Decimal("0.01")


@settings(max_examples=200, deadline=None)
@given(tariffs(), sessions(), st.data())
def test_splitting_a_reading_series_does_not_change_the_price(
    tariff: Tariff, facts: SessionFacts, data: st.DataObject
) -> None:
    """A reading that lies on the line between its neighbours tells nothing new."""
    inside = [r for r in facts.readings if facts.start <= r.at <= facts.end]
    gaps = [(a, b) for a, b in pairwise(inside) if b.at - a.at >= timedelta(seconds=2)]
    if not gaps:
        return
    earlier, later = data.draw(st.sampled_from(gaps))
    middle = Reading(earlier.at + (later.at - earlier.at) / 2, (earlier.energy_kwh + later.energy_kwh) / 2)
    split = SessionFacts(
        facts.start,
        facts.end,
        facts.unplugged,
        facts.energy_kwh,
        tuple(sorted({*facts.readings, middle}, key=lambda reading: (reading.at, reading.energy_kwh))),
        facts.states,
        facts.time_zone,
    )
    assert rate(tariff, split).lines == rate(tariff, facts).lines


@settings(max_examples=100, deadline=None)
@given(sessions())
def test_facts_survive_json(facts: SessionFacts) -> None:
    assert facts_from_json(json.loads(json.dumps(facts_to_json(facts)))) == facts


@settings(max_examples=100, deadline=None)
@given(tariffs(), sessions())
def test_a_rating_can_be_stored_told_and_repeated(tariff: Tariff, facts: SessionFacts) -> None:
    rating = rate(tariff, facts)
    assert rating == rate(tariff, facts_from_json(facts_to_json(facts)))
    assert json.loads(json.dumps(rating.to_json()))["total"] == str(rating.total)
    for line in rating.lines:
        assert line.currency in line.sentence("en")
        assert line.currency in line.sentence("de")
