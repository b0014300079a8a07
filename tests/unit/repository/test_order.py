"""Tests that share what is dear share a worker, and no test is forgotten when they are put in another order."""

import ast
import random
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import order
from tests.sources import modules

ROOT = Path(__file__).resolve().parents[3]
END_TO_END = sorted((ROOT / "tests" / "e2e").glob("test_*.py"))


def of_the_conftest(path: Path, fixture: str) -> bool:
    """Whether a file's tests or fixtures ask for a fixture that the file doesn't define itself."""
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    arguments = {argument.arg for function in functions for argument in function.args.args}
    return fixture in arguments and fixture not in {function.name for function in functions}


def test_the_stack_of_make_up_is_brought_up_on_one_worker_only() -> None:
    sharing = [path for path in END_TO_END if of_the_conftest(path, "stack")]
    assert len(sharing) > 1
    assert {order.scope(f"{path.relative_to(ROOT)}::test_a") for path in sharing} == {"stack"}


@pytest.mark.parametrize("folder", ["gcp", "iam"])
def test_what_a_folder_of_contracts_starts_once_is_started_on_one_worker_only(folder: str) -> None:
    files = sorted((ROOT / "tests" / "contract" / folder).glob("test_*.py"))
    assert len(files) > 1
    assert {order.scope(f"{path.relative_to(ROOT)}::test_a[x]") for path in files} == {folder}


def test_what_each_stack_needs_is_listed_on_one_worker_only() -> None:
    """Each list is made by a process of its own, which takes longer than all that these files try."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    listing = [
        path
        for path in files
        if re.search(r"^from tests.unit.bootstrap.recorded import", path.read_text(), re.M)
    ]
    assert len(listing) > 3
    assert {order.scope(f"{path.relative_to(ROOT)}::test_a") for path in listing} == {"iam"}


@pytest.mark.parametrize(
    "folder", ["components", "handlers", "policy", "local", "bootstrap", "tests", "benchmarks"]
)
def test_nothing_of_the_providers_sdks_is_imported_from_a_module_of_one_function(folder: str) -> None:
    """Such an import puts the module in the place of the function of its name: `aws.kinesis.get_stream` is then no
    function in any test that follows in the process."""
    deep = re.compile(r"^\s*(from|import) pulumi_(aws|gcp)\.\w+\.\w+", re.MULTILINE)
    assert [path.name for path in modules(folder) if deep.search(path.read_text())] == []


def test_any_other_files_tests_stay_together_and_apart_from_another_files() -> None:
    assert order.scope("tests/unit/test_a.py::test_x[1]") == order.scope("tests/unit/test_a.py::Test::test_y")
    assert order.scope("tests/unit/test_a.py::test_x") != order.scope("tests/unit/test_b.py::test_x")


def test_each_life_of_the_front_door_is_a_group_of_its_own() -> None:
    file = "tests/cli/test_front_door.py"
    assert order.scope(f"{file}::test_up[dev-local]") == order.scope(f"{file}::test_refresh[dev-local]")
    assert order.scope(f"{file}::test_up[dev-local]") != order.scope(f"{file}::test_up[dev-real]")


def test_the_stack_of_make_up_starts_first_and_the_small_files_last() -> None:
    paths = [
        "tests/unit/test_a.py",
        "tests/contract/test_b.py",
        "tests/e2e/test_firehose.py",
        "tests/e2e/test_up_alone.py",
        "tests/e2e/test_up.py",
    ]
    random.Random(1).shuffle(paths)
    assert sorted(paths, key=order.rank) == [
        "tests/e2e/test_up.py",
        "tests/e2e/test_up_alone.py",
        "tests/e2e/test_firehose.py",
        "tests/contract/test_b.py",
        "tests/unit/test_a.py",
    ]


def test_a_shuffle_keeps_every_test_and_the_order_within_a_life() -> None:
    names = [
        f"{path}::test_{n}"
        for path in ("tests/unit/test_a.py", "tests/e2e/test_firehose.py", "tests/e2e/test_up.py")
        for n in range(20)
    ]
    items = [SimpleNamespace(nodeid=name) for name in names]
    changed = [item.nodeid for item in order.shuffled(items, "1")]  # type: ignore[arg-type]
    assert sorted(changed) == sorted(names)

    def of(file: str) -> list[str]:
        return [name for name in changed if name.startswith(file)]

    assert of("tests/e2e/test_firehose") == names[20:40]
    assert of("tests/unit") != names[:20] and of("tests/e2e/test_up") != names[40:]


def test_the_run_says_which_workers_waited_for_the_last_one() -> None:
    assert order.idle({"gw1": 80.0, "gw0": 100.4, "gw2": 99.0}) == "gw1 for 20 s, gw2 for 1 s"
    assert order.idle({"gw0": 100.0}) == order.idle({}) == ""


def takes_the_loop(source: str) -> list[int]:
    """The lines that call `asyncio.run`: it leaves its thread without an event loop, which Pulumi's mocks want."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("asyncio.run", "asyncio.Runner")
    ]


def test_no_test_leaves_those_after_it_without_an_event_loop() -> None:
    assert takes_the_loop("asyncio.run(work())") == [1]
    files = sorted((ROOT / "tests").rglob("*.py"))
    assert [f"{file.name}:{line}" for file in files for line in takes_the_loop(file.read_text())] == []
