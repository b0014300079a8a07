"""A Glue catalog and landing on the wire, for the tests of the catalog function."""

import base64
import json
from types import ModuleType, SimpleNamespace
from typing import Any

COLUMNS = [{"Name": "id", "Type": "string"}, {"Name": "total", "Type": "decimal(38,0)"}]


EXPORT: dict[str, Any] = {
    "source": "orders",
    "table": "orders",
    "export_id": "01",
    "export_date": "2026-01-02",
    "exported_to": "2026-01-02T03:00:00+00:00",
    "incremental": False,
    "location": "lake/orders/export_date=2026-01-02/run=01/",
    "schema_key": "state/orders/01/schema.json",
    "schema": {"conflicts": []},
    "reconciled": {"items": 7, "rest": {"items": 2}},
}


def publish(app: ModuleType, context: SimpleNamespace, export: Any):
    """What a publication has written down of its tables."""
    answer = app.handler({"step": "publish", "export": export}, context)
    written = app.read(answer["published_key"])[0]
    assert answer == {
        "source": export["source"],
        "published_key": answer["published_key"],
        "tables": len(written["tables"]),
    }
    return written


def exported(glue: dict[str, Any], columns: Any):
    """An export with these columns."""
    glue["state"]["/state/orders/02/schema.json"] = json.dumps({"glue_columns": columns}).encode()
    return EXPORT | {"schema_key": "state/orders/02/schema.json"}


def latest(glue: dict[str, Any]):
    """The view on the table's last export, as Athena keeps it."""
    view = glue["tables"]["orders_latest"]["ViewOriginalText"]
    return json.loads(base64.b64decode(view.removeprefix("/* Presto View: ").removesuffix(" */")))


def shown(glue: dict[str, Any]):
    """All that readers and later runs see."""
    return json.dumps(glue, default=bytes.decode)


def tables_of(answer: Any):
    """The names of the tables that a step answers with."""
    return [table["table"] for table in answer["tables"]]
