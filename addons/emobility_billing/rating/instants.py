"""Instants as integer microseconds since 1970, and what a wall clock of a place shows then.

``datetime`` is exact but slow to compare and to subtract; a CDR has a dozen instants, and a second of work
ten thousand CDRs.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .errors import InputError

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
EPOCH_DAY = EPOCH.toordinal()
THURSDAY = 3
"""1 January 1970 was a Thursday; Monday is 0."""
YEARS = range(2000, 2100)
"""Earlier and later instants are wrong clocks (FAILURES F26)."""
COMMON = len("2024-12-05T17:39:09Z")
VARIES = DAY
"""Stands for the offset of a day on which clocks are changed; a real offset is less than a day."""


_days: dict[str, int] = {}
_minutes = {f"{hour:02}:{minute:02}": hour * HOUR + minute * MINUTE for hour in range(24) for minute in range(60)}
_seconds = {f":{second:02}Z": second * SECOND for second in range(60)}


def parse_instant(text: object) -> int:
    """Microseconds since 1970 of an OCPI DateTime (types, "DateTime": RFC 3339, UTC, the designator is optional).

    An offset other than Z, which OCPI does not allow, is an unambiguous instant all the same and is accepted.

    :raises InputError: when it is no date and time, or lies in a year that can only come of a wrong clock
    """
    if type(text) is str and len(text) == COMMON and text[10] == "T":
        try:
            return _days[text[:10]] + _minutes[text[11:16]] + _seconds[text[16:]]
        except KeyError:
            pass
    return _parse_slowly(text)


def _parse_slowly(text: object) -> int:
    if not isinstance(text, str):
        raise InputError("invalid_type", "A date and time is a text such as 2024-12-05T17:39:09Z.")
    try:
        if len(text) < COMMON - 1 or text[4] != "-" or text[10] not in "Tt" or text[13] != ":":
            raise ValueError(text)
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise InputError("invalid_time", f"{text[:40]!r} is not a date and time of RFC 3339.") from None
    if instant.year not in YEARS:
        raise InputError("out_of_range", f"{text!r} can only come of a wrong clock.")
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    value = (instant - EPOCH) // MICROSECOND
    if len(text) == COMMON and text[19] == "Z":
        _days[text[:10]] = value - value % DAY
    return value


def parse_day(text: object) -> int:
    """Days since 1970 of an OCPI date, ``2015-12-24``."""
    try:
        if not isinstance(text, str) or len(text) != 10:
            raise ValueError(text)
        return date.fromisoformat(text).toordinal() - EPOCH_DAY
    except ValueError:
        raise InputError("invalid_date", f"{str(text)[:40]!r} is not a date such as 2015-12-24.") from None


def parse_time_of_day(text: object) -> int:
    """Microseconds since midnight of an OCPI time of day, ``13:30``; ``24:00`` (allowed by 2.1.1) is midnight."""
    value = _minutes.get(text) if isinstance(text, str) else None
    if value is not None:
        return value
    if text == "24:00":
        return 0
    raise InputError("invalid_time", f"{str(text)[:40]!r} is not a time of day such as 13:30.")


def format_instant(value: int) -> str:
    return (EPOCH + value * MICROSECOND).isoformat().replace("+00:00", "Z")


class LocalClock:
    """The wall clocks of a time zone. Offsets are kept by day, because days on which they change are rare."""

    __slots__ = ("_offsets", "name", "zone")

    def __init__(self, name: str) -> None:
        self.name = name
        self.zone = ZoneInfo(name)
        self._offsets: dict[int, int] = {}

    def local(self, instant: int) -> int:
        """Microseconds since 1970 as a wall clock shows them: ``% DAY`` is the time of day, ``// DAY`` the date."""
        return instant + self.day(instant)[1]

    def day(self, instant: int) -> tuple[int, int]:
        """The end of the time for which it is known that clocks are not changed, and the offset from UTC in it.

        That is the rest of the UTC day, and nothing on a day with a change.
        """
        number = instant // DAY
        offset = self._offsets.get(number)
        if offset is None:
            offset = self._learn(number)
        return (instant, self._offset(instant)) if offset == VARIES else (number * DAY + DAY, offset)

    def _learn(self, day: int) -> int:
        """The offset of a whole day; VARIES when it changes. No zone has changed it twice within six hours."""
        offsets = {self._offset(day * DAY + hour * HOUR) for hour in range(0, 25, 6)}
        offset = offsets.pop() if len(offsets) == 1 else VARIES
        self._offsets[day] = offset
        return offset

    def _offset(self, instant: int) -> int:
        offset = (EPOCH + instant * MICROSECOND).astimezone(self.zone).utcoffset()
        assert offset is not None
        return offset // MICROSECOND


@lru_cache(maxsize=1000)
def local_clock(name: str) -> LocalClock:
    """:raises InputError: when there is no such zone in the IANA database"""
    try:
        return LocalClock(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError("unknown_time_zone", f"{name[:60]!r} is not a time zone of the IANA database.") from None
