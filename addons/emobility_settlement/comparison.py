"""A partner's CDR priced again, by the engine that prices our own. Plain Python: nothing of Odoo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from odoo.addons.emobility_billing.rating import InputError, Policy, rate_ocpi
from odoo.addons.emobility_roaming.ocpi.internal import Cdr

Tariffs = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Repriced:
    """What a CDR should have cost, before taxes; or why nobody can say."""

    amount: Decimal | None
    trace: Mapping[str, Any] | None = None
    problem: str | None = None


def reprice(cdr: Cdr, payload: Mapping[str, Any], version: str, known: Tariffs, time_zone: str) -> Repriced:
    """Price a CDR by the tariff that it names.

    :param payload: the CDR as it came, in the words of ``version``
    :param known: tariffs that the partner has published, by id; those within the CDR come first
    :param time_zone: of the location, which a CDR does not carry
    """
    tariff = _tariff_of(cdr, known)
    if isinstance(tariff, str):
        return Repriced(None, problem=tariff)
    message = {"timezone": time_zone, "version": version, "tariff": tariff, "cdr": payload}
    try:
        priced = rate_ocpi(message, policy=Policy(), digits=None)
    except InputError as error:
        return Repriced(None, problem=f"{error.path or 'CDR'}: {error.message}")
    amount = priced.total_before_taxes
    if amount is None:
        return Repriced(None, priced.to_json(), "The tariff says prices with taxes, but not which taxes.")
    return Repriced(-amount if cdr.credit else amount, priced.to_json())


def _tariff_of(cdr: Cdr, known: Tariffs) -> Mapping[str, Any] | str:
    """The one tariff of the CDR, or a sentence that says why there is none."""
    within = {str(tariff.get("id")): tariff for tariff in cdr.tariffs}
    named: Sequence[str] = sorted({period.tariff_id for period in cdr.periods if period.tariff_id})
    if len(named) > 1:
        return f"The CDR has periods of several tariffs: {', '.join(named)}."
    if named:
        return within.get(named[0]) or known.get(named[0]) or f"The tariff {named[0]} is not known."
    if len(within) == 1:
        return next(iter(within.values()))
    return "The CDR names no tariff." if not within else "The CDR has several tariffs and does not say which counts."


def differs(theirs: Decimal, ours: Decimal, *, absolute: Decimal, percent: Decimal) -> bool:
    """Whether two amounts differ by more than both what is tolerated absolutely and in percent of theirs."""
    return abs(theirs - ours) > max(absolute, abs(theirs) * percent / 100)
