"""One evaluator for the whole run: starting it takes longer than deciding a thousand cases."""

from collections.abc import Iterator

import pytest

from tests.contract.iam.evaluator import Evaluator


@pytest.fixture(scope="session")
def evaluator() -> Iterator[Evaluator]:
    """The evaluator of all tests of a worker."""
    with Evaluator() as running:
        yield running
