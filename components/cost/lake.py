"""What the tables of a run cost by use, of an export and of a replica: folds, merges and plain copies.

The seconds are those of benchmarks/README.md ("A commit"), measured on another machine than Lambda's.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from components.cost.resource import Number, Quantity, of_type, quantity
from components.cost.usage import LakeUsageArgs

if TYPE_CHECKING:
    from components.cost.by_use import Used

FUNCTION, RUN, WORKGROUP, BUCKET = (
    "aws:lambda/function:Function",
    "aws:sfn/stateMachine:StateMachine",
    "aws:athena/workgroup:Workgroup",
    "aws:s3/bucket:Bucket",
)
MEMORY_GB = Decimal(3538) / 1024
"""Of the functions that fold, commit and copy (components/lake/run.py)."""
FOLD_SECONDS, COPY_SECONDS = 100, 60
"""For a GB of Parquet."""
PART_TRANSITIONS = 2
"""Of a part of a fold: its child's start and its only step
(https://docs.aws.amazon.com/step-functions/latest/dg/concepts-standard-vs-express.html)."""
UPLOAD_MB = 5
"""Of one request, by which a copy is uploaded."""


def tables_of_a_run(
    used: "Used[Any, LakeUsageArgs]", *, folds: bool, fold_mb: float, iceberg: bool, merges: Any, copies: bool
) -> Iterator[Quantity]:
    """Of the pipeline `used`: folds in parts (`folds`: whether a Parquet table gets increments, `fold_mb`: MB a part),
    merges by Athena (`iceberg`: whether there is one, `merges`: `merge_beyond`), and `copies` of Iceberg tables."""
    usage = used.usage
    if folds:
        parts = Decimal(str(usage.monthly_folded_gb)) * 1024 / Decimal(str(fold_mb))
        yield _use(used, RUN, "transitions of folds", "states.transition", parts * PART_TRANSITIONS)
        yield _seconds(used, "time of folds", Decimal(str(usage.monthly_folded_gb)) * FOLD_SECONDS)
    if iceberg:
        # What is beyond depends on the data, unless everything is.
        least = usage.monthly_merges_tb if 0 in (merges.table_rows, merges.changes_mb) else 0
        yield _use(used, WORKGROUP, "merges", "athena.scan", least, usage.monthly_merges_tb)
    if copies:
        gb = Decimal(str(usage.monthly_copied_gb))
        yield _seconds(used, "time of copies", gb * COPY_SECONDS)
        yield _use(used, BUCKET, "uploads of copies", "s3.put", gb * 1024 / UPLOAD_MB)
        # The last one, and what a day or two have replaced.
        yield _use(used, BUCKET, "copies of Iceberg tables", "s3.storage", 0, gb / 30 * 3)


def _seconds(used: "Used[Any, LakeUsageArgs]", what: str, seconds: Decimal) -> Quantity:
    functions = of_type(used.resources, FUNCTION)
    processor = functions[0].known("architectures", list, ["x86_64"])[0] if functions else "x86_64"
    return _use(used, FUNCTION, what, f"lambda.{processor}", seconds * MEMORY_GB)


def _use(
    used: "Used[Any, LakeUsageArgs]", of: str, what: str, key: str, least: Number, most: Number | None = None
) -> Quantity:
    return quantity(of, what, "by use", key, used.region(of), least, most)
