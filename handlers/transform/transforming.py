"""Transforms one record. Pure.

A record is a JSON object. Its time is made ISO 8601 in UTC, with milliseconds: from ISO text with a zone, or from a
number of seconds or milliseconds since 1970; a record without one gets the time of its arrival. Nothing else changes
but white space and escapes that mean the same: every number keeps its digits, every object the order of its keys. What
comes out goes in again unchanged, so that a record may be replayed.

A record is dropped where a field has one of the values that the config names. Values are compared as JSON values: a
text of the config stands for itself and for the JSON value that is written so (`true`, `null`, `7` for 7 and 7.0). A
field that is missing has no value.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from json import decoder
from typing import Any, cast

import variables

OK, DROPPED, FAILED = "Ok", "Dropped", "ProcessingFailed"
# Not in its stub: (text, where the string begins) -> the string, where it ends.
scanstring: Callable[[str, int], tuple[str, int]] = vars(decoder)["scanstring"]
MILLISECONDS_FROM = 1e11  # as seconds this is the year 5138


TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s"]+|\s+')


class Number:
    """A number as it is written, so that no digit is lost. It equals numbers of its value only, so true is not 1."""

    def __init__(self, text: str):
        self.text = text

    def __repr__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and self._value() == other._value()

    __hash__ = None  # pyright: ignore[reportAssignmentType] - never a key

    def _value(self) -> Decimal | str:
        try:
            return Decimal(self.text)
        except InvalidOperation:  # an exponent of 20 digits: a number equal to itself as it is written
            return self.text

    def __float__(self) -> float:
        return float(self.text)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


DECODER = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=_refuse)


@dataclass(frozen=True)
class Settings:
    """The function's environment."""

    timestamp: str
    drop: Mapping[str, list[Any]]

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """From the environment. Raises KeyError for a variable that is not there."""
        fields = DECODER.decode(environ[variables.DROP])
        return cls(environ[variables.TIMESTAMP], {name: _dropped(values) for name, values in fields.items()})


def _dropped(texts: list[str]) -> list[Any]:
    """The JSON values that the texts of a config stand for."""
    written: list[Any] = []
    for text in texts:
        try:
            written.append(DECODER.decode(text))
        except ValueError:
            continue  # a text that is no JSON stands for itself only
    return [*texts, *written]


def transformed(record: Mapping[str, Any], settings: Settings) -> tuple[dict[str, str], str]:
    """Firehose's answer for the record, and why it failed, or nothing."""
    try:
        text, document = _document(record["data"])
        if any(f in document and document[f] in values for f, values in settings.drop.items()):
            return {"recordId": record["recordId"], "result": DROPPED, "data": record["data"]}, ""
        timestamp = document.get(settings.timestamp)
        moment = _arrival(record) if timestamp is None else _moment(timestamp, settings.timestamp)
        text = _with(text, settings.timestamp, json.dumps(_written(moment)))
        data = base64.b64encode(text.encode()).decode()  # not of half a surrogate pair, which JSON can escape
    except ValueError as error:
        return {"recordId": record["recordId"], "result": FAILED, "data": record["data"]}, str(error)
    return {"recordId": record["recordId"], "result": OK, "data": data}, ""


def _document(data: str) -> tuple[str, dict[str, Any]]:
    """The record's text, without what it does not need, and what it means."""
    try:
        text = base64.b64decode(data, validate=True).decode()
        value: Any = DECODER.decode(text)
    except (binascii.Error, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"not JSON text: {error}") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ValueError(f"a JSON {type(value).__name__}, where an object is expected")
    return "".join(_tokens(text)), cast(dict[str, Any], value)


def _tokens(text: str) -> Iterator[str]:
    for token in TOKENS.findall(text):
        if token[0] == '"':
            yield json.dumps(json.loads(token), ensure_ascii=False)
        elif not token.isspace():
            yield token


def _with(text: str, name: str, value: str) -> str:
    """The object's text with the member's value replaced, wherever it stands, or with the member at the end."""
    parts: list[str] = []
    last, at, there = 0, 1, False
    while text[at] != "}":
        if text[at] == ",":
            at += 1
        key, at = scanstring(text, at + 1)
        begin = at + 1  # behind the colon
        _, at = DECODER.raw_decode(text, begin)
        if key == name:
            parts += [text[last:begin], value]
            last, there = at, True
    if not there:
        member = f"{json.dumps(name, ensure_ascii=False)}:{value}"
        parts += [text[last:at], "," if at > 1 else "", member]
        last = at
    return "".join([*parts, text[last:]])


def _arrival(record: Mapping[str, Any]) -> datetime:
    milliseconds = (record.get("kinesisRecordMetadata") or record).get("approximateArrivalTimestamp")
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds is not None else datetime.now(UTC)


def _moment(value: Any, field: str) -> datetime:
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
        elif isinstance(value, Number):
            since = float(value)
            moment = datetime.fromtimestamp(since / 1000 if abs(since) >= MILLISECONDS_FROM else since, UTC)
        else:
            raise ValueError("neither text nor a number")
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{field} is {value!r}, not a time such as '2026-01-01T16:00:00.000Z'") from None
    raise ValueError(f"{field} is {value!r}, a time without its zone")


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
