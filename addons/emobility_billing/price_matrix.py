"""The price matrix as plain Python: which rule fits a situation, which of several counts, what can never count.

Knows nothing of the ORM, so that support, the check for holes and a session all ask the same code. Ids are the ids
of records; ``None`` on a rule means "any".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

AC, DC_LT150, HPC, OWN = "AC", "DC_LT150", "HPC", "OWN"
HPC_FROM_KW = 150.0
# The axes of the matrix, most specific first: what decides between two rules of the same sequence.
AXES = ("partner", "plan", "customer_group", "location_group", "power")


@dataclass(frozen=True, slots=True)
class Power:
    """What a rule says about power: a class, or bounds of its own in kW (from inclusive, below exclusive)."""

    power_class: str
    current: str | None = None
    from_kw: float = 0.0
    below_kw: float | None = None

    def fits(self, outlet: Outlet) -> bool:
        """Whether an outlet belongs to this class."""
        if self.power_class != OWN:
            return outlet.power_class == self.power_class
        if self.current and outlet.is_dc != (self.current == "DC"):
            return False
        return self.from_kw <= outlet.kw and (self.below_kw is None or outlet.kw < self.below_kw)

    def covers(self, other: Power) -> bool:
        """Whether every outlet of ``other`` is in this class too."""
        mine, theirs = self._bounds(), other._bounds()
        return (
            (mine[0] is None or mine[0] == theirs[0])
            and mine[1] <= theirs[1]
            and (mine[2] is None or (theirs[2] is not None and theirs[2] <= mine[2]))
        )

    def _bounds(self) -> tuple[str | None, float, float | None]:
        return {
            AC: ("AC", 0.0, None),
            DC_LT150: ("DC", 0.0, HPC_FROM_KW),
            HPC: ("DC", HPC_FROM_KW, None),
        }.get(self.power_class, (self.current, self.from_kw, self.below_kw))


@dataclass(frozen=True, slots=True)
class Outlet:
    """A connector, as far as prices depend on it."""

    is_dc: bool
    kw: float

    @property
    def power_class(self) -> str:
        if not self.is_dc:
            return AC
        return HPC if self.kw >= HPC_FROM_KW else DC_LT150


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the matrix."""

    id: int
    sequence: int = 10
    partner: int | None = None
    plan: int | None = None
    customer_group: int | None = None
    location_group: int | None = None
    power: Power | None = None
    date_from: date | None = None
    date_to: date | None = None

    def rank(self) -> tuple[object, ...]:
        """Sorts rules that match: the lowest counts."""
        power = 2 if self.power is None else 0 if self.power.power_class == OWN else 1
        axes = tuple(getattr(self, axis) is None for axis in AXES[:-1])
        return (self.sequence, *axes, power, not (self.date_from or self.date_to), self.id)

    def same_criteria(self, other: Rule) -> bool:
        """Whether both say the same about everything but dates."""
        return all(getattr(self, axis) == getattr(other, axis) for axis in AXES)

    def overlaps(self, other: Rule) -> bool:
        """Whether there is a day on which both are valid."""
        return (self.date_from or date.min) <= (other.date_to or date.max) and (
            other.date_from or date.min
        ) <= (self.date_to or date.max)

    def covers(self, other: Rule) -> bool:
        """Whether this rule matches everything that ``other`` matches."""
        return (
            all(getattr(self, axis) in (None, getattr(other, axis)) for axis in AXES[:-1])
            and (self.power is None or (other.power is not None and self.power.covers(other.power)))
            and (self.date_from or date.min) <= (other.date_from or date.min)
            and (self.date_to or date.max) >= (other.date_to or date.max)
        )


@dataclass(frozen=True, slots=True)
class Situation:
    """Who charges where and when. Several outlets: the connector is not known, so a rule has to fit all."""

    day: date
    plan: int | None = None
    partners: frozenset[int] = field(default_factory=frozenset)
    customer_groups: frozenset[int] = field(default_factory=frozenset)
    location_groups: frozenset[int] = field(default_factory=frozenset)
    outlets: frozenset[Outlet] = field(default_factory=frozenset)


def mismatches(rule: Rule, situation: Situation) -> tuple[str, ...]:
    """The axes on which a rule does not fit; empty when it matches. "date" is an axis too."""
    fits = {
        "partner": rule.partner is None or rule.partner in situation.partners,
        "plan": rule.plan is None or rule.plan == situation.plan,
        "customer_group": rule.customer_group is None or rule.customer_group in situation.customer_groups,
        "location_group": rule.location_group is None or rule.location_group in situation.location_groups,
        "power": rule.power is None
        or (bool(situation.outlets) and all(rule.power.fits(outlet) for outlet in situation.outlets)),
        "date": (rule.date_from or date.min) <= situation.day <= (rule.date_to or date.max),
    }
    return tuple(axis for axis, fit in fits.items() if not fit)


def matching(rules: Iterable[Rule], situation: Situation) -> list[Rule]:
    """The rules that match, the one that counts first."""
    return sorted((rule for rule in rules if not mismatches(rule, situation)), key=Rule.rank)


def conflicts(rules: Iterable[Rule]) -> list[tuple[Rule, Rule]]:
    """Pairs (the one that counts, the one that loses) that only their age decides between."""
    ordered = sorted(rules, key=Rule.rank)
    return [
        (winner, loser)
        for index, winner in enumerate(ordered)
        for loser in ordered[index + 1 :]
        if winner.rank()[:-1] == loser.rank()[:-1] and winner.same_criteria(loser) and winner.overlaps(loser)
    ]


def shadowed(rules: Iterable[Rule]) -> list[tuple[Rule, Rule]]:
    """Pairs (the one in front, the one behind it that can never count), conflicts left out."""
    ordered = sorted(rules, key=Rule.rank)
    known = {(winner.id, loser.id) for winner, loser in conflicts(ordered)}
    found = []
    for index, rule in enumerate(ordered):
        front = next((other for other in ordered[:index] if other.covers(rule)), None)
        if front and (front.id, rule.id) not in known:
            found.append((front, rule))
    return found
