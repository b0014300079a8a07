"""The component: tables, a bucket, a collection, and the ingestion pipelines between them."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from components import names
from components.accounts import AccountArgs
from components.blocks.bucket import SecureBucket
from components.blocks.collection import Collection, SharedCollection, closed_network, data_access
from components.blocks.collection_group import SharedGroup
from components.blocks.table import SourceTable, adopt_or_create_table, decrypt_tables
from components.iam import Statement, document, trust
from components.pipelines.pipeline import Accounts, Deployed
from components.pipelines.zero_etl.alarms import watch_table
from components.pipelines.zero_etl.args import ZeroEtlArgs, ZeroEtlTableArgs
from components.pipelines.zero_etl.body import DEAD_LETTERS, body_of, body_text, index_template
from components.pipelines.zero_etl.statements import ingestion_statements


class ZeroEtlPipeline(pulumi.ComponentResource):
    """DynamoDB tables -> OpenSearch Ingestion (initial export, then the stream) -> OpenSearch Serverless.

    A document's id is the item's key, its version the time of the change, so an older change never overwrites a newer
    one and one that comes twice changes nothing. What OpenSearch rejects goes to the dead-letter prefix of the bucket
    and raises an alarm. Design: https://docs.aws.amazon.com/opensearch-service/latest/developerguide/configure-client-ddb.html.

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
    collection_group: pulumi.Output[str] | None
    """The group that it stands in, with generation `nextgen`; another pipeline takes it as `shared_group`."""
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
        child_opts = pulumi.ResourceOptions(parent=self)
        account = args.account

        tables = {
            table.name: adopt_or_create_table(
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
            f"{name}-export", account, lifecycle=args.lifecycle, retain=args.retain_data, opts=child_opts
        )
        _, bucket_arn = SecureBucket.planned(f"{name}-export", account)
        # Not annotated in the class, where other languages find the outputs.
        self.shared: SharedCollection
        self.group: SharedGroup | None = None
        if args.shared_collection:
            self.shared = args.shared_collection
        else:
            described = f"Items of {', '.join(tables)}"[:1000]
            collection = Collection(
                name,
                account,
                args.collection,
                type="SEARCH",
                description=described,
                group=args.shared_group,
                opts=child_opts,
            )
            self.shared, self.group = collection.shared, collection.group

        # One role for each ingestion pipeline, so one table's pipeline can't read another's.
        self.indexes = {table.name: table.index_name() for table in args.tables}
        self.log_groups, self.ingestion_pipelines = {}, {}
        self.dead_letters = pulumi.Output.concat("s3://", bucket.name, f"/{DEAD_LETTERS}")
        for group in args.groups():
            part = name if args.pipelines == "shared" else f"{name}-{group[0].name}"
            self._ingest(part, group, args, tables, bucket, bucket_arn)
        self.collection, self.collection_arn, self.endpoint, self.dashboards = self.shared.described()
        self.collection_group = pulumi.Output.from_input(self.group.name) if self.group else None
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
        child_opts, account = pulumi.ResourceOptions(parent=self), args.account
        physical = names.ingestion(part, account.arn("osis", "pipeline/"))
        arns = {table.name: tables[table.name].arn for table in group}
        statements = [
            *ingestion_statements(
                group, {name: table.arn for name, table in tables.items()}, bucket_arn, self.shared
            ),
            decrypt_tables(account, {table.name: tables[table.name] for table in group}),
        ]
        role, policy = self._role(part, physical, account, statements)
        grant = self._writes_indexes(part, physical, group, role.arn)
        network = None
        if not self.shared.public:
            network = closed_network(
                f"{part}-ingest",
                self.shared.name,
                self.shared.vpc_endpoints,
                description=f"Lets {physical} in by the endpoint that it makes for itself",
                parent=self,
            )
        log_group = names.log_group("/aws/vendedlogs/OpenSearchIngestion", part)
        logs = aws.cloudwatch.LogGroup(
            part,
            name=log_group,
            retention_in_days=args.log_retention_days,
            opts=child_opts,
        )
        body = pulumi.Output.all(
            tables=arns,
            bucket=bucket.name,
            endpoint=self.shared.endpoint,
            network_policy=network.name if network else None,
        ).apply(lambda known: body_text(part, body_of(group, args, **known)))
        log_destination = aws.opensearchingest.PipelineLogPublishingOptionsCloudwatchLogDestinationArgs(
            log_group=logs.name
        )
        pipeline = aws.opensearchingest.Pipeline(
            part,
            pipeline_name=physical,
            pipeline_configuration_body=body,
            pipeline_role_arn=role.arn,
            min_units=args.min_units,
            max_units=args.max_units,
            log_publishing_options=aws.opensearchingest.PipelineLogPublishingOptionsArgs(
                is_logging_enabled=True, cloudwatch_log_destination=log_destination
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
            watch_table(watched, log_group, physical, bucket.name, table, args.alarm_topic_arn, self)

    def _role(
        self, part: str, physical: str, account: AccountArgs, statements: list[Statement]
    ) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        child_opts = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            part,
            name=names.role(part),
            permissions_boundary=account.permissions_boundary,
            description=f"What the ingestion pipeline {physical} may do",
            assume_role_policy=trust(
                "osis-pipelines.amazonaws.com", account.id, account.arn("osis", f"pipeline/{physical}")
            ),
            opts=child_opts,
        )
        policy = aws.iam.RolePolicy(
            part, name="ingest", role=role.name, policy=document(*statements), opts=child_opts
        )
        return role, policy

    def _writes_indexes(
        self, part: str, physical: str, group: list[ZeroEtlTableArgs], role_arn: pulumi.Output[str]
    ) -> pulumi.Resource:
        """The data access policy that lets the role write the group's indexes, and make templates where it has any."""
        write = ("aoss:CreateIndex", "aoss:DescribeIndex", "aoss:UpdateIndex", "aoss:WriteDocument")
        templates = tuple(f"aoss:{verb}CollectionItems" for verb in ("Create", "Describe", "Update"))
        return data_access(
            f"{part}-ingest",
            self.shared.name,
            [role_arn],
            {table.index_name(): write for table in group},
            collection_items=templates if any(index_template(table) for table in group) else (),
            description=f"Writes the indexes of {physical}",
            opts=pulumi.ResourceOptions(parent=self),
        )


def deploy(name: str, args: ZeroEtlArgs, accounts: Accounts) -> Deployed:
    """The pipeline of a stack."""
    pipeline = ZeroEtlPipeline(name, args, pulumi.ResourceOptions(provider=accounts[args.account].provider))
    outputs: dict[str, Any] = {
        "endpoint": pipeline.shared.endpoint,
        "dashboards": pipeline.shared.dashboards,
        "indexes": pipeline.indexes,
        "ingestion_pipelines": pipeline.ingestion_pipelines,
        "parts": {table.name: table.sub_pipeline() for table in args.tables},
        "log_groups": pipeline.log_groups,
        "dead_letters": pipeline.dead_letters,
    }
    return Deployed(outputs, shared_collection=pipeline.shared, shared_group=pipeline.group)
