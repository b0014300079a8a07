"""A source of an export's run: as the component writes it into the state machine, and as the run's functions read it.
Pure.

A table: {"name", "kind": "dynamodb", "arn", "table", "mode", "declared", "format"}; a database: {"name", "kind":
"rds_instance" | "rds_cluster", "only", "snapshot", "leave_out", "catalog_names"}. It goes by the state, as the
environment of a function, of 4 KB, would hold about 20 of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DYNAMODB, RDS_INSTANCE, RDS_CLUSTER = "dynamodb", "rds_instance", "rds_cluster"
DATABASES = "rds"
"""The branch of the run, and the key of what is planned, for both kinds of database; a table's is DYNAMODB."""
FULL, INCREMENTAL = "full", "incremental"
PARQUET, ICEBERG = "parquet", "iceberg"
LATEST_AUTOMATED, MADE_FOR_THE_RUN, EVENT = "latest-automated", "made-for-the-run", "event"

STAMP_DIGITS, HASH_DIGITS = 14, 10
"""Of the name of a snapshot that is made for a run: `<source>-<yyyymmddhhmmss>-<hash>`."""

_OF_A_TABLE = ("name", "kind", "arn", "table", "mode", "declared", "format")
_OF_A_DATABASE = ("name", "kind", "only", "snapshot", "leave_out", "catalog_names")


@dataclass(frozen=True)
class RunSource:
    """A source of a run."""

    name: str
    """The table's, instance's or cluster's name, and its folder in the landing."""
    kind: str
    arn: str = ""
    """Of a table."""
    table: str = ""
    """Of a table: its name in the catalog."""
    mode: str = FULL
    """Of a table: FULL or INCREMENTAL."""
    format: str = PARQUET
    """Of a table: PARQUET, a partition an export, or ICEBERG."""
    declared: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Of a table: attribute -> type, by the grammar of column_types.py."""
    only: tuple[str, ...] = ()
    """Of a database: what to export of it; all of it without."""
    leave_out: tuple[str, ...] = ()
    """Of a database: tables that are exported and not published."""
    catalog_names: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of a database: table -> its name in the catalog, where the config chooses it."""
    snapshot: str = ""
    """Of a database: LATEST_AUTOMATED, MADE_FOR_THE_RUN or EVENT."""

    @property
    def branch(self) -> str:
        """DYNAMODB or DATABASES: the branch of the run that exports it."""
        return DYNAMODB if self.kind == DYNAMODB else DATABASES

    def json(self) -> dict[str, Any]:
        """What `of` reads, as JSON takes it."""
        keys = _OF_A_TABLE if self.kind == DYNAMODB else _OF_A_DATABASE
        return {key: vars(self)[key] for key in keys}

    @classmethod
    def of(cls, described: Mapping[str, Any]) -> "RunSource":
        """From its JSON; a run that an earlier release started may lack keys. Raises TypeError for an unknown key."""
        lists: dict[str, Any] = {key: tuple(described.get(key, ())) for key in ("only", "leave_out")}
        return cls(**{**described, **lists})
