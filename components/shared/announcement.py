"""What a replica's account announces on its event bus of what has arrived whole. Pure."""

from typing import TypedDict

SOURCE = "tributary.arrival"
DETAIL_TYPE = "Export Arrived"
"""An export of a DynamoDB table has arrived whole."""
PUBLISHED_TYPE = "Published Export Arrived"
"""An export that the source's run has published is here, with what that run hands over to a replica with tables."""


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
