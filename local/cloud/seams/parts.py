"""The shapes of ministack's parts: records, answers, stores that are scoped to an account, functions to be replaced."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from types import ModuleType
from typing import Any, Generic, Protocol, TypeVar

Record = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]
"""Status, headers, body."""
Handler = Callable[..., Awaitable[Answer]]
"""A service: async (method, path, headers, body, query) to an answer."""

Value = TypeVar("Value")
Function = TypeVar("Function")


class Store(Protocol[Value]):
    """A service's records of the account that the request is of; `get_scoped` reaches another's."""

    def get(self, key: Any, default: Any = None) -> Any:
        """The account's record of that key, or the default."""
        ...

    def get_scoped(self, account_id: Any, region: Any, key: Any, default: Any = None) -> Value | None:
        """Any account's record of that key, or the default; `region` counts where the store is regional."""
        ...

    def pop(self, key: Any, *default: Any) -> Value | None:
        """Takes the account's record of that key away and returns it; the default or KeyError where there is none."""
        ...

    def keys(self) -> Iterable[Any]:
        """The keys of the account's records."""
        ...

    def values(self) -> Iterable[Value]:
        """The account's records, without their keys."""
        ...

    def items(self) -> Iterable[tuple[Any, Value]]:
        """The account's records, each as (key, record)."""
        ...

    def __contains__(self, key: Any) -> bool: ...
    def __getitem__(self, key: Any) -> Value: ...
    def __setitem__(self, key: Any, value: Value) -> None: ...
    def __delitem__(self, key: Any) -> None: ...


class RegionalStore(Store[Value], Protocol[Value]):
    """A service's records of the account and the region that the request is of; `all_items` are everybody's."""

    def all_items(self) -> Iterable[tuple[Any, Value]]:
        """The records of all accounts and regions, each as ((account, region, key), record)."""
        ...


class Replaceable(Generic[Function]):
    """A function of a module or a class of ministack that another can be put in the place of: ministack calls the one
    that stands there."""

    def __init__(self, module: ModuleType | type, name: str):
        self._module, self._name = module, name
        getattr(module, name)  # fails where another version of ministack has no such name

    @property
    def current(self) -> Function:
        """The function that stands there now."""
        return getattr(self._module, self._name)

    def replace(self, new: Function) -> None:
        """Puts `new` there."""
        setattr(self._module, self._name, new)

    def wrap(self, around: Callable[..., Any]) -> None:
        """Puts `around` there, which gets the function that stood there, and then the arguments of the call. For a
        function of a module; of a class it would lose its object."""
        setattr(self._module, self._name, partial(around, self.current))
