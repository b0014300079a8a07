"""A test waits for another process as long as a slow and busy machine may take (tests/waiting.py), not some seconds."""

import ast

import pytest

from tests import waiting
from tests.sources import ROOT, modules

WAITS = {  # a call that ends with an error when the time is up, with the place of that time among its arguments
    "run": None,
    "check_output": None,
    "communicate": 1,
    "wait": 0,
    "join": 0,
    "eventually": 1,
    "HTTPConnection": None,
    "Client": None,
    "OpenSearch": None,
    "get": None,
    "post": None,
    "request": None,
    "urlopen": 2,
}
LEAST = 120  # seconds
LIMIT = ("timeout", "seconds")


def hasty(source: str) -> list[int]:
    """The lines of calls that wait for less than LEAST, and of deadlines so near."""
    lines: list[int] = []
    for node in ast.walk(ast.parse(source)):
        limits: list[ast.expr] = []
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            place = WAITS.get(name)
            limits = [keyword.value for keyword in node.keywords if name in WAITS and keyword.arg in LIMIT]
            limits += node.args[place : place + 1] if place is not None else []
        elif isinstance(node, ast.BinOp) and ast.unparse(node).startswith("time.monotonic() + "):
            limits = [node.right]
        for limit in limits:
            if (
                isinstance(limit, ast.Constant)
                and isinstance(limit.value, int | float)
                and limit.value < LEAST
            ):
                lines.append(limit.lineno)
    return lines


@pytest.mark.parametrize(
    "wait",
    [
        "process.wait(20)",
        "process.wait(timeout=20)",
        "process.communicate(timeout=60)",
        "requests.get(url, timeout=10)",
        "http.client.HTTPConnection(host, port, timeout=30)",
        "eventually(probe, 5)",
        "eventually(probe, seconds=5)",
        "end = time.monotonic() + 5",
    ],
)
def test_a_wait_of_some_seconds_is_found(wait: str) -> None:
    assert hasty(wait) == [1]


@pytest.mark.parametrize(
    "wait",
    [
        "process.wait()",
        "process.wait(PATIENCE)",
        "process.communicate(timeout=900)",
        "time.monotonic() - 5",
        "aws.lambda_.Function('function', timeout=3)",
        "' '.join(words)",
    ],
)
def test_a_patient_wait_and_what_is_none_are_not_found(wait: str) -> None:
    assert hasty(wait) == []


def test_no_test_is_in_a_hurry() -> None:
    assert waiting.PATIENCE >= LEAST
    assert [
        f"{path.relative_to(ROOT)}:{line}"
        for path in modules("tests")
        if path.name != "test_patience.py"
        for line in hasty(path.read_text())
    ] == []
