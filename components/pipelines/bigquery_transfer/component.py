"""BigQuery transfer: the tables of a landing in S3 become tables in BigQuery, loaded every day and compared."""

import json
from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_gcp as gcp

from components import names
from components.blocks.key import through_s3
from components.iam import Statement, document
from components.landing import Landing
from components.languages import bigquery_types
from components.pipelines.bigquery_transfer.args import BigQueryTransferArgs
from components.pipelines.bigquery_transfer.load_check import compare_loads
from components.pipelines.bigquery_transfer.storage_copy import StorageCopy
from components.pipelines.pipeline import Accounts, Deployed


class BigQueryTransferPipeline(pulumi.ComponentResource):
    """A landing in S3 (-> Storage Transfer Service -> Cloud Storage) -> the BigQuery Data Transfer Service, once a day
    -> a table and a view `<table>_latest` each -> a check of each load: did it run, and, where the exports count their
    items, do its rows match them.

    A load goes into the partition of its day (`<table>${run_date}`), and `WRITE_APPEND` takes only files modified since
    the last load that succeeded (https://docs.cloud.google.com/bigquery/docs/s3-transfer-intro). So a load that runs
    twice adds nothing, and one that failed is caught up by the next; but a replica that arrives late is not, since it
    keeps its source's time. What it would duplicate is a file that was written again, as a repeated replication does.
    Truncating the partition instead would lose the day's earlier files, and the path can't name a day: an export's
    folder is its id. So the table keeps what was loaded, and the view is what to query: of the newest load, each row
    once by the table's `keys`. Between two loads there should be one export. Where one load takes two, as after a
    failed day or in the first load of an old landing, the view may show the row of either.

    By itself the service enters AWS by a user's access key and nothing else. The user may read this landing only; the
    secret is in the state as a secret and in the transfers' `sensitive_params`, never in `params`. With
    `storage_transfer` the landing is copied first, by a role (storage_transfer.py), and there is no user and no key.

    Costs at rest: the tables (0.02 dollars a GB a month; loads are free), an alarm a table, two more where its rows are
    counted, and three for the function (0.10 dollars each a month). A query of the view reads all partitions that
    are kept: only a constant prunes (https://docs.cloud.google.com/bigquery/docs/querying-partitioned-tables).
    """

    dataset: str
    """The dataset's name."""
    tables: dict[str, dict[str, pulumi.Input[str]]]
    """For each of the landing's tables `table`, `view` (of the newest load) and `transfer`, as BigQuery names them."""
    topic: pulumi.Output[str]
    """The Pub/Sub topic that gets a message for each load."""
    function: pulumi.Output[str]
    """The function that compares loads with exports."""
    user: pulumi.Output[str] | None
    """The AWS user that the service reads the landing as, without `storage_transfer`."""
    copy_bucket: pulumi.Output[str] | None
    """The bucket of Cloud Storage that the landing is copied into, with `storage_transfer`."""
    copy_role_arn: pulumi.Output[str] | None
    """The AWS role that it is copied by."""

    def __init__(self, name: str, args: BigQueryTransferArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("tributary:pipelines:BigQueryTransferPipeline", name, None, opts)
        child_opts = pulumi.ResourceOptions(parent=self)
        transfer = _service_account(
            f"{name}-transfer", f"Loads {args.landing.name} into BigQuery", args, child_opts
        )
        comparison = _service_account(
            f"{name}-compare", "Checks each load", args, child_opts, may=["bigquery.transfers.get"]
        )
        # WRITER has all that a load needs but this, which the service asks of the account that a transfer runs as:
        # https://docs.cloud.google.com/bigquery/docs/use-service-accounts#required_permissions
        may = ["bigquery.datasets.get", "bigquery.datasets.update"]
        updates = _custom_role(
            f"{name}-transfer", f"Lets transfers of {name} run", args, may, transfer, child_opts
        )
        members = [("WRITER", transfer.email), (updates, transfer.email), ("READER", comparison.email)]
        warehouse = Warehouse(name, args, members, child_opts)
        self.dataset, self.tables = warehouse.dataset, warehouse.tables

        topic = gcp.pubsub.Topic(f"{name}-runs", name=names.topic(f"{name}-runs"), opts=child_opts)
        self.copy = self._copy(name, args, transfer, topic)
        reader = self.copy or LandingReader(
            f"{name}-reader", args.landing, args.prefixes(), args.access_keys or ["1"], child_opts
        )
        for table in args.tables:
            config = gcp.bigquery.DataTransferConfig(
                f"{name}-{table}",
                display_name=f"{name} {table}",
                data_source_id="google_cloud_storage" if self.copy else "amazon_s3",
                destination_dataset_id=warehouse.dataset,
                location=args.place(),
                schedule=args.schedule,
                params=_params(args, table, self.copy.bucket if self.copy else None) | reader.params,
                sensitive_params=reader.sensitive_params,
                notification_pubsub_topic=topic.id,
                service_account_name=transfer.email,
                encryption_configuration=(
                    gcp.bigquery.DataTransferConfigEncryptionConfigurationArgs(kms_key_name=args.kms_key_name)
                    if args.kms_key_name
                    else None
                ),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[warehouse, reader]),
            )
            self.tables[table]["transfer"] = config.name
        self.topic = topic.id
        self.user = reader.user if isinstance(reader, LandingReader) else None
        self.copy_bucket = self.copy.bucket if self.copy else None
        self.copy_role_arn = self.copy.role_arn if self.copy else None
        load = args.load_minute()
        self.function = compare_loads(
            name,
            args,
            args.landing,
            {
                table: {"table": args.physical(table), "transfer": made["transfer"]}
                for table, made in self.tables.items()
            },
            counted=args.compared(),
            google={"PROJECT": args.gcp.project, "DATASET": self.dataset, "LOCATION": args.place()},
            account=comparison,
            schedule=args.schedule,
            copied_before=args.storage_transfer.lead(load)
            if args.storage_transfer and load is not None
            else 0,
            after=args.compare_after_minutes,
            decrypt=_decrypt(args.landing),
            parent=self,
            depends_on=[warehouse],
        )
        self.register_outputs({"dataset": self.dataset, "topic": self.topic, "user": self.user})

    def _copy(
        self,
        name: str,
        args: BigQueryTransferArgs,
        transfer: gcp.serviceaccount.Account,
        topic: gcp.pubsub.Topic,
    ) -> StorageCopy | None:
        if args.storage_transfer is None:
            return None
        return StorageCopy(
            f"{name}-copy",
            args.storage_transfer,
            args.landing,
            project=args.gcp.project,
            location=args.place(),
            folders=sorted({args.files(table).split("*")[0] for table in args.tables}),
            read=_read_statements(args.landing, args.prefixes()),
            loader=transfer.email,
            runs=topic,
            kms_key_name=args.kms_key_name,
            retain=args.retain_data,
            alarm_topic=args.alarm_topic_arn,
            opts=pulumi.ResourceOptions(parent=self),
        )


