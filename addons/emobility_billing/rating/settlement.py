"""From volumes to money: lines with their taxes, totals before and after taxes, bounds of the price.

Amounts are integers of ``10 ** -digits`` of the currency. Lines are rounded once, half up, and all totals are
sums of lines, so what is shown adds up. Taxes are rounded once per rate on the sum of its lines, as EN 16931
wants it, and told per line as what each line adds to that.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
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
    account_number: str | None = None


@dataclass(frozen=True, slots=True)
class LocalTax:
    """A tax that the place knows and the tariff does not, such as GST and QST in Quebec (mod_tariffs, example 19).

    Each is due on the price before taxes.

    :param rate: percentage, as a multiple of the scale's unit
    """

    name: str
    rate: int
    account_number: str | None = None


@dataclass(slots=True)
class PricedLine:
    """A priced line.

    :ivar kind: ENERGY, TIME, PARKING_TIME, FLAT, RESERVATION_TIME, RESERVATION_FLAT; MIN_PRICE, MAX_PRICE
    :ivar element: index of the element that gave the price; -1 of MIN_PRICE and MAX_PRICE
    :ivar quantity: what was used, as a decimal text: kWh, hours, or 1
    :ivar billed_quantity: with what a step added
    :ivar before_taxes, after_taxes: None when they cannot be known
    :ivar reason: English and technical, for the trace; `cdr_wording` has sentences for people
    :ivar restrictions: those of the element, as OCPI writes them; None when it has none
    :ivar step: the step_size that added to the quantity; 0 when none did
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
    restrictions: Mapping[str, Any] | None = None
    step: int = 0


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


def settle(
    found: Buckets,
    tariff: Compiled,
    session: Session,
    digits: int | None = None,
    local_taxes: tuple[LocalTax, ...] = (),
) -> Priced:
    """Prices what was collected.

    :param digits: decimals that an invoice rounds each line to; None does not round (10 decimals)
    :param local_taxes: for prices of which the tariff does not tell the tax
    """
    places = EXACT_DIGITS if digits is None else digits
    buckets = sorted(found.buckets.values(), key=_order)
    taxes = _Taxes(tariff, places, local_taxes)
    lines = [_line(bucket, tariff.scale, taxes) for bucket in buckets]
    before = _sum(line.before_taxes for line in lines)
    after = _sum(line.after_taxes for line in lines)
    priced = Priced(tariff.currency, places, before, after, lines, found.flags, taxes.totals())
    if tariff.min_price is not NO_LIMIT or tariff.max_price is not NO_LIMIT:
        _apply_limits(priced, tariff, session, local_taxes)
    return priced


def _order(bucket: Bucket) -> int:
    return ORDER[bucket.component.kind]


# --- lines ----------------------------------------------------------------------------------------


class _Taxes:
    """Sums per rate, so that each rate is rounded once although each line tells its part."""

    def __init__(self, tariff: Compiled, places: int, local_taxes: tuple[LocalTax, ...]) -> None:
        self.included = tariff.tax_included == "YES"
        self.applicable = tariff.tax_included != "N/A"
        self.full = 100 * tariff.scale.unit
        self.unit = 10**places
        self.digits = tariff.scale.digits
        self.by_rate: dict[int | None, tuple[int, list[_RateSum]]] = {}
        if local_taxes:
            self._open(None, local_taxes)

    def _open(self, rate: int | None, taxes: tuple[LocalTax, ...]) -> tuple[int, list["_RateSum"]]:
        """The whole of which the rates are parts, and a sum for each tax."""
        whole = self.full + sum([tax.rate for tax in taxes]) if self.included else self.full
        sums = [_RateSum(tax, decimal_text(tax.rate, self.digits)) for tax in taxes]
        self.by_rate[rate] = whole, sums
        return whole, sums

    def add(self, amount: int, rate: int | None) -> tuple[int | None, int | None, list[TaxLine]]:
        """Before, after and the taxes of a line of ``amount`` (before taxes, or after them when included)."""
        if not self.applicable or rate == NO_TAX:
            return amount, amount, []
        group = self.by_rate.get(rate)
        if group is None:
            if rate is None:
                if amount == 0:
                    return 0, 0, []
                return (None, amount, []) if self.included else (amount, None, [])
            group = self._open(rate, (LocalTax(TAX_NAME, rate),))
        whole, sums = group
        owed = 0
        lines = []
        for each in sums:
            # Rounded on the sum of the lines so far; the line gets what it adds to that.
            base = each.base = each.base + amount
            total = (2 * base * each.rate + whole) // (2 * whole)
            added = total - each.told
            each.told = total
            each.used = True
            owed += added
            lines.append(TaxLine(each.name, each.text, added, each.account_number))
        return (amount - owed, amount, lines) if self.included else (amount, amount + owed, lines)

    def totals(self) -> list[TaxLine]:
        sums = [each for _whole, group in self.by_rate.values() for each in group if each.used]
        sums.sort(key=lambda each: each.rate)
        return [TaxLine(each.name, each.text, each.told, each.account_number) for each in sums]


