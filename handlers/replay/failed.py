"""What Firehose wrote of records that it failed to deliver, and which of them go on the stream again. Pure.

JSON Lines, gzipped or not: {"attemptsMade", "arrivalTimestamp", "errorCode", "errorMessage", "attemptEndingTimestamp",
"esIndexName" or "lambdaArn", "rawData": base64}. What the index refused has errorCode 400 (or another 4xx that is no
matter of access), what the transformation refused `Lambda.ProcessingFailedStatus` and the like.
"""

import base64
import binascii
import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import variables

# Would be refused again: the document or the transformation's answer is at fault, not the moment.
LASTING = re.compile(r"400|404|405|413|Lambda\.(ProcessingFailedStatus|JsonProcessingException|\w*Record\w*)")


@dataclass(frozen=True)
class Settings:
    """The function's environment."""

    bucket: str
    prefix: str
    stream: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """From the environment. Raises KeyError for a variable that is not there."""
        return cls(environ[variables.BUCKET], environ[variables.PREFIX], environ[variables.STREAM])


@dataclass(frozen=True)
class Request:
    """What one run replays."""

    prefix: str
    transient_only: bool
    dry_run: bool


@dataclass
class Line:
    """One line of a backup object; without data it is no failed record."""

    text: bytes
    error: str = ""
    data: bytes | None = None
    sent: bool = False


@dataclass
class Report:
    """What a run has done."""

    objects: int = 0
    unreadable: int = 0
    complete: bool = True
    replayed_by_error: Counter[str] = field(default_factory=Counter[str])
    left_by_error: Counter[str] = field(default_factory=Counter[str])
    problems: list[str] = field(default_factory=list[str])

    def count(self, lines: Iterable[Line]) -> None:
        """Adds the lines of an object."""
        self.objects += 1
        for line in lines:
            if line.data is None:
                self.unreadable += 1
            else:
                (self.replayed_by_error if line.sent else self.left_by_error)[line.error] += 1

    def counts(self) -> dict[str, Any]:
        """The numbers that the function returns."""
        return {
            "objects": self.objects,
            "replayed": self.replayed_by_error.total(),
            "left": self.left_by_error.total(),
            "unreadable": self.unreadable,
            "replayed_by_error": dict(self.replayed_by_error),
            "left_by_error": dict(self.left_by_error),
            "complete": self.complete,
        }


def read_request(event: Mapping[str, Any], settings: Settings) -> Request:
    """What the event wants. Raises ValueError for an unknown key or value."""
    unknown = set(event) - {"errors", "prefix", "dry_run"}
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))}: no such key; known: errors, prefix, dry_run")
    errors = event.get("errors", "all")
    if errors not in ("all", "transient"):
        raise ValueError(f"errors is {errors!r}; expected 'all' or 'transient'")
    return Request(
        settings.prefix + event.get("prefix", ""), errors == "transient", bool(event.get("dry_run"))
    )


def lines_of(body: bytes) -> list[Line]:
    """The lines of an object. Raises OSError (gzip.BadGzipFile) or EOFError for a damaged one."""
    try:
        text = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    except zlib.error as error:
        raise gzip.BadGzipFile(str(error)) from error
    return [_line(line) for line in text.split(b"\n") if line.strip()]


def _line(text: bytes) -> Line:
    try:
        entry = json.loads(text)
        return Line(text, str(entry["errorCode"]), base64.b64decode(entry["rawData"], validate=True))
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        return Line(text)


def chosen(lines: Iterable[Line], wanted: Request) -> list[Line]:
    """The lines that this run puts on the stream."""
    if wanted.dry_run:
        return []
    return [
        line
        for line in lines
        if line.data is not None and not (wanted.transient_only and LASTING.fullmatch(line.error))
    ]


def packed(key: str, lines: Iterable[Line]) -> bytes:
    """An object of these lines, compressed as the one that it takes the place of."""
    text = b"".join(line.text + b"\n" for line in lines)
    return gzip.compress(text) if key.endswith(".gz") else text
