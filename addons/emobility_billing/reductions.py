"""What a contract has off the price of a session: what its plan includes, what is beyond that, and discounts.

One calculation for the estimate, which changes nothing, and for the rating, which uses up what is taken off.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from .models.discount import (
    ALLOWANCE_PRODUCT,
    AMOUNT,
    DISCOUNT_PRODUCT,
    ENERGY,
    OVERAGE_PRODUCT,
    PERCENT,
    REPLACED_PRODUCT,
    SESSION_OVERAGE_PRODUCT,
    VOUCHER,
)
from .rating import Dimension, Rating
from .rating.exact import round_half_up


@dataclass(frozen=True)
class Reduction:
    """A line of the rating of a session: it changes the price that the tariff gives.

    :param amount: negative when it is taken off
    :param product: XML ID of the product that it posts to; None: that of the energy of the session
    :param quantity: what the allowance or the discount has given of itself, besides money
    """

    dimension: str
    amount: Decimal
    description: str
    product: str | None
    quantity: Decimal = Decimal(0)
    unit: str = ""
    allowance: Any = None
    discount: Any = None

    @property
    def unit_price(self) -> Decimal:
        return self.amount / self.quantity if self.quantity else Decimal(0)

    def to_json(self) -> dict[str, str]:
        """For the trace of the rating."""
        return {
            "dimension": self.dimension,
            "amount": format(self.amount, "f"),
            "quantity": format(self.quantity, "f"),
            "unit": self.unit,
            "reason": self.description,
        }


class _Energy:
    """The energy of a session in the order of its prices. What its parts cost adds up to what all of it costs."""

    def __init__(self, pieces: list[tuple[Decimal, Decimal]], digits: int) -> None:
        self.pieces = [(kwh, amount) for kwh, amount in pieces if kwh > 0]
        self.digits = digits
        self.left = sum((kwh for kwh, _amount in self.pieces), Decimal(0))
        self._used = Decimal(0)

    def take(self, kwh: Decimal) -> tuple[Decimal, Decimal]:
        """(kWh, amount) of the next energy, at most that much."""
        taken = max(min(kwh, self.left), Decimal(0))
        before = self._worth(self._used)
        self._used += taken
        self.left -= taken
        return taken, self._worth(self._used) - before

    def _worth(self, kwh: Decimal) -> Decimal:
        """What the first ``kwh`` cost."""
        worth = Fraction(0)
        for quantity, amount in self.pieces:
            part = min(kwh, quantity)
            worth += Fraction(amount) * Fraction(part) / Fraction(quantity)
            kwh -= part
        return round_half_up(worth, self.digits)


@dataclass(frozen=True)
class _Used:
    """What a contract had of a discount before the session, and all contracts of its budget."""

    exists: bool
    sessions: int
    kwh: Decimal
    amount: Decimal
    budget: Decimal


class Reductions:
    """Calculates what a contract has off priced sessions that start at one moment.

    :param start: of the session, aware
    :param contract: ``contract.contract``, with the rights of the system
    :param partner: the payer, who reads the descriptions
    :param location: where the session was
    :param currency: of the tariff
    :param claim: the session is rated: sessions that count towards the same limits have to wait for each other
    :param own: the rating of the very session: what it has used up is not used yet
    """

    def __init__(
        self,
        start: datetime,
        contract: Any,
        partner: Any,
        location: Any,
        currency: Any,
        *,
        claim: bool = False,
        own: Any = None,
    ) -> None:
        self.contract = contract
        self.env = contract.with_context(lang=partner.lang or contract.env.lang).env
        self.location = location
        self.currency = currency
        self.claim = claim
        self.own = own.line_ids if own else ()
        self.day = start.astimezone(ZoneInfo(location.time_zone or "UTC")).date()
        self.total = Decimal(0)
        self.energy = _Energy([], currency.decimal_places)
        self._uses: dict[Any, _Used] = {}

    def of(self, result: Rating) -> list[Reduction]:
        """What is off a price of the engine: first what the plan says, then discounts, in the order in which they are
        taken off."""
        self.total = result.total
        self.energy = _Energy(
            [(line.quantity, line.amount) for line in result.lines if line.dimension is Dimension.ENERGY],
            self.currency.decimal_places,
        )
        return [*self._of_plan(), *self._of_discounts()]

    @cached_property
    def _allowance(self) -> Any:
        return self.env["emobility.allowance"].sudo()._of(self.contract, self.day, keep=self.claim)

    @cached_property
    def _plan(self) -> Any:
        return self.contract._plan_on(self.day).with_company(self.contract.company_id)

    @cached_property
    def _candidates(self) -> Any:
        """Discounts that may be taken off; a session that is rated has those that it got."""
        if self.own:
            return self.own.discount_id.sudo().sorted(lambda one: (one.sequence, one.id))
        return self.env["emobility.discount"].sudo()._candidates(self.contract)

    def _used_sessions(self) -> int:
        return self._allowance.used_sessions - len([line for line in self._own_included() if line.unit == "session"])

    def _used_kwh(self) -> Decimal:
        own = sum(_kwh(line.quantity) for line in self._own_included() if line.unit == "kWh")
        return _kwh(self._allowance.used_kwh) - own

    def _own_included(self) -> list[Any]:
        return [line for line in self.own if line.allowance_id == self._allowance]

    def _used(self, discount: Any) -> _Used:
        if discount not in self._uses:
            use = discount._use_of(self.contract)
            own = [line for line in self.own if line.discount_id == discount]
            self._uses[discount] = _Used(
                exists=bool(use),
                sessions=use.session_count - len(own),
                kwh=_kwh(use.energy_kwh) - sum(_kwh(line.quantity) for line in own),
                amount=self._money(use.amount) + sum(self._money(line.amount) for line in own),
                budget=self._money(discount.budget_used) + sum(self._money(line.amount) for line in own),
            )
        return self._uses[discount]

    def _note(self, dimension: str, amount: Decimal, description: str, product: str | None, **more: Any) -> Reduction:
        self.total += amount
        return Reduction(dimension, amount, description, product, **more)

    # --- the plan ---

    def _of_plan(self) -> Iterator[Reduction]:
        if self.total <= 0:
            return
        allowance = self._allowance
        if allowance and self._used_sessions() < allowance.included_sessions:
            text = self.env._(
                "Session included in the plan (%(used)s of %(included)s)",
                used=self._used_sessions() + 1,
                included=allowance.included_sessions,
            )
            yield self._note(
                "ALLOWANCE", -self.total, text, ALLOWANCE_PRODUCT,
                quantity=Decimal(1), unit="session", allowance=allowance,
            )  # fmt: skip
            return
        if self._plan._has_session_overage_price(self.currency):
            yield from self._session_overage()
            return
        if allowance:
            yield from self._included_energy(allowance)
        yield from self._overage()

    def _included_energy(self, allowance: Any) -> Iterator[Reduction]:
        covered, worth = self.energy.take(_kwh(allowance.included_kwh) - self._used_kwh())
        if covered:
            text = self.env._(
                "Energy included in the plan: %(covered)s kWh (%(used)s of %(included)s kWh)",
                covered=_text(covered),
                used=_text(self._used_kwh() + covered),
                included=_text(_kwh(allowance.included_kwh)),
            )
            yield self._note(
                "ALLOWANCE", -min(worth, self.total), text, ALLOWANCE_PRODUCT,
                quantity=covered, unit="kWh", allowance=allowance,
            )  # fmt: skip

    def _session_overage(self) -> Iterator[Reduction]:
        """A session beyond those that are included has the price of the plan instead of all that the tariff asks."""
        yield self._note(
            "OVERAGE", -self.total,
            self.env._("Beyond what the plan includes: the price of the plan instead of the tariff's"),
            REPLACED_PRODUCT,
        )  # fmt: skip
        price = Decimal(f"{self._plan.plan_session_overage_price:.6f}")
        amount = round_half_up(Fraction(price), self.currency.decimal_places)
        text = self.env._(
            "Session beyond what the plan includes: %(price)s",
            price=self._plan.with_env(self.env)._session_overage_price_text(),
        )
        yield self._note(
            "OVERAGE", amount, text, SESSION_OVERAGE_PRODUCT, quantity=Decimal(1), unit="session"
        )  # fmt: skip
        # It is paid with the session: a discount of energy has nothing to be taken off.
        self.energy = _Energy([], self.currency.decimal_places)

    def _overage(self) -> Iterator[Reduction]:
        """Energy beyond what is included has the price of the plan, where that has one, and not of the tariff."""
        if not self._plan._has_overage_price(self.currency) or not self.energy.left:
            return
        beyond, worth = self.energy.take(self.energy.left)
        price = Decimal(f"{self._plan.plan_overage_price:.6f}")
        yield self._note(
            "OVERAGE", -min(worth, self.total),
            self.env._("Beyond what the plan includes: the price of the plan instead of the tariff's"),
            None, quantity=-beyond, unit="kWh",
        )  # fmt: skip
        amount = round_half_up(Fraction(beyond) * Fraction(price), self.currency.decimal_places)
        text = self.env._(
            "Energy beyond what the plan includes: %(kwh)s kWh at %(price)s %(currency)s per kWh",
            kwh=_text(beyond),
            price=_text(price),
            currency=self.currency.name,
        )
        yield self._note("OVERAGE", amount, text, OVERAGE_PRODUCT, quantity=beyond, unit="kWh")
        self.energy = _Energy([(beyond, amount)], self.currency.decimal_places)

    # --- discounts ---

    def _of_discounts(self) -> Iterator[Reduction]:
        taken = False
        for discount in self._candidates:
            if self.total <= 0:
                return
            if (taken and not discount.is_combinable) or not discount._fits_session(self.day, self.location):
                continue
            reduction = self._of_discount(discount)
            if reduction is not None:
                yield reduction
                taken = True
                if not discount.is_combinable:
                    return

    def _of_discount(self, discount: Any) -> Reduction | None:
        """One discount, as far as its limits allow; None when there is nothing to take off."""
        used = self._used(discount)
        if not discount._knows_currency(self.currency) or not self._is_free(discount, used):
            return None
        kwh, amount = self._worth(discount, used)
        amount = self._within_limits(discount, used, amount)
        if amount <= 0:
            return None
        name = discount.name
        if discount.kind == PERCENT:
            name = f"{name} ({discount.value:g} %)"
        elif kwh:
            name = f"{name} ({_text(kwh)} kWh)"
        return self._note(
            "DISCOUNT", -amount, name, DISCOUNT_PRODUCT, quantity=kwh, unit="kWh" if kwh else "", discount=discount
        )

    def _is_free(self, discount: Any, used: _Used) -> bool:
        """Whether the contract may have it in one more session, and one more contract may have it."""
        if discount.max_sessions and used.sessions >= discount.max_sessions:
            return False
        if used.exists or not discount.max_contracts:
            return True
        self._wait_for(discount)
        return len(discount.use_ids) < discount.max_contracts

    def _worth(self, discount: Any, used: _Used) -> tuple[Decimal, Decimal]:
        """(kWh, amount) that the discount is worth in this session, before its limits."""
        if discount.kind == ENERGY:
            return self.energy.take(_kwh(discount.value) - used.kwh)
        value = Decimal(f"{discount.value:.4f}")
        amount = {
            PERCENT: self.total * value / 100,
            AMOUNT: value,
            VOUCHER: value - used.amount,
        }[discount.kind]
        return Decimal(0), amount

    def _within_limits(self, discount: Any, used: _Used, amount: Decimal) -> Decimal:
        limits = [self.total, amount]
        if discount.max_amount_per_session:
            limits.append(self._money(discount.max_amount_per_session))
        if discount.max_amount:
            limits.append(self._money(discount.max_amount) - used.amount)
        if discount.budget:
            self._wait_for(discount)
            limits.append(self._money(discount.budget) - used.budget)
        return round_half_up(Fraction(max(min(limits), Decimal(0))), self.currency.decimal_places)

    def _wait_for(self, discount: Any) -> None:
        if self.claim:
            discount._lock()

    def _money(self, amount: float) -> Decimal:
        return Decimal(f"{amount:.{self.currency.decimal_places}f}")


def _kwh(value: float) -> Decimal:
    return Decimal(f"{value:.3f}")


def _text(number: Decimal) -> str:
    return f"{number.normalize():f}"
