"""Reads rows of a session file: pure Python, no Odoo, no clock.

A row becomes a :class:`Row`: what could be read, and a sentence for each thing that could not. Nothing is
guessed and nothing is dropped: a row with problems still has a key, so that it becomes a session that a
person can look at. Energy is ``Decimal`` kWh, time is aware UTC.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

UNPARSABLE_ROW = "unparsable_row"
# DictReader's key for cells beyond the header.
_EXTRA_CELLS = "__more__"
_WH_PER_KWH = 1000


@dataclass(frozen=True)
class Layout:
    """Which column holds what, and how it is written. An empty column name means that the file has no such
    column.
    """

    code: str
    delimiter: str
    time_zone: str
    date_formats: tuple[str, ...]
    time_formats: tuple[str, ...]
    decimal_separator: str
    energy_in_wh: bool
    row_id: str = ""
    station: str = ""
    connector: str = ""
    start_date: str = ""
    start_time: str = ""
    end_date: str = ""
    end_time: str = ""
    energy: str = ""
    site: str = ""
    model: str = ""
    token: str = ""

    def columns(self) -> tuple[str, ...]:
        """The columns that the file must have."""
        names = (
            self.row_id, self.station, self.connector, self.start_date, self.start_time, self.end_date,
            self.end_time, self.energy, self.site, self.model, self.token,
        )  # fmt: skip
        return tuple(name for name in names if name)


class LayoutError(ValueError):
    """The file does not have the layout; the message is a sentence for a person."""


@dataclass(frozen=True)
class Row:
    """One row as far as it could be read. ``key`` identifies it in its file, ``digest`` its content."""

    number: int
    key: str
    digest: str
    raw: Mapping[str, Any]
    station: str
    connector: str
    site: str
    model: str
    token: str
    start: datetime | None
    end: datetime | None
    energy_kwh: Decimal | None
    problems: tuple[str, ...] = field(default=())


def read_rows(text: str, layout: Layout) -> Iterator[Row]:
    """Read a whole file.

    :param text: the decoded file, with a header line
    :raises LayoutError: when a column of the layout is missing, before the first row
    """
    reader = csv.DictReader(io.StringIO(text), delimiter=layout.delimiter, restkey=_EXTRA_CELLS)
    header = [name.strip() for name in reader.fieldnames or []]
    reader.fieldnames = header
    missing = [name for name in layout.columns() if name not in header]
    if missing:
        raise LayoutError(f"The file has no column {', '.join(missing)}. It has: {', '.join(header)}.")
    zone = ZoneInfo(layout.time_zone)
    for number, raw in enumerate(reader, start=2):
        if any(raw.values()):
            yield _read_row(number, raw, layout, zone)


def _read_row(number: int, raw: dict[str, Any], layout: Layout, zone: ZoneInfo) -> Row:
    problems: list[str] = []
    if raw.get(_EXTRA_CELLS):
        problems.append("The row has more cells than the header.")

    def cell(column: str) -> str:
        return (raw.get(column) or "").strip() if column else ""

    start, end = _read_times(cell, layout, zone, problems)
    energy = _read_energy(cell(layout.energy), layout, problems)
    for name, column in (("charging station", layout.station), ("connector", layout.connector)):
        if column and not cell(column):
            problems.append(f"The {name} is empty.")
    digest = hashlib.sha256(json.dumps(raw, sort_keys=True).encode()).hexdigest()[:20]
    return Row(
        number=number,
        key=cell(layout.row_id) or digest,
        digest=digest,
        raw=raw,
        station=cell(layout.station),
        connector=cell(layout.connector) or "1",
        site=cell(layout.site),
        model=cell(layout.model),
        token=cell(layout.token),
        start=start,
        end=end,
        energy_kwh=energy,
        problems=tuple(problems),
    )


def _read_times(
    cell: Any, layout: Layout, zone: ZoneInfo, problems: list[str]
) -> tuple[datetime | None, datetime | None]:
    start = _read_local(cell(layout.start_date), cell(layout.start_time), layout, "start", problems)
    end = _read_local(cell(layout.end_date), cell(layout.end_time), layout, "end", problems)
    start_zoned = _place(start, zone, "start", problems)
    end_zoned = _place(end, zone, "end", problems)
    _check_clock_change(start, end, zone, problems)
    return start_zoned, end_zoned


def _read_local(date: str, time: str, layout: Layout, name: str, problems: list[str]) -> datetime | None:
    """Date and time cells -> naive local time; without a time column the date cell holds both."""
    has_time_column = bool(layout.start_time if name == "start" else layout.end_time)
    if not date or (has_time_column and not time):
        problems.append(f"The {name} is empty.")
        return None
    day = _first_match(date, layout.date_formats)
    if day is None:
        problems.append(f"The {name} date {date!r} cannot be read.")
        return None
    if not has_time_column:
        return day
    clock = _first_match(time, layout.time_formats)
    if clock is None:
        problems.append(f"The {name} time {time!r} cannot be read.")
        return None
    return datetime.combine(day.date(), clock.time(), tzinfo=day.tzinfo)


def _first_match(text: str, formats: tuple[str, ...]) -> datetime | None:
    for pattern in formats:
        try:
            return datetime.strptime(text, pattern)
        except ValueError:
            continue
    return None


def _place(local: datetime | None, zone: ZoneInfo, name: str, problems: list[str]) -> datetime | None:
    """Local time -> UTC; a time that the clock skipped is a problem, not a time."""
    if local is None:
        return None
    if local.tzinfo is not None:
        return local.astimezone(UTC)
    instant = local.replace(tzinfo=zone).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != local:
        problems.append(f"The {name} {local:%Y-%m-%d %H:%M} does not exist: the clock was put forward.")
        return None
    return instant


def _check_clock_change(
    start: datetime | None, end: datetime | None, zone: ZoneInfo, problems: list[str]
) -> None:
    """In autumn an hour comes twice. Which one is meant matters unless both ends lie in it, in order."""
    twice = [_comes_twice(moment, zone) for moment in (start, end)]
    if not any(twice):
        return
    both_in_order = all(twice) and start is not None and end is not None and start <= end
    if not both_in_order:
        problems.append("The clock was put back at that time: the hour that is meant is not known.")


def _comes_twice(local: datetime | None, zone: ZoneInfo) -> bool:
    if local is None or local.tzinfo is not None:
        return False
    first = local.replace(tzinfo=zone, fold=0).utcoffset() or timedelta()
    second = local.replace(tzinfo=zone, fold=1).utcoffset() or timedelta()
    # The offset also differs in the gap of spring, where it grows.
    return first > second


def _read_energy(text: str, layout: Layout, problems: list[str]) -> Decimal | None:
    if not text:
        problems.append("The energy is empty.")
        return None
    # Only the separator of the profile: to skip any other as one of thousands would turn 1,5 kWh into 15.
    wrong_separator = "," if layout.decimal_separator == "." else "."
    plain = "NaN" if wrong_separator in text else text.replace(layout.decimal_separator, ".")
    try:
        energy = Decimal(plain)
    except InvalidOperation:
        energy = Decimal("NaN")
    if not energy.is_finite():
        problems.append(f"The energy {text!r} is not a number.")
        return None
    return energy / _WH_PER_KWH if layout.energy_in_wh else energy


def events_of(
    row: Row,
    layout: Layout,
    imported_at: datetime,
    *,
    evse_id: int | None,
    connector_id: int | None,
    token_type: str,
) -> list[dict[str, Any]]:
    """The events of a row, as ``emobility.session._ingest_events`` takes them.

    Their ids contain the content of the row: the same row again is known already, a changed row contradicts.
    """
    session_uid = f"{layout.code}:{row.key}"
    events: list[dict[str, Any]] = []

    def add(kind: str, at: datetime, payload: dict[str, Any]) -> None:
        events.append(
            {
                "uid": f"{session_uid}:{row.digest}:{kind}",
                "source": "import",
                "session_uid": session_uid,
                "kind": kind,
                "at": at.isoformat().replace("+00:00", "Z"),
                "payload": payload,
            }
        )

    if row.start:
        add(
            "started",
            row.start,
            {
                "evse_id": evse_id,
                "connector_id": connector_id,
                "token_uid": row.token or None,
                "token_type": token_type if row.token else None,
                "meter_kwh": None,
                "raw": dict(row.raw),
            },
        )
    if row.end:
        add("ended", row.end, {"meter_kwh": None, "energy_kwh": _text(row.energy_kwh), "reason": "import"})
    if row.problems:
        raw = {**row.raw, "row": row.number, "problems": list(row.problems)}
        add("conflict", row.start or row.end or imported_at, {"reason": UNPARSABLE_ROW, "raw": raw})
    return events


def _text(energy: Decimal | None) -> str | None:
    return None if energy is None else format(energy, "f")
