"""DATEV's "Buchungsstapel": a batch of bookings as a file of the DATEV format (EXTF 700, format version 13).

Plain Python. Who books what is decided by the caller; this only knows how the file looks: Windows-1252, CRLF,
semicolons, texts in quotes and everything else without, a decimal comma, all 125 columns in each row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

ENCODING = "cp1252"
_BATCH, _VERSION = 21, 13
_TEXT, _OTHER = True, False


def _numbered(count: int, *names: str) -> list[tuple[str, bool]]:
    return [(f"{name} {number}", _TEXT) for number in range(1, count + 1) for name in names]


# Name of each column, and whether it is a text.
COLUMNS: list[tuple[str, bool]] = [
    ("Umsatz (ohne Soll/Haben-Kz)", _OTHER),
    ("Soll/Haben-Kennzeichen", _TEXT),
    ("WKZ Umsatz", _TEXT),
    ("Kurs", _OTHER),
    ("Basis-Umsatz", _OTHER),
    ("WKZ Basis-Umsatz", _TEXT),
    ("Konto", _OTHER),
    ("Gegenkonto (ohne BU-Schlüssel)", _OTHER),
    ("BU-Schlüssel", _TEXT),
    ("Belegdatum", _OTHER),
    ("Belegfeld 1", _TEXT),
    ("Belegfeld 2", _TEXT),
    ("Skonto", _OTHER),
    ("Buchungstext", _TEXT),
    ("Postensperre", _OTHER),
    ("Diverse Adressnummer", _TEXT),
    ("Geschäftspartnerbank", _OTHER),
    ("Sachverhalt", _OTHER),
    ("Zinssperre", _OTHER),
    ("Beleglink", _TEXT),
    *_numbered(8, "Beleginfo - Art", "Beleginfo - Inhalt"),
    ("KOST1 - Kostenstelle", _TEXT),
    ("KOST2 - Kostenstelle", _TEXT),
    ("Kost-Menge", _OTHER),
    ("EU-Land u. UStID (Bestimmung)", _TEXT),
    ("EU-Steuersatz (Bestimmung)", _OTHER),
    ("Abw. Versteuerungsart", _TEXT),
    ("Sachverhalt L+L", _OTHER),
    ("Funktionsergänzung L+L", _OTHER),
    ("BU 49 Hauptfunktionstyp", _OTHER),
    ("BU 49 Hauptfunktionsnummer", _OTHER),
    ("BU 49 Funktionsergänzung", _OTHER),
    *_numbered(20, "Zusatzinformation - Art", "Zusatzinformation- Inhalt"),
    ("Stück", _OTHER),
    ("Gewicht", _OTHER),
    ("Zahlweise", _OTHER),
    ("Forderungsart", _TEXT),
    ("Veranlagungsjahr", _OTHER),
    ("Zugeordnete Fälligkeit", _OTHER),
    ("Skontotyp", _OTHER),
    ("Auftragsnummer", _TEXT),
    ("Buchungstyp", _TEXT),
    ("USt-Schlüssel (Anzahlungen)", _OTHER),
    ("EU-Land (Anzahlungen)", _TEXT),
    ("Sachverhalt L+L (Anzahlungen)", _OTHER),
    ("EU-Steuersatz (Anzahlungen)", _OTHER),
    ("Erlöskonto (Anzahlungen)", _OTHER),
    ("Herkunft-Kz", _TEXT),
    ("Buchungs GUID", _TEXT),
    ("KOST-Datum", _OTHER),
    ("SEPA-Mandatsreferenz", _TEXT),
    ("Skontosperre", _OTHER),
    ("Gesellschaftername", _TEXT),
    ("Beteiligtennummer", _OTHER),
    ("Identifikationsnummer", _TEXT),
    ("Zeichnernummer", _TEXT),
    ("Postensperre bis", _OTHER),
    ("Bezeichnung SoBil-Sachverhalt", _TEXT),
    ("Kennzeichen SoBil-Buchung", _OTHER),
    ("Festschreibung", _OTHER),
    ("Leistungsdatum", _OTHER),
    ("Datum Zuord. Steuerperiode", _OTHER),
    ("Fälligkeit", _OTHER),
    ("Generalumkehr (GU)", _TEXT),
    ("Steuersatz", _OTHER),
    ("Land", _TEXT),
    ("Abrechnungsreferenz", _TEXT),
    ("BVV-Position", _OTHER),
    ("EU-Land u. UStID (Ursprung)", _TEXT),
    ("EU-Steuersatz (Ursprung)", _OTHER),
    ("Abw. Skontokonto", _OTHER),
]
# Turns off the tax that DATEV would add by itself: our rows carry net amounts and taxes apart. Key 40; the format
# has four digits.
NO_AUTOMATIC_TAX = "0040"


@dataclass(frozen=True)
class Batch:
    """Whose bookings these are."""

    consultant: int
    client: int
    year_start: date
    account_length: int
    first: date
    last: date
    name: str
    currency: str
    made_at: datetime


@dataclass(frozen=True)
class Booking:
    """One row: a positive ``amount`` debits ``account`` against ``counter_account``, a negative one credits it."""

    amount: Decimal
    account: str
    counter_account: str
    day: date
    document: str
    text: str
    due: date | None = None
    tax_key: str = ""


def render(batch: Batch, bookings: list[Booking]) -> bytes:
    """The file. What Windows-1252 cannot say becomes a question mark."""
    names = ";".join(name for name, _is_text in COLUMNS)
    lines = [_header(batch), names, *(_row(batch, booking) for booking in bookings)]
    return "".join(f"{line}\r\n" for line in lines).encode(ENCODING, errors="replace")


def _header(batch: Batch) -> str:
    fields = [
        _quoted("EXTF"),
        "700",
        str(_BATCH),
        _quoted("Buchungsstapel"),
        str(_VERSION),
        f"{batch.made_at:%Y%m%d%H%M%S}{batch.made_at.microsecond // 1000:03}",
        "",
        *[_quoted("")] * 3,
        str(batch.consultant),
        str(batch.client),
        f"{batch.year_start:%Y%m%d}",
        str(batch.account_length),
        f"{batch.first:%Y%m%d}",
        f"{batch.last:%Y%m%d}",
        _quoted(batch.name[:30]),
        _quoted(""),
        "1",  # bookings, not annual accounts
        "0",
        "0",  # not locked: the tax adviser looks at it first
        _quoted(batch.currency),
        "",
        _quoted(""),
        *[""] * 2,
        _quoted(""),
        *[""] * 2,
        *[_quoted("")] * 2,
    ]
    return ";".join(fields)


def _row(batch: Batch, booking: Booking) -> str:
    values = {
        "Umsatz (ohne Soll/Haben-Kz)": f"{abs(booking.amount):.2f}".replace(".", ","),
        "Soll/Haben-Kennzeichen": "S" if booking.amount > 0 else "H",
        "WKZ Umsatz": batch.currency,
        "Konto": booking.account,
        "Gegenkonto (ohne BU-Schlüssel)": booking.counter_account,
        "BU-Schlüssel": booking.tax_key,
        "Belegdatum": f"{booking.day:%d%m}",
        # DATEV takes no other signs here, and matches payments by it.
        "Belegfeld 1": re.sub(r"[^A-Za-z0-9$&%*+/-]", "-", booking.document)[:36],
        "Buchungstext": booking.text[:60],
        "Fälligkeit": f"{booking.due:%d%m%Y}" if booking.due else "",
    }
    return ";".join(
        _quoted(values.get(name, "")) if is_text else values.get(name, "") for name, is_text in COLUMNS
    )


def _quoted(text: str) -> str:
    clean = " ".join(text.split()).replace('"', '""')
    return f'"{clean}"'
