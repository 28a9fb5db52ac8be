"""What a month of an agreement is worth: plain Python, no Odoo.

The amounts of a month are a function of the sessions of the month, and of nothing else. A settlement pays what
they are now less what was settled before, so that late sessions and credits need no rules of their own: a
minimum that was topped up too high comes back, a cap that was reached stays reached.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum


class Kind(StrEnum):
    """The parts that a month is made of, in the order in which they are worked out."""

    SESSIONS = "sessions"
    CAP_KWH = "cap_kwh"
    FIXED = "fixed"
    MINIMUM = "minimum"
    CAP = "cap"


@dataclass(frozen=True, slots=True)
class Terms:
    """What an agreement says about a month. None: it says nothing.

    :param digits: decimals of the currency
    """

    fixed: Decimal = Decimal(0)
    minimum: Decimal | None = None
    cap_amount: Decimal | None = None
    cap_kwh: Decimal | None = None
    digits: int = 2


@dataclass(frozen=True, slots=True)
class Priced:
    """A session as far as the month is concerned. ``order`` says which one uses a cap up first."""

    order: tuple[object, ...]
    energy_kwh: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Part:
    """Energy and money of one part of a month."""

    energy_kwh: Decimal
    amount: Decimal


def month_parts(sessions: Iterable[Priced], terms: Terms, share: Decimal = Decimal(1)) -> dict[Kind, Part]:
    """The parts of a month; their amounts add up to what is due for it.

    :param share: of the month in which the agreement is valid; the fixed amount and the minimum follow it
    """
    ordered = sorted(sessions, key=lambda session: session.order)
    energy = sum((session.energy_kwh for session in ordered), Decimal(0))
    amount = sum((session.amount for session in ordered), Decimal(0))
    parts = {Kind.SESSIONS: Part(energy, amount), Kind.CAP_KWH: _beyond_energy(ordered, terms)}
    parts[Kind.FIXED] = Part(Decimal(0), _money(terms.fixed * share, terms))
    due = sum((part.amount for part in parts.values()), Decimal(0))
    floor = None if terms.minimum is None else _money(terms.minimum * share, terms)
    rise = max(floor - due, Decimal(0)) if floor is not None else Decimal(0)
    parts[Kind.MINIMUM] = Part(Decimal(0), rise)
    cut = max(due + rise - terms.cap_amount, Decimal(0)) if terms.cap_amount is not None else Decimal(0)
    parts[Kind.CAP] = Part(Decimal(0), -cut)
    return parts


def valid_share(month: date, first: date, last: date | None) -> Decimal:
    """How much of a month lies between two days, both included."""
    days = calendar.monthrange(month.year, month.month)[1]
    start = max(month.replace(day=1), first)
    end = min(month.replace(day=days), last or date.max)
    return Decimal(max((end - start).days + 1, 0)) / days


def _beyond_energy(ordered: list[Priced], terms: Terms) -> Part:
    """What the sessions, in their order, cost beyond the energy of the cap."""
    left = terms.cap_kwh
    energy = amount = Decimal(0)
    for session in ordered if left is not None else ():
        beyond = max(session.energy_kwh - left, Decimal(0))
        left = max(left - session.energy_kwh, Decimal(0))
        if beyond:
            energy += beyond
            amount += _money(session.amount * beyond / session.energy_kwh, terms)
    return Part(-energy, -amount)


def _money(amount: Decimal, terms: Terms) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-terms.digits), ROUND_HALF_UP)
