"""The commands that the pages have are commands that there are: AWS's by botocore's models, which the command line is
made of (https://docs.aws.amazon.com/cli/latest/reference/), the repository's by their modules."""

import ast
import importlib.util
import re
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from tests.sources import modules

ROOT = Path(__file__).resolve().parents[3]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"]
CALLED = {"s3api": "s3"}
"""What the command line calls a service otherwise than botocore does."""


def of_aws(text: str) -> set[tuple[str, str]]:
    """`aws <service> <operation>` of a page; not the command line's own, such as `aws sso login`."""
    named = re.findall(r"(?<![\w.-])aws ([a-z0-9-]+)\s+([a-z0-9]+(?:-[a-z0-9]+)+)", text)
    return {(CALLED.get(service) or service, operation) for service, operation in named}


def operations(service: str) -> set[str]:
    session = botocore.session.get_session()
    if service not in session.get_available_services():
        return set()
    model: Any = session.get_service_model(service)
    return {xform_name(name, "-") for name in model.operation_names}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_command_of_a_page_is_there(page: Path) -> None:
    text = page.read_text()
    assert [pair for pair in sorted(of_aws(text)) if pair[1] not in operations(pair[0])] == []
    modules = {name.rstrip(".") for name in re.findall(r"python -m ([\w.]+)", text)}
    assert [name for name in sorted(modules) if importlib.util.find_spec(name) is None] == []


def of_no_interpreter(text: str) -> list[str]:
    """Lines of a page's blocks of commands that call a module of this repository by whichever `python` is first on the
    path: only the clone's own has the packages."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [
        line
        for block in blocks
        for line in block.splitlines()
        if re.match(r"(?:\$ )?python3? -m (?!venv)", line)
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_block_of_commands_calls_the_clones_own_interpreter(page: Path) -> None:
    assert of_no_interpreter(page.read_text()) == []


def test_a_command_without_its_interpreter_is_seen() -> None:
    text = "```\n$ python -m bootstrap dev\npython3 -m venv .venv\n.venv/bin/python -m bootstrap dev\n```\n"
    assert of_no_interpreter(text) == ["$ python -m bootstrap dev"]


def test_the_page_of_symptoms_has_commands_to_check() -> None:
    assert len(of_aws((ROOT / "docs" / "troubleshooting.md").read_text())) >= 6
    assert operations("kms") >= {"revoke-grant"} and not operations("no-service")


def acts_on_the_embedded_cloud(source: str) -> list[str]:
    """`make run`, `pause` or `resume` of a pipeline without STACK= in what a module prints."""
    tree = ast.parse(source)
    texts = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Constant | ast.JoinedStr)]
    named = [
        command for text in texts for command in re.findall(r"make (?:run|pause|resume)\b[^`;\n]*", text)
    ]
    return [command for command in named if "PIPELINE=" in command and "STACK=" not in command]


@pytest.mark.parametrize(
    "room", ["adoption", "bootstrap", "components", "delivery", "handlers", "operate", "release"]
)
def test_a_command_that_is_printed_of_a_deployed_stack_names_the_stack(room: str) -> None:
    assert {
        file.name: commands
        for file in modules(room)
        if (commands := acts_on_the_embedded_cloud(file.read_text()))
    } == {}


def test_a_command_without_its_stack_is_seen() -> None:
    assert acts_on_the_embedded_cloud('f"On again: make resume PIPELINE={name}"')
    assert not acts_on_the_embedded_cloud('f"On again: make resume STACK={stack} PIPELINE={name}"')
