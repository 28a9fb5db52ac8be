"""From volumes to money: lines with their taxes, totals before and after taxes, bounds of the price.

Amounts are integers of ``10 ** -digits`` of the currency. Lines are rounded once, half up, and all totals are
sums of lines, so what is shown adds up. Taxes are rounded once per rate on the sum of its lines, as EN 16931
wants it, and told per line as what each line adds to that.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from .cdr_pricing import SECONDS_PER_HOUR, Bucket, Buckets
from .compiled import Compiled
from .ocpi_cdr import Session
from .ocpi_tariff import NO_LIMIT, NO_TAX
from .scale import Scale

EXACT_DIGITS = 10
"""Decimals of an amount that is not rounded for an invoice."""
SHOWN_DIGITS = 2
"""Decimals of an amount at least."""
ORDER = {
    "RESERVATION_FLAT": 0, "RESERVATION_TIME": 1, "FLAT": 2, "ENERGY": 3, "TIME": 4, "PARKING_TIME": 5,
}  # fmt: skip
TAX_NAME = "VAT"


@dataclass(slots=True)
class TaxLine:
    """One tax of a line or of a total.

    :ivar percentage: a decimal text; None when an amount after taxes is given, but not what rate it is due to
    """

    name: str
    percentage: str | None
    amount: int


@dataclass(slots=True)
class PricedLine:
    """A priced line.

    :ivar kind: ENERGY, TIME, PARKING_TIME, FLAT, RESERVATION_TIME, RESERVATION_FLAT; MIN_PRICE, MAX_PRICE
    :ivar element: index of the element that gave the price; -1 of MIN_PRICE and MAX_PRICE
    :ivar quantity: what was used, as a decimal text: kWh, hours, or 1
    :ivar billed_quantity: with what a step added
    :ivar before_taxes, after_taxes: None when they cannot be known
    """

    kind: str
    element: int
    quantity: str
    billed_quantity: str
    unit_price: str
    before_taxes: int | None
    after_taxes: int | None
    taxes: list[TaxLine]
    since: str
    until: str
    reason: str


@dataclass(slots=True)
class Priced:
    """A priced CDR. The lines add up to the totals, before and after taxes.

    :ivar digits: amounts are multiples of ``10 ** -digits``
    :ivar flags: what a person may want to know; `docs/tariff-engine.md` lists them
    """

    currency: str
    digits: int
    before_taxes: int | None
    after_taxes: int | None
    lines: list[PricedLine]
    flags: list[str]
    taxes: list[TaxLine] = field(default_factory=list)

    @property
    def total_before_taxes(self) -> Decimal | None:
        return None if self.before_taxes is None else Decimal(self.before_taxes).scaleb(-self.digits)

    @property
    def total_after_taxes(self) -> Decimal | None:
        return None if self.after_taxes is None else Decimal(self.after_taxes).scaleb(-self.digits)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data; every number is a decimal text."""
        digits = self.digits
        return {
            "currency": self.currency,
            "before_taxes": amount_text(self.before_taxes, digits),
            "after_taxes": amount_text(self.after_taxes, digits),
            "taxes": [_tax_to_json(tax, digits) for tax in self.taxes],
            "lines": [
                {
                    "type": line.kind,
                    "element": line.element if line.element >= 0 else None,
                    "quantity": line.quantity,
                    "billed_quantity": line.billed_quantity,
                    "unit_price": line.unit_price,
                    "before_taxes": amount_text(line.before_taxes, digits),
                    "taxes": [_tax_to_json(tax, digits) for tax in line.taxes],
                    "from": line.since,
                    "to": line.until,
                    "why": line.reason,
                }
                for line in self.lines
            ],
            "flags": self.flags,
        }


def settle(found: Buckets, tariff: Compiled, session: Session, digits: int | None = None) -> Priced:
    """Prices what was collected.

    :param digits: decimals that an invoice rounds each line to; None does not round (10 decimals)
    """
    places = EXACT_DIGITS if digits is None else digits
    buckets = sorted(found.buckets.values(), key=_order)
    taxes = _Taxes(tariff, places)
    lines = [_line(bucket, tariff.scale, taxes) for bucket in buckets]
    before = _sum(line.before_taxes for line in lines)
    after = _sum(line.after_taxes for line in lines)
    priced = Priced(tariff.currency, places, before, after, lines, found.flags, taxes.totals())
    if tariff.min_price != NO_LIMIT or tariff.max_price != NO_LIMIT:
        _apply_limits(priced, tariff, session)
    return priced


