"""One data file of a DynamoDB export -> Parquet, as streams: what comes in is read once, checked, and never kept whole.

`normalise(...)` reads the compressed file from `body`, writes Parquet to the files that `open_output(number)`
gives, and returns a `Report` when the whole file was sound: the md5 of its compressed bytes, its end, and its
number of items are the manifest's. Otherwise `FileError` names the file and what is wrong with it, and the
caller throws the outputs away. A fault of the transport (botocore's errors) passes through, to be retried.

Memory: a chunk of `CHUNK` bytes of text and its columns, and one row group as compressed pages. Row groups are
cut by rows, so their number is estimated from the first chunk for `ROW_GROUP` bytes; should later items be far
larger (an item may have 400 KB), the output is cut at `OUTPUT` bytes of text, which bounds the row group, too.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html (DynamoDB table export
output format: manifests, full and incremental lines)
"""

import base64
import binascii
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from arro3.core import Array, RecordBatch, RecordBatchReader
from arro3.io import write_parquet
from catalog_names import DELETED, REST
from decoder import DecodeError, Decoder
from isal import igzip, isal_zlib
from table_schema import Observation, Schema, SchemaError

CHUNK = 1 << 20
ROW_GROUP = 128 << 20
OUTPUT = 1 << 30
DICTIONARY = 32 << 10  # bytes, within a first-level cache: a column that has more is not worth a dictionary
LONGEST_LINE = 64 << 20  # an item has 400 KB at most; escapes and base64 multiply that by less than 10
# isal_zlib.error is made in C: its stub has it as a value.
DAMAGED: Any = (EOFError, igzip.BadGzipFile, isal_zlib.error)
EXPLAINED_ITEMS = 10_000  # of those with something in the rest column, read for the report


# What Python's own decoding of an item raises, whatever the bytes.
UNREADABLE = (SchemaError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError)


class FileError(Exception):
    """A data file that is not what the manifest says, or not DynamoDB JSON."""


class KeysDoNotFit(FileError):
    """The schema, which was derived of a sample, can't hold the keys of some items. `seen` is what those keys hold in
    the whole file, so that the next derivation knows."""

    def __init__(self, message: str, seen: Observation):
        super().__init__(message)
        self.seen = seen


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes; none at the end."""
        ...


class Hashed(io.RawIOBase):
    """Passes bytes on, and keeps their md5 and number."""

    def __init__(self, body: Readable):
        self._body, self._md5, self.size = body, hashlib.md5(usedforsecurity=False), 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fills the buffer from the stream."""
        data = self._body.read(len(buffer))
        self._md5.update(data)
        self.size += len(data)
        buffer[: len(data)] = data
        return len(data)

    def md5(self) -> bytes:
        """Of all bytes; reads what the decompressor left."""
        while self.read(1 << 20):
            pass
        return self._md5.digest()


@dataclass
class Report:
    """The contents of a data file."""

    items: int = 0
    deleted: int = 0
    """Of an incremental export's items."""
    raw_bytes: int = 0
    outputs: list[int] = field(default_factory=list[int])
    """Rows of each output."""
    rest_items: int = 0
    rest: Observation = field(default_factory=Observation)
    """Of those that were read for the report."""

    def json(self) -> dict[str, Any]:
        """As it is kept beside the outputs."""
        rest = {"items": self.rest_items, "attributes": self.rest.json()}
        return {
            "items": self.items,
            "deleted": self.deleted,
            "raw_bytes": self.raw_bytes,
            "rest": rest,
        }


def whole_lines(stream: Readable, size: int = CHUNK) -> Iterator[bytes]:
    """The stream in pieces of about `size` bytes that end at a line's end."""
    rest = b""
    while data := stream.read(size):
        cut = data.rfind(b"\n") + 1
        if not cut:
            rest += data
            if len(rest) > LONGEST_LINE:
                raise SchemaError(f"a line has more than {LONGEST_LINE} bytes")
            continue
        yield rest + data[:cut] if rest else data[:cut]
        rest = data[cut:]
    if rest:
        yield rest


def items_of(lines: bytes) -> Iterator[dict[str, Any]]:
    """The items of full or incremental lines, decoded by Python: for samples and messages."""
    for line in lines.splitlines():
        entry = json.loads(line)
        yield entry.get("Item") or entry.get("NewImage") or entry.get("Keys") or {}


