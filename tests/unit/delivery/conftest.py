"""Fixtures of this room's tests."""

import threading
from collections.abc import Iterator

import pytest

from tests.unit.delivery.github_api import Api, Handler, repository


@pytest.fixture
def api() -> Iterator[Api]:
    """A GitHub with nothing in it."""
    with Api(("127.0.0.1", 0), Handler) as server:
        server.comments, server.issues, server.labels, server.calls = [], [], [], []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def job(api: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    """The environment of a job of that repository."""
    monkeypatch.setenv("GITHUB_REPOSITORY", "shop/data")
    monkeypatch.setenv("GITHUB_TOKEN", "t")
    monkeypatch.setenv("GITHUB_API_URL", repository(api).api)
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return api
