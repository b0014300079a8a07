"""Handlers as Lambda loads them, on real boto3 clients whose requests never leave the process.

`Wire` answers at botocore's before-send hook: signing, serialising, retrying and parsing are botocore's own,
and a fault (a status, an error code, a time-out) comes from where the network would give it.
"""

import functools
import importlib
import io
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
import botocore.loaders
import botocore.session
import pytest
from botocore.awsrequest import AWSResponse

from tests.typed import fake, import_from

# The services' models, read once: reading them takes longer than a test.
MODELS = botocore.loaders.create_loader(botocore.session.get_session().get_config_variable("data_path"))
HANDLERS = Path(__file__).resolve().parents[3] / "handlers"


class Raw(io.BytesIO):
    """A body as botocore reads one of urllib3."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        """The body in one piece."""
        yield self.read()


class Wire:
    """Answers each operation by a function of (path, query's lists, body); faults come first."""

    def __init__(self):
        self.answers: dict[Any, Any] = {}
        self.faults: dict[Any, Any] = {}
        self.calls: Counter[str] = Counter()
        self.bodies: dict[Any, Any] = {}

    def fault(self, operation: Any, *faults: Any):
        """Each fault is (status, code) or an exception; None lets that request through."""
        self.faults[operation] = list(faults)

    def __call__(self, request: Any, event_name: Any, **_: Any) -> AWSResponse:
        """The answer to a request; botocore's `before-send` calls it."""
        operation = event_name.rpartition(".")[2]
        self.calls[operation] += 1
        body = request.body or b""
        self.bodies.setdefault(operation, []).append(body)
        fault = self.faults[operation].pop(0) if self.faults.get(operation) else None
        if isinstance(fault, Exception):
            raise fault
        url = urlsplit(str(request.url))
        if fault:
            status = fault[0]
            headers: dict[Any, Any] = {}
            content = error_of(event_name.split(".")[1], fault[1])
        else:
            query = parse_qs(url.query, keep_blank_values=True)
            status, headers, content = self.answers[operation](unquote(url.path), query, body)
        return AWSResponse(request.url, status, headers, Raw(content))

    def sent(self, operation: Any):
        """The JSON bodies of an operation's requests."""
        return [json.loads(body) for body in self.bodies.get(operation, [])]


def error_of(service: Any, code: Any):
    """An error in the form of a service."""
    if service in {"s3", "s3-control"}:
        return f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    return json.dumps({"__type": code, "message": "no"}).encode()


@pytest.fixture
def wire() -> Wire:
    """A wire on which every operation still lacks its answer."""
    return Wire()


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, wire: Wire) -> Iterator[Callable[..., ModuleType]]:
    """Imports handlers/<name>/app.py afresh, as a bundle's root, with the given environment."""
    imported = forget()

    def load(name: Any, **environment: Any):
        for key, value in environment.items():
            monkeypatch.setenv(key, value)
        import_from(monkeypatch, HANDLERS / name)
        app = importlib.import_module("app")
        for client in vars(app).values():
            if hasattr(client, "meta") and hasattr(client.meta, "events"):
                client.meta.events.register("before-send", wire)
        return app

    for key, value in {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }.items():
        monkeypatch.setenv(key, value)
    for key in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=fake(lambda seconds: None)))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session())
    yield load
    forget()
    sys.modules.update(imported)  # other tests hold these, and patch them


@functools.cache
def session() -> boto3.Session:
    """The one that all tests' clients are of: each has handlers of its own for what is sent."""
    own = botocore.session.get_session()
    own.register_component("data_loader", MODELS)
    return boto3.Session(botocore_session=own)


def forget():
    """Takes every handler's modules away, whoever imported them, and returns them by name: each has an `app`."""
    taken: dict[Any, Any] = {}
    below = f"{HANDLERS}/"
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and file.startswith(below):  # a Path of each module costs more than many a test
            taken[name] = sys.modules.pop(name)
    return taken


@pytest.fixture
def context() -> SimpleNamespace:
    """What Lambda gives a handler beside the event."""
    return SimpleNamespace(
        function_name="f",
        memory_limit_in_mb=256,
        invoked_function_arn="arn:aws:lambda:us-east-1:222222222222:function:f",
        aws_request_id="1",
        get_remaining_time_in_millis=lambda: 60_000,
    )
