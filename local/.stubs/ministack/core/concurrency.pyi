from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

async def run_offloop(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T: ...
