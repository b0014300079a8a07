"""What a run fills, without the arguments of the pipeline that has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.accounts import AccountArgs
from components.blocks.function import FunctionSettings
from components.lake.glue_database import CrawlerArgs
from components.lake.lake_formation import LakeFormationArgs
from components.lake.merging import COMPACT_AFTER, MergeBeyondArgs
from components.lake.workgroup import QueryArgs
from components.shared.landing_folders import LAKE, raw
from components.shared.run_sources import DYNAMODB


@dataclass(frozen=True, kw_only=True)
class Filling:
    """The tables that a run fills, and how it does."""

    account: AccountArgs
    functions: FunctionSettings
    topic: pulumi.Input[str] | None
    """The SNS topic of alarms."""
    reserved_concurrency: int | None
    retain: bool
    """Whether data outlives the stack."""
    sources: Mapping[str, str]
    """Name -> kind (components/shared/run_sources.py)."""
    tables: Mapping[str, Mapping[str, Any] | None]
    """Table of the catalog -> its declared columns, None where none are; as far as the config knows."""
    folds: bool
    """Whether a source's changes are folded into its last snapshot of Parquet."""
    fold_mb: float
    """MB of Parquet that one call folds."""
    stale_after_hours: Mapping[str, int]
    """Source -> hours without a new export of it after which an alarm fires; none of a source without such an alarm."""
    begun_by: str
    """What to check where no run began, as an alarm says it: 'whether the schedule is on (aws …)'."""
    queries: QueryArgs
    views: Mapping[str, str]
    crawler: CrawlerArgs | None
    """What keeps the catalog in place of the run."""
    lake_formation: LakeFormationArgs | None
    iceberg: Sequence[str] = ()
    """The tables of the catalog that are Iceberg tables."""
    copies: Sequence[str] = ()
    """Those of them that a plain copy is kept of."""
    merge_beyond: MergeBeyondArgs
    """What of them Athena writes."""
    compact_after: int = COMPACT_AFTER
    """Commits to an Iceberg table after which Athena compacts it, where no optimizer does; 0: never."""
    past_days: int | None = None
    """Days that an Iceberg table can be read as it was, until optimizers expire it; None: none do."""

    @property
    def locations(self) -> list[str]:
        """Where tables lie, as prefixes of the bucket; RDS exports are Parquet where they are."""
        return [
            LAKE.rstrip("/"),
            *(raw(source) for source, kind in self.sources.items() if kind != DYNAMODB),
        ]

    @property
    def has_tables(self) -> bool:
        """Whether a source is a DynamoDB table, whose files a Distributed Map reads."""
        return DYNAMODB in self.sources.values()
