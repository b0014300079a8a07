"""How the resources of a type are looked for, and what an import calls them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jmespath

Values = Mapping[str, Any]
"""A resource's known inputs, with `account`, `region` and `partition` (of Google: `project`) of its provider."""


@dataclass(frozen=True)
class Search:
    """Calls of a service, and what they say: an id, or None for what is not there."""

    operations: tuple[str, ...]
    run: Callable[[Any, Values], str | None]


@dataclass(frozen=True)
class Kind:
    """A type: the form of its id in an import (`{found}` is what the search has for it), the service and the search; or
    why its resources are made anew."""

    id: str = ""
    service: str = ""
    search: Search | None = None
    made_anew: str = ""


class Lacking(KeyError):
    """A value that is not known before the deployment, so that nothing can be looked for."""


class Known(dict[str, Any]):
    """Values for a form; one that is not there raises Lacking."""

    def __missing__(self, key: str) -> Any:
        raise Lacking(key)


def filled(form: Any, values: Values) -> Any:
    """A form (`{name}`), or a list or mapping of forms, with the values in it. Raises Lacking."""
    if isinstance(form, str):
        return form.format_map(Known(values))
    if isinstance(form, list):
        return [filled(part, values) for part in form]  # pyright: ignore[reportUnknownVariableType] - of forms
    if isinstance(form, dict):
        return {key: filled(part, values) for key, part in form.items()}  # pyright: ignore[reportUnknownVariableType] - of forms
    return form


def by(operation: str, answer: str = "@", **arguments: Any) -> Search:
    """A search by one operation of boto3: `arguments` are forms, and `answer` is a form of a JMESPath expression
    (https://jmespath.org/specification.html) over all pages of what the service says."""

    def run(client: Any, values: Values) -> str | None:
        parameters = filled(arguments, values)
        if client.can_paginate(operation):
            answered = client.get_paginator(operation).paginate(**parameters).build_full_result()
        else:
            answered = getattr(client, operation)(**parameters)
        there = jmespath.search(filled(answer, values), answered)
        return (there if isinstance(there, str) else "there") if there else None

    return Search((operation,), run)
