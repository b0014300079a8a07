"""Which tests share a worker, in which order the files start, and a shuffle that shows that no test needs another.

`make test` runs as many workers as there are cores and one more, since end-to-end tests wait much. A file's tests stay
together, so that its module's fixtures are made once; so do files that share what is dear: the stack of `make up`, the
two clouds of `tests/contract/gcp`, the policy evaluator, the lists of what a stack needs. Files that take long start
first, and the small ones fill the gaps at the end.

The providers' SDKs are hundreds of thousands of objects that never go. The garbage collector is still while they are
imported, and does not go through them again afterwards: else that is a third of a worker's time.

`--shuffle=SEED` runs the files in another order, and the tests of a file too, but for files of a whole life (below).
"""

from __future__ import annotations

import functools
import gc
import random
import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # pyright: ignore[reportMissingTypeStubs] - has none

# Folder or file -> the group it is in. The last that fits counts; any other file is a group of its own.
GROUPS = {
    "tests/contract/gcp": "gcp",
    "tests/contract/iam": "iam",
    "tests/unit/bootstrap": "iam",
    "tests/unit/pipelines/bigquery_transfer/test_google_requests.py": "iam",
    "tests/e2e/test_up.py": "stack",
    "tests/e2e/test_zero_etl.py": "stack",
    "tests/e2e/test_lake.py": "stack",
    "tests/e2e/test_replication_grants.py": "stack",
}
# What takes longest, longest first; then by tier, and last what is small, to fill the gaps: a run's last lines say how
# long each worker waited for another at the end.
FIRST = (
    "stack",
    "tests/e2e/test_up_alone.py",
    "tests/e2e",
    "tests/cli",
    "tests/contract/test_cloud_osis.py",
    "iam",
    "tests/contract",
    "tests/unit/stack",
    "tests/unit/repository",
)
# The tests of these files may follow each other as a stack's days do: only the order of files is free.
A_LIFE = (
    "tests/e2e/test_bigquery_transfer.py",
    "tests/e2e/test_firehose.py",
    "tests/e2e/test_lake_next_day.py",
    "tests/e2e/test_lake_sources.py",
    "tests/e2e/test_storage_transfer.py",
    "tests/cli",
    "tests/live",
    "tests/contract/test_cloud_osis.py",
    "tests/contract/test_stand_ins.py",
)

# What is to be stopped once the group of files that is running is over.
ENDS = pytest.StashKey[list[Callable[[], object]]]()

# When the newest test of each worker ended; known to the process that deals the tests.
LAST: dict[str, float] = {}


def end_with_group(config: pytest.Config, end: Callable[[], object]) -> None:
    """Calls `end` after the last test of this group. pytest itself ends a session's fixture with the session, and what
    nobody needs any more (a cloud, an OpenSearch node) would take the processor from the other tests until then. It is
    called where there are several workers only, as the files of a group may be far from each other in one process."""
    config.stash.setdefault(ENDS, []).append(end)


@functools.cache
def group(path: str) -> str:
    """The group of a test's file, a path from the project's root."""
    fitting = [name for place, name in GROUPS.items() if PurePosixPath(path).is_relative_to(place)]
    return fitting[-1] if fitting else path


def scope(nodeid: str) -> str:
    """What stays together with this test: its file's group, and of the front door one stack's life."""
    path, _, test = nodeid.partition("::")
    life = re.search(r"\[.*\]$", test) if path.startswith("tests/cli/") else None
    return group(path) + (life[0] if life else "")


@functools.cache
def rank(path: str) -> int:
    """When a file starts: 0 first."""
    places = (group(path), path)
    for place, prefix in enumerate(FIRST):
        if any(PurePosixPath(name).is_relative_to(prefix) for name in places):
            return place
    return len(FIRST)


def file(item: pytest.Item) -> str:
    """The file of a test."""
    return item.nodeid.split("::")[0]


def shuffled(items: list[pytest.Item], seed: str) -> list[pytest.Item]:
    """The tests with their files in another order, and the tests of each file too where they are free."""
    chance = random.Random(seed)
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(file(item), []).append(item)
    order = sorted(files)
    chance.shuffle(order)
    for path in order:
        if not path.startswith(A_LIFE):
            chance.shuffle(files[path])
    return [item for path in order for item in files[path]]


def pytest_configure(config: pytest.Config) -> None:
    """Collects no garbage while tests are collected, of which nothing goes."""
    gc.disable()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Collects garbage from now on, but not among the tests."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(trylast=True)  # after the module's own fixtures, which may need what ends here
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Ends what a group of files has started, after its last test in a worker."""
    if not hasattr(item.config, "workerinput") or not nextitem or group(file(item)) == group(file(nextitem)):
        return
    ends = item.config.stash.get(ENDS, list[Callable[[], object]]())
    while ends:
        ends.pop()()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--shuffle`."""
    parser.addoption("--shuffle", metavar="SEED", help="run files, and tests that are free, in another order")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Shuffles the tests where a seed is given, and has several workers begin with what takes longest."""
    if seed := config.getoption("--shuffle"):
        items[:] = shuffled(items, seed)
    if hasattr(config, "workerinput"):  # several workers: what takes longest begins first
        items.sort(key=lambda item: (rank(file(item)), group(file(item))))


class Scheduling(LoadScopeScheduling):
    """Hands each worker one group at a time. (xdist's own `--dist loadgroup` writes the group into a private name of
    pytest's that pytest no longer reads, and so groups nothing.)"""

    def __init__(self, config: pytest.Config, log: Any = None):
        config.option.loadscopereorder = (
            False  # by the number of tests, which says nothing of how long they take
        )
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return scope(nodeid)


def idle(ends: Mapping[str, float]) -> str:
    """How long each worker but the last had nothing left to do, by when its last test ended; empty for one worker."""
    last = max(ends.values(), default=0.0)
    waited = {worker: last - end for worker, end in sorted(ends.items()) if end < last}
    return ", ".join(f"{worker} for {seconds:.0f} s" for worker, seconds in waited.items())


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Notes when a worker's newest test ended."""
    if worker := getattr(report, "worker_id", ""):
        LAST[worker] = report.stop


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how even the work was dealt: what a worker waits at the end, the files that take long could have filled."""
    if waited := idle(LAST):
        terminalreporter.write_line(f"nothing left to do at the end: {waited}")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    """Deals tests to workers by the groups of their files."""
    return Scheduling(config, log)
