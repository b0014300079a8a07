"""BigQuery transfer: the tables of a landing in S3 become tables in BigQuery, loaded every day and compared."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

import pulumi
import pulumi_aws as aws
import pulumi_gcp as gcp
from pydantic import AfterValidator, Field

from components import bigquery_types, names, transfer_schedule
from components.accounts import GcpArgs
from components.arguments import arguments, nearest, together
from components.blocks.alarm import alarm
from components.blocks.function import LambdaFunction
from components.blocks.key import through_s3
from components.blocks.schedule import Schedule
from components.iam import Statement, document
from components.landing import Landing
from components.pipelines.pipeline import Accounts, Deployed, PipelineArgs

NAMESPACE = "Tributary"
_DAILY = re.compile(r"every day (\d\d?):(\d\d)")
# https://docs.cloud.google.com/bigquery/docs/locations
_PLACES = """
    EU US africa-south1 asia-east1 asia-east2 asia-northeast1 asia-northeast2 asia-northeast3 asia-south1 asia-south2
    asia-southeast1 asia-southeast2 australia-southeast1 australia-southeast2 europe-central2 europe-north1
    europe-north2 europe-southwest1 europe-west1 europe-west2 europe-west3 europe-west4 europe-west6 europe-west8
    europe-west9 europe-west10 europe-west12 me-central1 me-central2 me-west1 northamerica-northeast1
    northamerica-northeast2 northamerica-south1 southamerica-east1 southamerica-west1 us-central1 us-east1 us-east4
    us-east5 us-south1 us-west1 us-west2 us-west3 us-west4
"""
LOCATIONS = frozenset(_PLACES.split())


def _schedule(value: str) -> str:
    if transfer_schedule.parse(value).least_interval < transfer_schedule.LEAST_INTERVAL:
        raise ValueError(
            f"'{value}' comes more often than every 24 hours, which is the least that the Data Transfer Service allows "
            "for Amazon S3; write 'every day 05:00'"
        )
    return value


def _location(value: str) -> str:
    found = next((known for known in LOCATIONS if known.lower() == value.lower()), None)
    if not found:
        raise ValueError(f"no dataset can stand in '{value}'; {nearest(value, LOCATIONS)[:120]}")
    return found


def _table_name(value: str) -> str:
    if value != (fitting := bigquery_types.table_name(value)):
        raise ValueError(
            f"'{value}' is not a BigQuery table's name (letters, digits, '_', '-' and spaces, at most 1,024 bytes); "
            f"write '{fitting}'"
        )
    return value


@arguments
class TransferTableArgs:
    """One table of a landing, as BigQuery shall hold it."""

    columns: Annotated[dict[str, str], Field(min_length=1)]
    """Name -> type of each column. Of a DynamoDB export the attributes: S, N, B, BOOL, M, L, SS, NS or BS, and `S|N`
    where items differ; of other files Glue's types, such as decimal(12,2) (docs/types.md)."""
    keys: Annotated[list[str], Field(min_length=1)]
    """The columns that tell one row from another: the view shows each such row once, however often it was loaded."""
    cluster: Annotated[list[str], Field(max_length=4)] = Field(default_factory=list)
    """Up to four columns to cluster the table by. Not of a DynamoDB export, whose rows have one column, `Item`."""
    name: Annotated[str, AfterValidator(_table_name)] | None = None
    """The BigQuery table's name; without it that of the landing's table, '_' for what BigQuery refuses."""

    @together
    def _are_columns(self) -> Iterator[str]:
        for what in ("keys", "cluster"):
            for column in getattr(self, what):
                if column not in self.columns:
                    yield f"{what}: '{column}' is not a column; {nearest(column, self.columns)}"


