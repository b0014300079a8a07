"""Zero-ETL: DynamoDB tables, item by item and change by change, searchable in OpenSearch Serverless."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import pulumi
import pulumi_aws as aws
import yaml
from pydantic import AfterValidator, Field

from components import expressions, names
from components.arguments import arguments, matching, never, together
from components.blocks.alarm import alarm
from components.blocks.bucket import LifecycleArgs, SecureBucket
from components.blocks.collection import (
    Collection,
    CollectionArgs,
    IndexName,
    SharedCollection,
    closed_network,
    data_access,
    one_of_both,
)
from components.blocks.function import RetentionDays
from components.blocks.network import VpcArgs
from components.blocks.table import (
    NewTableArgs,
    SourceTable,
    TableName,
    decrypt_tables,
    no_document_id,
    source_table,
)
from components.iam import Statement, document, trust
from components.pipelines.pipeline import Accounts, Deployed, PipelineArgs

_BODY_LIMIT = 100_000  # characters; facts of CreatePipeline
_EXPORTS, _DEAD = "export/", "dead-letters/"

Attribute = Annotated[
    str,
    matching(
        r"[A-Za-z0-9_.-]{1,255}(/[A-Za-z0-9_.-]{1,255}){0,31}",
        "'{value}' is not an attribute; write its name, and 'outer/inner' for one inside a map",
    ),
]


def _expression(text: str) -> str:
    for mistake in expressions.mistakes(expressions.parse(text)):
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
    """What of a deleted item is seen: NEW_IMAGE nothing but its key, OLD_IMAGE all of it, which `only` needs, and a
    stream of NEW_AND_OLD_IMAGES."""
    drop: list[Attribute] = Field(default_factory=list)
    """Attributes that are left out."""
    rename: dict[Attribute, Attribute] = Field(default_factory=dict)
    """Attributes by their new names."""
    only: Annotated[str, AfterValidator(_expression)] | None = None
    """A Data Prepper expression on the item as `drop` and `rename` leave it, such as '/status == "open"'; items it is
    false for are not indexed. `and` and `or` bind alike, from left to right."""

    @together
    def _only_sees_what_it_looks_at(self) -> Iterator[str]:
        if self.only is None:
            return
        if self.view_on_remove == "NEW_IMAGE":
            yield (
                f"view_on_remove: no attribute of a deleted item is seen, so '{self.only}' says nothing of it and it "
                "would stay in the index; write OLD_IMAGE"
            )
        looked_at = expressions.paths(expressions.parse(self.only))
        for path in (path for path in looked_at if path not in self.rename.values()):
            # Sinks, and their routes, come after the processors; a route that can't be decided is only logged
            # (https://github.com/opensearch-project/data-prepper, Pipeline and RouteEventEvaluator).
            for gone in self.drop:
                if f"{path}/".startswith(f"{gone}/"):
                    yield f"only: '/{path}' is not seen, as '{gone}' is dropped before; take it out of `drop`"
            for former, name in self.rename.items():
                if f"{path}/".startswith(f"{former}/"):
                    now = name + path.removeprefix(former)
                    yield f"only: '/{path}' is not seen, as '{former}' is renamed before; write '/{now}'"

    def index_name(self) -> str:
        return self.index.name or self.name.lower()


@arguments
class ZeroEtlArgs(PipelineArgs):
    """The arguments of a ZeroEtlPipeline."""

    tables: Annotated[list[ZeroEtlTableArgs], Field(min_length=1)]
    """The tables: a list of `{name: <table>}`."""
    collection: CollectionArgs = CollectionArgs()
    """The collection that the program creates for them."""
    shared_collection: SharedCollection | None = None
    """Another pipeline's collection, used instead; in a stack's config `collection_of: <pipeline>`."""
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
            "OpenSearch Ingestion buffers on disk what is pushed to it, and a table is pulled; leave it out: with "
            "'acknowledgments' a change is read again until it is indexed or in the dead-letter prefix"
        ),
    ] = None
    """Refused: it is for what is pushed; `acknowledgments` lose nothing of a table."""

    @together
    def _tables_are_several(self) -> Iterator[str]:
        tables = [table.name for table in self.tables]
        indexes = [table.index_name() for table in self.tables]
        for what, found in (("table", tables), ("index", indexes)):
            for twice in sorted({name for name in found if found.count(name) > 1}):
                yield f"tables: the {what} '{twice}' is named twice; each table has an index of its own"
        for group in self.groups():
            parts: dict[str, str] = {}
            for table in group:
                part = sub_pipeline(table)
                if parts.setdefault(part, table.name) != table.name:
                    yield (
                        f"tables: '{parts[part]}' and '{table.name}' would both be the part '{part}' of one ingestion "
                        "pipeline, and one would take the other's place; write pipelines: per-table"
                    )

    @together
    def _each_table_can_be_indexed(self) -> Iterator[str]:
        for position, table in enumerate(self.tables):
            if table.create and (binary := table.create.binary_keys()):
                yield f"tables[{position}].create: {no_document_id(binary)}; write type S or N"
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
        yield from one_of_both(self.collection, self.shared_collection)

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

    def groups(self) -> list[list[ZeroEtlTableArgs]]:
        """The tables of each ingestion pipeline."""
        return [self.tables] if self.pipelines == "shared" else [[table] for table in self.tables]


class ZeroEtlPipeline(pulumi.ComponentResource):
    """DynamoDB tables -> OpenSearch Ingestion (initial export, then the stream) -> OpenSearch Serverless.

    A document's id is the item's key, its version the time of the change, so an older change never overwrites a newer
    one and one that comes twice changes nothing. What OpenSearch rejects goes to the dead-letter prefix of the bucket
    and rings. Design: https://docs.aws.amazon.com/opensearch-service/latest/developerguide/configure-client-ddb.html.

    Costs at rest: the collection (about 175 dollars a month, twice that with standby replicas) and about 175 dollars a
    month for each unit of each ingestion pipeline.
    """

    collection: pulumi.Output[str]
    """The collection's name; with the next three, what another pipeline takes as `shared_collection`."""
    collection_arn: pulumi.Output[str]
    """Its ARN."""
    endpoint: pulumi.Output[str]
    """Its endpoint, an https address."""
    dashboards: pulumi.Output[str]
    """The address of its Dashboards."""
    indexes: dict[str, str]
    """Table -> its index."""
    ingestion_pipelines: dict[str, pulumi.Output[str]]
    """Table -> the ingestion pipeline that reads it."""
    log_groups: dict[str, pulumi.Output[str]]
    """`<name>-<table>`, or `<name>` with `pipelines: shared` -> the log group of that ingestion pipeline."""
    dead_letters: pulumi.Output[str]
    """Where what OpenSearch rejects goes, `s3://<bucket>/<prefix>`."""

    def __init__(self, name: str, args: ZeroEtlArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("tributary:pipelines:ZeroEtlPipeline", name, None, opts)
        mine = pulumi.ResourceOptions(parent=self)
        account = args.account

        tables = {
            table.name: source_table(
                name,
                table.name,
                table.create,
                account,
                self,
                retain=args.retain_data,
                images="NEW_AND_OLD_IMAGES" if table.view_on_remove == "OLD_IMAGE" else "NEW_IMAGE",
            )
            for table in args.tables
        }
        bucket = SecureBucket(
            f"{name}-export", account, lifecycle=args.lifecycle, retain=args.retain_data, opts=mine
        )
        _, bucket_arn = SecureBucket.planned(f"{name}-export", account)
        # Not annotated in the class, where other languages find the outputs.
        self.shared: SharedCollection
        if args.shared_collection:
            self.shared = args.shared_collection
        else:
            described = f"Items of {', '.join(tables)}"[:1000]
            self.shared = Collection(
                f"{name}", account, args.collection, type="SEARCH", description=described, opts=mine
            ).shared

        # One role for each ingestion pipeline, so one table's pipeline can't read another's.
        self.indexes = {table.name: table.index_name() for table in args.tables}
        self.log_groups, self.ingestion_pipelines = {}, {}
        self.dead_letters = pulumi.Output.concat("s3://", bucket.name, f"/{_DEAD}")
        for group in args.groups():
            part = name if args.pipelines == "shared" else f"{name}-{group[0].name}"
            self._ingest(part, group, args, tables, bucket, bucket_arn)
        self.collection, self.collection_arn, self.endpoint, self.dashboards = self.shared.known_as()
        self.register_outputs({"endpoint": self.endpoint, "indexes": self.indexes})

    def _ingest(
        self,
        part: str,
        group: list[ZeroEtlTableArgs],
        args: ZeroEtlArgs,
        tables: Mapping[str, SourceTable],
        bucket: SecureBucket,
        bucket_arn: str,
    ) -> None:
        mine, account = pulumi.ResourceOptions(parent=self), args.account
        physical = names.ingestion(part, account.arn("osis", "pipeline/"))
        role = aws.iam.Role(
            part,
            name=names.role(part),
            description=f"What the ingestion pipeline {physical} may do",
            assume_role_policy=trust(
                "osis-pipelines.amazonaws.com", account.id, account.arn("osis", f"pipeline/{physical}")
            ),
            opts=mine,
        )
        policy = aws.iam.RolePolicy(
            part,
            name="ingest",
            role=role.name,
            policy=document(
                *_statements(
                    group, {name: table.arn for name, table in tables.items()}, bucket_arn, self.shared
                ),
                decrypt_tables(account, {table.name: tables[table.name] for table in group}),
            ),
            opts=mine,
        )
        grant = data_access(
            f"{part}-ingest",
            self.shared.name,
            [role.arn],
            {
                table.index_name(): (
                    "aoss:CreateIndex",
                    "aoss:DescribeIndex",
                    "aoss:UpdateIndex",
                    "aoss:WriteDocument",
                )
                for table in group
            },
            collection_items=(
                "aoss:CreateCollectionItems",
                "aoss:DescribeCollectionItems",
                "aoss:UpdateCollectionItems",
            )
            if any(_template(table) for table in group)
            else (),
            description=f"Writes the indexes of {physical}",
            opts=mine,
        )
        network = None
        if not self.shared.public:
            network = closed_network(
                f"{part}-ingest",
                self.shared.name,
                self.shared.vpc_endpoints,
                description=f"Lets {physical} in by the endpoint that it makes for itself",
                parent=self,
            )
        logs = aws.cloudwatch.LogGroup(
            part,
            name=names.log_group("/aws/vendedlogs/OpenSearchIngestion", part),
            retention_in_days=args.log_retention_days,
            opts=mine,
        )
        body = pulumi.Output.all(
            tables={table.name: tables[table.name].arn for table in group},
            bucket=bucket.name,
            endpoint=self.shared.endpoint,
            network_policy=network.name if network else None,
        ).apply(lambda known: body_text(part, body_of(group, args, **known)))
        pipeline = aws.opensearchingest.Pipeline(
            part,
            pipeline_name=physical,
            pipeline_configuration_body=body,
            pipeline_role_arn=role.arn,
            min_units=args.min_units,
            max_units=args.max_units,
            log_publishing_options=aws.opensearchingest.PipelineLogPublishingOptionsArgs(
                is_logging_enabled=True,
                cloudwatch_log_destination=aws.opensearchingest.PipelineLogPublishingOptionsCloudwatchLogDestinationArgs(
                    log_group=logs.name
                ),
            ),
            vpc_options=aws.opensearchingest.PipelineVpcOptionsArgs(
                subnet_ids=args.vpc.subnet_ids, security_group_ids=args.vpc.security_group_ids
            )
            if args.vpc
            else None,
            # The service checks the role's rights when the pipeline is made.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy, grant]),
        )
        self.log_groups[part] = logs.name
        for table in group:
            self.ingestion_pipelines[table.name] = pipeline.pipeline_name
            watched = part if args.pipelines == "per-table" else f"{part}-{table.name}"
            self._watch(watched, pipeline.pipeline_name, table, args)

    def _watch(
        self, name: str, pipeline: pulumi.Output[str], table: ZeroEtlTableArgs, args: ZeroEtlArgs
    ) -> None:
        """https://docs.aws.amazon.com/opensearch-service/latest/developerguide/monitoring-pipeline-metrics.html and
        https://docs.aws.amazon.com/opensearch-service/latest/developerguide/osis-best-practices.html"""
        mine, topic = pulumi.ResourceOptions(parent=self), args.alarm_topic_arn
        dimensions = {"PipelineName": pipeline}
        prefix = f"AWS/OSIS/{sub_pipeline(table)}"
        bucket = f"the prefix {_DEAD} of the pipeline's bucket"
        alarm(
            f"{name}-errors",
            f"{prefix}.opensearch.documentErrors.count",
            dimensions,
            topic=topic,
            meaning=f"OpenSearch rejected documents of {table.name}; see the pipeline's log and {bucket}.",
            opts=mine,
        )
        alarm(
            f"{name}-not-allowed",
            f"{prefix}.opensearch.bulkRequestNotAllowedErrors.count",
            dimensions,
            # Data Prepper tries, and counts, from 50 ms up to every 10 minutes: each window of 40 holds three of these.
            # A collection that is only waking is done after five minutes, which touch two periods.
            periods=8,
            ringing=3,
            topic=topic,
            meaning=f"The collection refuses the pipeline, which tries again for ever and loses nothing: a grant for "
            f"{table.name} is missing. The pipeline's log names it.",
            opts=mine,
        )
        alarm(
            f"{name}-dead-letters",
            f"{prefix}.opensearch.s3.dlqS3RecordsSuccess.count",
            dimensions,
            topic=topic,
            meaning=f"Items of {table.name} are in {bucket}, each with its reason; mend the mapping, then write the "
            "items again, or restart the pipeline with an export.",
            opts=mine,
        )
        alarm(
            f"{name}-back-pressure",
            f"{prefix}.BlockingBuffer.bufferUsage.value",
            dimensions,
            above=80,
            statistic="Average",
            periods=3,
            topic=topic,
            meaning="Records wait because the collection or the units are too small; raise max_units.",
            opts=mine,
        )
        alarm(
            f"{name}-lag",
            f"{prefix}.opensearch.EndToEndLatency.max",
            dimensions,
            above=300_000,
            statistic="Maximum",
            periods=3,
            topic=topic,
            meaning=f"Changes of {table.name} take more than five minutes to be searchable; see the units and the log.",
            opts=mine,
        )


def deploy(name: str, args: ZeroEtlArgs, accounts: Accounts) -> Deployed:
    """The pipeline of a stack."""
    pipeline = ZeroEtlPipeline(name, args, pulumi.ResourceOptions(provider=accounts[args.account].provider))
    outputs: dict[str, Any] = {
        "endpoint": pipeline.shared.endpoint,
        "dashboards": pipeline.shared.dashboards,
        "indexes": pipeline.indexes,
        "ingestion_pipelines": pipeline.ingestion_pipelines,
        "log_groups": pipeline.log_groups,
        "dead_letters": pipeline.dead_letters,
    }
    return Deployed(outputs, shared_collection=pipeline.shared)


def sub_pipeline(table: ZeroEtlTableArgs) -> str:
    """The name of a table's part of the body, and of its metrics; two of the body's keys are no parts
    (https://github.com/opensearch-project/data-prepper, PipelinesDataFlowModel)."""
    name = re.sub(r"[^a-z0-9-]+", "-", table.name.lower())
    return f"{name}-table" if name in ("extension", "version") else name


def body_of(
    group: list[ZeroEtlTableArgs],
    args: ZeroEtlArgs,
    *,
    tables: Mapping[str, str],
    bucket: str,
    endpoint: str,
    network_policy: str | None,
) -> dict[str, Any]:
    """The body of an ingestion pipeline, one part a table. The role is the pipeline's own (`pipeline_role_arn`)."""
    region = args.account.region
    body: dict[str, Any] = {"version": "2"}
    reached = {"serverless_options": {"network_policy_name": network_policy}} if network_policy else {}
    for table in group:
        source: dict[str, Any] = {"table_arn": tables[table.name]}
        source["stream"] = {"start_position": table.start, "view_on_remove": table.view_on_remove}
        if table.export:
            source["export"] = {
                "s3_bucket": bucket,
                "s3_region": region,
                "s3_prefix": f"{_EXPORTS}{table.name}",
            }
        processors: list[dict[str, Any]] = []
        if table.drop:
            processors.append({"delete_entries": {"with_keys": table.drop}})
        if table.rename:
            entries = [{"from_key": old, "to_key": new} for old, new in table.rename.items()]
            processors.append({"rename_keys": {"entries": entries}})
        sink: dict[str, Any] = {
            "hosts": [endpoint],
            "index": table.index_name(),
            "index_type": "custom",
            # One key attribute, or two joined by '|'.
            "document_id": '${getMetadata("primary_key")}',
            "action": '${getMetadata("opensearch_action")}',
            "document_version": '${getMetadata("document_version")}',
            "document_version_type": "external",
            "aws": {"region": region, "serverless": True} | reached,
            "dlq": {"s3": {"bucket": bucket, "key_path_prefix": f"{_DEAD}{table.name}", "region": region}},
        }
        if _template(table):
            sink["template_type"] = "index-template"
            sink["template_content"] = json.dumps({"template": _template(table)}, sort_keys=True)
        part: dict[str, Any] = {
            "source": {
                "dynamodb": {
                    "acknowledgments": args.acknowledgments,
                    "tables": [source],
                    "aws": {"region": region},
                }
            }
        }
        if processors:
            part["processor"] = processors
        if table.only:
            part["route"] = [{"wanted": table.only}]
            sink["routes"] = ["wanted"]
        body[sub_pipeline(table)] = part | {"sink": [{"opensearch": sink}]}
    return body


def body_text(part: str, body: Mapping[str, Any]) -> str:
    """The body as the service takes it. Raises pulumi.RunError where it is too long."""
    text = yaml.safe_dump(dict(body), sort_keys=False, width=1000)
    if len(text) > _BODY_LIMIT:
        raise pulumi.RunError(
            f"pipelines.{part}: the ingestion pipeline's body has {len(text):,} characters, at most {_BODY_LIMIT:,} "
            "are taken; write pipelines: per-table, or shorter mappings"
        )
    return text


def _template(table: ZeroEtlTableArgs) -> dict[str, Any]:
    template: dict[str, Any] = {}
    if table.index.mapping:
        template["mappings"] = table.index.mapping
    if table.index.shards:
        template["settings"] = {"index": {"number_of_shards": table.index.shards}}
    return template


def _statements(
    group: list[ZeroEtlTableArgs],
    tables: Mapping[str, pulumi.Input[str]],
    bucket_arn: str,
    shared: SharedCollection,
) -> list[Statement]:
    """https://docs.aws.amazon.com/opensearch-service/latest/developerguide/configure-client-ddb.html, less what a
    collection reached by its own network policy does not need (aoss:*SecurityPolicy)."""
    streamed = [tables[table.name] for table in group]
    exported = [tables[table.name] for table in group if table.export]
    granted = [
        Statement("ReadTable", ["dynamodb:DescribeTable"], streamed),
        Statement(
            "ReadStream",
            ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
            [pulumi.Output.concat(arn, "/stream/*") for arn in streamed],
        ),
        Statement(
            "KeepDeadLetters", ["s3:PutObject"], [f"{bucket_arn}/{_DEAD}{table.name}/*" for table in group]
        ),
        Statement("ReachCollection", ["aoss:APIAccessAll"], [shared.arn]),
        Statement(
            "FindCollection",
            ["aoss:BatchGetCollection"],
            ["*"],
            {"StringEquals": {"aoss:collection": shared.name}},
            every_resource_because="the action takes no resource; the condition names the collection",
        ),
    ]
    if not shared.public:
        # https://docs.aws.amazon.com/opensearch-service/latest/developerguide/pipeline-collection-access.html: the
        # service reaches a collection by an endpoint of its own, and adds it to the policy that the body names.
        granted.append(
            Statement(
                "LetItselfIn",
                ["aoss:GetSecurityPolicy", "aoss:UpdateSecurityPolicy"],
                ["*"],
                {"StringEquals": {"aoss:collection": shared.name}},
                every_resource_because="neither takes a resource; the condition names the collection",
            )
        )
    if exported:
        granted += [
            Statement(
                "StartExport",
                ["dynamodb:DescribeContinuousBackups", "dynamodb:ExportTableToPointInTime"],
                exported,
            ),
            Statement(
                "FollowExport",
                ["dynamodb:DescribeExport"],
                [pulumi.Output.concat(arn, "/export/*") for arn in exported],
            ),
            Statement(
                "WriteAndReadExport",
                ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject", "s3:PutObjectAcl"],
                [f"{bucket_arn}/{_EXPORTS}{table.name}/*" for table in group if table.export],
            ),
        ]
    return granted
