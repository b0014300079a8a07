"""Firehose: a Kinesis stream, record by record, searchable in OpenSearch Serverless; what fails is replayed."""

import json
import re
from collections.abc import Iterator
from typing import Annotated, Any

import pulumi
import pulumi_aws as aws
from pydantic import AfterValidator, Field

from components.arguments import arguments, never, together
from components.blocks.alarm import alarm
from components.blocks.bucket import LifecycleArgs, SecureBucket
from components.blocks.collection import (
    Collection,
    CollectionArgs,
    IndexName,
    SharedCollection,
    one_of_both,
)
from components.blocks.dashboards import DashboardsArgs, DashboardsReader
from components.blocks.delivery import FAILED, Delivery, DeliveryArgs
from components.blocks.function import LambdaFunction
from components.blocks.index import SearchIndex
from components.blocks.schedule import Schedule, ScheduleExpression, Timezone
from components.blocks.stream import Stream, StreamArgs
from components.iam import Statement
from components.pipelines.pipeline import Accounts, Deployed, PipelineArgs

_DELIVERY = "DeliveryToAmazonOpenSearchServerless"


def _retention(value: str) -> str:
    told = re.fullmatch(r"([1-9]\d*)([hd])", value)
    hours = int(told[1]) * {"h": 1, "d": 24}[told[2]] if told else 0
    if not 24 <= hours <= 3650 * 24:
        raise ValueError(f"'{value}' is not 24h to 3650d; write hours or days, such as '36h' or '90d'")
    return value


@arguments
class TransformArgs:
    """What `handlers/transform` does with each record before it is delivered."""

    timestamp: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00]*$")] = "@timestamp"
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
    shared_collection: SharedCollection | None = None
    """Another pipeline's collection, used instead; in a stack's config `collection_of: <pipeline>`."""
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
        yield from one_of_both(self.collection, shared)

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


