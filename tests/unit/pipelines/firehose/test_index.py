"""The index over a deployment's life, by the real OpenSearch client against a collection that answers over HTTP."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.typed import fake

MAPPING = {"properties": {"PRICE": {"type": "double"}}}
NO_BODY: dict[str, Any] = {}


class Collection(ThreadingHTTPServer):
    """Indexes with their mappings; `faults` are answered first: (status, body), or None to hang up."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Request)
        self.indexes: dict[Any, Any] = {}
        self.faults: deque[Any] = deque()
        self.requests: list[Any] = []
        self.endpoint = f"http://127.0.0.1:{self.server_address[1]}/_aoss/c1"


class Request(BaseHTTPRequestHandler):
    @property
    def collection(self) -> Collection:
        assert isinstance(self.server, Collection)
        return self.server

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        name, _, part = self.path.removeprefix("/_aoss/c1/").partition("/")
        self.collection.requests.append((self.command, name, part, dict(self.headers), body))
        if self.collection.faults:
            fault = self.collection.faults.popleft()
            if fault is None:
                return self.connection.close()
            return self.respond(*fault)
        indexes, given = self.collection.indexes, json.loads(body or "{}")
        if self.command == "PUT" and not part:
            if name in indexes:
                return self.respond(
                    400, {"error": {"type": "resource_already_exists_exception"}, "status": 400}
                )
            indexes[name] = given.get("mappings", {})
        elif name not in indexes:
            return self.respond(404, {"error": {"type": "index_not_found_exception"}, "status": 404})
        elif self.command == "PUT":
            for field, wanted in given["properties"].items():
                if indexes[name].get("properties", {}).get(field, wanted) != wanted:
                    reason = f"mapper [{field}] cannot be changed from type [double] to [long]"
                    return self.respond(
                        400,
                        {"error": {"type": "illegal_argument_exception", "reason": reason}, "status": 400},
                    )
                indexes[name].setdefault("properties", {})[field] = wanted
        elif self.command == "DELETE":
            del indexes[name]
        return self.respond(200, {"acknowledged": True})

    def respond(self, status: Any, body: Any):
        content = b"" if self.command == "HEAD" else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_HEAD = do_PUT = do_DELETE = answer

    def log_message(self, format: Any, *args: Any):
        pass


