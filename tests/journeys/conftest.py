"""The whole product on loopback, once for all journeys."""

from collections.abc import Iterator

import pytest
from roaming_world import roaming_source  # noqa: F401 (a fixture)

from runner.stack import Stack, stack


@pytest.fixture(scope="session")
def product() -> Iterator[Stack]:
    with stack("emobility_journey", fresh=True, test_addons=("emobility_test_psp",)) as running:
        yield running
