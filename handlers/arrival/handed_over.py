"""Whether an export that the source's run has published, and handed over, has arrived whole. Pure.

What is handed over: `HandedOver` of components/shared/run_records.py, a JSON object beside the export. A table's export
is judged by its own manifests (arrival.py); of a database's the run lists every file, as nothing that RDS writes does.
"""

import json
from collections.abc import Mapping
from typing import Any, cast

from arrival import NAMED_FILES, Corrupt, Stored, Waiting
from dynamodb_exports import UNREADABLE
from run_records import HandedOver
from run_sources import DYNAMODB

NAMED_OF_A_TABLE = ("export_id", "exported_to", "summary_key")
NAMED_OF_A_DATABASE = ("export_id", "exported_to", "export_prefix")


def read(key: str, content: bytes, prefix: str) -> HandedOver:
    """What was handed over as `key`. Raises Corrupt where it is none, or names an export outside the prefix."""
    try:
        record: dict[str, Any] = json.loads(content)
        named = NAMED_OF_A_TABLE if record["kind"] == DYNAMODB else NAMED_OF_A_DATABASE
        texts = [record["source"], record["due"], *(record["work"][name] for name in named)]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError(f"{texts} are not text")
        sizes = {str(name): int(size) for name, size in dict(record.get("files") or {}).items()}
    except UNREADABLE as error:
        raise Corrupt(f"{key}: {type(error).__name__} {error}") from error
    for place in (texts[-1], *sizes):
        if not place.startswith(prefix):
            raise Corrupt(f"{key} names {place}, which is not below {prefix}")
    return cast(HandedOver, record)


def judge_files(key: str, files: Mapping[str, int], stored: Mapping[str, Stored]) -> Waiting | Corrupt | None:
    """What hinders an export of these files, key -> bytes; None: it is whole."""
    if not files:
        return Corrupt(f"{key} names no file")
    missing = sorted(files.keys() - stored.keys())
    if missing:
        more = ", …" if len(missing) > NAMED_FILES else ""
        return Waiting(
            f"{len(missing)} of {len(files)} files are not there yet: {', '.join(missing[:NAMED_FILES])}{more}"
        )
    for name, size in sorted(files.items()):
        if stored[name].size != size:
            return Corrupt(f"{name} has {stored[name].size} bytes; {key} says {size}")
    return None


def detail(key: str, bucket: str, record: HandedOver) -> dict[str, Any]:
    """What is announced of it."""
    return {
        "record": key,
        "bucket": bucket,
        "source": record["source"],
        "kind": record["kind"],
        "export_id": record["work"]["export_id"],
        "exported_to": record["work"]["exported_to"],
    }
