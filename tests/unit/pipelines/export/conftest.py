"""Fixtures of this room's tests."""

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from tests.typed import fake
from tests.unit.pipelines.conftest import Wire
from tests.unit.pipelines.export.catalogued import COLUMNS, EXPORT


@pytest.fixture
def glue(wire: Wire) -> dict[str, Any]:
    """A catalog: the tables and partitions that it holds, in the order in which they came."""
    schema = json.dumps({"glue_columns": COLUMNS}).encode()
    catalog: dict[str, Any] = {
        "tables": {},
        "partitions": {},
        "order": [],
        "state": {f"/{EXPORT['schema_key']}": schema},
    }

    def table(path: Any, query: Any, body: Any) -> tuple[int, dict[str, str], bytes]:
        given = json.loads(body)["TableInput"]
        catalog["tables"][given["Name"]] = given
        catalog["order"].append(given["Name"])
        return 200, {}, b"{}"

    def get(path: Any, query: Any, body: Any) -> tuple[int, dict[str, str], bytes]:
        table = catalog["tables"].get(json.loads(body)["Name"])
        if not table:
            return 400, {}, b'{"__type": "EntityNotFoundException", "message": "no"}'
        return 200, {}, json.dumps({"Table": table}).encode()

    def partition(path: Any, query: Any, body: Any) -> tuple[int, dict[str, str], bytes]:
        given = json.loads(body)["PartitionInput"]
        catalog["partitions"][given["Values"][0]] = given["StorageDescriptor"]["Location"]
        catalog["order"].append(given["Values"][0])
        return 200, {}, b"{}"

    def put(path: Any, query: Any, body: Any) -> tuple[int, dict[str, str], bytes]:
        catalog["order"].append(path)
        catalog["state"][path] = body.read() if hasattr(body, "read") else body
        return 200, {}, b""

    def state(path: Any, query: Any, body: Any) -> tuple[int, dict[str, str], bytes]:
        if path in catalog["state"]:
            return 200, {"etag": f'"{len(catalog["state"][path])}"'}, catalog["state"][path]
        return 404, {}, b"<Error><Code>NoSuchKey</Code></Error>"

    wire.answers |= {
        "CreateTable": table,
        "GetTable": get,
        "CreatePartition": partition,
        "PutObject": put,
        "GetObject": state,
    }
    return catalog


@pytest.fixture
def app(load: Callable[..., ModuleType], wire: Wire, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The catalog function."""
    monkeypatch.setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")  # else bodies come in chunks
    wire.answers["PutMetricData"] = fake(lambda path, query, body: (200, {}, b""))
    return load("catalog", PIPELINE="lake", DATABASE="shop", BUCKET="landing", CATALOG="registered")


@pytest.fixture
def described(wire: Wire, glue: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """Finished exports of databases, with their descriptions in the landing."""
    landed: dict[Any, Any] = {}
    state = wire.answers["GetObject"]
    wire.answers["GetObject"] = fake(
        lambda path, query, body: (
            (200, {"etag": '"1"'}, json.dumps(landed[path]).encode())
            if path in landed
            else state(path, query, body)
        )
    )

    def export(
        source: Any, *tables: Any, last: Any = COLUMNS, at: str = "2026-01-02T03:00:00+00:00", **others: Any
    ):
        key = f"state/{source}/{at[:10]}/tables.json"
        landed[f"/{key}"] = {"skipped": {}, "refused": {}} | others
        landed[f"/{key}"]["tables"] = [
            {
                "table": table,
                "columns": last if table == tables[-1] else COLUMNS,
                "location": f"raw/{source}/x/{table}/",
                "rows": 3,
            }
            for table in tables
        ]
        return {
            "source": source,
            "export_id": "x",
            "export_date": at[:10],
            "exported_to": at,
            "described": {"tables_key": key, "tables": len(tables), "rows": 3 * len(tables)},
        }

    return export
