"""Adds columns of nested types to an Iceberg table that stands: sets, lists and structs.

DuckDB adds columns of plain types only ("ADD COLUMN for Nested Types not supported",
https://duckdb.org/docs/current/core_extensions/iceberg/writing), so these are added by the catalog's own protocol, in a
commit of a schema (https://github.com/apache/iceberg/blob/main/open-api/rest-catalog-open-api.yaml, CommitTableRequest;
of Glue's: https://docs.aws.amazon.com/glue/latest/dg/iceberg-rest-apis.html). It comes before the run's own commit; a
run that ends in between leaves columns that are empty in every row, and finds them when it comes again.
"""

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any
from urllib.parse import quote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from column_types import Column, Type
from iceberg_table import NotCommitted
from lake_catalog import Access

PATIENCE = 60
"""Seconds for an answer of the catalog."""
PLAIN = {"bigint": "long", "json": "string"}
"""Types that Iceberg calls otherwise (https://iceberg.apache.org/spec/#schemas-and-data-types)."""


def add(access: Access, database: str, table: str, columns: Sequence[Column]) -> list[str]:
    """Gives the table those of the columns that are nested and that it lacks, in one commit; returns their names.
    Raises NotCommitted where another writer was ahead, or the answer was lost: to be done again."""
    nested = [column for column in columns if column.type.element or column.type.columns]
    if not nested:
        return []
    config = _ask(access, f"config?warehouse={access.account}")
    prefix = (config.get("defaults", {}) | config.get("overrides", {})).get("prefix", "")
    path = "/".join(filter(None, (prefix, "namespaces", quote(database), "tables", quote(table))))
    metadata = _ask(access, path)["metadata"]
    schema = next(s for s in metadata["schemas"] if s["schema-id"] == metadata["current-schema-id"])
    own = {field["name"] for field in schema["fields"]}
    ids = count(metadata["last-column-id"] + 1)
    added = [_field(column, ids) for column in nested if column.name not in own]
    if added:
        widened = schema | {
            "schema-id": max(s["schema-id"] for s in metadata["schemas"]) + 1,
            "fields": [*schema["fields"], *added],
        }
        _ask(access, path, {
            "requirements": [
                {"type": "assert-table-uuid", "uuid": metadata["table-uuid"]},
                {"type": "assert-current-schema-id", "current-schema-id": metadata["current-schema-id"]},
                {"type": "assert-last-assigned-field-id", "last-assigned-field-id": metadata["last-column-id"]},
            ],
            "updates": [
                {"action": "add-schema", "schema": widened, "last-column-id": next(ids) - 1},
                {"action": "set-current-schema", "schema-id": -1},
            ],
        })  # fmt: skip
    return [field["name"] for field in added]


def _field(column: Column, ids: Iterator[int]) -> dict[str, Any]:
    return {"id": next(ids), "name": column.name, "required": False, "type": _type(column.type, ids)}


def _type(kind: Type, ids: Iterator[int]) -> Any:
    """The type as the metadata has it; what is in it gets the next ids."""
    if kind.element:
        return {
            "type": "list",
            "element-id": next(ids),
            "element-required": False,
            "element": _type(kind.element, ids),
        }
    if kind.columns:
        return {"type": "struct", "fields": [_field(column, ids) for column in kind.columns]}
    return PLAIN.get(kind.kind, str(kind.json()))


def _ask(access: Access, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The catalog's answer, to a commit where there is a body. Raises NotCommitted."""
    content = None if body is None else json.dumps(body).encode()
    method, address = "GET" if content is None else "POST", f"{access.glue}/iceberg/v1/{path}"
    signed = AWSRequest(method, address, {"content-type": "application/json"}, content or b"")
    credentials = Credentials(access.key_id, access.secret_key, access.token)
    SigV4Auth(credentials, "glue", access.region).add_auth(signed)
    request = urllib.request.Request(address, content, dict(signed.headers), method=method)
    trusted = ssl.create_default_context(cafile=access.certificates)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE, context=trusted) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        reason = f"{error.code} {error.read()[:500].decode(errors='replace')}"
    except (urllib.error.URLError, TimeoutError, json.JSONDecodeError) as error:
        reason = f"no answer ({error})"
    raise NotCommitted(f"{path}: {reason}")
