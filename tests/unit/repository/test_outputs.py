"""Pulumi's outputs in their cheaper form are what the SDK's own are: value, known, secret, resources, error."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any, cast

import pulumi
import pulumi_aws as aws
import pytest
from pulumi import output
from pulumi.runtime import mocks, rpc, settings

from tests import outputs
from tests.unit.repository.test_sdk import the_packages_own

CHEAPER: Any = output.Output
_package: Any = the_packages_own(output)
_package.Unknown, _package.UNKNOWN = output.Unknown, output.UNKNOWN  # one and the same, to be known as such
OWN: Any = _package.Output
RUNTIME: Any = settings.SETTINGS
UNKNOWN = pulumi.UNKNOWN
A, B = "a resource", "another"  # of a resource an output keeps nothing but itself


class Resource(SimpleNamespace):
    """One that can be in a set."""

    __hash__ = object.__hash__  # pyright: ignore[reportAssignmentType] - by itself


class Refused(Exception):
    """What an output fails with."""


def of(kind: Any, value: Any, *, known: bool = True, secret: bool = False, resources: Any = ()) -> Any:
    """An output of either class that is there after a turn of the loop."""

    return kind(set(resources), *(asyncio.ensure_future(later(part)) for part in (value, known, secret)))


async def later(value: Any) -> Any:
    await asyncio.sleep(0)
    if isinstance(value, Exception):
        raise value
    return value


VALUES: dict[str, Callable[[Any], Any]] = {
    "nothing": lambda kind: None,
    "a text": lambda kind: "text",
    "a number": lambda kind: 1.5,
    "empty": lambda kind: [[], {}, (), ""],
    "an empty list": lambda kind: [],
    "an empty dict": lambda kind: {},
    "deep": lambda kind: {"a": [1, {"b": [None, True, {"c": "d"}]}], "e": {}},
    "a tuple": lambda kind: (1, [2, of(kind, 3)]),
    "a tuple inside": lambda kind: {"a": (1, 2)},
    "keys that are numbers": lambda kind: {1: "a", 2: of(kind, "b")},
    "a key that is an output": lambda kind: {"a": 1} if kind is None else {of(kind, "key"): "value"},
    "unknown": lambda kind: UNKNOWN,
    "unknown inside": lambda kind: {"a": ["b", {"c": UNKNOWN}]},
    "unknown in a tuple": lambda kind: ("b", UNKNOWN),
    "bytes and a set": lambda kind: [b"bytes", frozenset({1})],
    "an output": lambda kind: of(kind, {"a": [1]}, resources=[A]),
    "an output of an output": lambda kind: of(kind, [of(kind, 1, resources=[A])], resources=[B]),
    "an output among texts": lambda kind: {"a": "b", "c": ["d", of(kind, "e", resources=[A, B])], "f": 1},
    "not known": lambda kind: {"a": "b", "c": of(kind, None, known=False, resources=[A])},
    "a secret": lambda kind: ["a", of(kind, "b", secret=True)],
    "two secrets of resources": lambda kind: {
        "a": of(kind, "b", secret=True, resources=[A]), "c": of(kind, "d", resources=[B]),
    },
    "awaited": lambda kind: {"a": later("b"), "c": [later([of(kind, 1, resources=[A])])]},
    "fails": lambda kind: {"a": "b", "c": of(kind, Refused("no"))},
    "fails after another": lambda kind: [of(kind, "a"), [of(kind, Refused("no"))]],
    "arguments": lambda kind: aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
    "arguments inside": lambda kind: [
        aws.s3.BucketVersioningVersioningConfigurationArgs(status=of(kind, "Enabled", resources=[A]))
    ],
    "an asset": lambda kind: [pulumi.StringAsset("text")],
}  # fmt: skip


def plain(value: Any) -> Any:
    """A value that can be compared."""
    kind: Any = cast("Any", type(value))
    if issubclass(kind, list | tuple):
        return kind.__name__, [plain(item) for item in value]
    if issubclass(kind, dict):
        return [(key, plain(inner)) for key, inner in value.items()]
    fields: dict[str, Any] = getattr(value, "__dict__", {})
    return kind, plain({k: v for k, v in fields.items() if not k.startswith("__")}) if fields else value


def state(make: Callable[[], Any]) -> Any:
    """What an output comes to be, or how it fails; and whether it is still tracked afterwards."""

    async def awaited() -> Any:
        made = make()
        try:
            data = await made._data
        except Exception as error:
            return type(error), str(error)
        return plain(data.value), data.is_known, data.is_secret, data.resources

    async def all_of_it() -> Any:
        RUNTIME.outputs.clear()
        answer = await awaited()
        for _ in range(5):
            await asyncio.sleep(0)
        failed = any(done.done() and done.exception() is not None for done in RUNTIME.outputs)
        RUNTIME.outputs.clear()
        return answer, failed

    return run(all_of_it())


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """In a loop of its own."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()
        asyncio.set_event_loop(asyncio.new_event_loop())