@arguments
class BigQueryTransferArgs(PipelineArgs):
    """The arguments of a BigQueryTransferPipeline; `account` is the landing's."""

    landing: Landing
    """What to load; in a stack's config `from: <pipeline>`, or `landing:` for a bucket that exists."""
    gcp: GcpArgs
    """The Google Cloud project; a stack's program fills it in."""
    tables: Annotated[dict[str, TransferTableArgs], Field(min_length=1)]
    """Each of the landing's tables: `orders: {columns: {order_id: S, total: N}, keys: [order_id]}`."""
    dataset: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,1024}$")] | None = None
    """The dataset's name; without it `<project>_<stack>_<pipeline>`."""
    location: Annotated[str, AfterValidator(_location)] | None = None
    """Where the dataset stands; without it the project's `location`. It can't be changed later."""
    schedule: Annotated[str, AfterValidator(_schedule)] = "every day 05:00"
    """When to load, in UTC, at least 24 hours apart and late enough for the day's export to be there. A landing of
    DynamoDB exports is loaded `every day HH:MM`, since each day's load is compared with its exports."""
    file_format: Literal["JSON", "PARQUET"] = "JSON"
    """What the files are; a DynamoDB export is JSON."""
    max_bad_records: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    """Records that may be skipped in a load; one more and nothing of it is kept. A Parquet file has none."""
    ignore_unknown: bool = True
    """Whether what `columns` does not name is left out; else such a record is a bad one."""
    expire_days: Annotated[int, Field(ge=2)] | None = None
    """Days that a load's partition is kept; without it for ever."""
    kms_key_name: (
        Annotated[str, Field(pattern=r"^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$")]
        | None
    ) = None
    """A Cloud KMS key to encrypt the tables with, in their location and with BigQuery's service account let in."""
    readers: list[Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]] = Field(default_factory=list)
    """The groups, by e-mail, that may read the dataset."""
    access_keys: Annotated[list[str], Field(min_length=1, max_length=2)] = Field(
        default_factory=lambda: ["1"]
    )
    """The names of the AWS user's access keys; the last one is used. To rotate, write ["1", "2"], deploy, write ["2"]
    and deploy: the old key holds until its successor is in use."""
    compare_after_minutes: Annotated[int, Field(ge=15, le=1200)] = 120
    """Minutes from a load's time to its comparison with the exports."""

    @together
    def _landing_can_be_loaded(self) -> Iterator[str]:
        landing = self.landing
        if not landing.tables:
            yield (
                f"landing: the landing of '{landing.name}' has no tables, so there is nothing to load; name them in "
                "landing.tables"
            )
        if landing.account != self.account:
            yield (
                f"account: the landing of '{landing.name}' is in account {landing.account.id}, and the user who reads "
                "it stands beside it; write that account's name"
            )

    @together
    def _tables_are_the_landings(self) -> Iterator[str]:
        landing = self.landing
        for table in landing.tables:
            if table not in self.tables:
                yield (
                    f"tables: '{table}' of the landing of '{landing.name}' is missing; write {table}: "
                    "{columns: {<name>: <type>}, keys: [<name>]}"
                )
        for table in self.tables:
            if landing.tables and table not in landing.tables:
                yield f"tables: '{table}' is not in the landing of '{landing.name}'; {nearest(table, landing.tables)}"

    @together
    def _tables_have_names_of_their_own(self) -> Iterator[str]:
        made = [self.physical(table).lower() for table in self.tables]
        made += [f"{name}_latest" for name in made]
        for name in sorted({name for name in made if made.count(name) > 1}):
            yield f"tables: two of them would be '{name}' in BigQuery; give one a 'name'"

    @together
    def _format_is_the_exports(self) -> Iterator[str]:
        if self.landing.layout == "dynamodb-export" and self.file_format != "JSON":
            yield "file_format: a DynamoDB export is JSON; leave it out"

    @together
    def _each_day_can_be_compared(self) -> Iterator[str]:
        if self.landing.layout == "dynamodb-export" and not _DAILY.fullmatch(self.schedule):
            yield (
                f"schedule: '{self.schedule}' is not daily at a time, which the comparison of each day's load with its "
                "exports needs; write 'every day 05:00'"
            )

    @together
    def _access_keys_differ(self) -> Iterator[str]:
        if len({*self.access_keys}) < len(self.access_keys):
            yield f"access_keys: '{self.access_keys[0]}' is named twice; give the new key a name of its own"

    @together
    def _dataset_can_stand_there(self) -> Iterator[str]:
        try:
            self.place()
        except ValueError as error:
            yield f"{error}"

    @together
    def _columns_can_be_loaded(self) -> Iterator[str]:
        exported = self.landing.layout == "dynamodb-export"
        for name, table in self.tables.items():
            try:
                self.fields(name)
            except ValueError as error:
                yield f"tables.{name}: {error}"
            if exported and table.cluster:
                yield (
                    f"tables.{name}.cluster: the rows of a DynamoDB export have one column, `Item`, and BigQuery "
                    "clusters by columns of the top level only; leave it out"
                )
            for key in table.keys:
                if exported and table.columns[key] not in ("S", "N", "B"):
                    yield f"tables.{name}.keys: '{key}' is {table.columns[key]}; a key attribute is S, N or B"

    def fields(self, table: str) -> list[dict[str, Any]]:
        """The BigQuery schema of a table."""
        columns = self.tables[table].columns
        if self.landing.layout == "dynamodb-export":
            return bigquery_types.dynamodb_item(columns)
        return bigquery_types.fields(columns.items(), self.file_format)

    def physical(self, table: str) -> str:
        """A table's name in BigQuery."""
        return self.tables[table].name or bigquery_types.table_name(table)

    def place(self) -> str:
        """Where the dataset stands."""
        return self.location or _location(self.gcp.location)


