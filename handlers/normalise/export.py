"""A DynamoDB export's manifests, and the totals of its normalised files. Pure.

The layout and the manifests: components/shared/dynamodb_exports.py.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from dynamodb_exports import SUMMARY, UNREADABLE, item_count, listed_file
from run_steps import Reconciled
from table_schema import Observation

MOST_NAMED = 20  # attributes in the rest columns, by name


class ExportError(Exception):
    """Manifests that say nothing usable, or that the files do not fit."""


@dataclass(frozen=True)
class DataFile:
    """A data file that the manifest lists."""

    key: str
    md5: str
    """In base64, of the compressed bytes."""
    items: int

    @property
    def name(self) -> str:
        """Unique within an export."""
        return self.key.rsplit("/", 1)[-1].removesuffix(".gz").removesuffix(".json")

    @classmethod
    def of(cls, entry: Mapping[str, Any] | bytes, manifest_key: str) -> "DataFile":
        """From a line of the manifest, or its JSON."""
        try:
            file = listed_file(entry, manifest_key)
        except UNREADABLE as error:
            raise ExportError(f"{manifest_key}: {str(entry)[:300]} lacks a sound {error}") from error
        return cls(file.key, file.md5, file.items)


def data_files(lines: Iterable[bytes], manifest_key: str) -> list[DataFile]:
    """The files of a manifest's lines. Raises ExportError."""
    return [DataFile.of(line, manifest_key) for line in lines if line.strip()]


def sample(files: list[DataFile], most: int) -> list[DataFile]:
    """Up to `most` files with items, spread evenly over the manifest."""
    filled = [file for file in files if file.items]
    if len(filled) <= most:
        return filled
    return [filled[i * (len(filled) - 1) // max(most - 1, 1)] for i in range(most)]


def reconcile(files: list[DataFile], summary: Any, reports: Mapping[str, Mapping[str, Any]]) -> Reconciled:
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
    counted: object = cast(dict[str, Any], summary).get("itemCount") if isinstance(summary, dict) else None
    items = sum(report["items"] for report in file_reports)
    try:
        expected = item_count(counted)
    except ValueError as error:
        raise ExportError(f"{SUMMARY} has the {error}") from error
    if items != expected:
        raise ExportError(f"{items:,} items were normalised; {SUMMARY} says {expected:,}")
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
