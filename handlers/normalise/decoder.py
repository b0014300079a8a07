"""DynamoDB JSON text -> record batches of a schema's columns, by decode.c through ctypes.

`Decoder(schema, incremental).batch(lines)` takes whole lines and gives an arro3 RecordBatch: the schema's
columns by name, `_rest` (what no column holds exactly, as DynamoDB JSON text), and of an incremental export
`_write_micros` and `_deleted`. `DecodeError` has the offset of the line and what is wrong with it.
The library is decode.so beside this file (the bundle takes the one of libraries/ for its architecture).
"""

import ctypes
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from arro3.core import DataType, Field, RecordBatch
from arro3.core import Schema as ArrowSchema
from catalog_names import DELETED, MICROS, REST
from column_types import Column, Type
from table_schema import Schema

KINDS = {
    "string": "S",
    "binary": "B",
    "bigint": "I",
    "decimal": "D",
    "double": "F",
    "boolean": "O",
    "json": "J",
}
SETS = {"string": "s", "binary": "b", "bigint": "n", "decimal": "n", "double": "n"}
PADDING = b"\n" + bytes(16)  # decode.c reads ahead
ARROW_ARRAY_SIZE = 80  # bytes of a struct ArrowArray


class DecodeError(Exception):
    """A line that is no item; `offset`: of its first byte."""

    def __init__(self, offset: int, reason: str):
        super().__init__(reason)
        self.offset, self.reason = offset, reason


def library(path: Path) -> ctypes.CDLL:
    """decode.so, with the types of its functions."""
    loaded = ctypes.CDLL(str(path))
    pointer, text, number, size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t
    functions: list[tuple[str, Any, list[Any]]] = [
        ("decoder_open", pointer, [number]),
        ("decoder_column", pointer, [pointer, pointer, ctypes.c_char, number, number, text, size]),
        ("decoder_decode", ctypes.c_int64, [pointer, text, ctypes.c_int64]),
        ("decoder_message", text, [pointer]),
        ("decoder_export", number, [pointer, pointer]),
        ("decoder_close", None, [pointer]),
    ]
    for name, answer, arguments in functions:
        function = getattr(loaded, name)  # what `loaded[...]` gives forgets its types
        function.restype, function.argtypes = answer, arguments
    return loaded


def arrow_type(type_: Type) -> DataType:
    """A column's type as Arrow has it."""
    if type_.element:
        return DataType.list(Field("element", arrow_type(type_.element), nullable=True))
    if type_.kind == "decimal":
        return DataType.decimal128(type_.precision, type_.scale)
    if type_.kind == "struct":
        return DataType.struct(_fields(type_.columns))
    plain = {
        "string": DataType.string,
        "json": DataType.string,
        "binary": DataType.binary,
        "bigint": DataType.int64,
        "double": DataType.float64,
        "boolean": DataType.bool,
    }
    return plain[type_.kind]()


def _fields(columns: Iterable[Column]) -> list[Field]:
    return [Field(c.name, arrow_type(c.type), nullable=True) for c in columns]


def arrow_schema(schema: Schema, incremental: bool) -> ArrowSchema:
    """The columns of a batch."""
    fields = [*_fields(schema.columns), Field(REST, DataType.string(), nullable=True)]
    if incremental:
        fields += [
            Field(MICROS, DataType.int64(), nullable=True),
            Field(DELETED, DataType.bool(), nullable=True),
        ]
    return ArrowSchema(fields)


class Decoder:
    """Decodes lines by a schema. `close` gives its memory back."""

    def __init__(self, schema: Schema, incremental: bool = False, path: Path | None = None):
        self.schema = arrow_schema(schema, incremental)
        self._library = library(path or Path(__file__).with_name("decode.so"))
        self._decoder = self._library.decoder_open(incremental)
        for column in schema.columns:
            self._add(None, column.attribute, column.type)

    def _add(self, parent: int | None, name: str, type_: Type) -> None:
        element, encoded = type_.element, name.encode()
        kind = KINDS.get(type_.kind) or (
            SETS[element.kind] if type_.kind == "set" and element else "L" if element else "M"
        )
        precision = 19 if type_.kind == "bigint" else type_.precision
        node = self._library.decoder_column(
            self._decoder, parent, kind.encode(), precision, type_.scale, encoded, len(encoded)
        )
        if not node:
            raise MemoryError(f"no memory for column {name!r}")
        if element:
            self._add(node, "element", element)
        for column in type_.columns:
            self._add(node, column.attribute, column.type)

    def batch(self, lines: bytes) -> RecordBatch:
        """The items of whole lines. Raises DecodeError."""
        if not lines.isascii():
            try:
                lines.decode()  # Arrow's text must be UTF-8; decode.c copies bytes
            except UnicodeDecodeError as error:
                raise DecodeError(error.start, f"not UTF-8: {error.reason}") from error
        rows = self._library.decoder_decode(self._decoder, lines + PADDING, len(lines) + 1)
        if rows < 0:
            raise DecodeError(
                -1 - rows, self._library.decoder_message(self._decoder).decode("utf-8", "replace")
            )
        array = ctypes.create_string_buffer(ARROW_ARRAY_SIZE)
        if not self._library.decoder_export(self._decoder, array):
            raise MemoryError("no memory to hand over a chunk's columns")
        capsules: Any = RecordBatch  # its capsules have no type
        return capsules.from_arrow_pycapsule(
            self.schema.__arrow_c_schema__(), _capsule(array, b"arrow_array")
        )

    def close(self) -> None:
        """Frees the decoder."""
        self._library.decoder_close(self._decoder)
        self._decoder = None


_new_capsule = ctypes.pythonapi.PyCapsule_New
_new_capsule.restype, _new_capsule.argtypes = (
    ctypes.py_object,
    [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p],
)


def _capsule(struct: "ctypes.Array[ctypes.c_char]", name: bytes) -> Any:
    """A PyCapsule of the Arrow PyCapsule interface; `struct` must outlive the import, which empties it."""
    return _new_capsule(ctypes.addressof(struct), name, None)
