"""A DynamoDB export's manifests, and the totals of its normalised files. Pure.

Layout: `<root>AWSDynamoDB/<ExportId>/manifest-summary.json`, `manifest-files.json` (JSON Lines of itemCount,
md5Checksum, etag, dataFileS3Key), `data/*` (an incremental export's in `<root>AWSDynamoDB/data/`). Keys inside the
manifest are read from `AWSDynamoDB/` on and put behind the manifest's own root: a replica may stand under another,
and in no way may a manifest point outside its export.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html
"""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass

from table_schema import Observation

MARK = "AWSDynamoDB/"
MOST_NAMED = 20  # attributes in the rest columns, by name


class ExportError(Exception):
    """Manifests that say nothing usable, or that the files do not fit."""


@dataclass(frozen=True)
class DataFile:
    key: str
    md5: str  # base64, of the compressed bytes
    items: int

    @property
    def name(self) -> str:
        """Unique within an export."""
        return self.key.rsplit("/", 1)[-1].removesuffix(".gz").removesuffix(".json")

    @classmethod
    def of(cls, entry: dict, manifest_key: str) -> "DataFile":
        try:
            root, mark, _ = manifest_key.partition(MARK)
            _, named, rest = str(entry["dataFileS3Key"]).partition(MARK)
            if not mark or not named or ".." in rest:
                raise ExportError(
                    f"{manifest_key} names {entry['dataFileS3Key']!r}, which is no file of an export"
                )
            rest.encode()  # half a surrogate pair is no key
            return cls(
                root + MARK + rest, str(entry["md5Checksum"]), _count(entry["itemCount"], manifest_key)
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ExportError(f"{manifest_key}: {entry!r} lacks a sound {error}") from error


def data_files(lines: Iterable[bytes], manifest_key: str) -> list[DataFile]:
    return [DataFile.of(_entry(line, manifest_key), manifest_key) for line in lines if line.strip()]


def _entry(line: bytes, manifest_key: str) -> dict:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ExportError(f"{manifest_key}: {line[:80]!r} is not JSON: {error}") from error


def _count(value: object, of: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise ExportError(f"{of} has the itemCount {value!r}, which is no number of items")
    return int(value)


def sample(files: list[DataFile], most: int) -> list[DataFile]:
    """Up to `most` files with items, spread evenly over the manifest."""
    filled = [file for file in files if file.items]
    if len(filled) <= most:
        return filled
    return [filled[i * (len(filled) - 1) // max(most - 1, 1)] for i in range(most)]


def reconcile(files: list[DataFile], summary: dict, reports: dict[str, dict]) -> dict:
    """The totals of all files' reports, cut to what a state machine's state holds: the reports have the rest.
    `ExportError` when one lacks or the counts do not add up."""
    lacking = sorted(file.key for file in files if file.name not in reports)
    if lacking:
        raise ExportError(
            f"{len(lacking)} of {len(files)} files are not normalised: {', '.join(lacking[:5])}"
        )
    file_reports = [reports[file.name] for file in files]
    if unsound := [report["error"] for report in file_reports if "error" in report]:
        raise ExportError(f"{len(unsound)} of {len(files)} files are not sound: {'; '.join(unsound[:5])}")
    counted = summary.get("itemCount") if isinstance(summary, dict) else None
    items, expected = (
        sum(report["items"] for report in file_reports),
        _count(counted, "manifest-summary.json"),
    )
    if items != expected:
        raise ExportError(f"{items:,} items were normalised; manifest-summary.json says {expected:,}")
    rest = Observation()
    for report in file_reports:
        rest = rest.merged(Observation.of(report["rest"]["attributes"]))
    attributes = sorted(rest.seen)
    return {
        "items": items,
        "deleted": sum(report["deleted"] for report in file_reports),
        "files": len(files),
        "outputs": sum(len(report["outputs"]) for report in file_reports),
        "bytes": sum(output["bytes"] for report in file_reports for output in report["outputs"]),
        "rest": {
            "items": sum(report["rest"]["items"] for report in file_reports),
            "attributes": len(attributes),
            "named": [attribute[:100] for attribute in attributes[:MOST_NAMED]],  # one may have 64 KB
        },
    }
