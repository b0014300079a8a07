"""The normaliser's modules for the tests, with its C for this machine, and what reads its Parquet back.

The reading is independent of what wrote: pyarrow, and Python's own json, decimal and base64.
"""

import atexit
import base64
import gzip
import hashlib
import importlib
import io
import json
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.bundling.c_compiler import host_library

HANDLER = Path(__file__).resolve().parents[2] / "handlers" / "normalise"
sys.path.insert(0, str(HANDLER))

import data_file  # noqa: E402 - the handler's folder is Lambda's sys.path
from decoder import Decoder  # noqa: E402
from table_schema import REST, Observation, Schema, Type, derive, type_of  # noqa: E402


@cache
def library() -> Path:
    """The normaliser's C, compiled for this machine."""
    folder = Path(tempfile.mkdtemp(prefix="tributary-decode-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "decode.so"
    path.write_bytes(host_library(HANDLER / "decode.c"))
    return path


def handler_on(monkeypatch: pytest.MonkeyPatch, bucket: object) -> ModuleType:
    """The handler's app, whose client of S3 is `bucket`."""
    monkeypatch.setenv("BUCKET", "lake")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.syspath_prepend(str(HANDLER))  # pyright: ignore[reportUnknownMemberType] - as in pytest
    monkeypatch.delitem(sys.modules, "app", raising=False)
    app = importlib.import_module("app")
    del sys.modules["app"]  # the next test's is another handler's
    monkeypatch.setattr(app, "s3", bucket)
    return app


def full(items: Iterable[Any], **dumps: Any) -> bytes:
    """A file of a full export."""
    return b"".join(json.dumps({"Item": item}, **dumps).encode() + b"\n" for item in items)


def digest(compressed: bytes) -> str:
    """A file's MD5 as manifests have it."""
    return base64.b64encode(hashlib.md5(compressed).digest()).decode()


def schema_of(
    items: Iterable[Any], declared: Mapping[str, Any] | None = None, keys: Iterable[str] = ()
) -> Schema:
    """The schema that the normaliser derives from these items."""
    types = {name: type_of(type_name) for name, type_name in (declared or {}).items()}
    return derive(Observation.of_items(items), types, keys)


def normalise(
    lines: bytes,
    schema: Schema,
    *,
    incremental: bool = False,
    items: int | None = None,
    md5: str | None = None,
    compressed: bytes | None = None,
    chunk: int | None = None,
) -> tuple[Any, list[dict[str, Any]]]:
    """The report and the rows, of lines as one data file."""
    compressed = gzip.compress(lines) if compressed is None else compressed
    outputs: list[io.BytesIO] = []

    def open_output(number: int) -> io.BytesIO:
        assert number == len(outputs)
        outputs.append(io.BytesIO())
        return outputs[-1]

    report = data_file.normalise(
        "s3://lake/data/a1.json.gz",
        io.BytesIO(compressed),
        schema=schema,
        incremental=incremental,
        md5=digest(compressed) if md5 is None else md5,
        items=len(lines.splitlines()) if items is None else items,
        open_output=open_output,
        decoder=Decoder(schema, incremental, library()),
    )
    tables = [_table(output.getvalue()) for output in outputs]
    rows = [row for table in tables for row in table.to_pylist()]
    return report, rows


def _table(parquet: bytes) -> pa.Table:
    return pq.read_table(io.BytesIO(parquet))  # pyright: ignore[reportUnknownMemberType] - of untyped filters


def item_of(row: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """The item, in DynamoDB JSON, that a row holds: numbers as Decimal, sets as sorted tuples."""
    item = {c.attribute: _value(row[c.name], c.type) for c in schema.columns if row[c.name] is not None}
    rest = {name: canonical(value) for name, value in json.loads(row[REST] or "{}").items()}
    assert not set(item) & set(rest), "an attribute stands in its column and in the rest"
    return item | rest


def _value(cell: Any, type_: Type | None) -> tuple[str, Any]:
    assert type_
    if type_.kind == "json":
        return canonical(json.loads(cell))
    if type_.kind == "struct":
        members = {
            c.attribute: _value(cell[c.name], c.type) for c in type_.columns if cell[c.name] is not None
        }
        return ("M", members)
    if type_.kind == "list":
        return ("L", [_value(element, type_.element) for element in cell])
    if type_.kind == "set":
        kind, _ = (
            _value(cell[0], type_.element)
            if cell
            else ({"string": "S", "binary": "B"}.get(type_.element.kind if type_.element else "", "N"), 0)
        )
        return (kind + "S", sorted(_value(element, type_.element)[1] for element in cell))
    kind = {"string": "S", "binary": "B", "boolean": "BOOL"}.get(type_.kind, "N")
    return (kind, number(cell) if kind == "N" else cell)


def number(value: Any) -> tuple[int, tuple[int, ...], int]:
    """A number as what it is, however it is written: sign, digits, exponent."""
    # The sign of a zero is part of it, trailing zeros are not.
    value = Decimal(value) if not isinstance(value, float) else Decimal(repr(value))
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int), "an infinity and what is no number have a letter there"
    while len(digits) > 1 and digits[-1] == 0:
        digits, exponent = digits[:-1], exponent + 1
    return (sign, digits, 0 if digits == (0,) else exponent)


def canonical(value: dict[str, Any]) -> tuple[str, Any]:
    """A DynamoDB JSON value in the form that `item_of` gives."""
    ((kind, content),) = value.items()
    if kind == "N":
        return (kind, number(content))
    if kind == "B":
        return (kind, base64.b64decode(content))
    if kind == "NS":
        return (kind, sorted(map(number, content)))
    if kind == "BS":
        return (kind, sorted(map(base64.b64decode, content)))
    if kind == "SS":
        return (kind, sorted(content))
    if kind == "L":
        return (kind, [canonical(element) for element in content])
    if kind == "M":
        return (kind, {name: canonical(member) for name, member in content.items()})
    return (kind, content)


def canonical_item(item: dict[str, Any]) -> dict[str, Any]:
    """An item with each value as what it is."""
    return {name: canonical(value) for name, value in item.items()}
