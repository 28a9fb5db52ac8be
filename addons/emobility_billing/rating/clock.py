"""Local time: when wall clocks of the location show a time, and whether a local restriction holds.

All cuts are UTC instants. On the day when clocks are set back an hour happens twice, and a window that
covers it applies twice; on the day when they are set forward an hour is missing, and a window inside it does
not apply.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from .policy import DEFAULT_POLICY, EqualTimes, OvernightDay, Policy
from .tariff import WEEKDAYS, Restrictions

MIDNIGHT = time(0)
DAY = timedelta(days=1)


def wall_clock_instants(
    start: datetime, end: datetime, zone: ZoneInfo, times: frozenset[time]
) -> Iterator[datetime]:
    """UTC instants around ``start`` to ``end`` when a local clock shows one of ``times`` or is changed.

    Instants may lie outside of the range or come twice; the caller sorts that out.
    """
    day = start.astimezone(zone).date()
    last = end.astimezone(zone).date()
    while day <= last:
        for wall_time in times:
            for fold in (0, 1):
                yield datetime.combine(day, wall_time, zone).replace(fold=fold).astimezone(UTC)
        changed = _clock_change(day, zone)
        if changed is not None:
            yield changed
        day += DAY


def _clock_change(day: date, zone: ZoneInfo) -> datetime | None:
    """The instant in that local day at which the offset from UTC changes, to the second."""
    before = datetime.combine(day, MIDNIGHT, zone).astimezone(UTC)
    after = datetime.combine(day + DAY, MIDNIGHT, zone).astimezone(UTC)
    offset = before.astimezone(zone).utcoffset()
    if offset == after.astimezone(zone).utcoffset():
        return None
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before).total_seconds() // 2)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def local_restrictions_hold(restrictions: Restrictions, local: datetime, policy: Policy) -> bool:
    """Whether time of day, date and weekday match at a local time."""
    if not in_window(restrictions.start_time, restrictions.end_time, local.time(), policy):
        return False
    today = local.date()
    if restrictions.start_date is not None and today < restrictions.start_date:
        return False
    if restrictions.end_date is not None and today >= restrictions.end_date:
        return False
    return not restrictions.day_of_week or _weekday_holds(restrictions, local, policy)


def in_window(start: time | None, end: time | None, now: time, policy: Policy = DEFAULT_POLICY) -> bool:
    """Whether a time of day is in a window that may go over midnight; 00:00 as its end is the end of the day."""
    begin = start or MIDNIGHT
    finish = end or MIDNIGHT
    if begin == finish:
        return start is None or end is None or policy.equal_times is EqualTimes.ALL_DAY
    if finish == MIDNIGHT:
        return now >= begin
    if begin < finish:
        return begin <= now < finish
    return now >= begin or now < finish


def _weekday_holds(restrictions: Restrictions, local: datetime, policy: Policy) -> bool:
    day = local.date()
    after_midnight = (
        restrictions.wraps_midnight
        and restrictions.end_time is not None
        and local.time() < restrictions.end_time
    )
    if after_midnight and policy.overnight_day is OvernightDay.START:
        day -= DAY
    return WEEKDAYS[day.weekday()] in restrictions.day_of_week
