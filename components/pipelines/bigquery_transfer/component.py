"""The component: who reads the landing, the warehouse, and a transfer into each table with its check."""

from typing import Any

import pulumi
import pulumi_gcp as gcp

from components import names
from components.pipelines.bigquery_transfer.args import BigQueryTransferArgs
from components.pipelines.bigquery_transfer.job_account import custom_role, job_account
from components.pipelines.bigquery_transfer.landing_reader import (
    LandingReader,
)
from components.pipelines.bigquery_transfer.load_check import LoadCheck
from components.pipelines.bigquery_transfer.storage_copy import StorageCopy
from components.pipelines.bigquery_transfer.warehouse import Warehouse
from components.pipelines.pipeline import Accounts, Deployed

# (whether each load replaces its day's partition, whether it is taken from Cloud Storage) -> write_disposition
_DISPOSITIONS = {
    (False, False): "WRITE_APPEND",
    (False, True): "APPEND",
    (True, False): "WRITE_TRUNCATE",
    (True, True): "MIRROR",
}


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

    An Iceberg table comes from its plain copy (iceberg.py), one file that holds all rows: there each load replaces its
    day's partition by it, so that a partition never has rows of two snapshots.

    By itself the service enters AWS by a user's access key and nothing else. The user may read this landing only; the
    secret is in the state as a secret and in the transfers' `sensitive_params`, never in `params`. With
    `storage_transfer` the landing is copied first, by a role (storage_copy.py), and there is no user and no key.

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
    """The function of the load check."""
    user: pulumi.Output[str] | None
    """The AWS user that the service reads the landing as, without `storage_transfer`."""
    copy_bucket: pulumi.Output[str] | None
    """The bucket of Cloud Storage that the landing is copied into, with `storage_transfer`."""
    copy_role_arn: pulumi.Output[str] | None
    """The AWS role that it is copied by."""

    def __init__(self, name: str, args: BigQueryTransferArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("tributary:pipelines:BigQueryTransferPipeline", name, None, opts)
        child_opts = pulumi.ResourceOptions(parent=self)
        transfer = job_account(
            f"{name}-transfer", f"Loads {args.landing.name} into BigQuery", args, child_opts
        )
        checker = job_account(
            f"{name}-compare", "Checks each load", args, child_opts, may=["bigquery.transfers.get"]
        )
        # WRITER has all that a load needs but this, which the service asks of the account that a transfer runs as:
        # https://docs.cloud.google.com/bigquery/docs/use-service-accounts#required_permissions
        may = ["bigquery.datasets.get", "bigquery.datasets.update"]
        updates = custom_role(
            f"{name}-transfer", f"Lets transfers of {name} run", args, may, transfer, child_opts
        )
        members = [("WRITER", transfer.email), (updates, transfer.email), ("READER", checker.email)]
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
        transfers = {table: resources["transfer"] for table, resources in self.tables.items()}
        check = LoadCheck(name, args, warehouse, transfers, checker, pulumi.ResourceOptions(parent=self))
        self.function = check.function
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
        opts = pulumi.ResourceOptions(parent=self)
        return StorageCopy(f"{name}-copy", args, args.storage_transfer, transfer.email, topic, opts)


def deploy(name: str, args: BigQueryTransferArgs, accounts: Accounts) -> Deployed:
    """The pipeline of a stack."""
    providers: list[pulumi.ProviderResource] = [accounts[args.account].provider, accounts.google_provider()]
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
        "schedules": [names.schedule(f"{name}-compare")],
        "source": args.landing.described(),
    }
    return Deployed(outputs)


def _params(
    args: BigQueryTransferArgs, table: str, copied: pulumi.Input[str] | None
) -> dict[str, pulumi.Input[str]]:
    """The parameters of a table's transfer: from S3 (https://docs.cloud.google.com/bigquery/docs/s3-transfer#bq), or
    from `copied`, a bucket of Cloud Storage (https://docs.cloud.google.com/bigquery/docs/cloud-storage-transfer#bq)."""
    params: dict[str, pulumi.Input[str]] = {
        "data_path" if copied is None else "data_path_template": pulumi.Output.concat(
            "s3://" if copied is None else "gs://",
            args.landing.bucket if copied is None else copied,
            f"/{args.files(table)}",
        ),
        "destination_table_name_template": args.physical(table) + "${run_date}",
        "file_format": args.format(table),
        "write_disposition": _DISPOSITIONS[args.is_copy(table), copied is not None],
    }
    if args.format(table) == "JSON":
        params |= {
            "max_bad_records": str(args.max_bad_records),
            "ignore_unknown_values": "true" if args.ignore_unknown else "false",
        }
    else:
        params["decimal_target_types"] = "NUMERIC,BIGNUMERIC"
    return params
