"""What becomes of one record. Pure.

A record is a JSON object. Its time is made ISO 8601 in UTC, with milliseconds: from ISO text with a zone, or from a
number of seconds or milliseconds since 1970; a record without one gets the time of its arrival. What comes out goes in
again unchanged, so that a record may be replayed.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

OK, DROPPED, FAILED = "Ok", "Dropped", "ProcessingFailed"
MILLISECONDS_FROM = 1e11  # as seconds this is the year 5138


@dataclass(frozen=True)
class Settings:
    timestamp: str
    drop: Mapping[str, frozenset[str]]

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        drop = {field: frozenset(values) for field, values in json.loads(environ["DROP"]).items()}
        return cls(environ["TIMESTAMP"], drop)


def transformed(record: Mapping[str, Any], settings: Settings) -> tuple[dict[str, str], str]:
    """Firehose's answer for the record, and why it failed, or nothing."""
    try:
        document = _document(record["data"])
        if any(str(document.get(field)) in values for field, values in settings.drop.items()):
            return {"recordId": record["recordId"], "result": DROPPED, "data": record["data"]}, ""
        found = document.get(settings.timestamp)
        moment = _arrival(record) if found is None else _moment(found, settings.timestamp)
        document[settings.timestamp] = _written(moment)
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        data = base64.b64encode(text.encode()).decode()  # not of half a surrogate pair, which JSON can escape
    except ValueError as error:
        return {"recordId": record["recordId"], "result": FAILED, "data": record["data"]}, str(error)
    return {"recordId": record["recordId"], "result": OK, "data": data}, ""


def _document(data: str) -> dict[str, Any]:
    try:
        found = json.loads(base64.b64decode(data, validate=True))
    except (binascii.Error, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"not JSON text: {error}") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"a JSON {type(found).__name__}, where an object is expected")
    return found


def _arrival(record: Mapping[str, Any]) -> datetime:
    told = (record.get("kinesisRecordMetadata") or record).get("approximateArrivalTimestamp")
    return datetime.fromtimestamp(told / 1000, UTC) if told is not None else datetime.now(UTC)


def _moment(found: Any, field: str) -> datetime:
    try:
        if isinstance(found, str):
            moment = datetime.fromisoformat(found)
        elif isinstance(found, int | float) and not isinstance(found, bool):
            moment = datetime.fromtimestamp(found / 1000 if abs(found) >= MILLISECONDS_FROM else found, UTC)
        else:
            raise ValueError("neither text nor a number")
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{field} is {found!r}, not a time such as '2026-01-01T16:00:00.000Z'") from None
    raise ValueError(f"{field} is {found!r}, a time without its zone")


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
