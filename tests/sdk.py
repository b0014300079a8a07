"""Functions of the SDKs that take much of the tests' time, in cheaper form.

Two of Pulumi's are a quarter of the time in which a program runs under mocks.

The SDK goes through every value of every output in search of one that is not known yet, by a function that is made anew
for each value and refers to itself: a hundred thousand objects for the garbage collector in each run of a stack. And it
reads the Python stack of each resource, for the engine to show where in a program the resource stands; no test does.

Each session of botocore parses the models of its services anew, and looks which there are, and tests make many: here a
file is parsed once, and each folder read once. And it cleans the same twenty words for the header `User-Agent` twice in
each request, sign by sign: here each once.
"""

from __future__ import annotations

import functools
import os
import pickle
from collections.abc import Callable
from types import NoneType
from typing import Any

import botocore.loaders
import botocore.useragent
from pulumi.runtime import known_types, resource, rpc
from pulumi.runtime.proto import source_pb2

from tests import outputs

AT_ONCE = frozenset((str, int, float, bool, NoneType))


def contains_unknowns(val: Any) -> bool:
    """What `pulumi.runtime.rpc.contains_unknowns` says of a value: whether it is, or holds at any depth, one that is
    not known yet."""
    if type(val) in AT_ONCE:
        return False
    seen: set[int] = set()
    waiting: list[Any] = [val]
    while waiting:
        value = waiting.pop()
        if known_types.is_unknown(value):
            return True
        if isinstance(value, dict | list) and id(value) not in seen:  # pyright: ignore[reportUnknownArgumentType] - of anything
            seen.add(id(value))  # pyright: ignore[reportUnknownArgumentType] - of anything
            waiting.extend(value.values() if isinstance(value, dict) else value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType] - of anything
    return False


def parsing_once(read: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """`JSONFileLoader.load_file`, which reads a file by its path without the ending, so that it parses each file once.
    Who reads it gets a value of their own, as botocore changes what it has read. What is not there is looked for
    again."""
    contents: dict[str, bytes] = {}

    @functools.wraps(read)
    def load_file(loader: Any, file_path: str) -> Any:
        if file_path not in contents:
            content = read(loader, file_path)
            if content is None:
                return None
            contents[file_path] = pickle.dumps(content, pickle.HIGHEST_PROTOCOL)
        return pickle.loads(contents[file_path])

    return load_file


def listing_once(list_services: Callable[[Any, str], list[str]]) -> Callable[[Any, str], list[str]]:
    """`Loader.list_available_services`, which goes through the folders of four hundred services for each session, so
    that it does so once for each search path."""
    services: dict[tuple[str, ...], list[str]] = {}

    @functools.wraps(list_services)
    def list_available_services(loader: Any, type_name: str) -> list[str]:
        places: Any = (type_name, *filter(os.path.isdir, loader.search_paths))
        if places not in services:
            services[places] = list_services(loader, type_name)
        return list(services[places])

    return list_available_services


@functools.cache
def make_cheaper() -> None:
    """Puts them into this process, once."""
    reader: Any = botocore.loaders.JSONFileLoader
    reader.load_file = parsing_once(reader.load_file)
    loader: Any = botocore.loaders.Loader
    loader.list_available_services = listing_once(loader.list_available_services)
    agent: Any = botocore.useragent
    agent.sanitize_user_agent_string_component = functools.lru_cache(1024)(
        agent.sanitize_user_agent_string_component
    )
    rpc.contains_unknowns = contains_unknowns
    outputs.make_cheaper()
    resource._get_stack_trace = source_pb2.StackTrace  # pyright: ignore[reportPrivateUsage] - not to be had otherwise
