"""Databases as the embedded cloud exports them have the types that a stack declares: what stands in their files is what
the run says of them and what BigQuery loads, of each type that a config may declare and of either engine."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from components.languages import bigquery_types
from components.languages.column_types import exported_type as declarable
from components.stack.settings import read
from local import configured, samples
from local.gcp import parquet
from local.samples import column_values, databases, declared_databases
from local.samples.mysql import MICROS, Table
from tests.contract.embedded_cloud import WORKLOAD, Cloud
from tests.contract.normaliser import HANDLER
from tests.waiting import eventually

import rds_export  # isort: skip - a module of the handler's folder, which the line above puts on the path

ROOT = HANDLER.parents[1]
ROWS = 40
NONE: set[bool] = set()
LOAD = {"decimalTargetTypes": ["NUMERIC", "BIGNUMERIC"]}  # what a transfer loads with
TYPES = [*bigquery_types.SCALARS, *bigquery_types.SAME, "varchar(20)", "char(3)"]
# What RDS writes, by what a column is in MySQL and in PostgreSQL
# (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ExportSnapshot.data-types.html).
PAGE = {
    True: {
        "bigint": "int64", "bigint unsigned": "fixed_len_byte_array(9) (DECIMAL(20,0))", "binary": "binary",
        "decimal(9,2)": "int32 (DECIMAL(9,2))", "decimal(18,2)": "int64 (DECIMAL(18,2))",
        "decimal(38,4)": "fixed_len_byte_array(16) (DECIMAL(38,4))", "double": "double", "float": "double",
        "int": "int32", "int unsigned": "int64", "mediumint": "int32", "mediumint unsigned": "int64",
        "smallint": "int32", "smallint unsigned": "int32", "tinyint": "int32", "tinyint unsigned": "int32",
        "varchar(9)": "binary (UTF8)", "json": "binary (UTF8)", "timestamp": MICROS, "year": "int32",
    },
    False: {
        "bigint": "int64", "double precision": "double", "integer": "int32", "real": "float", "smallint": "int32",
        "bytea": "binary", "char(3)": "binary (UTF8)", "json": "binary (UTF8)", "boolean": "boolean",
    },
}  # fmt: skip


def may_be(kind: str, mysql: bool) -> bool:
    """Whether a config may declare the type of an engine's column."""
    try:
        return declarable(kind, mysql=mysql) == kind
    except ValueError:
        return False


def loaded(kind: str, table: Table, folder: Path) -> list[Any]:
    """The values of column `c` as BigQuery loads them into a column of the declared type. Raises LoadFailed where it
    loads none."""
    file = folder / "part.gz.parquet"
    file.write_bytes(databases.parquet(table))
    field = bigquery_types.field("c", kind, "PARQUET")
    return [row["c"] for row in parquet.read(file, [field], LOAD, "shop.t")]


def check(kind: str, mysql: bool, folder: Path) -> None:
    made = column_values.column("c", kind, mysql=mysql)
    values = loaded(kind, Table(ROWS, (made,)), folder)
    assert len(values) == ROWS and None in values and len({str(value) for value in values}) > 1
    described = rds_export.exported_type(made.exported).glue()
    assert bigquery_types.field("c", described, "PARQUET") == bigquery_types.field("c", kind, "PARQUET"), kind
    key = column_values.column("c", kind, mysql=mysql, key=True)
    rows = min(ROWS, column_values.distinct(key))
    values = loaded(kind, Table(rows, (key,)), folder)
    assert None not in values and len({str(value) for value in values}) == rows


@pytest.mark.parametrize("mysql", [True, False])
def test_each_type_that_a_config_may_declare_is_loaded_as_such(mysql: bool, tmp_path: Path) -> None:
    kinds = [kind for kind in TYPES if may_be(kind, mysql)]
    assert len(kinds) > 15
    for kind in kinds:
        check(kind, mysql, tmp_path)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 38).flatmap(lambda p: st.tuples(st.just(p), st.integers(0, p))))
def test_so_is_a_decimal_of_any_digits(
    tmp_path_factory: pytest.TempPathFactory, digits: tuple[int, int]
) -> None:
    check("decimal({},{})".format(*digits), True, tmp_path_factory.mktemp("decimal"))


@pytest.mark.parametrize(("mysql", "kind"), [(mysql, kind) for mysql in PAGE for kind in PAGE[mysql]])
def test_a_type_is_exported_as_the_page_of_rds_has_it(mysql: bool, kind: str) -> None:
    assert declarable(kind, mysql=mysql) == kind
    assert column_values.column("c", kind, mysql=mysql).exported == PAGE[mysql][kind]


@pytest.mark.parametrize(
    ("kind", "engines"),
    [("timestamp", {True}), ("boolean", {False}), ("decimal(9,2)", {True}), ("bigint unsigned", {True}),
     ("date", NONE), ("time", NONE), ("datetime", NONE), ("bigint", {True, False}), ("decimal(39,2)", NONE)],
)  # fmt: skip
def test_a_type_that_no_file_of_the_engine_has_may_not_be_declared(kind: str, engines: set[bool]) -> None:
    assert {mysql for mysql in (True, False) if may_be(kind, mysql)} == engines