@pytest.fixture
def collection() -> Iterator[Collection]:
    server = Collection()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def app(load: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    app = load("index", PATIENCE_SECONDS="60")
    clock = SimpleNamespace(now=0.0)

    def sleep(seconds: Any):
        clock.now += seconds

    monkeypatch.setattr(app, "time", SimpleNamespace(monotonic=lambda: clock.now, sleep=sleep))
    monkeypatch.setattr(app, "clock", clock, raising=False)
    return app


@pytest.fixture
def event(collection: Collection) -> Callable[..., dict[str, Any]]:
    def event(action: Any, prev: Any = None, **changes: Any):
        given = {
            "endpoint": collection.endpoint,
            "region": "us-east-1",
            "index": "ticks",
            "mapping": MAPPING,
            "delete": False,
        }
        previous = given | prev if prev is not None else None
        return given | changes | {"tf": {"action": action, "prev_input": previous}}

    return event


def test_an_index_is_created_with_its_mapping_by_signed_requests(
    app: ModuleType, collection: Collection, context: SimpleNamespace, event: Callable[..., dict[str, Any]]
):
    assert app.handler(event("create"), context) == {"index": "ticks", "done": "created", "deleted": []}
    assert collection.indexes == {"ticks": MAPPING}
    for _, _, _, headers, _ in collection.requests:
        lower = {name.lower(): value for name, value in headers.items()}
        assert "/us-east-1/aoss/aws4_request" in lower["authorization"]
        assert lower["x-amz-content-sha256"]


def test_an_index_without_a_mapping_is_created_too(
    app: ModuleType, collection: Collection, context: SimpleNamespace, event: Callable[..., dict[str, Any]]
):
    app.handler(event("create", mapping={}), context)
    assert collection.indexes == {"ticks": {}}


def test_creating_an_index_that_is_there_brings_its_mapping_up_to_date(
    app: ModuleType, collection: Collection, context: SimpleNamespace, event: Callable[..., dict[str, Any]]
):
    collection.indexes["ticks"] = {"properties": {"TICKER": {"type": "keyword"}}}
    assert app.handler(event("create"), context)["done"] == "updated"
    assert set(collection.indexes["ticks"]["properties"]) == {"TICKER", "PRICE"}


def test_a_changed_mapping_is_put_and_the_index_stays(
    app: ModuleType, collection: Collection, context: SimpleNamespace, event: Callable[..., dict[str, Any]]
):
    app.handler(event("create"), context)
    more = {"properties": {**MAPPING["properties"], "VOLUME": {"type": "long"}}}
    assert app.handler(event("update", prev={}, mapping=more), context)["done"] == "updated"
    assert collection.indexes == {"ticks": more}
    assert not [request for request in collection.requests if request[0] == "DELETE"]


def test_a_mapping_that_conflicts_fails_the_deployment_at_once_with_the_collections_words(
    app: ModuleType, collection: Collection, context: SimpleNamespace, event: Callable[..., dict[str, Any]]
):
    app.handler(event("create"), context)
    with pytest.raises(Exception, match=r"mapper \[PRICE\] cannot be changed"):
        app.handler(event("update", prev={}, mapping={"properties": {"PRICE": {"type": "long"}}}), context)
    assert app.clock.now == 0


@pytest.mark.parametrize("status", [401, 403, 408, 429, 500, 503])
def test_a_collection_that_is_cold_or_lets_nobody_in_yet_is_waited_for(
    app: ModuleType,
    collection: Collection,
    context: SimpleNamespace,
    event: Callable[..., dict[str, Any]],
    status: int,
):
    collection.faults.extend([(status, {"status": status, "error": "not yet"})] * 3)
    assert app.handler(event("create"), context)["done"] == "created"
    assert 1 < app.clock.now < 60


def test_a_collection_that_hangs_up_is_called_again(
    app: ModuleType, collection: Collection, context: SimpleNamespace, event: Callable[..., dict[str, Any]]
):
    collection.faults.extend([None, None])
    assert app.handler(event("create"), context)["done"] == "created"


def test_each_wait_is_twice_the_last_up_to_twenty_seconds_and_at_least_half_of_that(
    app: ModuleType,
    collection: Collection,
    context: SimpleNamespace,
    event: Callable[..., dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
):
    collection.faults.extend([(503, NO_BODY)] * 7)
    waits: list[Any] = []
    bounds: set[tuple[float, float]] = set()
    monkeypatch.setattr(app.time, "sleep", waits.append)
    monkeypatch.setattr("random.uniform", fake(lambda least, most: bounds.add((least, most)) or 1))
    app.handler(event("create"), context)
    assert waits == [1, 2, 4, 8, 16, 20, 20]
    assert bounds == {(0.5, 1)}


def test_a_collection_that_never_answers_fails_the_deployment_with_the_networks_error(
    app: ModuleType, collection: Collection, context: SimpleNamespace, event: Callable[..., dict[str, Any]]
):
    collection.faults.extend([None] * 1000)
    with pytest.raises(Exception, match=r"last answer: ConnectionError\("):
        app.handler(event("create"), context)


def test_a_collection_that_never_lets_it_in_fails_the_deployment_with_its_answer(
    app: ModuleType, collection: Collection, context: SimpleNamespace, event: Callable[..., dict[str, Any]]
):
    collection.faults.extend([(403, {"status": 403, "error": "no data access policy"})] * 1000)
    with pytest.raises(
        Exception, match=r"gave up after \d+ tries in .*last answer: .*403.*data access policy"
    ) as failed:
        app.handler(event("create"), context)
    assert failed.type.__name__ == "NotReady"
    assert 30 < app.clock.now <= 50  # the function's time is 60 s in these tests, less ten


def test_patience_ends_before_the_functions_time_does(
    load: Callable[..., ModuleType],
    app: ModuleType,
    collection: Collection,
    context: SimpleNamespace,
    event: Callable[..., dict[str, Any]],
):
    context.get_remaining_time_in_millis = lambda: 20_000
    collection.faults.extend([(503, NO_BODY)] * 1000)
    with pytest.raises(Exception, match="gave up"):
        app.handler(event("create"), context)
    assert app.clock.now <= 10


def test_an_answer_that_will_not_pass_is_not_requested_again(
    app: ModuleType, collection: Collection, context: SimpleNamespace, event: Callable[..., dict[str, Any]]
):
    collection.faults.append((404, {"status": 404, "error": "no such collection"}))
    with pytest.raises(Exception, match=r"404 .*no such collection"):
        app.handler(event("create"), context)
    assert len(collection.requests) == 1


@pytest.mark.parametrize(("delete", "left"), [(True, {}), (False, {"ticks": MAPPING})])
def test_an_index_goes_with_the_stack_only_where_the_config_says_so(
    app: ModuleType,
    collection: Collection,
    context: SimpleNamespace,
    event: Callable[..., dict[str, Any]],
    delete: bool,
    left: dict[str, Any],
):
    app.handler(event("create", delete=delete), context)
    collection.requests.clear()
    answer = app.handler(event("delete", delete=delete), context)
    assert answer == {"index": "ticks", "done": "left as it is", "deleted": [] if left else ["ticks"]}
    assert collection.indexes == left
    assert [request[:2] for request in collection.requests] == ([] if left else [("DELETE", "ticks")])


def test_an_index_that_is_gone_already_can_be_deleted(
    app: ModuleType, collection: Collection, context: SimpleNamespace, event: Callable[..., dict[str, Any]]
):
    assert app.handler(event("delete", delete=True), context)["deleted"] == ["ticks"]


@pytest.mark.parametrize("delete", [True, False])
def test_a_renamed_index_is_made_anew_and_the_former_goes_only_where_the_config_had_it_so(
    app: ModuleType,
    collection: Collection,
    context: SimpleNamespace,
    event: Callable[..., dict[str, Any]],
    delete: bool,
):
    app.handler(event("create"), context)
    answer = app.handler(event("update", prev={"delete": delete}, index="quotes"), context)
    assert answer == {"index": "quotes", "done": "created", "deleted": ["ticks"] if delete else []}
    assert set(collection.indexes) == ({"quotes"} if delete else {"quotes", "ticks"})


def test_a_collection_that_was_replaced_gets_no_delete(
    app: ModuleType, collection: Collection, context: SimpleNamespace, event: Callable[..., dict[str, Any]]
):
    former = {"delete": True, "endpoint": "http://127.0.0.1:9"}
    assert app.handler(event("update", prev=former), context)["deleted"] == []


@pytest.mark.parametrize("tf", [None, {}, {"action": "recreate"}])
def test_an_action_that_is_none_requests_nothing(
    app: ModuleType,
    collection: Collection,
    context: SimpleNamespace,
    event: Callable[..., dict[str, Any]],
    tf: dict[str, Any] | None,
):
    with pytest.raises(ValueError, match="expected one of create, update, delete"):
        app.handler(event("create") | {"tf": tf}, context)
    assert collection.requests == []
