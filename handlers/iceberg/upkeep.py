"""Glue's optimizers of an Iceberg table: what each is to be set to, and what has to be made or changed. Pure.

compaction            rewrites small files, and those of which rows are deleted
retention             expires snapshots that are older than the table's past is kept, and their files
orphan_file_deletion  deletes files that no snapshot has, such as those of a run that was killed

https://docs.aws.amazon.com/glue/latest/dg/table-optimizers.html; what is left out is as the service has it.
"""

from collections.abc import Mapping
from typing import Any, cast

KINDS = ("compaction", "retention", "orphan_file_deletion")


def wanted(role_arn: str, days: int) -> dict[str, dict[str, Any]]:
    """The configuration of each optimizer; `days`: how long the table's past is kept."""
    base: dict[str, Any] = {"roleArn": role_arn, "enabled": True}
    # One stays at any age: the table as it is.
    retention = {
        "snapshotRetentionPeriodInDays": days,
        "numberOfSnapshotsToRetain": 1,
        "cleanExpiredFiles": True,
    }
    return {
        "compaction": {**base, "compactionConfiguration": {"icebergConfiguration": {"strategy": "binpack"}}},
        "retention": {**base, "retentionConfiguration": {"icebergConfiguration": retention}},
        # Longer than a run writes: its files are nobody's until its commit.
        "orphan_file_deletion": {
            **base,
            "orphanFileDeletionConfiguration": {
                "icebergConfiguration": {"orphanFileRetentionPeriodInDays": 3}
            },
        },
    }


def differs(current: Mapping[str, Any], desired: Mapping[str, Any]) -> bool:
    """Whether an optimizer is set to something else; what the service fills in beside what is wanted is as good."""
    return any(
        differs(current.get(key, {}), cast(Mapping[str, Any], value))
        if isinstance(value, Mapping)
        else current.get(key) != value
        for key, value in desired.items()
    )