class BigQueryTransferPipeline(pulumi.ComponentResource):
    """A landing in S3 -> the BigQuery Data Transfer Service, once a day -> a table and a view `<table>_latest` each ->
    a comparison with the exports' item counts.

    A load goes into the partition of its day (`<table>${run_date}`), and `WRITE_APPEND` takes only files modified since
    the last load that succeeded (https://docs.cloud.google.com/bigquery/docs/s3-transfer-intro). So a load that runs
    twice adds nothing, and one that failed is caught up by the next. What it would duplicate is a file that was written
    again, as a repeated replication does. Truncating the partition instead would lose the day's earlier files, and the
    path can't name a day: an export's folder is its id. So the table keeps what was loaded, and the view is what is
    safe to ask: of the newest load, each row once by the table's `keys`. Between two loads there should be one export:
    of two in one load, whose row of a key the view shows is not said.

    AWS is entered by a user's access key, which is all that the service takes. The user may read this landing only; the
    secret is in the state as a secret and in the transfers' `sensitive_params`, never in `params`.

    Costs at rest: the tables (0.02 dollars a GB a month; loads are free), two alarms a table and three for the function
    (0.10 dollars each a month). A question of the view reads its newest partition, and the load days of all.
    """

    dataset: str
    tables: dict[str, dict[str, pulumi.Input[str]]]
    topic: pulumi.Output[str]
    function: pulumi.Output[str] | None
    user: pulumi.Output[str]

    def __init__(self, name: str, args: BigQueryTransferArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("tributary:pipelines:BigQueryTransferPipeline", name, None, opts)
        mine = pulumi.ResourceOptions(parent=self)
        reader = LandingReader(f"{name}-reader", args.landing, args.access_keys, mine)
        transfer = _service_account(
            f"{name}-transfer", f"Loads {args.landing.name} into BigQuery", args, mine
        )
        comparison = None
        if args.landing.layout == "dynamodb-export":
            comparison = _service_account(f"{name}-compare", "Counts what was loaded", args, mine)
        warehouse = Warehouse(
            name, args, {"WRITER": [transfer.email], "READER": [comparison.email] if comparison else []}, mine
        )
        self.dataset, self.tables = warehouse.dataset, warehouse.tables

        topic = gcp.pubsub.Topic(f"{name}-runs", name=names.topic(f"{name}-runs"), opts=mine)
        for table in args.tables:
            config = gcp.bigquery.DataTransferConfig(
                f"{name}-{table}",
                display_name=f"{name} {table}",
                data_source_id="amazon_s3",
                destination_dataset_id=warehouse.dataset,
                location=args.place(),
                schedule=args.schedule,
                params=_params(args, table) | {"access_key_id": reader.key_id},
                sensitive_params=gcp.bigquery.DataTransferConfigSensitiveParamsArgs(
                    secret_access_key=reader.secret
                ),
                notification_pubsub_topic=topic.id,
                email_preferences=gcp.bigquery.DataTransferConfigEmailPreferencesArgs(
                    enable_failure_email=True
                ),
                service_account_name=transfer.email,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[warehouse, reader]),
            )
            self.tables[table]["transfer"] = config.name
        self.topic, self.user, self.function = topic.id, reader.user, None
        if comparison:
            self.function = self._compare(name, args, comparison, warehouse)
        self.register_outputs({"dataset": self.dataset, "topic": self.topic, "user": self.user})

    def _compare(
        self,
        name: str,
        args: BigQueryTransferArgs,
        account: gcp.serviceaccount.Account,
        warehouse: "Warehouse",
    ) -> pulumi.Output[str]:
        """The function that compares, its schedule, and its way to Google without a key."""
        mine, landing, part = pulumi.ResourceOptions(parent=self), args.landing, f"{name}-reconcile"
        pool = gcp.iam.WorkloadIdentityPool(
            part,
            workload_identity_pool_id=names.identity_pool(part),
            description=f"Lets the function that compares {name} in",
            opts=mine,
        )
        provider = gcp.iam.WorkloadIdentityPoolProvider(
            part,
            workload_identity_pool_id=pool.workload_identity_pool_id,
            workload_identity_pool_provider_id="amazon",
            aws=gcp.iam.WorkloadIdentityPoolProviderAwsArgs(account_id=args.account.id),
            # The whole ARN, which ends in the session's name, may be longer than a subject's 127 characters.
            attribute_mapping={"google.subject": "assertion.arn.extract('assumed-role/{role}/')"},
            opts=mine,
        )
        role = names.role(part)
        let_in = gcp.serviceaccount.IAMMember(
            part,
            service_account_id=account.name,
            role="roles/iam.workloadIdentityUser",
            member=pulumi.Output.concat("principal://iam.googleapis.com/", pool.name, "/subject/", role),
            opts=mine,
        )
        match = _DAILY.fullmatch(args.schedule)
        assert match  # checked with the arguments
        hour, minute = int(match[1]), int(match[2])
        tables = [
            {"prefix": f"{landing.prefix}{table}/", "table": args.physical(table)} for table in args.tables
        ]
        function = LambdaFunction(
            part,
            args.account,
            args.functions,
            handler="reconcile",
            description=f"Compares each load of {name} with the exports that it took",
            statements=_compare_statements(landing),
            environment={
                "TABLES": json.dumps(tables),
                "BUCKET": landing.bucket,
                "LOAD_TIME": f"{hour:02}:{minute:02}",
                "PIPELINE": name,
                "NAMESPACE": NAMESPACE,
                "PROJECT": args.gcp.project,
                "DATASET": warehouse.dataset,
                "LOCATION": args.place(),
                "AUDIENCE": pulumi.Output.concat("//iam.googleapis.com/", provider.name),
                "SERVICE_ACCOUNT": account.email,
            },
            topic=args.alarm_topic_arn,
            asynchronous=True,
            timeout_seconds=300,
            reserved_concurrency=args.reserved_concurrency,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[let_in, warehouse]),
        )
        assert function.failed is not None  # asynchronous
        after = (hour * 60 + minute + args.compare_after_minutes) % (24 * 60)
        Schedule(
            f"{name}-compare",
            args.account,
            expression=f"cron({after % 60} {after // 60} * * ? *)",
            timezone="UTC",
            target_arn=function.arn,
            event={"scheduled_time": "<aws.scheduler.scheduled-time>"},
            dead_letter_arn=function.failed.arn,
            meaning=f"Compares the day's load of {name}",
            opts=pulumi.ResourceOptions(parent=self, depends_on=[function]),
        )
        for table in args.tables:
            dimensions = {"Pipeline": name, "Table": args.physical(table)}
            for what, below, statistic, meaning in (
                ("short", 0, "Minimum", "lacks rows that the exports hold: see the transfer's runs in the console, "
                 "then the user's access key and policy; the next load catches up"),
                ("over", None, "Maximum", "holds more rows than its exports: a file was loaded twice, or the load "
                 "caught up a day that had failed; the view shows each row once"),
            ):  # fmt: skip
                alarm(
                    f"{name}-{table}-{what}",
                    f"{NAMESPACE}/BigQueryDifference",
                    dimensions,
                    below=below,
                    statistic=statistic,
                    minutes=24 * 60,
                    topic=args.alarm_topic_arn,
                    meaning=f"The day's load of {args.physical(table)} {meaning}.",
                    opts=mine,
                )
        return function.name