def _order(bucket: Bucket) -> int:
    return ORDER[bucket.component.kind]


# --- lines ----------------------------------------------------------------------------------------


class _Taxes:
    """Sums per rate, so that each rate is rounded once although each line tells its part."""

    def __init__(self, tariff: Compiled, places: int) -> None:
        self.included = tariff.tax_included == "YES"
        self.applicable = tariff.tax_included != "N/A"
        self.full = 100 * tariff.scale.unit
        self.unit = 10**places
        self.scale = tariff.scale
        self.sums: dict[int, list[int]] = {}
        self.texts: dict[int, str] = {}

    def add(self, amount: int, rate: int | None) -> tuple[int | None, int | None, list[TaxLine]]:
        """Before, after and the taxes of a line of ``amount`` (before taxes, or after them when included)."""
        if not self.applicable or rate == NO_TAX:
            return amount, amount, []
        if rate is None:
            if amount == 0:
                return 0, 0, []
            return (None, amount, []) if self.included else (amount, None, [])
        sums = self.sums.get(rate)
        if sums is None:
            sums = self.sums[rate] = [0, 0]
            self.texts[rate] = decimal_text(rate, self.scale.digits)
        sums[0] += amount
        whole = self.full + rate if self.included else self.full
        total = (2 * sums[0] * rate + whole) // (2 * whole)
        tax = total - sums[1]
        sums[1] = total
        lines = [TaxLine(TAX_NAME, self.texts[rate], tax)]
        return (amount - tax, amount, lines) if self.included else (amount, amount + tax, lines)

    def totals(self) -> list[TaxLine]:
        return [TaxLine(TAX_NAME, self.texts[rate], sums[1]) for rate, sums in sorted(self.sums.items())]


def _line(bucket: Bucket, scale: Scale, taxes: _Taxes) -> PricedLine:
    component = bucket.component
    kind, unit, added = component.kind, scale.unit, bucket.added
    digits = scale.digits
    if kind == "ENERGY":
        billed, whole = bucket.volume + added, unit
        quantity = decimal_text(bucket.volume, digits)
        billed_quantity = decimal_text(billed, digits) if added else quantity
    elif kind == "FLAT" or kind == "RESERVATION_FLAT":
        billed = whole = 1
        quantity = billed_quantity = "1"
    else:
        billed, whole = bucket.volume * SECONDS_PER_HOUR + added, SECONDS_PER_HOUR * unit
        quantity = billed_quantity = decimal_text(bucket.volume, digits)
        if added:
            billed_quantity = decimal_text(half_up(billed * 10**EXACT_DIGITS, whole), EXACT_DIGITS)
    denominator = whole * unit
    amount = (2 * component.price * billed * taxes.unit + denominator) // (2 * denominator)
    before, after, tax_lines = taxes.add(amount, component.vat)
    return PricedLine(
        kind, component.element, quantity, billed_quantity, decimal_text(component.price, digits),
        before, after, tax_lines, bucket.since, bucket.until, _reason(bucket),
    )  # fmt: skip


def _reason(bucket: Bucket) -> str:
    component = bucket.component
    text = f"element {component.element + 1}"
    if component.checks is not None:
        text += f" ({component.checks.text})"
    if bucket.added:
        text += f", rounded up to step_size {component.step}"
    return text


# --- bounds ---------------------------------------------------------------------------------------


def _apply_limits(priced: Priced, tariff: Compiled, session: Session) -> None:
    """min_price and max_price, before and after taxes each for itself (mod_tariffs, Tariff object, notes).

    Where only one side has a bound that moves it, the other side moves in proportion. The tax of the added line
    is told by rate in proportion to the taxes of the session: OCPI says nothing about that.
    """
    low, low_after = (_bound(value, tariff, priced.digits) for value in tariff.min_price)
    high, high_after = (_bound(value, tariff, priced.digits) for value in tariff.max_price)
    before, after = priced.before_taxes, priced.after_taxes
    if before is None and (low, high) != (None, None) or after is None and (low_after, high_after) != (None, None):
        priced.flags.append("limit_not_comparable")
    new_before = _clamp(before, low, high)
    new_after = _clamp(after, low_after, high_after)
    if before is not None and after is not None and new_before is not None and new_after is not None:
        if new_before != before and low_after is None and high_after is None:
            new_after = half_up(after * new_before, before) if before else _taxed(new_before, tariff)
        elif new_after != after and low is None and high is None:
            new_before = half_up(before * new_after, after) if after else _untaxed(new_after, tariff)
        elif new_after < new_before:
            new_before = new_after
    if (new_before, new_after) == (before, after):
        return
    _add_adjustment(priced, session, new_before, new_after)


