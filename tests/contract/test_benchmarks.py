"""Each benchmark runs, at a size that says nothing of speed: its table has a row for each thing that it measures."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import imports
from components.bundling.bundles import known_handlers
from local import opensearch

ROOT = Path(__file__).resolve().parents[2]


def rows(*command: str) -> list[list[str]]:
    """The cells of the table that the benchmark prints, without its head."""
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert re.fullmatch(r"[|:-]+", lines[1]), done.stdout
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_benchmark_is_run_here_or_says_why_not():
    run = {"fold", "imports", "lake", "models", "normalise", "registration", "zero_etl"}
    by_hand = {"up"}  # `make up` three times; tests/e2e brings the stack up as it does
    assert {path.stem for path in (ROOT / "benchmarks").glob("*.py")} == run | by_hand


@pytest.mark.timeout(900)
def test_every_handlers_bundle_is_imported():
    table = rows("benchmarks/imports.py", "--runs", "1")
    assert [row[0] for row in table] == [*imports.BASELINES, *known_handlers()]
    assert all(float(milliseconds) > 0 for _, milliseconds, *_ in table)


def test_a_handler_that_is_not_imported_is_named():
    with pytest.raises(SystemExit, match="import app in nowhere failed"):
        imports.timed("import app", {}, Path("nowhere"))


@pytest.mark.timeout(300)
def test_a_handler_that_requires_another_variable_gets_it():
    variables = imports.environment("load_check")
    assert variables["CHECKED_MINUTES_AFTER"] == "1" and variables["TABLES"] == "[]"
    assert "GOOGLE_ENDPOINT" not in variables  # it has a default


@pytest.mark.timeout(300)
def test_increments_are_folded_for_each_share_of_changes():
    table = rows("benchmarks/fold.py", "--items", "500", "--parts", "1", "3")
    assert [row[:4] for row in table] == [
        [*counts, parts]
        for counts in (
            ["500", "10", "499"],
            ["1,500", "30", "1,497"],
            ["500", "500", "450"],
            ["1,500", "1,500", "1,350"],
        )
        for parts in ("1", "3")
    ]


@pytest.mark.timeout(600)
def test_changes_go_into_both_formats():
    table = rows("benchmarks/lake.py", "--items", "500", "--times", "1", "--shares", "0.02")
    assert [row[:3] for row in table] == [["500", "10", call] for call in ("cold", "warm")]


@pytest.mark.timeout(600)
def test_a_lake_is_read_after_commits():
    table = rows("benchmarks/lake.py", "--items", "500", "--reads", "1", "3")
    assert [(row[1], row[2], row[-1]) for row in table] == [
        ("0", "1", "500"),
        ("1", "2", "500"),
        ("3", "4", "500"),
        ("compacted", "1", "500"),
    ]


@pytest.mark.timeout(300)
def test_requests_are_checked_against_their_models():
    command = [sys.executable, "benchmarks/models.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    head, *requests, memory = done.stdout.splitlines()
    assert head.split() == ["request", "first", "then"] and len(requests) == 6
    assert all(re.search(r"[\d.]+ ms +[\d.]+ ms$", line) for line in requests)
    assert re.fullmatch(r"all \d+ services .*: \d+ MB more than these six", memory)


@pytest.mark.timeout(300)
def test_every_reader_reads_the_items():
    table = rows("benchmarks/normalise.py", "--megabytes", "1")
    assert [row[0] for row in table] == ["boto3", "normaliser", "pyarrow", "duckdb", "boto3"]


@pytest.mark.timeout(600)
def test_a_pipeline_is_registered_beside_a_flat_program():
    table = rows("-m", "benchmarks.registration", "--pipelines", "1", "--kinds", "replication", "--runs", "1")
    assert [row[:2] for row in table] == [["replication", "1"]]


@pytest.mark.timeout(600)
def test_items_go_through_zero_etl():
    if why := opensearch.unavailable():
        pytest.skip(why)
    (row,) = rows("-m", "benchmarks.zero_etl", "--items", "50")
    assert row[0] == "50"
