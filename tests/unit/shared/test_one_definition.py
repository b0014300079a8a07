"""What both sides of a deployment know stands once: in components/shared/, whose modules go into the bundles."""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from components.bundling.bundles import (
    _shared,  # pyright: ignore[reportPrivateUsage] - what a bundle takes
    known_handlers,
)
from components.shared import (
    catalog_names,
    dynamodb_exports,
    landing_folders,
    metric_names,
    run_records,
    scheduled_time,
    variables,
)
from tests.sources import modules

ROOT = Path(__file__).resolve().parents[3]
SHARED = ROOT / "components" / "shared"
FOLDERS = tuple(
    getattr(landing_folders, name) for name in ("RAW", "WINDOWS", "LAKE", "STATE", "RESULTS", "CODE")
)
# Beginnings of text that a second file may not write; the folders also behind a bucket's name.
BEGINNINGS = (*FOLDERS, *(f"/{folder}" for folder in FOLDERS))
ANYWHERE = (
    dynamodb_exports.MARK, dynamodb_exports.SUMMARY, dynamodb_exports.FILES, dynamodb_exports.FILES_MD5,
    scheduled_time.KEY, scheduled_time.ATTRIBUTE,
    metric_names.LOAD_FAILED, metric_names.LOAD_DIFFERENCE, metric_names.LOADED,
    catalog_names.LATEST, f"{catalog_names.EXPORT_DATE}=", f"{catalog_names.RUN}=",
    landing_folders.published_record("").rpartition("/")[2], landing_folders.seen_key("").rpartition("/")[2],
    *(key("", "").removeprefix(landing_folders.STATE)[1:] for key in (
        landing_folders.schema_key, landing_folders.tables_key, landing_folders.result_key,
    )),
    landing_folders.names_key("").rpartition("/")[2], run_records.GLUE_COLUMNS,
)  # fmt: skip
VARIABLES = {name for name, value in vars(variables).items() if name.isupper() and isinstance(value, str)}


def listed_variables(docstring: str) -> list[str]:
    """What a docstring lists of a function's environment, besides the module that defines it."""
    paragraphs = re.findall(r"Environment:(.*?)(?:\n\n|\Z)", docstring, re.DOTALL)
    return [
        word for text in paragraphs for word in re.findall(r"\b[A-Z][A-Z_]+\b", text) if word in VARIABLES
    ]


@pytest.mark.parametrize("handler", known_handlers())
def test_a_handlers_docstring_lists_no_variable(handler: str) -> None:
    docstring = ast.get_docstring(ast.parse((ROOT / "handlers" / handler / "app.py").read_text())) or ""
    assert "Environment: components/shared/variables.py." in docstring
    assert not listed_variables(docstring)


def test_a_list_of_variables_is_seen() -> None:
    assert listed_variables("Does.\n\nEnvironment: BUCKET (name), MEMORY\n(optional).") == [
        "BUCKET",
        "MEMORY",
    ]
    assert not listed_variables("Environment: components/shared/variables.py.\n\nSSE-KMS: see KMS_KEY_ARN.")