class LandingReader(pulumi.ComponentResource):
    """An AWS user who may read one landing and nothing else, and its access keys, of which the last is in use.
    It costs nothing at rest."""

    user: pulumi.Output[str]
    key_id: pulumi.Output[str]
    secret: pulumi.Output[str]

    def __init__(self, name: str, landing: Landing, keys: Sequence[str], opts: pulumi.ResourceOptions):
        super().__init__("tributary:pipelines:LandingReader", name, None, opts)
        mine = pulumi.ResourceOptions(parent=self)
        user = aws.iam.User(name, name=names.user(name), force_destroy=False, opts=mine)
        policy = aws.iam.UserPolicy(
            name, name="read", user=user.name, policy=document(*_read_statements(landing)), opts=mine
        )
        made = [
            aws.iam.AccessKey(
                f"{name}-{key}", user=user.name, opts=pulumi.ResourceOptions(parent=self, depends_on=[policy])
            )
            for key in keys
        ]
        self.user, self.secret = user.name, pulumi.Output.secret(made[-1].secret)
        # Half of a credential, though not the half that opens.
        self.key_id = pulumi.Output.secret(made[-1].id)
        self.register_outputs({"user": self.user})


class Warehouse(pulumi.ComponentResource):
    """A dataset, and for each table of a landing a table partitioned by the day of its load and the view of its newest
    load. What it costs is the stored data."""

    dataset: str
    tables: dict[str, dict[str, pulumi.Input[str]]]

    def __init__(
        self,
        name: str,
        args: BigQueryTransferArgs,
        members: Mapping[str, Sequence[pulumi.Input[str]]],
        opts: pulumi.ResourceOptions,
    ):
        super().__init__("tributary:pipelines:Warehouse", name, None, opts)
        kept = pulumi.ResourceOptions(parent=self, retain_on_delete=args.retain_data)
        project, self.dataset = args.gcp.project, args.dataset or names.database(name)
        labels = {"tributary-pipeline": name}
        access = gcp.bigquery.DatasetAccessArgs
        dataset = gcp.bigquery.Dataset(
            name,
            dataset_id=self.dataset,
            location=args.place(),
            description=f"What lands in {args.landing.name}",
            accesses=[
                access(role="OWNER", special_group="projectOwners"),
                *(
                    access(role=role, user_by_email=email)
                    for role, emails in members.items()
                    for email in emails
                ),
                *(access(role="READER", group_by_email=email) for email in args.readers),
            ],
            default_partition_expiration_ms=_milliseconds(args.expire_days),
            default_encryption_configuration=(
                gcp.bigquery.DatasetDefaultEncryptionConfigurationArgs(kms_key_name=args.kms_key_name)
                if args.kms_key_name
                else None
            ),
            delete_contents_on_destroy=not args.retain_data,
            labels=labels,
            opts=kept,
        )
        self.tables = {}
        for table, columns in args.tables.items():
            physical = args.physical(table)
            made = gcp.bigquery.Table(
                f"{name}-{table}",
                dataset_id=dataset.dataset_id,
                table_id=physical,
                description=f"Every load of {table}, a partition a day",
                schema=json.dumps(args.fields(table)),
                time_partitioning=gcp.bigquery.TableTimePartitioningArgs(
                    type="DAY", expiration_ms=_milliseconds(args.expire_days)
                ),
                clusterings=columns.cluster or None,
                deletion_protection=args.retain_data,
                labels=labels,
                opts=kept,
            )
            gcp.bigquery.Table(
                f"{name}-{table}-latest",
                dataset_id=dataset.dataset_id,
                table_id=f"{physical}_latest",
                description=f"The newest load of {table}, each row once",
                view=gcp.bigquery.TableViewArgs(
                    query=latest(args, self.dataset, table), use_legacy_sql=False
                ),
                deletion_protection=False,
                labels=labels,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[made]),
            )
            whole = f"{project}.{self.dataset}.{physical}"
            self.tables[table] = {"table": whole, "view": f"{whole}_latest"}
        self.register_outputs({"dataset": self.dataset})


