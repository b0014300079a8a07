"""What a replica's account announces of each export that has arrived whole, on its event bus. Pure."""

from typing import TypedDict

SOURCE = "tributary.arrival"
DETAIL_TYPE = "Export Arrived"


class ExportArrived(TypedDict):
    """The event's `detail`, which other programs read: a key that is here stays."""

    export_arn: str
    """A consumer that must not process an export twice compares this."""
    export_id: str
    table: str
    table_arn: str
    export_type: str
    """`FULL_EXPORT` or `INCREMENTAL_EXPORT`."""
    export_time: str
    """The time that the export shows the table at; of an incremental export, the end of its window."""
    bucket: str
    """The bucket that the export arrived in."""
    prefix: str
    """The export's folder, ending in '/'. The data of a full export is in its `data/`; the data of an incremental
    export is the files that `manifest-files.json` names."""
    manifest: str
    """The key of `manifest-summary.json`."""
    item_count: int
    file_count: int
    billed_bytes: int
