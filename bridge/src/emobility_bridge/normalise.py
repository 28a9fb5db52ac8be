"""From what stations send to what can be stored and billed: text, times, meter readings.

Nothing here raises for bad content: what cannot be understood becomes None, and the caller keeps the frame.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

# A real clock is not older than this; 1970 and 2000 are clocks that were never set.
OLDEST_PLAUSIBLE = datetime(2015, 1, 1, tzinfo=UTC)
FUTURE_TOLERANCE = timedelta(minutes=5)

# What neither PostgreSQL text (NUL), UTF-8 (lone surrogates) nor XML 1.0 (control characters) can carry.
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_INT32 = 2**31
_MICRO_KWH = Decimal("0.000001")
_ENERGY = "Energy.Active.Import.Register"
_POWER = "Power.Active.Import"


def clean_text(value: str) -> str:
    """Text without the characters that no store on the way can carry."""
    return _UNSTORABLE.sub("", value)


def clean(value: Any) -> Any:
    """A JSON value that jsonb and XML-RPC can carry: clean text, integers within int32 (others as text)."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Mapping):
        return {clean_text(str(key)): clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and not -_INT32 <= value < _INT32:
        return str(value)
    if isinstance(value, float) and value - value != 0:  # NaN and infinities
        return str(value)
    return value


def mapping(value: Any) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[dict[str, Any]]:
    """The objects in a list; anything else is an empty list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any) -> str | None:
    """A non-empty clean text or number as text, else None."""
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return clean_text(str(value)).strip() or None
    return None


def integer(value: Any) -> int | None:
    """An integer that a station sent as 12, 12.0 or "12", else None."""
    number = decimal(value)
    if number is None or number != number.to_integral_value():
        return None
    return int(number)


def decimal(value: Any) -> Decimal | None:
    """A finite number of sane size from a JSON number or text, else None."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    if not number.is_finite():
        return None
    return number if number == 0 or -12 <= number.adjusted() <= 19 else None


def decimal_text(value: Decimal | None) -> str | None:
    """Plain notation without trailing zeros, at most six decimals (binary noise of stations ends there)."""
    if value is None:
        return None
    plain = format(value.quantize(_MICRO_KWH) + 0, "f")  # + 0: there is no "-0"
    return plain.rstrip("0").rstrip(".")


def kwh_from_wh(value: Any) -> Decimal | None:
    """A register in Wh as kWh."""
    number = decimal(value)
    return None if number is None or abs(number) >= Decimal(10) ** 15 else number / 1000


def iso(at: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and `Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(value: Any) -> datetime | None:
    """An aware UTC time, or None. A time without zone is UTC, as OCPP demands."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value.strip())
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def station_time(value: Any, received_at: datetime) -> tuple[datetime, bool]:
    """The station's time and True, or the time of receipt and False when that time cannot be right."""
    at = parse_time(value)
    if at is None or at < OLDEST_PLAUSIBLE or at > received_at + FUTURE_TOLERANCE:
        return received_at, False
    return at, True


Reading = dict[str, str | None]
_NOTHING: Reading = {"energy_kwh": None, "power_kw": None, "soc": None}


def readings(meter_values: Any, received_at: datetime) -> list[Reading]:
    """Readings `{"at", "energy_kwh", "power_kw", "soc", "signed"}` of a meterValue list, by time.

    Signed ones also have `signed_context` and `signed_key`, where the station sends them.

    Energy is the import register in kWh: unphased if there is one, else the sum of the phases. Values without
    energy, power, state of charge or signature are left out: no reading is not a reading of 0.
    """
    found: list[Reading] = []
    for meter_value in items(meter_values):
        samples = items(meter_value.get("sampledValue"))
        energy, power, soc = _energy(samples), _power(samples), _soc(samples)
        signed = _signed(samples)
        if energy is None and power is None and soc is None and not signed:
            continue
        at, _trusted = station_time(meter_value.get("timestamp"), received_at)
        values = {
            "at": iso(at),
            "energy_kwh": decimal_text(energy),
            "power_kw": decimal_text(power),
            "soc": decimal_text(soc),
            "signed": None,
        }
        found.append(values | (signed[0] if signed else {}))
        found += [{**_NOTHING, "at": iso(at), **more} for more in signed[1:]]
    return sorted(found, key=lambda reading: str(reading["at"]))


def boundary_energy(meter_values: Any, context: str, received_at: datetime) -> Decimal | None:
    """The register in kWh at `Transaction.Begin` or `Transaction.End`; else the first or last one."""
    marked = [{**value, "sampledValue": _with_context(value, context)} for value in items(meter_values)]
    for candidate in (marked, meter_values):
        values = [r["energy_kwh"] for r in readings(candidate, received_at) if r["energy_kwh"] is not None]
        if values:
            return Decimal(values[0] if context == "Transaction.Begin" else values[-1])
    return None


def _with_context(meter_value: dict[str, Any], context: str) -> list[dict[str, Any]]:
    samples = items(meter_value.get("sampledValue"))
    return [sample for sample in samples if sample.get("context") == context]


def _energy(samples: list[dict[str, Any]]) -> Decimal | None:
    return _unphased_or_sum(samples, _ENERGY, "Wh")


def _power(samples: list[dict[str, Any]]) -> Decimal | None:
    return _unphased_or_sum(samples, _POWER, "W")


def _soc(samples: list[dict[str, Any]]) -> Decimal | None:
    values = (_number(sample) for sample in samples if sample.get("measurand") == "SoC")
    return next((value for value in values if value is not None), None)


def _unphased_or_sum(samples: list[dict[str, Any]], measurand: str, unit: str) -> Decimal | None:
    """The value in kilo-units; `unit` is what a sample without unit is in (OCPP 1.6, section 7.43)."""
    of_measurand = [s for s in samples if s.get("measurand", _ENERGY) == measurand]
    outlet = [s for s in of_measurand if s.get("location", "Outlet") == "Outlet"] or of_measurand
    phases: dict[str, Decimal] = {}
    for sample in outlet:
        value = _kilo(sample, unit)
        if value is None:
            continue
        if not sample.get("phase"):
            return value
        phases.setdefault(str(sample["phase"])[:2], value)  # "L1" and "L1-N" are the same conductor
    conductors = [phases[phase] for phase in ("L1", "L2", "L3") if phase in phases]
    return sum(conductors, Decimal(0)) if conductors else None


def _kilo(sample: dict[str, Any], default_unit: str) -> Decimal | None:
    value = _number(sample)
    if value is None:
        return None
    measure = mapping(sample.get("unitOfMeasure"))
    unit = text(sample.get("unit")) or text(measure.get("unit")) or default_unit
    multiplier = integer(measure.get("multiplier")) or 0
    if abs(multiplier) > 9 or unit not in (default_unit, f"k{default_unit}"):
        return None
    value = value.scaleb(multiplier)
    value = value if unit.startswith("k") else value / 1000
    return value if abs(value) < Decimal(10) ** 12 else None


def _number(sample: dict[str, Any]) -> Decimal | None:
    return None if sample.get("format") == "SignedData" else decimal(sample.get("value"))


def _signed(samples: Iterable[dict[str, Any]]) -> list[Reading]:
    """The signed values as they were sent: 2.0.1 signedMeterValue, 1.6 SignedData or a bare OCMF text.

    Often there are two, `Transaction.Begin` and `Transaction.End`, and each is needed to check the bill.
    """
    found: list[Reading] = []
    for sample in samples:
        signed = mapping(sample.get("signedMeterValue"))
        value = sample.get("value")
        data = text(signed.get("signedMeterData"))
        if not data and isinstance(value, str) and (sample.get("format") == "SignedData" or _looks_signed(value)):
            data = clean_text(value)
        if data and data not in [reading["signed"] for reading in found]:
            extra = {"signed_context": text(sample.get("context")), "signed_key": text(signed.get("publicKey"))}
            found.append({"signed": data, **{name: more for name, more in extra.items() if more}})
    return found


def _looks_signed(value: str) -> bool:
    return value.startswith(("OCMF|", "{", "<"))
