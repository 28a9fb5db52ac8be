"""What a session without a contract costs at a charging point: made once, shown everywhere.

The page, the sticker, the display of the station and the public data take their prices from one `PriceSheet`, and it
takes them from the engine's tariff that also prices the session. The order is that of Article 5(4) of Regulation
(EU) 2023/1804: per kWh, per minute, per session, anything else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from odoo.addons.emobility_billing.rating import Dimension, Tariff, tariff_sentences
from odoo.addons.emobility_billing.rating.wording import describe, number_text, trimmed, words_of

KINDS = ("energy", "time", "session")
MINUTE_DIGITS = Decimal("0.0001")
UNITS = {"energy": "kWh", "time": "min", "session": "session"}
_KIND_OF = {
    Dimension.ENERGY: "energy",
    Dimension.TIME: "time",
    Dimension.PARKING_TIME: "time",
    Dimension.FLAT: "session",
}


@dataclass(frozen=True)
class PriceLine:
    """One price. `price` is per kWh, per minute or per session."""

    kind: str
    dimension: str
    price: Decimal
    note: str = ""


@dataclass(frozen=True)
class PriceSheet:
    """The prices of a charging point in the order in which the law wants them; `other` are sentences."""

    currency: str
    tax_included: bool
    digits: int
    lines: tuple[PriceLine, ...]
    other: tuple[str, ...]

    @property
    def is_free(self) -> bool:
        """Whether nothing has a price."""
        return not self.other and all(line.price == 0 for line in self.lines)

    def fingerprint(self) -> str:
        """The same for the same prices, whatever they are shown on and in which language."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:32]

    def to_json(self) -> dict[str, Any]:
        return {
            "currency": self.currency,
            "tax_included": self.tax_included,
            "lines": [
                {"kind": one.kind, "dimension": one.dimension, "price": str(one.price), "note": one.note}
                for one in self.lines
            ],
            "other": list(self.other),
        }

    def price_text(self, line: PriceLine, lang: str = "en") -> str:
        """`0.59 EUR/kWh`, with the decimal point of the language."""
        unit = words_of(lang).per.get(UNITS[line.kind], UNITS[line.kind])
        if line.kind == "session":
            unit = {"de": "Ladevorgang"}.get(lang[:2], "session")
        return f"{number_text(trimmed(line.price, self.digits), words_of(lang))} {self.currency}/{unit}"

    def short_text(self, lang: str = "en") -> str:
        """Everything in one line, for the display of a station."""
        parts = [
            f"{self.price_text(line, lang)} ({line.note})" if line.note else self.price_text(line, lang)
            for line in self.lines
        ]
        return "; ".join((*parts, *self.other))


def price_sheet(tariff: Tariff, lang: str = "en") -> PriceSheet:
    """The sheet of a tariff; notes and sentences are in the language."""
    found = sorted(_lines(tariff, lang), key=lambda line: KINDS.index(line.kind))
    elements = sum(1 for element in tariff.elements if element.components)
    sentences = tariff_sentences(tariff, lang)[elements:]
    if tariff.idle is not None:
        # The fee for blocking has a line of its own; its sentence tells grace and limit, and stays.
        minute = _per_minute(tariff.idle.price)
        idle = PriceLine("time", "IDLE", minute, words_of(lang).dimension[Dimension.IDLE])
        found = sorted([*found, idle], key=lambda line: KINDS.index(line.kind))
    return PriceSheet(tariff.currency, tariff.tax_included, tariff.digits, tuple(found), sentences)


def _lines(tariff: Tariff, lang: str) -> Iterator[PriceLine]:
    words = words_of(lang)
    restricted: set[Dimension] = set()
    for element in tariff.elements:
        if element.restrictions.reservation is not None:
            continue
        when = describe(element.restrictions, lang)
        for component in element.components:
            dimension = component.dimension
            notes = [when or (words.otherwise.rstrip(": ") if dimension in restricted else "")]
            if dimension is Dimension.PARKING_TIME:
                notes.insert(0, words.dimension[dimension])
            if component.cap is not None:
                cap = number_text(trimmed(component.cap, tariff.digits), words)
                notes.append(words.terms["cap"].format(cap, tariff.currency))
            if component.needs_energy:
                notes.append(words.terms["needs_energy"])
            kind = _KIND_OF[dimension]
            price = _per_minute(component.price) if kind == "time" else component.price
            yield PriceLine(kind, dimension.value, price, ", ".join(filter(None, notes)))
            if when:
                restricted.add(dimension)


def _per_minute(per_hour: Decimal) -> Decimal:
    return (per_hour / 60).quantize(MINUTE_DIGITS, ROUND_HALF_UP).normalize() + Decimal(0)
