"""The arguments of a Firehose pipeline."""

import re
from collections.abc import Iterator
from typing import Annotated, Any

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
from components.blocks.schedule import ScheduleExpression, Timezone
from components.pipelines.firehose.dashboards import DashboardsArgs
from components.pipelines.firehose.delivery_args import DeliveryArgs
from components.pipelines.firehose.stream import StreamArgs
from components.pipelines.pipeline import COLLECTION, GROUP, PipelineArgs


def _retention(value: str) -> str:
    written = re.fullmatch(r"([1-9]\d*)([hd])", value)
    hours = int(written[1]) * {"h": 1, "d": 24}[written[2]] if written else 0
    if not 24 <= hours <= 3650 * 24:
        raise ValueError(f"'{value}' is not 24h to 3650d; write hours or days, such as '36h' or '90d'")
    return value


@arguments
class TransformArgs:
    """What `handlers/transform` does with each record before it is delivered."""

    timestamp: Annotated[
        str,
        Field(min_length=1, max_length=255),
        matching(r"[^\x00]*", "{value!r} has a NUL character, which no variable can have; leave it out"),
    ] = "@timestamp"
    """The field that holds the record's time, made ISO 8601 in UTC; without it there the time of its arrival."""
    drop: dict[str, list[str]] = Field(default_factory=dict)
    """Records that are left out: field -> values, such as {TYPE: [heartbeat]}. A value stands for the text, and for the
    JSON value that is written so, such as 'true', 'null' or '7'."""


@arguments
class FirehoseArgs(DeliveryArgs, PipelineArgs):
    """The arguments of a FirehosePipeline."""

    index: IndexName
    """The index that records go to; the program makes it, as Firehose does not."""
    mapping: dict[str, Any] = Field(default_factory=dict)
    """OpenSearch's mapping: {properties: {...}}; what it does not name is mapped by the first document."""
    delete_index: bool = False
    """Whether the index goes with the stack, and when it is renamed; without it documents stay until retention, or as
    long as the collection, which goes with the pipeline that makes it."""
    stream: StreamArgs = StreamArgs()
    """The Kinesis stream: {adopt}, or of a new one {shards, retention_hours, key_arn}."""
    collection: CollectionArgs = CollectionArgs()
    """The collection that the program creates, of type TIMESERIES."""
    shared_collection: Annotated[SharedCollection | None, COLLECTION] = None
    """Another pipeline's collection, used instead."""
    shared_group: Annotated[SharedGroup | None, GROUP] = None
    """Another pipeline's collection group, which a collection of generation `nextgen` is put into, so that both share
    its units."""
    retention: Annotated[str, AfterValidator(_retention)] | None = None
    """How long a document is kept at the least, 24h to 3650d; without it for ever."""
    lifecycle: LifecycleArgs = LifecycleArgs()
    """How long the backup bucket keeps what."""
    transform: TransformArgs | None = None
    """Parses each record, sets its time and leaves some out: {timestamp, drop}; without it records go as they are."""
    dashboards: DashboardsArgs = DashboardsArgs()
    """Who reads the index in Dashboards: {assumed_by, console_user}."""
    generator: bool = False
    """Makes a function that puts stock ticks on the stream, to try it."""
    replay_schedule: ScheduleExpression | None = None
    """When to replay what failed for a reason that may have passed; without it a replay is started by hand."""
    timezone: Timezone = "UTC"
    """The time zone of that schedule."""
    document_ids: Annotated[
        str | None,
        never(
            "a TIMESERIES collection takes no document ids: each record becomes a new document; leave it out, or, to "
            "update documents by id, take a pipeline of kind 'zero-etl'"
        ),
    ] = None
    """Refused: a TIMESERIES collection takes no document ids."""
    index_rotation: Annotated[
        str | None,
        never(
            "Firehose has no index rotation for OpenSearch Serverless, which keeps one index in shape by itself; leave "
            "it out, and write 'retention: 90d' for old documents to go"
        ),
    ] = None
    """Refused: Firehose has none for OpenSearch Serverless; `retention` lets old documents go."""

    @together
    def _shared_collection_suits(self) -> Iterator[str]:
        shared = self.shared_collection
        if shared and shared.type != "TIMESERIES":
            yield (
                "collection_of: a stream's records have no ids and need a collection of type TIMESERIES; name a "
                "pipeline of kind 'firehose', or leave it out for a collection of its own"
            )
        if shared and self.retention:
            yield (
                "retention: documents of another pipeline's collection are kept as that pipeline says; write it there"
            )
        yield from collection_conflicts(self.collection, shared)
        yield from group_conflicts(self.collection, self.shared_group, self.shared_collection, "TIMESERIES")

    @together
    def _collection_is_reached(self) -> Iterator[str]:
        if not (self.shared_collection or self.collection.network).public and not self.vpc:
            yield (
                "vpc: the collection is reached through VPC endpoints only, so Firehose and the function that makes "
                "the index must stand in that network; write vpc: {subnet_ids, security_group_ids}"
            )

    @together
    def _another_account_is_let_in_by_its_role(self) -> Iterator[str]:
        for index, reader in enumerate(self.dashboards.assumed_by):
            account, _, principal = reader.rpartition(":")
            if principal == "root" and account.rpartition(":")[2] != self.account.id:
                yield (
                    f"dashboards.assumed_by[{index}]: '{reader}' is another account as a whole: whomever it lets would "
                    "read the index; write the ARN of a role of it, 'arn:aws:iam::<account id>:role/<name>'"
                )

    def indexes(self) -> list[tuple[str, str]]:
        """The index that the pipeline writes, with its place in the config."""
        return [("index", self.index)]

    def planned_collection(self, name: str) -> SharedCollection:
        """The collection that other pipelines can share, as far as it is known before anything is deployed."""
        return self.shared_collection or Collection.planned(name, self.account, self.collection, "TIMESERIES")

    def planned_group(self, name: str) -> SharedGroup | None:
        """The collection group that other pipelines can share, as far as it is known before anything is deployed."""
        if self.shared_collection:
            return None
        return self.shared_group or planned_group(name, self.collection, "TIMESERIES")