ACCOUNT = {"id": WORKLOAD, "region": "us-east-1"}
CRM = {
    "crm.public.people": {"id": "bigint", "name": "string", "active": "boolean", "score": "real"},
    "crm.public.empty-ish": {"order": "smallint"},
}
SALES = {"no": "tinyint", "at": "timestamp"}
STACK: dict[str, Any] = {
    "accounts": {"work": ACCOUNT},
    "gcp": {"project": "acme-analytics", "location": "US"},
    "pipelines": {
        "crm-lake": {
            "kind": "export", "create_key": True,
            "sources": [
                {"rds_cluster": "crm-db", "tables": CRM, "leave_out": ["crm.audit.log"]},
                {"rds_instance": "till", "only": ["till.sales"], "tables": {"till.sales": SALES}},
                {"rds_instance": "plain"},
            ],
        },
        "crm-warehouse": {
            "kind": "bigquery-transfer", "from": "crm-lake", "dataset": "crm",
            "tables": {
                "crm.public.people": {"keys": ["id"], "columns": {"photo": "binary"}},
                "crm.public.empty-ish": {"keys": ["order"]},
                "till.sales": {"keys": ["no"]},
            },
        },
    },
}  # fmt: skip


def of_stack() -> dict[databases.Key, databases.Database]:
    return declared_databases.of_stack(samples.declared(read(STACK)))


def test_a_database_has_what_exports_and_transfers_declare_of_it() -> None:
    made = {key[2:]: database for key, database in of_stack().items()}
    crm, till, plain = (
        made["rds_cluster", "crm-db"],
        made["rds_instance", "till"],
        made["rds_instance", "plain"],
    )
    assert {database.engine for database in (till, plain)} == {"mysql"} and crm.engine == "postgres"
    people = {column.name: column.exported for column in crm.tables["crm.public.people"].columns}
    assert people == {
        "id": "int64", "name": "binary (UTF8)", "active": "boolean", "score": "float", "photo": "binary"
    }  # fmt: skip
    assert "crm.audit.log" in crm.tables and list(plain.tables) == ["plain.items"]
    assert till.tables["till.sales"].rows == 127  # so many a key of that type tells apart


def test_the_columns_that_prod_declares_of_the_shop_are_its_own() -> None:
    [(key, shop)] = declared_databases.of_stack(samples.declared(configured.read(ROOT, "prod"))).items()
    assert key == (WORKLOAD, "ap-northeast-1", "rds_instance", "shop")
    exported = {column.name: column.exported for column in shop.tables["shop.products"].columns}
    # No others: "Cannot add fields", says a load of a file that has a column more than its table.
    assert exported == {"product_id": "int64", "price": "int32 (DECIMAL(9,2))"}
    assert shop.tables["shop.payments"] == databases.SHOP.tables["shop.payments"]


@pytest.fixture(scope="module")
def export(cloud: Cloud) -> dict[str, str]:
    """What an export of the stack's databases, which the cloud has, goes to: the bucket, the role and the key."""
    databases.write(cloud.log_file.parent, of_stack())
    cloud.client("s3", WORKLOAD).create_bucket(Bucket="exports")
    role = cloud.role(
        WORKLOAD,
        "exporter",
        "export.rds.amazonaws.com",
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
    )
    key = cloud.client("kms", WORKLOAD).create_key()["KeyMetadata"]["Arn"]
    return {"S3BucketName": "exports", "IamRoleArn": role, "KmsKeyId": key}


def test_the_cloud_exports_the_stacks_databases_with_their_rows(cloud: Cloud, export: dict[str, str]) -> None:
    rds, s3 = (cloud.client(service, WORKLOAD) for service in ("rds", "s3"))
    [snapshot] = rds.describe_db_cluster_snapshots(DBClusterIdentifier="crm-db", SnapshotType="automated")[
        "DBClusterSnapshots"
    ]
    assert snapshot["Engine"] == "postgres" and snapshot["DBClusterIdentifier"] == "crm-db"
    assert len(rds.describe_db_snapshots(DBInstanceIdentifier="till")["DBSnapshots"]) == 1
    rds.start_export_task(ExportTaskIdentifier="crm", SourceArn=snapshot["DBClusterSnapshotArn"], **export)

    def ended() -> dict[str, Any] | None:
        [task] = rds.describe_export_tasks(ExportTaskIdentifier="crm")["ExportTasks"]
        return task if task["Status"] in ("COMPLETE", "FAILED") else None

    assert eventually(ended)["Status"] == "COMPLETE"
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="exports")["Contents"]]

    def get(key: str) -> bytes:
        return s3.get_object(Bucket="exports", Key=key)["Body"].read()

    infos = {key: json.loads(get(key)) for key in keys if "export_tables_info" in key}
    described = rds_export.describe("crm/", infos, keys, leave_out=["crm.audit.log"])
    assert not described.refused and not described.skipped
    assert {table.target for table in described.tables} == set(CRM)
    parts = rds_export.parts(described, keys)
    for table in described.tables:
        [part] = parts[table.target]
        content: pa.Table = pq.read_table(io.BytesIO(get(part)))  # pyright: ignore[reportUnknownMemberType] - of untyped filters
        expected = of_stack()[WORKLOAD, "us-east-1", "rds_cluster", "crm-db"].tables[table.target]
        assert content.num_rows == expected.rows > 0
        assert content.column_names == [column.name for column in expected.columns]


def test_a_part_of_a_database_that_is_not_there_is_refused(cloud: Cloud, export: dict[str, str]) -> None:
    rds = cloud.client("rds", WORKLOAD)
    [snapshot] = rds.describe_db_snapshots(DBInstanceIdentifier="till", SnapshotType="automated")[
        "DBSnapshots"
    ]
    with pytest.raises(ClientError, match=r"till\.returns is not in the snapshot"):
        rds.start_export_task(
            ExportTaskIdentifier="till",
            SourceArn=snapshot["DBSnapshotArn"],
            ExportOnly=["till.returns"],
            **export,
        )
