"""The component: stream, collection, index, delivery and backup, and the functions around them."""

import json
from typing import Any

import pulumi

from components import names
from components.blocks.bucket import SecureBucket
from components.blocks.collection import Collection, SharedCollection
from components.blocks.collection_group import SharedGroup
from components.blocks.function import Execution, LambdaFunction, Task
from components.blocks.schedule import Schedule, Target
from components.iam import Statement
from components.pipelines.firehose.alarms import watch
from components.pipelines.firehose.args import FirehoseArgs
from components.pipelines.firehose.dashboards import DashboardsReader
from components.pipelines.firehose.delivery import FAILED, Delivery
from components.pipelines.firehose.search_index import SearchIndex
from components.pipelines.firehose.stream import Stream
from components.pipelines.pipeline import Accounts, Deployed
from components.shared import variables


class FirehosePipeline(pulumi.ComponentResource):
    """Kinesis Data Streams -> Data Firehose -> OpenSearch Serverless (TIMESERIES).

    Each record becomes a document of an index that the deployment makes. What is refused, or can't be delivered in
    time, goes to the backup bucket with its reason and raises an alarm; `replay` puts it on the stream again. Delivery
    is at least once: a record may come twice where Firehose did not see OpenSearch's answer.
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
    collection_group: pulumi.Output[str] | None
    """The group that it stands in, with generation `nextgen`; another pipeline takes it as `shared_group`."""
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
        child_opts = pulumi.ResourceOptions(parent=self)

        self.stream = Stream(name, args.stream, account, self, retain=args.retain_data)
        # Not annotated in the class, where other languages find the outputs.
        self.shared: SharedCollection
        self.group: SharedGroup | None = None
        if args.shared_collection:
            self.shared = args.shared_collection
        else:
            collection = Collection(
                name,
                account,
                args.collection,
                type="TIMESERIES",
                description=f"Records of the stream of {name}",
                group=args.shared_group,
                retention=args.retention,
                opts=child_opts,
            )
            self.shared, self.group = collection.shared, collection.group
        index = SearchIndex(
            f"{name}-index",
            args,
            self.shared,
            child_opts,
        )
        self.bucket = SecureBucket(
            f"{name}-backup", account, lifecycle=args.lifecycle, retain=args.retain_data, opts=child_opts
        )
        _, self._bucket_arn = SecureBucket.planned(f"{name}-backup", account)
        transform = self._transform() if args.transform else None
        self.delivery = Delivery(
            name,
            args,
            stream=self.stream,
            shared=self.shared,
            index=index,
            bucket=self.bucket,
            transform=transform,
            opts=child_opts,
        )
        self.reader = DashboardsReader(
            f"{name}-dashboards",
            account,
            args.dashboards,
            index=args.index,
            shared=self.shared,
            opts=child_opts,
        )
        self.generator = self._generator() if args.generator else None
        self.replay = self._replay()
        watch(
            name,
            args,
            delivery=self.delivery.name,
            stream=self.stream.name,
            backup=self.bucket.name,
            opts=child_opts,
        )
        self.stream_name, self.delivery_stream = (
            pulumi.Output.from_input(self.stream.name),
            self.delivery.name,
        )
        self.collection, self.collection_arn, self.endpoint, self.dashboards = self.shared.described()
        self.collection_group = pulumi.Output.from_input(self.group.name) if self.group else None
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
            task=Task(
                handler="transform",
                description=f"Parses the records of {self._name}, sets their time and leaves some out",
                statements=[],
                environment={
                    variables.TIMESTAMP: wanted.timestamp,
                    variables.DROP: json.dumps(wanted.drop, sort_keys=True),
                },
            ),
            topic=args.alarm_topic_arn,
            execution=Execution(
                reserved_concurrency=args.reserved_concurrency,
                timeout_seconds=300,  # the most that Firehose waits for
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _generator(self) -> LambdaFunction:
        args = self._args
        return LambdaFunction(
            f"{self._name}-generator",
            args.account,
            args.functions,
            task=Task(
                handler="generate_ticks",
                description=f"Puts stock ticks on the stream of {self._name}",
                statements=self.stream.write_statements(),
                environment={variables.STREAM: self.stream.name},
            ),
            topic=args.alarm_topic_arn,
            execution=Execution(
                retries=2,
                reserved_concurrency=args.reserved_concurrency,
                timeout_seconds=900,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _replay(self) -> LambdaFunction:
        name, args, child_opts = f"{self._name}-replay", self._args, pulumi.ResourceOptions(parent=self)
        function = LambdaFunction(
            name,
            args.account,
            args.functions,
            task=Task(
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
                    *self.stream.write_statements(),
                ],
                environment={
                    variables.BUCKET: self.bucket.name,
                    variables.PREFIX: FAILED,
                    variables.STREAM: self.stream.name,
                },
            ),
            topic=args.alarm_topic_arn,
            execution=Execution(
                retries=0,  # where S3 did not let an object go, that would put its records again
                timeout_seconds=900,
                memory_mb=2048,
                reserved_concurrency=1,  # two at once would put a record twice
            ),
            opts=child_opts,
        )
        if args.replay_schedule:
            assert function.failed is not None  # asynchronous
            Schedule(
                f"{name}-schedule",
                args.account,
                expression=args.replay_schedule,
                timezone=args.timezone,
                target=Target(
                    arn=function.arn,
                    # A document that its index refuses is refused again: only what may have passed is tried by itself.
                    event={"errors": "transient"},
                    dead_letter_arn=function.failed.arn,
                ),
                meaning=f"Replays what failed of {self._name}",
                opts=child_opts,
            )
        return function


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
        "schedules": [names.schedule(f"{name}-replay-schedule")] if args.replay_schedule else [],
        "reader_role": pipeline.reader.role_arn,
        "reader_user": pipeline.reader.user,
        "reader_password": pipeline.reader.password,
    }
    return Deployed(outputs, shared_collection=pipeline.shared, shared_group=pipeline.group)