def deploy(name: str, args: BigQueryTransferArgs, accounts: Accounts) -> Deployed:
    """The pipeline of a stack."""
    providers = [accounts[args.account].provider, accounts.google_provider()]
    pipeline = BigQueryTransferPipeline(name, args, pulumi.ResourceOptions(providers=providers))
    outputs: dict[str, Any] = {
        "project": args.gcp.project,
        "location": args.place(),
        "dataset": pipeline.dataset,
        "tables": pipeline.tables,
        "topic": pipeline.topic,
        "user": pipeline.user,
        "function": pipeline.function,
        "source": args.landing.described(),
    }
    return Deployed(outputs)


def latest(args: BigQueryTransferArgs, dataset: str, table: str) -> str:
    """The view of a table's newest load, each row once by its keys."""
    columns, whole = args.tables[table], f"`{args.gcp.project}.{dataset}.{args.physical(table)}`"
    if args.landing.layout == "dynamodb-export":
        selected = bigquery_types.dynamodb_select(columns.columns)
        keys = [f"Item.`{key}`.`{columns.columns[key]}`" for key in columns.keys]
    else:
        selected, keys = "*", [f"`{key}`" for key in columns.keys]
    return (
        f"SELECT\n  {selected}\nFROM {whole}\n"
        f"WHERE _PARTITIONTIME = (SELECT MAX(_PARTITIONTIME) FROM {whole})\n"
        f"QUALIFY ROW_NUMBER() OVER (PARTITION BY {', '.join(keys)}) = 1"
    )


