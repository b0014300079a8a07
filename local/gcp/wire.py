"""The requests that a part of this cloud answers."""

from __future__ import annotations

from collections.abc import Callable

from local.gcp.refusals import Body

# Called with the request's JSON, its query and the groups of its path, and answers the response's JSON.
Handler = (
    Callable[[Body, Body], Body] | Callable[[Body, Body, str], Body] | Callable[[Body, Body, str, str], Body]
)
Route = tuple[str, str, Handler]
"""HTTP verbs between `|`, the path as a regular expression, and who answers it."""
