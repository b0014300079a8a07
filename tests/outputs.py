"""Pulumi's outputs in cheaper form, for programs that run under mocks.

The SDK makes a future, a task and two callbacks of each text and number in each value: of an alarm's arguments fifty,
and most of a run's time. Here a value that waits for nothing is one output that is there at once, and of any other
value only what waits is waited for. A resource's property is one future, where the SDK has four and a task that gathers
them. A value is read at once; the SDK reads the inside of a dict when the loop turns.

Whether each says the same as the SDK's own: tests/unit/repository/test_outputs.py.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import NoneType
from typing import Any

from pulumi import output
from pulumi.runtime import mocks, rpc, settings

_AT_ONCE = frozenset((str, int, float, bool, NoneType))
_WAITS: Any = object()
# Of Pulumi's SDK, without types and private.
_Output: Any = output.Output
_Data: Any = output._OutputData  # pyright: ignore[reportPrivateUsage] - not to be had otherwise
_original: Any = _Output.from_input
_answers: Any = mocks
_sync_await: Any = _answers._sync_await
_SETTINGS: Any = settings.SETTINGS


def _copy(value: Any) -> Any:
    """The value with lists and dicts of its own; `_WAITS` if anything in it is more than text, numbers, lists and dicts
    by text: an output, an awaitable, what is not known yet, a resource, arguments."""
    kind = value.__class__
    if kind in _AT_ONCE:
        return value
    if kind is list:
        items: list[Any] = []
        for item in value:
            if (item if type(item) in _AT_ONCE else (item := _copy(item))) is _WAITS:
                return _WAITS
            items.append(item)
        return items
    if kind is dict:
        fields: dict[str, Any] = {}
        for key, item in value.items():
            if type(key) is not str or (copied := _copy(item)) is _WAITS:
                return _WAITS
            fields[key] = copied
        return fields
    return _WAITS


def _of(data: Awaitable[Any]) -> Any:
    """An output that nobody need track: it is there."""
    there = object.__new__(_Output)
    there._data = data
    return there


def _there(value: Any) -> Any:
    """The output of a value that waits for nothing."""
    future: asyncio.Future[Any] = asyncio.Future()
    future.set_result(_Data(resources=set(), value=value, is_known=True, is_secret=False))
    return _of(future)


def _gathered(keys: Iterable[Any] | None, values: Iterable[Any]) -> Any:
    """The output of a list, or of a dict by its keys."""
    parts = [(value, copied) for value in values for copied in [_copy(value)]]
    waits = [None if copied is not _WAITS else from_input(value) for value, copied in parts]

    def whole(items: list[Any]) -> Any:
        return items if keys is None else dict(zip(keys, items, strict=True))

    if not any(waits_for is not None for waits_for in waits):
        return _there(whole([copied for _, copied in parts]))

    async def gather() -> Any:
        resources: set[Any] = set()
        known, secret, items = True, False, list[Any]()
        for (_, copied), waits_for in zip(parts, waits, strict=True):
            if waits_for is None:
                items.append(copied)
                continue
            data = await waits_for._data
            resources |= data.resources
            known, secret = known and data.is_known, secret or data.is_secret
            items.append(data.value)
        return _Data(resources=resources, value=whole(items), is_known=known, is_secret=secret)

    return _Output._from_data(gather())


def from_input(val: Any) -> Any:
    """`Output.from_input`: the output of a value with all outputs in it."""
    copied = _copy(val)
    if copied is not _WAITS:
        return _there(copied)
    kind = val.__class__
    if val and kind is list:
        return _gathered(None, val)
    if val and kind is dict and all(type(key) is str for key in val):
        return _gathered(list(val), val.values())
    return _original(val)


def all_(*args: Any, **kwargs: Any) -> Any:
    """`Output.all`: the output of a list, or of a dict by name."""
    if args and kwargs:
        raise ValueError("Output.all() was supplied a mix of named and unnamed inputs")
    return _gathered(list(kwargs), kwargs.values()) if kwargs else _gathered(None, args)


def _forget(data: Any) -> None:
    """An output that is there is no longer tracked; one that failed is, for the program to fail with it."""
    if not data.cancelled() and data.exception() is None:
        _SETTINGS.outputs.discard(data)


def track(self: Any) -> None:
    """`Output._track`: a program waits for its outputs before it ends."""
    data = self._data
    _SETTINGS.outputs.add(data)
    data.add_done_callback(_forget)


def _resolve(
    resource: Any, data: Any, value: Any, is_known: bool, is_secret: bool, deps: Any, failed: Exception | None
) -> None:
    """Resolves a resource's property."""
    if failed is not None:
        data.set_exception(failed)
    else:
        data.set_result(
            _Data(resources={*(deps or ()), resource}, value=value, is_known=is_known, is_secret=is_secret)
        )


def transfer_properties(res: Any, props: Any, custom: bool) -> dict[str, Callable[..., None]]:
    """`rpc.transfer_properties`: makes outputs of a resource's properties, and returns what resolves each."""
    resolvers: dict[str, Callable[..., None]] = {}
    for name in props:
        if name == "urn" or (name == "id" and custom):
            continue
        data: asyncio.Future[Any] = asyncio.Future()
        resolvers[name] = partial(_resolve, res, data)
        res.__dict__[name] = _Output._from_data(data)
    return resolvers


class _Rest:
    """What is left of a coroutine that waits for a future."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], waits_for: Any) -> None:
        self.coroutine, self.waits_for = coroutine, waits_for

    def __await__(self) -> Generator[Any, Any, Any]:
        try:
            while True:
                try:
                    sent = yield self.waits_for
                except BaseException as error:
                    self.waits_for = self.coroutine.throw(error)
                else:
                    self.waits_for = self.coroutine.send(sent)
        except StopIteration as end:
            return end.value


def sync_await(awaitable: Any) -> Any:
    """`_sync_await`: an awaitable's value. The loop runs on for what a mock answers only where that waits."""
    if not (inspect.iscoroutine(awaitable) and awaitable.cr_code is rpc.serialize_properties.__code__):
        return _sync_await(awaitable)
    try:
        waits_for = awaitable.send(None)
    except StopIteration as end:
        return end.value

    async def rest() -> Any:
        return await _Rest(awaitable, waits_for)

    return _sync_await(rest())


class AtOnce(ThreadPoolExecutor):
    """Runs what it is handed in the thread that hands it: a mock answers at once, and a thread costs more than that."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As `Executor.submit`, over when it returns."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


def make_cheaper() -> None:
    """Puts them into this process."""
    _Output.from_input = staticmethod(from_input)
    _Output.all = staticmethod(all_)
    _Output._track = track
    package: Any = rpc
    package.transfer_properties = transfer_properties
    _answers._sync_await = sync_await