def _params(args: BigQueryTransferArgs, table: str) -> dict[str, pulumi.Input[str]]:
    """https://docs.cloud.google.com/bigquery/docs/s3-transfer#bq"""
    # One wildcard spans folders; the manifests beside the data files end in .json and .md5.
    files = {"dynamodb-export": "AWSDynamoDB/*.json.gz"}.get(
        args.landing.layout, "*.parquet" if args.file_format == "PARQUET" else "*"
    )
    params: dict[str, pulumi.Input[str]] = {
        "data_path": pulumi.Output.concat(
            "s3://", args.landing.bucket, f"/{args.landing.prefix}{table}/{files}"
        ),
        "destination_table_name_template": args.physical(table) + "${run_date}",
        "file_format": args.file_format,
        "write_disposition": "WRITE_APPEND",
    }
    if args.file_format == "JSON":
        params |= {
            "max_bad_records": str(args.max_bad_records),
            "ignore_unknown_values": "true" if args.ignore_unknown else "false",
        }
    else:
        params["decimal_target_types"] = "NUMERIC,BIGNUMERIC"
    return params


def _service_account(
    name: str, meaning: str, args: BigQueryTransferArgs, opts: pulumi.ResourceOptions
) -> gcp.serviceaccount.Account:
    """An account that may run jobs in the project; what it may see of data, the dataset says."""
    account = gcp.serviceaccount.Account(
        name, account_id=names.service_account(name), display_name=name, description=meaning, opts=opts
    )
    gcp.projects.IAMMember(
        name,
        project=args.gcp.project,
        role="roles/bigquery.jobUser",
        member=pulumi.Output.concat("serviceAccount:", account.email),
        opts=opts,
    )
    return account


def _read_statements(landing: Landing) -> list[Statement]:
    """https://docs.cloud.google.com/bigquery/docs/s3-transfer#aws-permissions, for one prefix."""
    below = {"StringLike": {"s3:prefix": [f"{landing.prefix}*"]}}
    granted = [
        Statement("LocateLanding", ["s3:GetBucketLocation"], [landing.bucket_arn()]),
        Statement("ListLanding", ["s3:ListBucket"], [landing.bucket_arn()], below),
        Statement("ReadLanding", ["s3:GetObject"], [landing.objects_arn()]),
    ]
    return granted + _decrypt(landing)


def _compare_statements(landing: Landing) -> list[Statement]:
    below = [f"{landing.prefix}{table}/AWSDynamoDB/" for table in landing.tables]
    manifests = [pulumi.Output.concat(landing.bucket_arn(), f"/{at}*/manifest-summary.json") for at in below]
    return [
        Statement(
            "ListExports", ["s3:ListBucket"], [landing.bucket_arn()], {"StringEquals": {"s3:prefix": below}}
        ),
        Statement("ReadManifests", ["s3:GetObject"], manifests),
        Statement(
            "PublishDifference",
            ["cloudwatch:PutMetricData"],
            ["*"],
            {"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
            every_resource_because="a metric has no ARN; its namespace is the condition",
        ),
        *_decrypt(landing),
    ]


def _decrypt(landing: Landing) -> list[Statement]:
    if landing.key_arn is None:
        return []
    context = through_s3(landing.account, landing.bucket_arn())
    return [Statement("DecryptLanding", ["kms:Decrypt"], [landing.key_arn], context)]


def _milliseconds(days: int | None) -> int | None:
    return days * 24 * 3600 * 1000 if days else None