class FirehosePipeline(pulumi.ComponentResource):
    """Kinesis Data Streams -> Data Firehose -> OpenSearch Serverless (TIMESERIES).

    Each record becomes a document of an index that the deployment makes. What is refused, or can't be delivered in
    time, goes to the backup bucket with its reason and rings; `replay` puts it on the stream again. Delivery is at
    least once: a record may come twice where Firehose did not see OpenSearch's answer.
    Design: https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#using-iam-serverless and
    https://aws.amazon.com/blogs/big-data/ (Firehose to OpenSearch Serverless).

    Costs at rest: the collection (about 175 dollars a month, twice that with standby replicas), the stream (29 dollars
    a month ON_DEMAND, 11 a shard), alarms (0.10 dollars each).
    """

    stream_name: pulumi.Output[str]
    """The Kinesis stream that records are put on."""
    delivery_stream: pulumi.Output[str]
    """The Firehose stream."""
    collection: pulumi.Output[str]
    """The collection's name; with the next three, what another pipeline takes as `shared_collection`."""
    collection_arn: pulumi.Output[str]
    """Its ARN."""
    endpoint: pulumi.Output[str]
    """Its endpoint, an https address."""
    dashboards: pulumi.Output[str]
    """The address of its Dashboards."""
    backup: pulumi.Output[str]
    """Where records that were not delivered are, `s3://<bucket>/<prefix>`."""
    replay_function: pulumi.Output[str]
    """The function that puts those on the stream again."""
    generator_function: pulumi.Output[str] | None
    """The function that makes sample records, with `generator`."""
    reader_role: pulumi.Output[str] | None
    """The role that reads the index in Dashboards, with `dashboards.assumed_by`."""
    reader_user: pulumi.Output[str] | None
    """The user that does, with `dashboards.console_user`."""
    reader_password: pulumi.Output[str] | None
    """Its first password, a secret; it has to be changed at once."""

    def __init__(self, name: str, args: FirehoseArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("tributary:pipelines:FirehosePipeline", name, None, opts)
        self._name, self._args, account = name, args, args.account
        mine = pulumi.ResourceOptions(parent=self)

        self.stream = Stream(name, args.stream, account, self, retain=args.retain_data)
        # Not annotated in the class, where other languages find the outputs.
        self.shared: SharedCollection
        if args.shared_collection:
            self.shared = args.shared_collection
        else:
            self.shared = Collection(
                name,
                account,
                args.collection,
                type="TIMESERIES",
                description=f"Records of the stream of {name}",
                retention=args.retention,
                opts=mine,
            ).shared
        index = SearchIndex(
            f"{name}-index",
            account,
            args.functions,
            index=args.index,
            mapping=args.mapping,
            delete=args.delete_index,
            shared=self.shared,
            topic=args.alarm_topic_arn,
            vpc=args.vpc,
            reserved_concurrency=args.reserved_concurrency,
            opts=mine,
        )
        self.bucket = SecureBucket(
            f"{name}-backup", account, lifecycle=args.lifecycle, retain=args.retain_data, opts=mine
        )
        _, self._bucket_arn = SecureBucket.planned(f"{name}-backup", account)
        transform = self._transform() if args.transform else None
        self.delivery = Delivery(
            name,
            account,
            args,
            stream=self.stream,
            shared=self.shared,
            index=index,
            bucket=self.bucket,
            bucket_arn=self._bucket_arn,
            transform=transform,
            opts=mine,
        )
        self.reader = DashboardsReader(
            f"{name}-dashboards", account, args.dashboards, index=args.index, shared=self.shared, opts=mine
        )
        self.generator = self._generator() if args.generator else None
        self.replay = self._replay()
        self._watch()
        self.stream_name, self.delivery_stream = (
            pulumi.Output.from_input(self.stream.name),
            self.delivery.name,
        )
        self.collection, self.collection_arn, self.endpoint, self.dashboards = self.shared.known_as()
        self.backup = pulumi.Output.concat("s3://", self.bucket.name, f"/{FAILED}")
        self.replay_function = self.replay.name
        self.generator_function = self.generator.name if self.generator else None
        self.reader_role, self.reader_user, self.reader_password = (
            self.reader.role_arn,
            self.reader.user,
            self.reader.password,
        )
        self.register_outputs({"stream": self.stream_name, "endpoint": self.endpoint})

    def _transform(self) -> LambdaFunction:
        args, wanted = self._args, self._args.transform
        assert wanted is not None
        return LambdaFunction(
            f"{self._name}-transform",
            args.account,
            args.functions,
            handler="transform",
            description=f"Parses the records of {self._name}, sets their time and leaves some out",
            statements=[],
            environment={"TIMESTAMP": wanted.timestamp, "DROP": json.dumps(wanted.drop, sort_keys=True)},
            topic=args.alarm_topic_arn,
            asynchronous=False,
            reserved_concurrency=args.reserved_concurrency,
            timeout_seconds=300,  # the most that Firehose waits for
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _generator(self) -> LambdaFunction:
        args = self._args
        return LambdaFunction(
            f"{self._name}-generator",
            args.account,
            args.functions,
            handler="generate_ticks",
            description=f"Puts stock ticks on the stream of {self._name}",
            statements=self.stream.writable(),
            environment={"STREAM": self.stream.name},
            topic=args.alarm_topic_arn,
            asynchronous=True,
            reserved_concurrency=args.reserved_concurrency,
            timeout_seconds=900,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _replay(self) -> LambdaFunction:
        name, args, mine = f"{self._name}-replay", self._args, pulumi.ResourceOptions(parent=self)
        function = LambdaFunction(
            name,
            args.account,
            args.functions,
            handler="replay",
            description=f"Puts the failed records of {self._name} on its stream again",
            statements=[
                Statement(
                    "ListFailed",
                    ["s3:ListBucket"],
                    [self._bucket_arn],
                    {"StringLike": {"s3:prefix": f"{FAILED}*"}},
                ),
                Statement(
                    "TakeFailed",
                    ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
                    [f"{self._bucket_arn}/{FAILED}*"],
                ),
                *self.stream.writable(),
            ],
            environment={"BUCKET": self.bucket.name, "PREFIX": FAILED, "STREAM": self.stream.name},
            topic=args.alarm_topic_arn,
            asynchronous=True,
            retries=0,  # where S3 did not let an object go, that would put its records again
            timeout_seconds=900,
            memory_mb=2048,
            reserved_concurrency=1,  # two at once would put a record twice
            opts=mine,
        )
        if args.replay_schedule:
            assert function.failed is not None  # asynchronous
            Schedule(
                f"{name}-schedule",
                args.account,
                expression=args.replay_schedule,
                timezone=args.timezone,
                target_arn=function.arn,
                # A document that its index refuses is refused again: only what may have passed is tried by itself.
                event={"errors": "transient"},
                dead_letter_arn=function.failed.arn,
                meaning=f"Replays what failed of {self._name}",
                opts=mine,
            )
        return function

    def _watch(self) -> None:
        """https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html and
        https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html"""
        args = self._args
        firehose: dict[str, pulumi.Input[str]] = {"DeliveryStreamName": self.delivery.name}
        stream: dict[str, pulumi.Input[str]] = {"StreamName": self.stream.name}
        kept = f"the prefix {FAILED} of the backup bucket"
        undelivered = (
            f"Records were not delivered; the log says why, and what was given up is in {kept}. Mend the cause (a "
            "grant, the mapping), then run the replay."
        )
        rings: list[tuple[str, str, dict[str, pulumi.Input[str]], str, dict[str, Any]]] = [
            (
                "delivery",
                f"AWS/Firehose/{_DELIVERY}.Success",
                firehose,
                undelivered,
                {"statistic": "Average", "below": 1},
            ),
            (
                "freshness",
                f"AWS/Firehose/{_DELIVERY}.DataFreshness",
                firehose,
                "The oldest record has waited for more than 15 minutes beyond its buffer; see the delivery log.",
                {"statistic": "Maximum", "above": args.buffer_seconds + 900},
            ),
            (
                "read-throttles",
                "AWS/Firehose/ThrottledGetRecords",
                firehose,
                "Firehose's reads of the stream are throttled: other consumers share its shards; add shards.",
                {"periods": 3},
            ),
            (
                "write-throttles",
                "AWS/Kinesis/WriteProvisionedThroughputExceeded",
                stream,
                "The stream refuses records of its producers; add shards, or spread the partition keys.",
                {},
            ),
            (
                "iterator-age",
                "AWS/Kinesis/GetRecords.IteratorAgeMilliseconds",
                stream,
                "A consumer is more than half an hour behind the stream; what it has not read when the retention is "
                "over is lost. See the freshness alarm, and raise retention_hours meanwhile.",
                {"statistic": "Maximum", "above": 30 * 60_000},
            ),
        ]
        meaning = f"Records are in {kept}, each with its reason. Mend it, then run the replay."
        if args.backup == "FailedDocumentsOnly":
            # Every object that Firehose puts is then one of failed records.
            rings.append(("backup", "AWS/Firehose/DeliveryToS3.Success", firehose, meaning, {}))
        else:
            # Only S3 tells the objects of failed records from the others
            # (https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-configurations.html).
            failed = aws.s3.BucketMetric(
                f"{self._name}-failed",
                bucket=self.bucket.name,
                name="failed",
                filter=aws.s3.BucketMetricFilterArgs(prefix=FAILED),
                opts=pulumi.ResourceOptions(parent=self),
            )
            counted: dict[str, pulumi.Input[str]] = {
                "BucketName": self.bucket.name,
                "FilterId": failed.name,
            }
            rings.append(("backup", "AWS/S3/PutRequests", counted, meaning, {}))
        for part, metric, dimensions, meaning, more in rings:
            alarm(
                f"{self._name}-{part}",
                metric,
                dimensions,
                topic=args.alarm_topic_arn,
                meaning=meaning,
                opts=pulumi.ResourceOptions(parent=self),
                **more,
            )


def deploy(name: str, args: FirehoseArgs, accounts: Accounts) -> Deployed:
    """The pipeline of a stack."""
    pipeline = FirehosePipeline(name, args, pulumi.ResourceOptions(provider=accounts[args.account].provider))
    outputs: dict[str, Any] = {
        "stream": pipeline.stream.name,
        "delivery_stream": pipeline.delivery.name,
        "endpoint": pipeline.shared.endpoint,
        "dashboards": pipeline.shared.dashboards,
        "index": args.index,
        "backup": pulumi.Output.concat("s3://", pipeline.bucket.name, f"/{FAILED}"),
        "generator": pipeline.generator.name if pipeline.generator else None,
        "replay": pipeline.replay.name,
        "reader_role": pipeline.reader.role_arn,
        "reader_user": pipeline.reader.user,
        "reader_password": pipeline.reader.password,
    }
    return Deployed(outputs, shared_collection=pipeline.shared)
