"""A type as Hive, Glue and Athena write it: `array<struct<a:int,b:map<string,int>>>`. Pure.

https://docs.aws.amazon.com/athena/latest/ug/data-types.html
"""

import re
from dataclasses import dataclass

ARRAY, MAP, STRUCT = "array", "map", "struct"
_INNER = {ARRAY: 1, MAP: 2}  # types inside


@dataclass(frozen=True)
class Nested:
    """The outermost of a nested type: an array, a map or a struct, and the types inside as they are written."""

    shape: str
    inner: tuple[str, ...]
    names: tuple[str, ...] = ()
    """Of a struct: the fields, in the order of `inner`."""

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Of a struct: (name, type) of each field."""
        return list(zip(self.names, self.inner, strict=True))


def nested(kind: str) -> Nested | None:
    """The outermost of a nested type; None of another. Raises ValueError for an array, map or struct of another form.
    Letters may be of either case."""
    outer = re.fullmatch(r"\s*(array|map|struct)\s*<(.*)>\s*", kind, re.IGNORECASE | re.DOTALL)
    if not outer:
        return None
    shape, parts = outer[1].lower(), _split(outer[2])
    if shape != STRUCT:
        if len(parts) != _INNER[shape]:
            raise ValueError(f"{kind!r} is no type; write array<type> or map<type,type>")
        return Nested(shape, tuple(parts))
    named = [part.split(":", 1) for part in parts]
    if any(len(pair) != 2 for pair in named):
        raise ValueError(f"{kind!r} is no type; a struct is written struct<name:type,...>")
    names, inner = zip(*((name.strip(), type_.strip()) for name, type_ in named), strict=True)
    return Nested(shape, inner, names)


def _split(inner: str) -> list[str]:
    """`a:int,b:map<string,int>` at its outer commas."""
    parts, depth = [""], 0
    for character in inner:
        depth += (character in "<(") - (character in ">)")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]
