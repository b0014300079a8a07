"""The arguments of an export pipeline."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from components.arguments import arguments, together
from components.blocks.bucket import LifecycleArgs, SecureBucket
from components.blocks.key import KmsKey, KmsKeyArn, adopted_or_created, region_and_account
from components.blocks.object_events import ObjectEvents
from components.blocks.schedule import ScheduleExpression, Timezone
from components.lake.copies import unfit_copies
from components.lake.glue_database import CrawlerArgs
from components.lake.lake_formation import LakeFormationArgs
from components.lake.merging import COMPACT_AFTER, CompactAfter, MergeBeyondArgs
from components.lake.queries import unfit_views
from components.lake.steps import side_by_side
from components.lake.workgroup import QueryArgs, Views
from components.landing import FilledTables, Landing
from components.languages import aws_schedules
from components.pipelines.export.sources import ExportSourceArgs
from components.pipelines.pipeline import PipelineArgs
from components.shared.catalog_names import latest_view, table_names
from components.shared.landing_folders import RAW
from components.shared.run_sources import EVENT, ICEBERG, INCREMENTAL, LATEST_AUTOMATED, RunSource

# Minutes between two automated snapshots: one a day, in the backup window
# (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithAutomatedBackups.html).
_BETWEEN_SNAPSHOTS = 1440


@arguments
class ExportArgs(PipelineArgs):
    """The arguments of an ExportPipeline."""

    sources: Annotated[list[ExportSourceArgs], Field(min_length=1, max_length=40)]
    """What to export: a list of `{dynamodb: <table>}`, `{rds_instance: <id>}` and `{rds_cluster: <id>}`."""
    run: Literal["state-machine", "simple"] = "state-machine"
    """How a run works: a state machine exports, normalises, publishes and reports; or a function just starts the
    exports (`simple`, DynamoDB only)."""
    schedule: ScheduleExpression = "cron(0 3 * * ? *)"
    """When to export: `cron(minutes hours day-of-month month day-of-week year)` or `rate(n hours)`."""
    timezone: Timezone = "UTC"
    """The time zone of the schedule, like 'Asia/Tokyo'; daylight saving time is followed."""
    key_arn: KmsKeyArn | None = None
    """An existing KMS key to encrypt the landing with; without it, and without `create_key`, SSE-S3."""
    create_key: bool = False
    """Makes a KMS key for the landing. Needed for RDS, and where another account reads it and SSE-S3 will not do."""
    lifecycle: LifecycleArgs = LifecycleArgs()
    """How long the landing keeps what."""
    event_queue: bool = False
    """Makes a queue with an event for each new data file, for an event-driven transfer. Not where the landing is
    replicated: replication sets the bucket's notifications."""
    catalog: Literal["registered", "crawler"] = "registered"
    """Who makes the tables in Glue: the run itself, with a view `<table>_latest`, or a crawler."""
    crawler: CrawlerArgs = CrawlerArgs()
    """When the crawler crawls."""
    lake_formation: LakeFormationArgs | None = None
    """Puts the tables under Lake Formation, where only those named here may read them; without it, IAM decides."""
    files_at_once: Annotated[int, Field(ge=1, le=1000)] = 50
    """How many data files of an export are normalised side by side, a function each."""
    merge_beyond: MergeBeyondArgs = MergeBeyondArgs()
    """Sizes of a run beyond which Athena merges it into an Iceberg table, in place of a function."""
    compact_after: CompactAfter = COMPACT_AFTER
    """Commits to an Iceberg table after which Athena compacts it, at 5 dollars a TB that is rewritten. 0: never. With
    `past_days` Glue's optimizers do it in its place."""
    fold_mb: Annotated[float, Field(ge=0.01, le=4096)] = 1024
    """MB of Parquet that one function folds. An incremental table whose snapshot and changes have more is folded by
    several, `files_at_once` of them side by side. It then lies in as many files."""
    past_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    """Days that an Iceberg table can be read as it was. Glue's optimizers then expire older snapshots, compact files
    and delete those of no snapshot (0.44 dollars a DPU-hour). Without it every snapshot is kept."""
    copies: list[str] = Field(default_factory=list)
    """Iceberg tables of `sources` whose rows each run also writes into one Parquet file, for what reads no Iceberg
    table. A transfer of the same stack that loads one with `lake: true` adds it."""
    stale_after_hours: Annotated[int, Field(ge=1, le=168)] | None = None
    """Hours without a new export of a source after which an alarm fires. By default three more of the longest times
    between two runs, of two hours at the most: 26 for a daily schedule, 1 for `rate(15 minutes)`. An alarm sees a week
    back, so there is none for a schedule that leaves out more."""
    queries: QueryArgs = QueryArgs()
    """What a query in Athena may cost."""
    views: Views = Field(default_factory=dict)
    """Views that the workgroup offers, {name: SELECT …}; their columns must be declared at the sources."""

    @together
    def _sources_are_several(self) -> Iterator[str]:
        sources = [source.name for source in self.sources]
        for twice in sorted({source for source in sources if sources.count(source) > 1}):
            yield f"sources: '{twice}' is named twice; a landing has one folder a table; name it once"
        tables: list[str] = []
        for source in map(self._of, dict.fromkeys(sources)):
            named = self._named(source)
            # A database may have tables that the config names for the catalog only.
            tables += [*named.values(), *(n for t, n in source.catalog_names.items() if t not in named)]
        for same in sorted({table for table in tables if tables.count(table) > 1}):
            yield (
                f"sources: two tables would be '{same}' in the catalog; give one of them another name by "
                "'catalog_name' (of a DynamoDB table) or 'catalog_names' (of a database)"
            )
        if self.catalog == "crawler" or self.run == "simple":  # which make no views
            return
        views = {latest_view(table): table for table in tables}
        for same in sorted(views.keys() & set(tables)):
            yield (
                f"sources: the table '{same}' and the view on '{views[same]}' would be one name in the catalog; give "
                "one of them another name by 'catalog_name' or 'catalog_names'"
            )

    @together
    def _key_is_one(self) -> Iterator[str]:
        return adopted_or_created(self.key_arn, self.create_key)

    @together
    def _key_can_encrypt(self) -> Iterator[str]:
        if self.key_arn and region_and_account(self.key_arn)[0] != self.account.region:
            yield (
                f"key_arn: '{self.key_arn}' is not in {self.account.region}; S3 takes a key of the bucket's own region"
            )

    @together
    def _a_database_has_a_key(self) -> Iterator[str]:
        if self.rds() and not (self.key_arn or self.create_key):
            yield "create_key: RDS exports nothing without a customer's key; write 'create_key: true', or a key_arn"

    @together
    def _views_can_be_made(self) -> Iterator[str]:
        yield from unfit_views(self.views, self.catalog_tables())

    @together
    def _run_suits_the_sources(self) -> Iterator[str]:
        if self.run == "simple" and (
            self.rds() or any(source.mode == INCREMENTAL for source in self.sources)
        ):
            yield "run: 'simple' exports whole DynamoDB tables only; write 'run: state-machine'"

    @together
    def _run_fills_a_catalog(self) -> Iterator[str]:
        # Read one by one: a key that is wrong in itself ends the check.
        written: dict[str, Callable[[], bool]] = {
            "views": lambda: bool(self.views),
            "catalog": lambda: self.catalog != "registered",
            "lake_formation": lambda: self.lake_formation is not None,
        }
        for key, is_written in written.items() if self.run == "simple" else ():
            if is_written():
                yield f"{key}: 'run: simple' fills no catalog; write 'run: state-machine'"

    @together
    def _iceberg_is_written_by_the_run(self) -> Iterator[str]:
        tables = [index for index, source in enumerate(self.sources) if source.format == ICEBERG]
        for index in tables:
            key = f"sources[{index}].format"
            if self.run == "simple":
                yield f"{key}: 'run: simple' writes no table; write 'run: state-machine'"
            if self.catalog == "crawler":
                yield (
                    f"{key}: a crawler would make a table of the files, deleted rows among them; write "
                    "'catalog: registered'"
                )
        if self.past_days is not None and not tables:
            yield "past_days: no source has 'format: iceberg', and no other table has a past; leave it out"
        if self.compact_after != COMPACT_AFTER and not tables:
            yield "compact_after: no source has 'format: iceberg', and nothing is compacted; leave it out"
        if self.merge_beyond != MergeBeyondArgs() and not tables:
            yield "merge_beyond: no source has 'format: iceberg', and nothing is merged; leave it out"
        if tables and self.lake_formation:
            # https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg.html#querying-iceberg-considerations-and-limitations
            yield (
                "lake_formation: the run writes an Iceberg table's files with its own rights, not Lake Formation's; "
                f"leave lake_formation out, or put sources[{tables[0]}] into a pipeline of its own"
            )

    @together
    def _copies_are_of_iceberg_tables(self) -> Iterator[str]:
        yield from unfit_copies(
            self.copies, [source.name for source in self.sources if source.format == ICEBERG]
        )

    @together
    def _a_run_can_hand_its_sources_over(self) -> Iterator[str]:
        # A step takes 262,144 bytes, and a source's declared columns stand there up to three times
        # (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
        sources = self.run_sources(self.table_arns()) if self.run != "simple" else []
        sizes = [len(json.dumps(json.dumps(source.json()))) for source in sources]
        for index, size in enumerate(sizes):
            if size > 50_000:
                key = "columns" if self.sources[index].dynamodb else "only"
                yield (
                    f"sources[{index}].{key}: {size:,} bytes of JSON with the source's other settings, and a run "
                    "hands over 50,000 of one at the most; name fewer"
                )
        if sum(sizes) > 150_000:
            yield (
                f"sources: {sum(sizes):,} bytes of JSON, and a run hands over 150,000 at the most; declare fewer "
                "columns, or spread the sources over two pipelines"
            )

    @together
    def _readers_are_of_the_account(self) -> Iterator[str]:
        for index, reader in enumerate(self.lake_formation.readers if self.lake_formation else ()):
            if reader.split(":")[4] != self.account.id:
                yield (
                    f"lake_formation.readers[{index}]: '{reader}' is not of account {self.account.id}, whose "
                    "catalog it is; name a role of that account, which others may take on"
                )

    @together
    def _crawler_suits(self) -> Iterator[str]:
        if self.catalog == "crawler" and (self.rds() or self.views):
            yield (
                "catalog: a crawler would make new tables of each RDS export, as each has a folder of its own, and "
                "makes no view; write 'catalog: registered'"
            )

    @together
    def _windows_are_long_enough(self) -> Iterator[str]:
        often = [source.name for source in self.sources if source.mode == INCREMENTAL]
        if often and aws_schedules.least_minutes(self.schedule) < 15:
            yield (
                f"schedule: '{self.schedule}' runs within 15 minutes of the last run, and an incremental export (of "
                f"'{often[0]}') spans 15 minutes at the least; write 'rate(15 minutes)' or more"
            )

    @together
    def _no_alarm_rings_between_two_runs(self) -> Iterator[str]:
        seldom = max(self.sources, key=self._minutes_between)
        longest, hours = self._minutes_between(seldom), self.stale_after_hours
        if hours is None or hours * 60 > longest:
            return
        suits = _stale_after(longest)
        yield (
            f"stale_after_hours: {hours}, and up to {longest / 60:g} hours lie between two exports of '{seldom.name}', "
            "so the alarm would ring between them; "
            + (
                f"write {suits} or more, or leave it out"
                if suits
                else "leave it out: an alarm sees 168 hours back"
            )
        )

    def stale_after(self) -> dict[str, int]:
        """Source -> hours without a new export of it after which an alarm fires; none of a source that comes too
        seldom for an alarm."""
        hours = {
            source.name: self.stale_after_hours or _stale_after(self._minutes_between(source))
            for source in self.sources
        }
        return {source: after for source, after in hours.items() if after is not None}

    def _minutes_between(self, source: ExportSourceArgs) -> int:
        """The longest time between two exports of a source."""
        if source.snapshot == EVENT:
            return _BETWEEN_SNAPSHOTS
        scheduled = aws_schedules.longest_minutes(self.schedule)
        # A run that meets the snapshot of the last one has nothing to export.
        by_snapshots = not source.dynamodb and source.snapshot == LATEST_AUTOMATED
        return max(scheduled, _BETWEEN_SNAPSHOTS) if by_snapshots else scheduled

    def _of(self, name: str) -> ExportSourceArgs:
        return next(source for source in self.sources if source.name == name)

    def _named(self, source: ExportSourceArgs) -> dict[str, str]:
        """The tables that the config knows of a source, and what the catalog calls them."""
        if not source.dynamodb:
            return table_names(source.exported_tables(), source.catalog_names)
        tables = {s.dynamodb: s.catalog_name for s in self.sources if s.dynamodb}
        chosen = {table: name for table, name in tables.items() if name}
        return {source.dynamodb: table_names(tables, chosen)[source.dynamodb]}

    def names_in_catalog(self) -> dict[str, str]:
        """Table of a source -> table of the catalog, as far as the config knows."""
        return {table: name for source in self.sources for table, name in self._named(source).items()}

    def catalog_tables(self) -> dict[str, Mapping[str, Any] | None]:
        """Table of the catalog -> its declared columns, None where none are."""
        return {
            self._named(source)[table]: columns
            for source in self.sources
            for table, columns in source.exported_tables().items()
        }

    def rds(self) -> list[ExportSourceArgs]:
        """The sources that are databases."""
        return [source for source in self.sources if not source.dynamodb]

    def table_arns(self) -> dict[str, str]:
        """The tables' ARNs by their names, as they are known before a table is read or made."""
        named = [source.dynamodb for source in self.sources if source.dynamodb]
        return {name: self.account.arn("dynamodb", f"table/{name}") for name in named}

    def run_sources(self, tables: Mapping[str, str]) -> list[RunSource]:
        """The sources as a run's functions read them. `tables`: name -> ARN."""
        return [
            RunSource(
                name=source.name,
                kind=source.kind,
                arn=tables[source.dynamodb] if source.dynamodb else "",
                table=self.names_in_catalog()[source.dynamodb] if source.dynamodb else "",
                mode=source.mode,
                format=source.format,
                declared=source.columns,
                only=tuple(source.only),
                leave_out=tuple(source.leave_out),
                catalog_names=source.catalog_names,
                snapshot=source.snapshot,
            )
            for source in self.sources
        ]

    def folds(self) -> bool:
        """Whether a source's changes are folded into its last snapshot of Parquet."""
        return any(source.mode == INCREMENTAL and source.format != ICEBERG for source in self.sources)

    def lake_tables(self) -> list[str]:
        """The tables that are written below lake/, as the catalog names them."""
        return [self._named(source)[source.name] for source in self.sources if source.dynamodb]

    def iceberg_tables(self) -> list[str]:
        """Those of them that are Iceberg tables."""
        return [self._named(source)[source.name] for source in self.sources if source.format == ICEBERG]

    def copied_tables(self) -> list[str]:
        """Those of them that a plain copy is kept of."""
        return [self._named(source)[source.name] for source in self.sources if source.name in self.copies]

    def normalised_side_by_side(self) -> int:
        """How many files of one table are normalised side by side."""
        return side_by_side(
            self.files_at_once, self.reserved_concurrency, len(self.table_arns()), len(self.rds())
        )

    def created_tables(self) -> list[tuple[str, str]]:
        """The tables that the program creates, each with its place in the config."""
        return [
            (f"sources[{index}].create", source.name)
            for index, source in enumerate(self.sources)
            if source.create
        ]

    def landing(self, name: str) -> Landing:
        """The landing as far as it is known before anything is deployed; its key is not yet."""
        bucket, _ = SecureBucket.planned(f"{name}-landing", self.account)
        return Landing(
            name=name,
            account=self.account,
            bucket=bucket,
            prefix=RAW,
            key_arn=KmsKey.planned(f"{name}-landing", self.account) if self.create_key else self.key_arn,
            tables=[source.dynamodb for source in self.sources if source.dynamodb],
            layout="dynamodb-export",
            event_queue_arn=ObjectEvents.planned(f"{name}-landing", self.account)
            if self.event_queue
            else None,
            # A simple run leaves the exports as they are.
            typed={
                t: typed
                for s in self.sources
                for t, typed in s.typed_tables(
                    self._named(s).get(s.name, ""), copied=s.name in self.copies
                ).items()
            }
            if self.run != "simple"
            else {},
            filled=FilledTables(
                sources={source.name: source.kind for source in self.sources},
                tables={table: dict(columns or {}) for table, columns in self.catalog_tables().items()},
                folds=self.folds(),
                fold_mb=self.fold_mb,
                iceberg=self.iceberg_tables(),
                stale_after_hours=self.stale_after(),
            )
            if self.run != "simple"
            else None,
            schedule=self.schedule if any(source.snapshot != EVENT for source in self.sources) else None,
            timezone=self.timezone,
        )


def _stale_after(longest: int) -> int | None:
    """Hours after which no new export is late, where up to `longest` minutes lie between two runs; None beyond the
    week that an alarm sees (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html)."""
    week = 168
    return None if longest > week * 60 else min(week, math.ceil((longest + min(3 * longest, 120)) / 60))