def texts(source: str) -> Iterator[tuple[int, str]]:
    """The text of a module that is no docstring, each with its line."""
    tree = ast.parse(source)
    docstrings = {
        id(statement.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        for statement in node.body
        if isinstance(statement, ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def written_twice(source: str) -> list[tuple[int, str]]:
    return [
        (line, text)
        for line, text in texts(source)
        if text.startswith(BEGINNINGS)
        or any(word in text for word in ANYWHERE)
        or text.lower() == metric_names.NAMESPACE
    ]


# The package's name at Pulumi, a folder of the cache, and an example in an error's text.
MAY = {("components/plugin/__init__.py", "tributary"), ("components/bundling/bundles.py", "tributary")}


@pytest.mark.parametrize("room", ["components", "handlers"])
def test_no_second_file_writes_what_both_sides_know(room: str) -> None:
    twice: list[Any] = []
    for file in modules(room):
        name = str(file.relative_to(ROOT))
        if file.parent != SHARED:
            twice += [
                f"{name}:{line} {text!r}"
                for line, text in written_twice(file.read_text())
                if (name, text) not in MAY
            ]
    assert twice == []


@pytest.mark.parametrize(
    "line",
    [
        'x = f"raw/{name}"', 'x = "s3://" + bucket + "/lake/"', 'x = r".*AWSDynamoDB/[^/]+/manifest"',
        'NAMESPACE = "Tributary"', 'event = {KEY: "<aws.scheduler.scheduled-time>"}',
        'metric = "BigQueryLoaded"', 'view = f"{name}_latest"', 'part = f"export_date={date}/"',
        'key = f"{export}/published.json"', 'key = f"{name}/tables.json"', 'columns = record["glue_columns"]',
        'part = f"run={export}/"', 'key = folder + "current.json"', 'event = {"scheduled_time": now}',
    ],
)  # fmt: skip
def test_a_second_definition_is_seen(line: str) -> None:
    assert len(written_twice(line)) == 1
    assert written_twice(f"'''\n{line}\n'''") == []


NAME = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")


def variables_spelt_out(source: str) -> list[tuple[int, str]]:
    """The names of variables that a module writes itself, each with its line: whatever it reads of an environment, and
    the key of a mapping that is a variable's name."""
    spelt: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(source)):
        keys: Sequence[ast.expr | None] = ()
        anything = False
        if isinstance(node, ast.Dict):
            keys = node.keys
        elif isinstance(node, ast.Subscript):
            keys, anything = [node.slice], "environ" in ast.unparse(node.value)
        elif isinstance(node, ast.Call):
            function = ast.unparse(node.func)
            keys, anything = (
                list(node.args[:1]),
                re.search(r"environ\w*\.(get|pop)$|getenv$", function) is not None,
            )
            keys = keys if anything or function.endswith(".get") else []
        elif isinstance(node, ast.keyword) and node.arg in VARIABLES:
            spelt.append((node.lineno, node.arg or ""))
        spelt += [
            (key.lineno, key.value)
            for key in keys
            if isinstance(key, ast.Constant)
            and isinstance(key.value, str)
            and (anything or key.value in VARIABLES)
        ]
    return spelt


@pytest.mark.parametrize("room", ["components/pipelines", "components/lake", "components/blocks", "handlers"])
def test_a_variable_of_an_environment_is_named_by_its_definition(room: str) -> None:
    """Where a component writes a name that its function does not read, only the function's first call shows it."""
    spelt = [
        f"{file.relative_to(ROOT)}:{line} {name!r}"
        for file in modules(room)
        for line, name in variables_spelt_out(file.read_text())
    ]
    assert spelt == [], "write it into components/shared/variables.py, and `variables.<NAME>` here"


@pytest.mark.parametrize(
    "line",
    [
        'bucket = os.environ["BUCKET"]', 'bucket = environ.get("NEW_NAME") or ""',
        'task(environment={"MEMORY": "2GB"})',
        'environment["LOAD_TIME"] = "04:00"', "environment = dict(BUCKET=bucket)", 'bucket = os.getenv("NEW_NAME")',
        'environment["NEW_NAME"] = "x"', 'step({"PREFIX": prefix})',
    ],
)  # fmt: skip
def test_a_variable_that_is_spelt_out_is_seen(line: str) -> None:
    assert len(variables_spelt_out(line)) == 1


def test_every_variable_is_read_by_a_handler_and_given_by_a_component() -> None:
    """But for those that only tests give."""
    assert {vars(variables)[name] for name in VARIABLES} == VARIABLES
    made = ("components/pipelines", "components/lake")
    for rooms, besides in ((("handlers",), set[str]()), (made, {"GOOGLE_ENDPOINT"})):
        text = "".join(file.read_text() for room in rooms for file in modules(room))
        assert {name for name in VARIABLES if not re.search(rf"variables\.{name}\b", text)} == besides, rooms


def test_the_shared_modules_import_nothing_but_python_and_each_other() -> None:
    modules = {file.stem for file in SHARED.glob("*.py")}
    for file in SHARED.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
                for name in names:
                    assert name and (name.split(".")[0] in PLAIN or name in modules), f"{file.name}: {name}"


PLAIN = {"collections", "dataclasses", "datetime", "functools", "hashlib", "json", "math", "re", "typing"}


def test_each_shared_module_is_in_a_bundle_that_imports_it() -> None:
    bundled: set[str] = set()
    for handler in known_handlers():
        folder = ROOT / "handlers" / handler
        bundled |= set(_shared({path.name: path.read_bytes() for path in folder.glob("*.py")}))
    assert {"landing_folders.py", "metric_names.py", "dynamodb_exports.py", "scheduled_time.py"} <= bundled
    assert {"column_types.py", "announcement.py", "catalog_names.py", "rds_folders.py"} <= bundled


def test_a_time_without_its_zone_is_no_scheduled_time() -> None:
    assert scheduled_time.planned({"scheduled_time": "2026-01-01T17:00:00+01:00"}).hour == 16
    events: tuple[Any, ...] = (
        {"scheduled_time": "2026-01-01T16:00:00"},
        {"scheduled_time": None},
        {},
        [],
        None,
    )
    for event in events:
        with pytest.raises(ValueError, match="expected a time with its zone"):
            scheduled_time.planned(event)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("AWSDynamoDB/7/data/a.json.gz", "raw/shop/AWSDynamoDB/7/data/a.json.gz"),
        ("elsewhere/AWSDynamoDB/7/data/a.json.gz", "raw/shop/AWSDynamoDB/7/data/a.json.gz"),
        ("AWSDynamoDB/../AWSDynamoDB/7/data/a", "raw/shop/AWSDynamoDB/7/data/a"),
        ("AWSDynamoDB/7/../../secret", None),
        ("secret", None),
    ],
)
def test_a_manifest_points_only_at_the_exports_of_its_root(key: str, expected: str | None) -> None:
    line = {"dataFileS3Key": key, "itemCount": 1, "md5Checksum": "x", "etag": '"e"'}
    manifest = "raw/shop/AWSDynamoDB/7/manifest-files.json"
    if expected is None:
        with pytest.raises(ValueError, match="no file of an export"):
            dynamodb_exports.listed_file(line, manifest)
    else:
        file = dynamodb_exports.listed_file(line, manifest)
        assert (file.key, file.items, file.etag) == (expected, 1, "e")


@pytest.mark.parametrize("count", [True, -1, "1", None, float("nan"), float("inf"), [1]])
def test_what_is_no_number_of_items_is_refused(count: object) -> None:
    with pytest.raises(ValueError, match="no number of items"):
        dynamodb_exports.item_count(count)
