"""The time for which an idle fee is due."""

from collections.abc import Sequence
from datetime import datetime, time
from fractions import Fraction
from itertools import pairwise

from .clock import in_window, wall_clock_instants
from .exact import SECOND, instant_after, microseconds
from .facts import SessionFacts
from .periods import Activity, Period
from .terms import Grace, IdleFee


def idle_since(periods: Sequence[Period]) -> datetime | None:
    """When the last charging ended, None when the car left with it. Pauses before that are not idle (F25)."""
    since = None
    for period in reversed(periods):
        if period.activity is not Activity.PARKING:
            break
        since = period.start
    return since


def billable_idle(fee: IdleFee, facts: SessionFacts, since: datetime) -> int:
    """Microseconds of blocking that the fee is due for: after the grace time, outside of the free window."""
    until = facts.released
    grace = fee.grace * SECOND
    length = microseconds(until - since)
    if length <= grace:
        return 0
    begin = since if fee.grace_mode is Grace.RETROACTIVE else instant_after(since, Fraction(grace))
    if fee.free_from is None or fee.free_until is None:
        return microseconds(until - begin)
    return _outside(begin, until, facts, fee.free_from, fee.free_until)


def _outside(begin: datetime, until: datetime, facts: SessionFacts, free_from: time, free_until: time) -> int:
    """Time outside of a window on the wall clocks of the location, on days with a change of clocks too."""
    times = frozenset({free_from, free_until})
    cuts = {at for at in wall_clock_instants(begin, until, facts.zone, times) if begin < at < until}
    outside = 0
    for start, end in pairwise(sorted({begin, until, *cuts})):
        middle = start + (end - start) / 2
        if not in_window(free_from, free_until, middle.astimezone(facts.zone).time()):
            outside += microseconds(end - start)
    return outside
