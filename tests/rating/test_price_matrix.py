"""The price matrix without a database: which rule fits, which counts, what contradicts what."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from price_matrix import (
    AC,
    DC_LT150,
    HPC,
    OWN,
    Outlet,
    Power,
    Rule,
    Situation,
    conflicts,
    matching,
    mismatches,
    shadowed,
)

DAY = date(2026, 5, 10)
AC22 = Outlet(is_dc=False, kw=22.0)
DC50 = Outlet(is_dc=True, kw=50.0)
HPC300 = Outlet(is_dc=True, kw=300.0)

small_id = st.one_of(st.none(), st.integers(1, 2))
powers = st.one_of(
    st.none(),
    st.sampled_from([Power(AC), Power(DC_LT150), Power(HPC), Power(OWN, "DC", 100, 200), Power(OWN, None, 50, None)]),
)
days = st.one_of(st.none(), st.sampled_from([date(2026, 5, 1), DAY, date(2026, 5, 20)]))


@st.composite
def rules(draw: st.DrawFn) -> list[Rule]:
    made = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        start, end = draw(days), draw(days)
        if start and end and end < start:
            start, end = end, start
        made.append(
            Rule(number, draw(st.integers(1, 2)), draw(small_id), draw(small_id), draw(small_id), draw(small_id),
                 draw(powers), start, end)
        )
    return made


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    one = st.frozensets(st.integers(1, 2), max_size=2)
    outlet = draw(st.sampled_from([AC22, DC50, HPC300, Outlet(True, 150.0)]))
    day = draw(st.sampled_from([date(2026, 5, 1), DAY, date(2026, 5, 20)]))
    return Situation(day, draw(small_id), draw(one), draw(one), draw(one), frozenset([outlet]))


@pytest.mark.parametrize(
    ("outlet", "expected"),
    [(AC22, AC), (Outlet(False, 200), AC), (DC50, DC_LT150), (Outlet(True, 149.9), DC_LT150), (Outlet(True, 150), HPC)],
)
def test_a_connector_has_one_power_class(outlet: Outlet, expected: str) -> None:
    assert outlet.power_class == expected
    assert [name for name in (AC, DC_LT150, HPC) if Power(name).fits(outlet)] == [expected]


def test_own_bounds_include_the_lower_and_exclude_the_upper_one() -> None:
    bounds = Power(OWN, "DC", 100, 200)
    fits = [kw for kw in (99.9, 100, 199.9, 200) if bounds.fits(Outlet(True, kw))]
    assert fits == [100, 199.9]
    assert not bounds.fits(Outlet(False, 150))


def test_an_unknown_connector_needs_all_connectors_to_fit() -> None:
    rule = Rule(1, power=Power(AC))
    assert not mismatches(rule, Situation(DAY, outlets=frozenset([AC22])))
    assert mismatches(rule, Situation(DAY, outlets=frozenset([AC22, DC50]))) == ("power",)
    assert mismatches(rule, Situation(DAY)) == ("power",)


def test_own_bounds_count_before_a_class_of_power() -> None:
    rules = [Rule(1, power=Power(HPC)), Rule(2, power=Power(OWN, "DC", 200, 400)), Rule(3)]
    found = matching(rules, Situation(DAY, outlets=frozenset([HPC300])))
    assert [rule.id for rule in found] == [2, 1, 3]


def test_two_rules_that_say_the_same_conflict_only_while_both_are_valid() -> None:
    first = Rule(1, plan=1, date_to=date(2026, 4, 30))
    second = Rule(2, plan=1, date_from=date(2026, 4, 30))
    assert conflicts([second, first]) == [(first, second)]
    later = Rule(2, plan=1, date_from=date(2026, 5, 1))
    assert conflicts([first, later]) == []
    assert conflicts([first, Rule(3, sequence=5, plan=1, date_to=date(2026, 4, 30))]) == []


def test_a_rule_behind_a_wider_one_with_a_lower_priority_number_never_counts() -> None:
    everybody = Rule(1, sequence=1)
    special = Rule(2, sequence=2, plan=1)
    assert shadowed([special, everybody]) == [(everybody, special)]
    assert shadowed([Rule(1, sequence=2), Rule(2, sequence=2, plan=1)]) == []


@given(rules(), situations())
def test_a_shadowed_rule_never_counts(some: list[Rule], situation: Situation) -> None:
    hidden = {rule.id for _front, rule in shadowed(some)}
    found = matching(some, situation)
    assert not found or found[0].id not in hidden


@given(rules(), situations())
def test_a_rule_that_covers_another_one_matches_wherever_that_matches(some: list[Rule], situation: Situation) -> None:
    for wide in some:
        for narrow in some:
            if wide.covers(narrow) and not mismatches(narrow, situation):
                assert not mismatches(wide, situation)


@given(rules(), situations())
def test_the_loser_of_a_conflict_never_comes_first_on_a_day_of_both(some: list[Rule], situation: Situation) -> None:
    found = [rule.id for rule in matching(some, situation)]
    for winner, loser in conflicts(some):
        assert not (winner.id in found and loser.id in found) or found.index(winner.id) < found.index(loser.id)
