"""The OpenSearch node by itself: who reaches its port gets nothing from it, a web page or another user."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opensearchpy import OpenSearch

from local import guard, opensearch
from tests.contract.test_web_page import PAGES
from tests.waiting import PATIENCE

DOCUMENT = json.dumps({"title": "kept"})
# Without a body, or with one that a page can send without a preflight.
REQUESTS = [
    ("GET", "/", ""), ("GET", "/books/_search", ""), ("GET", "/_nodes/settings", ""), ("HEAD", "/books", ""),
    ("GET", "/_cat/indices", ""), ("GET", "/_cluster/settings?include_defaults=true", ""),
    ("POST", "/books/_close", ""), ("POST", "/books/_delete_by_query?q=*", ""), ("POST", "/_bulk", '{"delete":{}}'),
    ("DELETE", "/books", ""), ("PUT", "/made", ""), ("POST", "/_reindex", "{}"),
    ("POST", "/_scripts/painless/_execute", "{}"),
]  # fmt: skip


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[opensearch.Node]:
    opensearch.install()
    running = opensearch.Node(tmp_path_factory.mktemp("node"))
    books = OpenSearch(f"http://127.0.0.1:{running.port}", headers=running.headers, timeout=PATIENCE)
    books.index(index="books", body=json.loads(DOCUMENT), id="1", params={"refresh": "true"})
    yield running
    assert books.get(index="books", id="1")["_source"] == json.loads(DOCUMENT), "it was changed"
    assert [*books.indices.get(index="*")] == ["books"]
    running.stop()


def send(
    node: opensearch.Node, method: str, path: str, headers: dict[str, str], body: str = ""
) -> tuple[Any, ...]:
    connection = http.client.HTTPConnection(node.host, node.port, timeout=PATIENCE)
    try:
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        return answer.status, {name.lower() for name, _ in answer.getheaders()}, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("page", [{}, *PAGES.values(), {guard.HEADER: "guess"}, {guard.HEADER: ""}])
def test_a_request_without_the_nodes_secret_is_refused(node: opensearch.Node, page: Any):
    headers = {name: value.format(port=node.port) for name, value in page.items()}
    for method, path, body in REQUESTS:
        for media in ("text/plain", "application/json"):
            status, names, text = send(node, method, path, headers | {"Content-Type": media}, body)
            assert status in (403, 406), (method, path, text)
            assert b"books" not in text and b"kept" not in text
            assert not [name for name in names if name.startswith("access-control-")]


def test_a_preflight_allows_nothing(node: opensearch.Node):
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "PUT",
             "Access-Control-Request-Headers": guard.HEADER}  # fmt: skip
    for path in ("/", "/books", "/books/_doc/1"):
        _, names, _ = send(node, "OPTIONS", path, headers)
        assert not [name for name in names if name.startswith("access-control-")]


def test_the_secret_is_another_one_each_time_and_in_no_command_line(node: opensearch.Node, tmp_path: Path):
    command = Path(f"/proc/{node.process.pid}/cmdline").read_bytes()
    assert command and node.headers[guard.HEADER].encode() not in command
    assert len(node.headers[guard.HEADER]) == 40


def test_a_node_takes_its_classes_from_the_archive_of_the_first(node: opensearch.Node):
    """Java refuses in silence what does not fit, and would then read all jars again."""
    children = Path(f"/proc/{node.process.pid}/task/{node.process.pid}/children").read_text().split()
    maps = "".join(Path(f"/proc/{child}/maps").read_text() for child in children)
    assert "/opensearch-classes-" in maps and ".jsa" in maps