def _bound(value: int | None, tariff: Compiled, places: int) -> int | None:
    return None if value is None else half_up(value * 10**places, tariff.scale.unit)


def _clamp(value: int | None, low: int | None, high: int | None) -> int | None:
    if value is None:
        return None
    if low is not None and value < low:
        value = low
    return high if high is not None and value > high else value


def _taxed(amount: int, tariff: Compiled) -> int | None:
    """An amount before taxes with the tax of the tariff, when that is the same for all of its prices."""
    rate = _only_rate(tariff)
    return None if rate is None else amount + half_up(amount * rate, 100 * tariff.scale.unit)


def _untaxed(amount: int, tariff: Compiled) -> int | None:
    rate = _only_rate(tariff)
    return None if rate is None else half_up(amount * 100 * tariff.scale.unit, 100 * tariff.scale.unit + rate)


def _only_rate(tariff: Compiled) -> int | None:
    if tariff.tax_included == "N/A":
        return 0
    rates = {component.vat for component in tariff.components()}
    rate = rates.pop() if len(rates) == 1 else None
    return 0 if rate == NO_TAX else rate


def _add_adjustment(
    priced: Priced, session: Session, new_before: int | None, new_after: int | None
) -> None:
    before, after = priced.before_taxes, priced.after_taxes
    change = new_before - before if new_before is not None and before is not None else None
    change_after = new_after - after if new_after is not None and after is not None else None
    raised = (change or change_after or 0) > 0
    name = "MIN_PRICE" if raised else "MAX_PRICE"
    owed = change_after - change if change is not None and change_after is not None else 0
    taxes = _share(owed, priced.taxes)
    shown = change if change is not None else change_after
    assert shown is not None
    priced.lines.append(
        PricedLine(
            name, -1, "1", "1", decimal_text(shown, priced.digits), change, change_after, taxes,
            priced.lines[0].since if priced.lines else session.periods[0].text, session.end_text,
            f"{name.lower()} of the tariff",
        )
    )  # fmt: skip
    priced.before_taxes, priced.after_taxes = new_before, new_after
    for tax in taxes:
        same = next((each for each in priced.taxes if each.percentage == tax.percentage), None)
        if same is None:
            priced.taxes.append(TaxLine(tax.name, tax.percentage, tax.amount))
        else:
            same.amount += tax.amount


def _share(owed: int, taxes: list[TaxLine]) -> list[TaxLine]:
    """Distributes a change of tax over the rates of a session in proportion, to the last digit."""
    if not owed:
        return []
    whole = sum(tax.amount for tax in taxes)
    if not whole:
        return [TaxLine(TAX_NAME, None, owed)]
    shares = []
    done = told = 0
    for tax in taxes:
        done += tax.amount
        share = half_up(owed * done, whole) - told
        told += share
        shares.append(TaxLine(tax.name, tax.percentage, share))
    return shares


# --- numbers --------------------------------------------------------------------------------------


def half_up(numerator: int, denominator: int) -> int:
    """The integer nearest to a quotient; a half goes up. The denominator is positive."""
    return (2 * numerator + denominator) // (2 * denominator)


def decimal_text(value: int, digits: int) -> str:
    """A multiple of ``10 ** -digits`` without trailing zeros."""
    if value < 0:
        return "-" + decimal_text(-value, digits)
    text = str(value).zfill(digits + 1)
    point = len(text) - digits
    decimals = text[point:].rstrip("0")
    return f"{text[:point]}.{decimals}" if decimals else text[:point]


def amount_text(value: int | None, digits: int) -> str | None:
    """An amount of money: without trailing zeros, but with the two decimals that people expect."""
    if value is None:
        return None
    if value < 0:
        return f"-{amount_text(-value, digits)}"
    if digits == 0:
        return str(value)
    text = str(value).zfill(digits + 1)
    decimals = text[-digits:].rstrip("0")
    if len(decimals) < SHOWN_DIGITS:
        decimals = text[-digits:][:SHOWN_DIGITS]
    return f"{text[:-digits]}.{decimals}"


def _sum(values: Iterable[int | None]) -> int | None:
    total = 0
    for value in values:
        if value is None:
            return None
        total += value
    return total


def _tax_to_json(tax: TaxLine, digits: int) -> dict[str, Any]:
    return {"name": tax.name, "percentage": tax.percentage, "amount": amount_text(tax.amount, digits)}
