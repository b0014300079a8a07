"""A class of arguments as other languages see it: https://www.pulumi.com/docs/iac/using-pulumi/extending-pulumi/build-a-component/"""

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic.fields import FieldInfo


def simplify_annotations(cls: type) -> type:
    """Rewrites the annotations of `cls`, and of the argument classes it holds, into what Pulumi's analyzer infers a
    schema from: no Annotated, no Literal, Optional for what has a default. Checks were compiled before and still hold.
    """
    hints = typing.get_type_hints(cls, include_extras=True)
    optional = {f.name for f in dataclasses.fields(cls) if not _required(f)}
    cls.__annotations__ = {
        name: _plain(hint) | None if name in optional else _plain(hint)
        for name, hint in hints.items()
        if not name.startswith("_")
    }
    return cls


def _required(field: "dataclasses.Field[Any]") -> bool:
    default = field.default
    if default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
        return True
    return isinstance(default, FieldInfo) and default.is_required()


def _plain(hint: Any) -> Any:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return _plain(inner[0])
    if origin is Literal:
        return inner[0].__class__
    if origin in (typing.Union, types.UnionType) and type(None) in inner:
        return _plain(next(i for i in inner if i is not type(None)))
    if origin in (list, tuple):
        return list[_plain(inner[0])]
    if origin in (dict, Mapping):
        return dict[str, _plain(inner[1])]
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return simplify_annotations(hint)
    return hint
