"""Lines of `./run rate` from a short encoding of our own, so that vectors stay readable.

An element is ``{"prices": ["ENERGY 0.25 10 1"], "when": {…}}``: dimension, price, VAT percentage (- for none) and
step size. A period is ``[minutes, {dimension: volume}]``; a volume may be ``"22 min"``, which is exact in hours.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

VERSIONS = ("2.2.1", "2.3.0")
LIMITS = {"2.2.1": ("excl_vat", "incl_vat"), "2.3.0": ("before_taxes", "after_taxes")}


def component(text: str) -> dict[str, Any]:
    kind, price, vat, step = text.split()
    data: dict[str, Any] = {"type": kind, "price": float(price), "step_size": int(step)}
    return data if vat == "-" else data | {"vat": float(vat)}


def element(data: Mapping[str, Any]) -> dict[str, Any]:
    restrictions = {"restrictions": data["when"]} if "when" in data else {}
    return {"price_components": [component(text) for text in data["prices"]], **restrictions}


def tariff(case: Mapping[str, Any], version: str) -> dict[str, Any]:
    """An OCPI tariff of a version."""
    data: dict[str, Any] = {
        "id": "T1", "currency": "EUR", "elements": [element(each) for each in case["elements"]],
        "last_updated": "2024-01-01T00:00:00Z",
    }  # fmt: skip
    for name in ("min_price", "max_price"):
        if name in case:
            data[name] = dict(zip(LIMITS[version], case[name], strict=False))
    if version == "2.3.0":
        data["tax_included"] = case.get("tax_included", "NO")
    return data


def volume(value: Any) -> Any:
    if isinstance(value, str) and value.endswith(" min"):
        # Forty digits of a third are more than any total of the vectors shows.
        return str((Decimal(value.removesuffix(" min")) / 60).quantize(Decimal("1e-24")))
    return value


def cdr(start: str, periods: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """An OCPI CDR whose periods follow each other without a gap."""
    at = datetime.fromisoformat(start)
    written = []
    for minutes, volumes in periods:
        dimensions = [{"type": kind, "volume": volume(value)} for kind, value in volumes.items()]
        written.append({"start_date_time": instant(at), "dimensions": dimensions})
        at += timedelta(minutes=minutes)
    return {
        "start_date_time": start, "end_date_time": instant(at), "currency": "EUR", "charging_periods": written,
    }  # fmt: skip


def instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def message(case: Mapping[str, Any], version: str) -> dict[str, Any]:
    """A line of `./run rate`."""
    return {
        "id": case.get("name", "test"),
        "timezone": case.get("timezone", "UTC"),
        "version": version,
        "tariff": tariff(case, version),
        "cdr": cdr(case["start"], case["periods"]),
    }