class LandingReader(pulumi.ComponentResource):
    """An AWS user who may read one landing and nothing else, and its access keys, of which the last is in use.
    It costs nothing at rest."""

    user: pulumi.Output[str]
    params: dict[str, pulumi.Input[str]]
    sensitive_params: gcp.bigquery.DataTransferConfigSensitiveParamsArgs

    def __init__(
        self,
        name: str,
        landing: Landing,
        prefixes: Sequence[str],
        keys: Sequence[str],
        opts: pulumi.ResourceOptions,
    ):
        super().__init__("tributary:pipelines:LandingReader", name, None, opts)
        child_opts = pulumi.ResourceOptions(parent=self)
        user = aws.iam.User(name, name=names.user(name), force_destroy=False, opts=child_opts)
        policy = aws.iam.UserPolicy(
            name,
            name="read",
            user=user.name,
            policy=document(*_read_statements(landing, prefixes)),
            opts=child_opts,
        )
        made = [
            aws.iam.AccessKey(
                f"{name}-{key}", user=user.name, opts=pulumi.ResourceOptions(parent=self, depends_on=[policy])
            )
            for key in keys
        ]
        self.user = user.name
        # Not the half that opens: as a secret it would hide all of a transfer's `params` from a preview.
        self.params = {"access_key_id": made[-1].id}
        self.sensitive_params = gcp.bigquery.DataTransferConfigSensitiveParamsArgs(
            secret_access_key=pulumi.Output.secret(made[-1].secret)
        )
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
        members: Sequence[tuple[pulumi.Input[str], pulumi.Input[str]]],
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
                *(access(role=role, user_by_email=email) for role, email in members),
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
        "copy": {"bucket": pipeline.copy.bucket, "role": pipeline.copy.role_arn, "job": pipeline.copy.job}
        if pipeline.copy
        else None,
        "function": pipeline.function,
        "source": args.landing.described(),
    }
    return Deployed(outputs)


