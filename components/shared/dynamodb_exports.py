"""How an export of DynamoDB lies in S3, and what its manifests say. Pure.

    <root>AWSDynamoDB/<ExportId>/manifest-summary.json
                                 manifest-files.json, manifest-files.md5     JSON Lines, a data file each
                                 data/*        of an incremental export <root>AWSDynamoDB/data/*, which all share

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html. A key in a manifest is read
from `AWSDynamoDB/` on and put behind the manifest's own root: the service writes it with the prefix, its documentation
shows it without, a replica may stand below another, and in no way may a manifest point outside the exports of its root.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MARK = "AWSDynamoDB/"
SUMMARY, FILES, FILES_MD5 = "manifest-summary.json", "manifest-files.json", "manifest-files.md5"
SUMMARY_KEY = re.compile(rf"(?P<root>.*/)?{MARK}(?P<export_id>[^/]+)/{re.escape(SUMMARY)}")
DATA_FILES = f"{MARK}*.json.gz"
"""The pattern of the data files below a table's folder."""
# What reading JSON of another shape raises.
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)


@dataclass(frozen=True)
class ListedFile:
    """A data file, as a line of manifest-files.json names it."""

    key: str
    items: int
    md5: str
    """As it is written: base64, of the compressed bytes."""
    etag: str | None


def listed_file(line: bytes | Mapping[str, Any], manifest_key: str) -> ListedFile:
    """The file of a line, or of its JSON. Raises one of UNREADABLE where the line is not as documented."""
    entry: Mapping[str, Any] = line if isinstance(line, Mapping) else json.loads(line)
    root, mark, _ = manifest_key.rpartition(MARK)
    _, marked, name = entry["dataFileS3Key"].rpartition(MARK)
    if not mark or not marked or ".." in name:
        raise ValueError(f"{entry['dataFileS3Key']!r}, which is no file of an export")
    key = f"{root}{MARK}{name}"
    key.encode()  # half a surrogate pair is no key
    etag = entry.get("etag")
    return ListedFile(
        key,
        item_count(entry["itemCount"]),
        str(entry["md5Checksum"]),
        None if etag is None else etag.strip('"'),
    )


def item_count(value: object) -> int:
    """A manifest's `itemCount`. Raises ValueError if it is not a whole number, 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise ValueError(f"itemCount {value!r}, which is no number of items")
    return int(value)
