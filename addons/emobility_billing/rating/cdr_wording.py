"""The lines of a priced CDR in words, in English and German: quantity, price, tax, and why."""

from decimal import Decimal

from .ocpi_import import read_restrictions
from .settlement import Priced, PricedLine, amount_text
from .tariff import Dimension
from .wording import Words, describe, number_text, quantity_text, trimmed, words_of

UNITS = {Dimension.ENERGY: "kWh", Dimension.TIME: "h", Dimension.PARKING_TIME: "h", Dimension.RESERVATION_TIME: "h"}


def cdr_sentences(priced: Priced, lang: str = "en") -> tuple[str, ...]:
    """One sentence per line.

    :param lang: ``en`` or ``de``; a locale such as ``de_AT`` means its language, others are written in English
    """
    return tuple(_sentence(line, priced, lang) for line in priced.lines)


def _sentence(line: PricedLine, priced: Priced, lang: str) -> str:
    words = words_of(lang)
    dimension = Dimension(line.kind)
    shown = line.before_taxes if line.before_taxes is not None else line.after_taxes
    unit = UNITS.get(dimension, "session")
    values = {
        "name": words.dimension[dimension],
        "quantity": quantity_text(Decimal(line.billed_quantity), unit, words),
        "price": number_text(trimmed(Decimal(line.unit_price), 2), words),
        "currency": priced.currency,
        "unit": words.per.get(unit, unit),
        "amount": _amount(shown, priced, words),
    }
    sentence = (words.fixed if unit == "session" else words.metered).format(**values)
    taxes = [
        (words.tax_without_rate if tax.percentage is None else words.tax).format(
            _percentage(tax.percentage, words),
            words.tax_names.get(tax.name, tax.name),
            _amount(tax.amount, priced, words),
            priced.currency,
        )
        for tax in line.taxes
    ]
    notes = _notes(line, unit, words, lang)
    return ", ".join([sentence, *taxes]) + (f" ({', '.join(notes)})" if notes else "")


def _notes(line: PricedLine, unit: str, words: Words, lang: str) -> list[str]:
    notes = [describe(read_restrictions(line.restrictions), lang)] if line.restrictions else []
    if line.step:
        added = Decimal(line.billed_quantity) - Decimal(line.quantity)
        notes.append(words.rounded_up.format(quantity_text(added, unit, words)))
    return notes


def _amount(value: int | None, priced: Priced, words: Words) -> str:
    return (amount_text(value, priced.digits) or "?").replace(".", words.decimal_point)


def _percentage(percentage: str | None, words: Words) -> str:
    return (percentage or "").replace(".", words.decimal_point)
