"""Fixtures of this room's tests."""

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.unit.pipelines.conftest import Wire
from tests.unit.pipelines.replication.arriving import Account, Bucket, batch, failed


@pytest.fixture
def bucket(wire: Wire) -> Bucket:
    """The replica's bucket."""
    return Bucket(wire)


@pytest.fixture
def account(wire: Wire) -> Account:
    """The account in which exports arrive."""
    return Account(wire)


@pytest.fixture
def app(load: Callable[..., ModuleType]) -> ModuleType:
    """The arrival function."""
    return load("arrival", EVENT_BUS="data", IDEMPOTENCY_TABLE="announced", PREFIX="raw/")


@pytest.fixture
def receive(
    app: ModuleType, context: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> Callable[..., tuple[list[str], str]]:
    """Hands messages over; gives the ids of the failed ones and what was logged of them."""

    def receive(*bodies: Any, receives: int = 1):
        caplog.clear()
        failures = failed(app.handler(batch(*bodies, receives=receives), context))
        return failures, " ".join(getattr(record, "reason", "") for record in caplog.records)

    return receive
