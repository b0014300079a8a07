"""Fixtures of this room's tests."""

import pytest

from tests.unit.pipelines.replication.arriving import Account, Bucket, batch, failed


@pytest.fixture
def bucket(wire):
    """The replica's bucket."""
    return Bucket(wire)


@pytest.fixture
def account(wire):
    """The account in which exports arrive."""
    return Account(wire)


@pytest.fixture
def app(load):
    """The arrival function."""
    return load("arrival", EVENT_BUS="data", IDEMPOTENCY_TABLE="announced", PREFIX="raw/")


@pytest.fixture
def receive(app, context, caplog):
    """Hands messages over; gives the ids of the failed ones and what was logged of them."""

    def receive(*bodies, receives=1):
        caplog.clear()
        failures = failed(app.handler(batch(*bodies, receives=receives), context))
        return failures, " ".join(getattr(record, "reason", "") for record in caplog.records)

    return receive
