"""How many rows a Parquet file says it holds, and which columns, from its last bytes alone. Pure.

A file ends in its footer, the footer's length (4 bytes, little endian) and `PAR1`; what was cut short ends in
something else. The footer is a Thrift struct in the compact protocol, of which FileMetaData's schema (2) and num_rows
(3), SchemaElement's name (4) and num_children (5), and RowGroup's num_rows (3) are read.
https://parquet.apache.org/docs/file-format/ (File Format, Metadata)
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

import struct
from dataclasses import dataclass
from typing import Any

MAGIC, TAIL = b"PAR1", 8


class FooterError(Exception):
    """Bytes that no Parquet file ends in."""


@dataclass(frozen=True)
class Footer:
    """What a file says it holds."""

    rows: int
    columns: tuple[str, ...]


def length(tail: bytes) -> int:
    """The bytes to read from the end on, by the last eight of them or more."""
    if len(tail) < TAIL or tail[-4:] != MAGIC:
        raise FooterError("it is cut short: no Parquet file ends so")
    return int.from_bytes(tail[-TAIL:-4], "little") + TAIL


def read(tail: bytes) -> Footer:
    """The footer of a file of which at least `length` bytes from the end are given."""
    needed = length(tail)
    if needed > len(tail):
        raise FooterError(f"its footer would begin {needed - len(tail):,} bytes before the file")
    try:
        metadata, _ = _struct(tail[len(tail) - needed : -TAIL], 0)
        elements, rows, groups = metadata[2], metadata[3], metadata.get(4, [])
        footer = Footer(_number(rows), _columns(elements))
        group_rows = sum(_number(group[3]) for group in groups)
    except (
        IndexError,
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        RecursionError,
        struct.error,
    ) as error:
        raise FooterError(f"its footer can't be read: {error!r}") from error
    if group_rows != rows:
        raise FooterError(f"its row groups hold other than the {rows:,} rows that it tells")
    return footer


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError(f"{value!r} is no number of rows")
    return value


def _columns(elements: list[dict[int, Any]]) -> tuple[str, ...]:
    """The names of the top level: what has children is followed by them."""

    def after(at: int) -> int:
        following = at + 1
        for _ in range(elements[at].get(5, 0)):
            following = after(following)
        return following

    names: list[str] = []
    at = 1
    for _ in range(elements[0].get(5, 0)):
        names.append(elements[at][4].decode())
        at = after(at)
    return tuple(names)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        number |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if not data[at - 1] & 0x80:
            return number, at


def _signed(data: bytes, at: int) -> tuple[int, int]:
    number, at = _varint(data, at)
    return (number >> 1) ^ -(number & 1), at


def _struct(data: bytes, at: int) -> tuple[dict[int, Any], int]:
    fields: dict[int, Any] = {}
    last = 0
    while (head := data[at]) != 0:
        at += 1
        if head >> 4:
            last += head >> 4
        else:
            last, at = _signed(data, at)
        kind = head & 0x0F
        fields[last], at = (kind == 1, at) if kind in (1, 2) else _value(data, at, kind)
    return fields, at + 1


def _value(data: bytes, at: int, kind: int) -> tuple[Any, int]:
    if kind in (1, 2, 3):  # in a list a boolean is a byte
        return data[at], at + 1
    if kind in (4, 5, 6):
        return _signed(data, at)
    if kind == 7:
        return struct.unpack_from("<d", data, at)[0], at + 8
    if kind == 8:
        size, at = _varint(data, at)
        return data[at : at + size], at + size
    if kind in (9, 10):
        size, inner = data[at] >> 4, data[at] & 0x0F
        at += 1
        if size == 15:
            size, at = _varint(data, at)
        elements: list[Any] = []
        for _ in range(size):
            element, at = _value(data, at, inner)
            elements.append(element)
        return elements, at
    if kind == 12:
        return _struct(data, at)
    raise ValueError(f"field of kind {kind}")