def latest(args: BigQueryTransferArgs, dataset: str, table: str) -> str:
    """The view of a table's newest load, each row once by its keys."""
    keys, columns, whole = (
        args.tables[table].keys,
        args.columns(table),
        f"`{args.gcp.project}.{dataset}.{args.physical(table)}`",
    )
    if args.exported(table):
        selected = bigquery_types.dynamodb_select(columns)
        keys = [f"Item.`{key}`.`{columns[key]}`" for key in keys]
    else:
        selected, keys = "*", [f"`{key}`" for key in keys]
    return (
        f"SELECT\n  {selected}\nFROM {whole}\n"
        f"WHERE _PARTITIONTIME = (SELECT MAX(_PARTITIONTIME) FROM {whole})\n"
        f"QUALIFY ROW_NUMBER() OVER (PARTITION BY {', '.join(keys)}) = 1"
    )


def _params(
    args: BigQueryTransferArgs, table: str, copied: pulumi.Input[str] | None
) -> dict[str, pulumi.Input[str]]:
    """https://docs.cloud.google.com/bigquery/docs/s3-transfer#bq; of files copied into a bucket of Cloud Storage
    https://docs.cloud.google.com/bigquery/docs/cloud-storage-transfer#bq"""
    params: dict[str, pulumi.Input[str]] = {
        "data_path" if copied is None else "data_path_template": pulumi.Output.concat(
            "s3://" if copied is None else "gs://",
            args.landing.bucket if copied is None else copied,
            f"/{args.files(table)}",
        ),
        "destination_table_name_template": args.physical(table) + "${run_date}",
        "file_format": args.format(table),
        "write_disposition": "WRITE_APPEND" if copied is None else "APPEND",
    }
    if args.format(table) == "JSON":
        params |= {
            "max_bad_records": str(args.max_bad_records),
            "ignore_unknown_values": "true" if args.ignore_unknown else "false",
        }
    else:
        params["decimal_target_types"] = "NUMERIC,BIGNUMERIC"
    return params


def _service_account(
    name: str,
    meaning: str,
    args: BigQueryTransferArgs,
    opts: pulumi.ResourceOptions,
    may: Sequence[str] = (),
) -> gcp.serviceaccount.Account:
    """An account that may run jobs in the project, and `may`, and no more; the dataset grants what data it may read."""
    account = gcp.serviceaccount.Account(
        name, account_id=names.service_account(name), display_name=name, description=meaning, opts=opts
    )
    roles: dict[str, pulumi.Input[str]] = {name: "roles/bigquery.jobUser"}
    if may:
        # The least predefined role with bigquery.transfers.get lets datasets be made, too.
        roles[f"{name}-own"] = _custom_role(name, meaning, args, may, account, opts)
    for called, role in roles.items():
        gcp.projects.IAMMember(
            called,
            project=args.gcp.project,
            role=role,
            member=pulumi.Output.concat("serviceAccount:", account.email),
            opts=opts,
        )
    return account


def _custom_role(
    name: str,
    meaning: str,
    args: BigQueryTransferArgs,
    may: Sequence[str],
    account: gcp.serviceaccount.Account,
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """The name of a role of the project's own, for this account."""
    made = gcp.projects.IAMCustomRole(
        name,
        project=args.gcp.project,
        role_id=account.unique_id.apply(lambda unique: names.custom_role(name, unique)),
        title=name,
        description=meaning,
        permissions=list(may),
        opts=opts,
    )
    return made.name


def _read_statements(landing: Landing, prefixes: Sequence[str]) -> list[Statement]:
    """https://docs.cloud.google.com/bigquery/docs/s3-transfer#aws-permissions, for what is loaded."""
    below = {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}}
    objects = [pulumi.Output.concat(landing.bucket_arn(), f"/{prefix}*") for prefix in prefixes]
    granted = [
        Statement("LocateLanding", ["s3:GetBucketLocation"], [landing.bucket_arn()]),
        Statement("ListLanding", ["s3:ListBucket"], [landing.bucket_arn()], below),
        Statement("ReadLanding", ["s3:GetObject"], objects),
    ]
    return granted + _decrypt(landing)


def _decrypt(landing: Landing) -> list[Statement]:
    if landing.key_arn is None:
        return []
    context = through_s3(landing.account, landing.bucket_arn())
    return [Statement("DecryptLanding", ["kms:Decrypt"], [landing.key_arn], context)]


def _milliseconds(days: int | None) -> int | None:
    return days * 24 * 3600 * 1000 if days else None