def test_the_cheaper_form_is_in_use() -> None:
    assert CHEAPER.from_input is outputs.from_input and CHEAPER.all is outputs.all_
    assert OWN.from_input is not outputs.from_input and OWN.all is not outputs.all_
    assert rpc.transfer_properties is outputs.transfer_properties and OWN._track is not outputs.track


@pytest.mark.parametrize("value", VALUES)
def test_a_value_becomes_the_output_that_the_sdk_makes(value: str) -> None:
    make = VALUES[value]
    expected = state(lambda: OWN.from_input(make(OWN)))
    assert state(lambda: CHEAPER.from_input(make(CHEAPER))) == expected


@pytest.mark.parametrize("value", VALUES)
def test_a_list_and_a_dict_of_values_are_what_the_sdk_makes(value: str) -> None:
    make = VALUES[value]
    for others in ([], ["text"], [{"a": 1}, None]):
        expected = state(lambda: OWN.all(*others, make(OWN)))  # noqa: B023 - called at once
        assert state(lambda: CHEAPER.all(*others, make(CHEAPER))) == expected  # noqa: B023
    expected = state(lambda: OWN.all(one="text", two=make(OWN), three={"b": [1]}))
    assert state(lambda: CHEAPER.all(one="text", two=make(CHEAPER), three={"b": [1]})) == expected


def test_nothing_at_all_is_an_empty_list_and_a_mix_of_names_and_none_is_refused() -> None:
    assert state(lambda: CHEAPER.all()) == state(lambda: OWN.all())
    for kind in (OWN, CHEAPER):
        with pytest.raises(ValueError, match="a mix of named and unnamed inputs"):
            kind.all(1, a=2)


def test_an_outputs_value_is_not_the_one_it_was_made_of() -> None:
    value: dict[str, Any] = {"a": [1, {"b": 2}]}
    for kind in (OWN, CHEAPER):

        async def changed(kind: Any = kind) -> Any:
            (await kind.from_input(value)._data).value["a"][1]["b"] = 3
            return value

        assert run(changed()) == {"a": [1, {"b": 2}]}


@pytest.mark.parametrize("failed", [None, Refused("no")])
@pytest.mark.parametrize("deps", [None, {B}])
@pytest.mark.parametrize(("known", "secret"), [(True, False), (False, True)])
def test_a_resources_property_is_resolved_as_the_sdk_does(
    known: bool, secret: bool, deps: Any, failed: Exception | None
) -> None:
    answers: list[Any] = []
    names = ("urn", "id", "bucket")
    for transfer in (the_packages_own(rpc).transfer_properties, rpc.transfer_properties):
        for custom in (True, False):
            made: Any = Resource()

            def resolved(made: Any = made, transfer: Any = transfer, custom: bool = custom) -> Any:
                resolvers: dict[str, Any] = transfer(made, dict.fromkeys(names), custom)
                assert list(resolvers) == list(made.__dict__) == list(names[2 if custom else 1 :])
                for resolve in resolvers.values():
                    resolve({"a": 1}, known, secret, deps, failed)
                return made.bucket

            (answer, tracked) = state(resolved)
            if failed is None:
                answer = (*answer[:3], {"itself" if part is made else part for part in answer[3]})
            answers.append((answer, tracked))
    assert answers[:2] == answers[2:]


def test_what_a_mock_answers_is_awaited_if_it_waits_for_something() -> None:
    answers: list[Any] = []
    awaits: Any = mocks
    original: Any = the_packages_own(mocks)._sync_await

    for wait in (original, awaits._sync_await):

        async def serialized(wait: Any = wait) -> list[Any]:
            at_once = {"a": ["b", {"c": 1}]}
            waits = {"a": of(CHEAPER, [1, 2]), "b": later("c")}
            structs = [wait(rpc.serialize_properties(values, {})) for values in (at_once, waits)]
            with pytest.raises(Refused):
                wait(rpc.serialize_properties({"a": of(CHEAPER, Refused("no"))}, {}))
            return [dict(struct) for struct in structs]

        answers.append(repr(run(serialized())))
    assert answers[0] == answers[1] and "'c'" in answers[0]


def test_a_mock_answers_in_the_thread_that_calls_it_and_fails_there() -> None:
    import threading

    async def answered() -> Any:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(outputs.AtOnce())
        with pytest.raises(Refused):
            await loop.run_in_executor(None, refuse)
        return await loop.run_in_executor(None, threading.get_ident)

    def refuse() -> None:
        raise Refused("no")

    assert run(answered()) == threading.get_ident()
    assert isinstance(outputs.AtOnce().submit(refuse).exception(), Refused)
