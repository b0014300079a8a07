"""The arguments of a zero-ETL pipeline."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from components.arguments import arguments, matching, never, together
from components.blocks.bucket import LifecycleArgs
from components.blocks.collection import (
    Collection,
    CollectionArgs,
    IndexName,
    SharedCollection,
    collection_conflicts,
    group_conflicts,
    planned_group,
)
from components.blocks.collection_group import SharedGroup
from components.blocks.function import RetentionDays
from components.blocks.network import VpcArgs
from components.blocks.table import NewTableArgs, TableName, binary_key_refused
from components.languages import data_prepper
from components.pipelines.pipeline import COLLECTION, GROUP, PipelineArgs

Attribute = Annotated[
    str,
    matching(
        r"[A-Za-z0-9_.-]{1,255}(/[A-Za-z0-9_.-]{1,255}){0,31}",
        "'{value}' is not an attribute; write its name, and 'outer/inner' for one inside a map",
    ),
]


def _expression(text: str) -> str:
    for mistake in data_prepper.mistakes(data_prepper.parse(text)):
        raise ValueError(f"'{text}' is never true: {mistake}")
    return text


@arguments
class IndexArgs:
    """The index of one table."""

    name: IndexName | None = None
    """The index's name; without it the table's, in small letters."""
    mapping: dict[str, Any] = Field(default_factory=dict)
    """OpenSearch's mapping: {properties: {...}}; what it does not name is mapped by the first document."""
    shards: Annotated[int, Field(ge=1, le=96)] | None = None
    """How many primary shards the index is made with; without it the service's own choice."""


@arguments
class ZeroEtlTableArgs:
    """One table and its index."""

    name: TableName
    """The table's name. An existing table is adopted and never changed; `create` makes a new one."""
    create: NewTableArgs | None = None
    """Makes the table rather than adopting it."""
    index: IndexArgs = IndexArgs()
    """The index that its items go to."""
    export: bool = True
    """Whether what the table holds already is brought over first; without it only changes from now on."""
    start: Literal["LATEST", "TRIM_HORIZON"] = "LATEST"
    """Where the stream is read from: LATEST is now, TRIM_HORIZON up to 24 hours ago."""
    view_on_remove: Literal["NEW_IMAGE", "OLD_IMAGE"] = "NEW_IMAGE"
    """What is seen when an item is deleted: its key (NEW_IMAGE), or the whole item (OLD_IMAGE). `only` needs OLD_IMAGE,
    and OLD_IMAGE needs a stream of NEW_AND_OLD_IMAGES."""
    drop: list[Attribute] = Field(default_factory=list)
    """Attributes that are left out."""
    rename: dict[Attribute, Attribute] = Field(default_factory=dict)
    """Attributes by their new names."""
    only: Annotated[str, AfterValidator(_expression)] | None = None
    """A Data Prepper expression on the item as `drop` and `rename` leave it, such as '/status == "open"'; items it is
    false for are not indexed. `and` and `or` bind alike, from left to right."""

    @together
    def _only_sees_what_it_reads(self) -> Iterator[str]:
        if self.only is None:
            return
        if self.view_on_remove == "NEW_IMAGE":
            yield (
                f"view_on_remove: no attribute of a deleted item is seen, so '{self.only}' says nothing of it and it "
                "would stay in the index; write OLD_IMAGE"
            )
        read_paths = data_prepper.paths(data_prepper.parse(self.only))
        for path in (path for path in read_paths if path not in self.rename.values()):
            # Sinks, and their routes, come after the processors; a route that can't be decided is only logged
            # (https://github.com/opensearch-project/data-prepper, Pipeline and RouteEventEvaluator).
            for dropped in self.drop:
                if f"{path}/".startswith(f"{dropped}/"):
                    yield f"only: '/{path}' is not seen, as '{dropped}' is dropped before; take it out of `drop`"
            for former, name in self.rename.items():
                if f"{path}/".startswith(f"{former}/"):
                    now = name + path.removeprefix(former)
                    yield f"only: '/{path}' is not seen, as '{former}' is renamed before; write '/{now}'"

    def index_name(self) -> str:
        """The index's name: the one given, or the table's in small letters."""
        return self.index.name or self.name.lower()

    def sub_pipeline(self) -> str:
        """The name of the table's part of the ingestion pipeline's body, and of its metrics; two of the body's keys are
        no parts (https://github.com/opensearch-project/data-prepper, PipelinesDataFlowModel)."""
        name = re.sub(r"[^a-z0-9-]+", "-", self.name.lower())
        return f"{name}-table" if name in ("extension", "version") else name