class _RateSum:
    """A tax on the sum of the lines that it is due on."""

    __slots__ = ("account_number", "base", "name", "rate", "text", "told", "used")

    def __init__(self, tax: LocalTax, text: str) -> None:
        self.name = tax.name
        self.rate = tax.rate
        self.account_number = tax.account_number
        self.text = text
        self.base = self.told = 0
        self.used = False


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
        component.checks.words if component.checks is not None else None, component.step if added else 0,
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


def _apply_limits(
    priced: Priced, tariff: Compiled, session: Session, local_taxes: tuple[LocalTax, ...]
) -> None:
    """min_price and max_price, before and after taxes each for itself (mod_tariffs, Tariff object, notes).

    Where only one side has a bound that moves it, the other side moves in proportion. The tax of the added line
    is told by rate in proportion to the taxes of the session: OCPI says nothing about that.
    """
    low, low_after = (_bound(value, tariff, priced.digits) for value in tariff.min_price)
    high, high_after = (_bound(value, tariff, priced.digits) for value in tariff.max_price)
    before, after = priced.before_taxes, priced.after_taxes
    rate = _only_rate(tariff, local_taxes)
    if before is None and (low, high) != (None, None) or after is None and (low_after, high_after) != (None, None):
        priced.flags.append("limit_not_comparable")
    new_before = _clamp(before, low, high)
    new_after = _clamp(after, low_after, high_after)
    if before is not None and after is not None and new_before is not None and new_after is not None:
        if new_before != before and low_after is None and high_after is None:
            new_after = half_up(after * new_before, before) if before else _taxed(new_before, rate, tariff)
        elif new_after != after and low is None and high is None:
            new_before = half_up(before * new_after, after) if after else _untaxed(new_after, rate, tariff)
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


def _taxed(amount: int, rate: int | None, tariff: Compiled) -> int | None:
    """An amount before taxes with the tax of the tariff, when that is the same for all of its prices."""
    return None if rate is None else amount + half_up(amount * rate, 100 * tariff.scale.unit)


def _untaxed(amount: int, rate: int | None, tariff: Compiled) -> int | None:
    return None if rate is None else half_up(amount * 100 * tariff.scale.unit, 100 * tariff.scale.unit + rate)


def _only_rate(tariff: Compiled, local_taxes: tuple[LocalTax, ...]) -> int | None:
    if tariff.tax_included == "N/A":
        return 0
    local = sum(tax.rate for tax in local_taxes) if local_taxes else None
    rates = {local if component.vat is None else max(component.vat, 0) for component in tariff.components()}
    return rates.pop() if len(rates) == 1 else None


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
        key = tax.name, tax.percentage
        same = next((each for each in priced.taxes if (each.name, each.percentage) == key), None)
        if same is None:
            priced.taxes.append(replace(tax))
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
        shares.append(replace(tax, amount=share))
    return shares


# --- numbers --------------------------------------------------------------------------------------


def half_up(numerator: int, denominator: int) -> int:
    """The integer nearest to a quotient; a half goes up. The denominator is positive."""
    return (2 * numerator + denominator) // (2 * denominator)


def decimal_text(value: int, digits: int) -> str:
    """A multiple of ``10 ** -digits`` without trailing zeros."""
    if value < 0:
        return "-" + decimal_text(-value, digits)
    if digits == 0:
        return str(value)
    text = str(value).zfill(digits + 1)
    decimals = text[-digits:].rstrip("0")
    return f"{text[:-digits]}.{decimals}" if decimals else text[:-digits]


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
    data = {"name": tax.name, "percentage": tax.percentage, "amount": amount_text(tax.amount, digits)}
    if tax.account_number is not None:
        data["account_number"] = tax.account_number
    return data
