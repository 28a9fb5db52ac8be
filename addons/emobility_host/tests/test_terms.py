"""The arithmetic of a month; no database needed."""

from datetime import date
from decimal import Decimal as D

from odoo.tests import tagged
from odoo.tests.common import BaseCase

from ..terms import Kind, Priced, Terms, month_parts, valid_share


def _sessions(*pairs: tuple[str, str]) -> list[Priced]:
    return [Priced((index,), D(energy), D(amount)) for index, (energy, amount) in enumerate(pairs)]


@tagged("post_install", "-at_install")
class TestTerms(BaseCase):
    def _amounts(self, sessions: list[Priced], terms: Terms, share: str = "1") -> dict[str, D]:
        parts = month_parts(sessions, terms, D(share))
        return {kind.value: part.amount for kind, part in parts.items() if part.amount}

    def test_sessions_and_the_fixed_amount_add_up(self) -> None:
        amounts = self._amounts(_sessions(("10", "1.10"), ("20", "2.25")), Terms(fixed=D("50")))
        self.assertEqual(amounts, {"sessions": D("3.35"), "fixed": D("50.00")})

    def test_energy_beyond_the_cap_is_not_paid_and_the_session_that_reaches_it_in_part(self) -> None:
        parts = month_parts(
            _sessions(("60", "20.40"), ("60", "20.40"), ("10", "3.40")), Terms(cap_kwh=D("100")), D(1)
        )
        self.assertEqual(parts[Kind.CAP_KWH].energy_kwh, D("-30"))
        self.assertEqual(parts[Kind.CAP_KWH].amount, D("-10.20"), "20 of 60 kWh, then all of 10")

    def test_the_order_decides_which_session_is_cut(self) -> None:
        late, early = Priced((2,), D("10"), D("5")), Priced((1,), D("10"), D("1"))
        parts = month_parts([late, early], Terms(cap_kwh=D("10")), D(1))
        self.assertEqual(parts[Kind.CAP_KWH].amount, D("-5.00"))

    def test_the_minimum_tops_up_and_the_cap_cuts(self) -> None:
        self.assertEqual(
            self._amounts(_sessions(("1", "12.50")), Terms(minimum=D("20"))),
            {"sessions": D("12.50"), "minimum": D("7.50")},
        )
        self.assertEqual(
            self._amounts(_sessions(("1", "12.50")), Terms(fixed=D("10"), cap_amount=D("20"))),
            {"sessions": D("12.50"), "fixed": D("10.00"), "cap": D("-2.50")},
        )

    def test_fixed_amount_and_minimum_follow_the_days_of_validity(self) -> None:
        share = valid_share(date(2026, 6, 1), date(2026, 6, 16), None)
        self.assertEqual(share, D("0.5"))
        self.assertEqual(
            self._amounts([], Terms(fixed=D("50"), minimum=D("60")), "0.5"),
            {"fixed": D("25.00"), "minimum": D("5.00")},
        )
        self.assertEqual(valid_share(date(2026, 5, 1), date(2026, 6, 16), None), 0)
        self.assertEqual(valid_share(date(2026, 7, 1), date(2026, 6, 16), date(2026, 7, 31)), 1)

    def test_free_energy_does_not_divide_by_zero(self) -> None:
        self.assertEqual(self._amounts(_sessions(("0", "0")), Terms(cap_kwh=D("0"))), {})
