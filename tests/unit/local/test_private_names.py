"""The private names of other packages that the project stands on are on record, each with its signature: an upgrade
that takes one away or changes it is seen here, by name, and not in the middle of a run.

    .venv/bin/python -m tests.unit.local.test_private_names              writes the record anew
    .venv/bin/python -m tests.unit.local.test_private_names --print      prints it

The embedded cloud extends seams that are private to its packages, which is why pyproject.toml pins these to the patch.
It puts functions of its own in their place, so the names are looked at in a process that has not started it.
"""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.sources import modules

ROOT = Path(__file__).resolve().parents[3]
RECORD = Path(__file__).with_name("private_names.txt")
FOLDERS = ("bootstrap", "components", "delivery", "handlers", "local", "operate", "policy")
START = "--- the record\n"
# Python's own, which its documentation describes.
PUBLIC = {"os._exit", "os._Environ"}


def _own() -> set[str]:
    """Names of modules that are the project's: its folders, and what a handler's bundle has beside its app.py."""
    return {"tests", *FOLDERS} | {path.stem for folder in FOLDERS for path in modules(folder)}


def _imported(tree: ast.AST, own: set[str]) -> Iterator[tuple[str, str]]:
    """The name in the module and the full name, of each thing that is imported from another package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if node.module.split(".")[0] not in own | {"__future__"}:
                yield from ((name.asname or name.name, f"{node.module}.{name.name}") for name in node.names)
        elif isinstance(node, ast.Import):
            for name in node.names:
                first = name.name.split(".")[0]
                if first not in own:
                    yield (name.asname, name.name) if name.asname else (first, first)


def _private(name: str) -> bool:
    return any(part.startswith("_") and not part.startswith("__") for part in name.split("."))


def used() -> set[str]:
    """The full names, such as `ministack.services.s3._buckets`, that the project's modules read or replace."""
    own, names = _own(), set[str]()
    for path in (file for folder in FOLDERS for file in modules(folder)):
        tree = ast.parse(path.read_text())
        imported = dict(_imported(tree, own))
        names |= {name for name in imported.values() if _private(name)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and _private(node.attr):
                first, _, rest = ast.unparse(node).partition(".")
                if first in imported and rest.replace(".", "").isidentifier():
                    names.add(f"{imported[first]}.{rest}")
            elif (
                isinstance(node, ast.Call) and ast.unparse(node.func) == "Replaceable" and len(node.args) == 2
            ):
                module, name = node.args
                first, _, rest = ast.unparse(module).partition(".")  # the rest is a class of the module
                if isinstance(name, ast.Constant) and _private(str(name.value)):
                    names.add(".".join(filter(None, [imported[first], rest, str(name.value)])))
    return {name for name in names - PUBLIC if not any(name.startswith(f"{public}.") for public in PUBLIC)}


def _described(name: str) -> str:
    """What a name is today: a function's parameters, else its type."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            value: Any = importlib.import_module(".".join(parts[:count]))
        except ImportError:
            continue
        for part in parts[count:]:
            if not hasattr(value, part):
                return "is gone"
            value = getattr(value, part)
        if inspect.isroutine(value):
            return f"({', '.join(inspect.signature(value).parameters)})"
        return "class" if inspect.isclass(value) else type(value).__name__
    return "is gone"


def record() -> str:
    """The packages with their versions, then each name with what it is."""
    names = sorted(used())
    versions = {
        f"{package} {importlib.metadata.version(package)}" for package in {n.split(".")[0] for n in names}
    }
    return "\n".join([*sorted(versions), "", *(f"{name} {_described(name)}" for name in names)]) + "\n"


def test_the_private_names_that_are_used_are_what_they_were() -> None:
    command = [sys.executable, "-m", "tests.unit.local.test_private_names", "--print"]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    recorded, today = RECORD.read_text().splitlines(), printed.partition(START)[2].splitlines()
    assert [line for line in today if line not in recorded] == []  # new, or no more what it was
    assert [line for line in recorded if line not in today] == []  # not used any more


def _imports(path: Path) -> set[str]:
    """The packages that a module imports."""
    tree = ast.parse(path.read_text())
    return {name.partition(".")[0] for _, name in _imported(tree, set())}


def test_ministack_is_known_to_its_seams_alone() -> None:
    """An upgrade breaks in one folder: whatever is private there has a public name in local/cloud/seams."""
    seams = ROOT / "local" / "cloud" / "seams"
    assert "ministack" in _imports(seams / "s3.py")
    knowing = [path for folder in FOLDERS for path in modules(folder) if "ministack" in _imports(path)]
    assert [path for path in knowing if path.parent != seams] == []


def test_what_is_private_in_bqemulator_is_known_to_its_seams_alone() -> None:
    seams = ROOT / "local" / "gcp" / "seams.py"
    private = [name for name in used() if name.startswith("bqemulator.")]
    words = {name.rpartition(".")[2] for name in private} | {"_parse_schema_fields", "_field_to_rest"}
    assert len(private) > 2 and all(word in seams.read_text() for word in words)
    others = [path for path in modules("local") if path != seams]
    assert [(path, word) for path in others for word in words if word in path.read_text()] == []


def test_what_is_private_is_found_however_it_is_imported() -> None:
    names = used()
    assert {
        "ministack.services.s3._buckets",  # from ministack.services import s3
        "ministack.services.s3._maybe_replicate",  # a function to be replaced, by its name
        "bqemulator.jobs.executor._resolve_uri",
    } <= names
    assert _described("json._no_such_name") == "is gone"


if __name__ == "__main__":
    if sys.argv[1:] == ["--print"]:
        print(START + record(), end="")  # a package logs as it is imported
    else:
        RECORD.write_text(record())
