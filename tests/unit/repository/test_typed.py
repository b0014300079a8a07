"""What is read of an object is read by its name, so that a type checker sees a rename; and docstrings open with a
sentence that says what the thing does."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sources import modules

ROOT = Path(__file__).resolve().parents[3]
ROOMS = ("adoption", "bootstrap", "components", "delivery", "handlers", "operate", "policy", "release")
BY_NAME = {"getattr", "getattr_static", "hasattr", "setattr"}


def by_name(source: str) -> Iterator[tuple[int, str]]:
    """Reads of an attribute by a literal name, by one made of parts, or with a default that hides one that is gone:
    line and name."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or len(node.args) < 2:
            continue
        function = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        name = node.args[1]
        literal = name.value if isinstance(name, ast.Constant) else ast.unparse(name)
        if function in BY_NAME and (
            isinstance(name, ast.Constant | ast.JoinedStr | ast.BinOp)
            or (len(node.args) > 2 and function != "setattr")
        ):
            yield node.lineno, str(literal)


@pytest.mark.parametrize("room", [*ROOMS, "local/samples"])
def test_no_attribute_is_read_by_a_literal_name_or_with_a_default(room: str) -> None:
    assert [
        f"{file.relative_to(ROOT)}:{line} {name}"
        for file in modules(room)
        for line, name in by_name(file.read_text())
    ] == []


def test_a_read_by_name_is_seen() -> None:
    source = (
        "getattr(a, 'b'); inspect.getattr_static(a, 'c'); getattr(a, key, None); getattr(a, key); hasattr(a, 'd'); "
        'getattr(a, f"e_{key}")'
    )
    assert [name for _, name in by_name(source)] == ["b", "c", "key", "d", "f'e_{key}'"]


@pytest.mark.parametrize("room", ROOMS)
def test_a_check_that_is_switched_off_says_which_and_why(room: str) -> None:
    """pyright's with a reason behind; of ruff's the rule's name, as its text says what it refuses."""
    bare = re.compile(r"# type: ignore|# pyright: ignore(?!\[[\w, ]+\](  #| -) \S|  ?\(\S)|# noqa(?!: \w+)")
    assert [
        f"{file.relative_to(ROOT)}:{number} {line.strip()}"
        for file in modules(room)
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if bare.search(line)
    ] == []


def public(source: str) -> Iterator[tuple[str, int, str]]:
    """The docstring of each public class and function, with its name and line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(
            node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        ) and not node.name.startswith("_"):
            text = ast.get_docstring(node)
            if text:
                yield node.name, node.lineno, text


def is_no_sentence(text: str) -> bool:
    first = text.split(maxsplit=1)[0]
    return "://" in first or (len(text.split()) < 3 and not text.endswith("."))


@pytest.mark.parametrize("room", ROOMS)
def test_a_public_docstring_opens_with_a_sentence_and_not_with_a_page(room: str) -> None:
    docstrings = [(file, *each) for file in modules(room) for each in public(file.read_text())]
    assert len(docstrings) > 20 or room in ("bootstrap", "release")
    assert [
        f"{file.relative_to(ROOT)}:{line} {name}: {text[:60]}"
        for file, name, line, text in docstrings
        if is_no_sentence(text)
    ] == []


def test_a_docstring_that_opens_with_a_page_is_seen() -> None:
    assert is_no_sentence("https://docs.aws.amazon.com/x, for what is loaded.")
    assert not is_no_sentence("Lets objects be read (https://docs.aws.amazon.com/x).")


# What everything in components/ is given: its name, its pipeline's arguments, its account, and Pulumi's options.
UNDERSTOOD = {"name", "args", "account", "opts", "parent", "type"}
# How many parameters a function has before its docstring has to say what each is.
MANY = {"components": 5}
MANY_ELSEWHERE = 6


def undocumented(source: str, many: int) -> Iterator[tuple[str, list[str]]]:
    """The public functions and classes with so many parameters, and which of these their docstrings leave out."""
    for top in ast.parse(source).body:
        inside = top.body if isinstance(top, ast.ClassDef) and not top.name.startswith("_") else [top]
        for function in inside:
            if not isinstance(function, ast.FunctionDef) or (
                function.name.startswith("_") and function.name != "__init__"
            ):
                continue
            page = ast.get_docstring(function) or ""
            if function.name == "__init__" and isinstance(top, ast.ClassDef):
                page += ast.get_docstring(top) or ""
            every = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
            names = [parameter.arg for parameter in every if parameter.arg not in ("self", "cls")]
            left_out = [name for name in names if name not in UNDERSTOOD and f"`{name}`" not in page]
            if len(names) >= many and left_out:
                yield function.name, left_out


@pytest.mark.parametrize("room", ROOMS)
def test_what_has_many_parameters_says_what_each_is(room: str) -> None:
    assert [
        f"{file.relative_to(ROOT)} {function}: {left_out}"
        for file in modules(room)
        for function, left_out in undocumented(file.read_text(), MANY.get(room, MANY_ELSEWHERE))
    ] == []


def test_a_parameter_without_a_word_is_seen() -> None:
    source = 'def f(name, b, c, d, e, g):\n    """Does it. `b`, `c`, `d`: texts. `e`: a number."""'
    assert list(undocumented(source, 6)) == [("f", ["g"])]
    assert list(undocumented(source, 7)) == []
