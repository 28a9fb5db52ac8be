"""The engine against a second evaluator that shares no code with it, on random tariffs and CDRs.

`RATING_PAIRS=100000` compares more pairs, `RATING_SEED` others.
"""

import os
from fractions import Fraction

from rating.ocpi_rating import rate_ocpi

from tests.rating.random_messages import message
from tests.rating.slow_cdr import total_cost

PAIRS = int(os.environ.get("RATING_PAIRS", "10000"))
FIRST = int(os.environ.get("RATING_SEED", "0"))
EXACT = Fraction(1, 10**8)
"""Each line is rounded to 10 decimals; a session has at most a dozen, each with its taxes."""


def same(found: object, wanted: Fraction | None) -> bool:
    if found is None or wanted is None:
        return found is wanted
    return abs(Fraction(str(found)) - wanted) < EXACT


def test_random_pairs_cost_the_same_in_both_evaluators() -> None:
    kinds = set()
    for seed in range(FIRST, FIRST + PAIRS):
        data = message(seed)
        priced = rate_ocpi(data)
        before, after = total_cost(data)
        assert same(priced.total_before_taxes, before) and same(priced.total_after_taxes, after), (
            f"seed {seed}: {priced.total_before_taxes}, {priced.total_after_taxes} "
            f"but {before and float(before)}, {after and float(after)}"
        )
        kinds.update(line.kind for line in priced.lines)
    assert kinds == {
        "ENERGY", "TIME", "PARKING_TIME", "FLAT", "RESERVATION_TIME", "RESERVATION_FLAT", "MIN_PRICE", "MAX_PRICE",
    }  # fmt: skip