@arguments
class ZeroEtlArgs(PipelineArgs):
    """The arguments of a ZeroEtlPipeline."""

    tables: Annotated[list[ZeroEtlTableArgs], Field(min_length=1)]
    """The tables: a list of `{name: <table>}`."""
    collection: CollectionArgs = CollectionArgs()
    """The collection that the program creates for them."""
    shared_collection: Annotated[SharedCollection | None, COLLECTION] = None
    """Another pipeline's collection, used instead."""
    shared_group: Annotated[SharedGroup | None, GROUP] = None
    """Another pipeline's collection group, which a collection of generation `nextgen` is put into, so that both share
    its units."""
    pipelines: Literal["per-table", "shared"] = "per-table"
    """One ingestion pipeline for each table, or one with a part for each: cheaper, and they share its units."""
    min_units: Annotated[int, Field(ge=1, le=96)] = 1
    """The least Ingestion OpenSearch Compute Units of an ingestion pipeline; each costs about 175 dollars a month."""
    max_units: Annotated[int, Field(ge=1, le=96)] = 4
    """The most; too few make it hang without an error, so at least one for each table that it reads."""
    acknowledgments: bool = True
    """Whether a change counts as read only once it is indexed or in the dead-letter prefix."""
    vpc: VpcArgs | None = None
    """The network that it stands in; without it the service's own."""
    log_retention_days: RetentionDays = 90
    """Days that its log is kept."""
    lifecycle: LifecycleArgs = LifecycleArgs(expire_days=30, noncurrent_days=1)
    """How long the bucket keeps initial exports and dead letters."""
    # https://docs.aws.amazon.com/opensearch-service/latest/developerguide/osis-features-overview.html
    persistent_buffer: Annotated[
        bool | None,
        never(
            "OpenSearch Ingestion buffers on disk what is pushed to it, and a table is pulled; leave it out, as "
            "'acknowledgments' lose no change of a table"
        ),
    ] = None
    """Refused: it is for what is pushed; `acknowledgments` lose nothing of a table."""

    @together
    def _tables_are_several(self) -> Iterator[str]:
        tables = [table.name for table in self.tables]
        indexes = [table.index_name() for table in self.tables]
        for what, names in (("table", tables), ("index", indexes)):
            for twice in sorted({name for name in names if names.count(name) > 1}):
                yield f"tables: the {what} '{twice}' is named twice; each table has an index of its own"
        for group in self.groups():
            parts: dict[str, str] = {}
            for table in group:
                part = table.sub_pipeline()
                if parts.setdefault(part, table.name) != table.name:
                    yield (
                        f"tables: '{parts[part]}' and '{table.name}' would both be the part '{part}' of one ingestion "
                        "pipeline, and one would take the other's place; write pipelines: per-table"
                    )

    @together
    def _each_table_can_be_indexed(self) -> Iterator[str]:
        for position, table in enumerate(self.tables):
            if table.create and (binary := table.create.binary_keys()):
                yield f"tables[{position}].create: {binary_key_refused(binary)}; write type S or N"
            if (
                table.index.name is None
                and re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,79}", table.index_name()) is None
            ):
                yield (
                    f"tables[{position}].index.name: '{table.index_name()}' is not an index's name; write one of 1-80 "
                    "of a-z 0-9 '_' '-' '.', starting with a letter or a digit"
                )

    @together
    def _shared_collection_suits(self) -> Iterator[str]:
        if self.shared_collection and self.shared_collection.type != "SEARCH":
            yield (
                "collection_of: a TIMESERIES collection takes no document ids, and items are updated and deleted by "
                "theirs; name a pipeline whose collection is of type SEARCH"
            )
        yield from collection_conflicts(self.collection, self.shared_collection)
        yield from group_conflicts(self.collection, self.shared_group, self.shared_collection, "SEARCH")

    @together
    def _units_suffice(self) -> Iterator[str]:
        needed = len(self.tables) if self.pipelines == "shared" else 1
        if self.max_units < needed:
            yield (
                f"max_units: {self.max_units} for {needed} tables in one ingestion pipeline; each shard read at once "
                f"takes capacity, and too little hangs in silence; write {needed} or more, or pipelines per-table"
            )
        if self.min_units > self.max_units:
            yield f"min_units: {self.min_units} is more than max_units, {self.max_units}; write that or less"

    def created_tables(self) -> list[tuple[str, str]]:
        """The tables that the program creates, each with its place in the config."""
        return [
            (f"tables[{index}].create", table.name) for index, table in enumerate(self.tables) if table.create
        ]

    def indexes(self) -> list[tuple[str, str]]:
        """The indexes that the pipeline writes, each with its place in the config."""
        return [
            (f"tables[{position}].index.name", table.index_name())
            for position, table in enumerate(self.tables)
        ]

    def planned_collection(self, name: str) -> SharedCollection:
        """The collection that other pipelines can share, as far as it is known before anything is deployed."""
        return self.shared_collection or Collection.planned(name, self.account, self.collection, "SEARCH")

    def planned_group(self, name: str) -> SharedGroup | None:
        """The collection group that other pipelines can share, as far as it is known before anything is deployed."""
        if self.shared_collection:
            return None
        return self.shared_group or planned_group(name, self.collection, "SEARCH")

    def groups(self) -> list[list[ZeroEtlTableArgs]]:
        """The tables of each ingestion pipeline."""
        return [self.tables] if self.pipelines == "shared" else [[table] for table in self.tables]
