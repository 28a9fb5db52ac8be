"""Locations, EVSEs and connectors as a table: one row for each connector. Plain Python, no ORM."""

import csv
import io
from collections.abc import Iterable

COLUMNS = (
    "location_code",
    "location_name",
    "street",
    "zip",
    "city",
    "country",
    "latitude",
    "longitude",
    "time_zone",
    "evse_uid",
    "evse_id",
    "physical_reference",
    "meter_serial",
    "calibrated_until",
    "connector",
    "standard",
    "power_type",
    "max_power_kw",
)
REQUIRED = ("location_code", "location_name", "evse_uid", "connector", "standard", "power_type", "max_power_kw")


class TableError(ValueError):
    """The file is no such table. Its text is for people who wrote it."""


def read_rows(text: str) -> list[dict[str, str]]:
    """Return the rows of a CSV text, each with its number under "number".

    :raises TableError: when a column is missing or not known
    """
    first = text.splitlines()[0] if text.strip() else ""
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    header = [name.strip().lower() for name in next(reader, [])]
    missing = [name for name in REQUIRED if name not in header]
    unknown = [name for name in header if name not in COLUMNS]
    if missing or unknown:
        raise TableError(
            f"columns missing: {', '.join(missing) or '-'}; not known: {', '.join(unknown) or '-'}"
        )
    return [
        {"number": str(number)} | {name: cell.strip() for name, cell in zip(header, cells, strict=False)}
        for number, cells in enumerate(reader, 2)
        if any(cell.strip() for cell in cells)
    ]


def write_rows(rows: Iterable[dict[str, str]]) -> str:
    """Return rows as the CSV text that :func:`read_rows` reads."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
