"""A file has one job, and fits in a reader's head: at most 400 lines."""

from pathlib import Path

import pytest

from tests.sources import modules

ROOT = Path(__file__).resolve().parents[3]
MOST = 400
IN_C = {"handlers/normalise/decode.c": 700}
"""Why it may have more: docs/decisions/03-c-in-a-handler.md."""
ROOMS = [
    "adoption", "benchmarks", "bootstrap", "components", "delivery", "docs", "handlers", "local", "operate", "policy",
    "release", "tests",
]  # fmt: skip


def lines(path: str) -> int:
    return len((ROOT / path).read_text().splitlines())


@pytest.mark.parametrize("room", ROOMS)
def test_a_file_has_no_more_than_400_lines(room: str) -> None:
    files = [str(file.relative_to(ROOT)) for file in modules(room)]
    assert len(files) > 3
    assert {file: lines(file) for file in files if lines(file) > MOST} == {}


def test_a_file_of_c_has_no_more_lines_than_its_exception_allows() -> None:
    files = {str(file.relative_to(ROOT)) for file in (ROOT / "handlers").rglob("*.c")}
    assert files >= IN_C.keys()
    assert {file: lines(file) for file in files if lines(file) > IN_C.get(file, MOST)} == {}
