"""The arguments of a delivery by Firehose."""

from typing import Annotated, Literal

from pydantic import AfterValidator

from components.arguments import arguments, between
from components.blocks.function import RetentionDays
from components.blocks.network import VpcArgs


def _within(least: int, most: int, unit: str, why: str) -> AfterValidator:
    return between(
        least, most, f"{{value}} is not {least}-{most} {unit}, the range that Firehose takes; {why}"
    )


@arguments
class DeliveryArgs:
    """How records are delivered."""

    buffer_seconds: Annotated[int, _within(0, 900, "seconds", "more would delay every record that much")] = 60
    """Seconds that records are gathered before they are delivered; `buffer_mb` may come first."""
    buffer_mb: Annotated[int, _within(1, 100, "MB", "a bulk request of OpenSearch takes no more")] = 5
    """Megabytes that are gathered before they are delivered."""
    retry_seconds: Annotated[
        int, _within(0, 7200, "seconds", "what fails longer goes to the backup bucket")
    ] = 300
    """Seconds that a delivery is tried again, before what failed goes to the backup bucket; 0 is never."""
    backup: Literal["FailedDocumentsOnly", "AllDocuments"] = "FailedDocumentsOnly"
    """What the backup bucket holds. Can't be changed later."""
    vpc: VpcArgs | None = None
    """The network that Firehose delivers from, and that the index is made from; without it the services' own. A
    collection that is not public needs it."""
    log_retention_days: RetentionDays = 90
    """Days that the log of deliveries is kept."""
