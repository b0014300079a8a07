"""The dataset in BigQuery, its tables, and a view of each table's newest load."""

import json
from collections.abc import Sequence

import pulumi
import pulumi_gcp as gcp

from components import names
from components.languages import bigquery_types
from components.pipelines.bigquery_transfer.args import BigQueryTransferArgs
from components.shared.catalog_names import latest_view


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
        data_opts = pulumi.ResourceOptions(parent=self, retain_on_delete=args.retain_data)
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
            opts=data_opts,
        )
        self.tables = {}
        for table, columns in args.tables.items():
            physical = args.physical(table)
            bigquery_table = gcp.bigquery.Table(
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
                opts=data_opts,
            )
            gcp.bigquery.Table(
                f"{name}-{table}-latest",
                dataset_id=dataset.dataset_id,
                table_id=latest_view(physical),
                description=f"The newest load of {table}, each row once",
                view=gcp.bigquery.TableViewArgs(
                    query=latest(args, self.dataset, table), use_legacy_sql=False
                ),
                deletion_protection=False,
                labels=labels,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[bigquery_table]),
            )
            whole = f"{project}.{self.dataset}.{physical}"
            self.tables[table] = {"table": whole, "view": latest_view(whole)}
        self.register_outputs({"dataset": self.dataset})


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


def _milliseconds(days: int | None) -> int | None:
    return days * 24 * 3600 * 1000 if days else None