def normalise(
    name: str,
    body: Readable,
    *,
    schema: Schema,
    incremental: bool,
    md5: str,
    items: int,
    open_output: Callable[[int], Any],
    decoder: Decoder | None = None,
) -> Report:
    """Writes one data file of an export as Parquet, checked against the manifest, and reports what it found.

    `name` is for messages. `body`: the file, gzipped DynamoDB JSON, an item a line. `schema`: the table's columns and
    their types. `incremental`: whether a line is a change rather than an item. `md5` (base64) and `items` (a count) are
    the manifest's. `open_output`: a number from 0 -> a file with write, flush and seek. `decoder`: one of this schema,
    closed here; without it one is made.

    FileError: the file is damaged, or not what the manifest says. KeysDoNotFit: a key that its column can't hold.
    """
    source, report = Hashed(body), Report()
    decoder = decoder or Decoder(schema, incremental)
    try:
        with igzip.IGzipFile(fileobj=io.BufferedReader(source, 1 << 20)) as text:
            batches = _batches(whole_lines(text), decoder, schema, incremental, report)
            while (first := next(batches, None)) is not None:
                _write(open_output(len(report.outputs)), first, batches, decoder, report)
    except DAMAGED as error:
        raise FileError(
            f"{name} is cut short or damaged: {error}; {source.size:,} bytes and {report.items:,} whole items were read"
        ) from error
    except DecodeError as error:
        raise FileError(f"{name}, line {report.items + 1} or after, byte {report.raw_bytes + error.offset:,} "
                        f"of its text: {error.reason}") from error  # fmt: skip
    except SchemaError as error:
        raise FileError(f"{name}: {error}") from error
    except _KeyError as error:
        wrong, seen = error.args
        raise KeysDoNotFit(
            f"{name}: {wrong}: a key with more digits than were seen when its type was derived, which the next run "
            "takes into account, or of another type than is declared; or no key",
            seen,
        ) from error
    finally:
        decoder.close()
    if source.md5() != _digest(name, md5):
        actual = base64.b64encode(source.md5()).decode()
        raise FileError(
            f"{name} has the md5 {actual}; the manifest says {md5}. Export again, or copy the file again"
        )
    if report.items != items:
        raise FileError(f"{name} holds {report.items:,} items; the manifest says {items:,}")
    return report


def _digest(name: str, md5: str) -> bytes:
    try:
        return base64.b64decode(md5, validate=True)
    except binascii.Error as error:
        raise FileError(f"{name}: the manifest's md5 {md5!r} is not base64") from error


def _batches(
    chunks: Iterable[bytes], decoder: Decoder, schema: Schema, incremental: bool, report: Report
) -> Iterator[tuple[RecordBatch, int]]:
    keys = {c.name: c.attribute for c in schema.columns if c.attribute in schema.keys}
    wrong, unfit = "", Observation()
    for chunk in chunks:
        batch = decoder.batch(chunk)
        for column, attribute in keys.items():
            if batch.column(column).null_count:
                wrong = (
                    wrong or f"column {column!r} cannot hold the key of an item (after item {report.items:,})"
                )
                unfit = unfit.merged(_set_aside(batch, column, attribute))
        report.items += batch.num_rows
        report.raw_bytes += len(chunk)
        _explain(batch.column(REST), report)
        if incremental:
            report.deleted += sum(values(batch.column(DELETED)))
        if batch.num_rows and not wrong:
            yield batch, len(chunk)
    if wrong:
        raise _KeyError(wrong, unfit)


class _KeyError(Exception):
    pass


def values(column: Any) -> list[Any]:
    """A column's values, whose types no stub knows."""
    return column.to_pylist()


def _set_aside(batch: RecordBatch, column: str, attribute: str) -> Observation:
    """What the items hold of a key that its column can't."""
    lacking = [row for row, value in enumerate(values(batch.column(column))) if value is None]
    rest = values(batch.column(REST))
    items = [json.loads(rest[row]) for row in lacking if rest[row] is not None]
    return Observation.of_items({attribute: item[attribute]} for item in items if attribute in item)


def _explain(rest: Array, report: Report) -> None:
    with_rest = len(rest) - rest.null_count
    if with_rest and report.rest_items < EXPLAINED_ITEMS:
        texts = [text for text in values(rest) if text is not None]
        try:
            seen = Observation.of_items(map(json.loads, texts[: EXPLAINED_ITEMS - report.rest_items]))
        except UNREADABLE as error:
            raise SchemaError(f"an attribute set aside is no DynamoDB JSON: {error}") from error
        report.rest = report.rest.merged(seen)
    report.rest_items += with_rest


def _write(
    output: Any,
    first: tuple[RecordBatch, int],
    batches: Iterator[tuple[RecordBatch, int]],
    decoder: Decoder,
    report: Report,
) -> None:
    """Writes one output: the first batch and as many more as fit."""
    rows = 0
    failed: list[Exception] = []

    def fitting() -> Iterator[RecordBatch]:
        nonlocal rows
        size = 0
        try:
            batch, taken = first
            while True:
                rows += batch.num_rows
                yield batch
                size += taken
                if size >= OUTPUT or (following := next(batches, None)) is None:
                    return
                batch, taken = following
        except Exception as error:  # through Rust it would come back as another exception
            failed.append(error)
            raise

    group = max(1024, min(1 << 20, ROW_GROUP * first[0].num_rows // first[1]))
    try:
        write_parquet(
            RecordBatchReader.from_batches(decoder.schema, fitting()),
            output,
            compression="zstd(1)",
            max_row_group_size=group,
            dictionary_page_size_limit=DICTIONARY,
        )
    except Exception as error:
        if failed:
            raise failed[0] from error
        raise
    report.outputs.append(rows)
