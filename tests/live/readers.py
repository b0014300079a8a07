"""Lake Formation: a role that was granted a table reads it by Athena, one with the same policies in IAM does not."""

from __future__ import annotations

import io
from contextlib import ExitStack
from typing import Any

from botocore.exceptions import ClientError

from tests.live.life import Life, accepted, until
from tests.live.place import Place
from tests.live.roles import REFUSALS, role
from tests.live.warehouse import make_bucket
from tests.typed import pa, pq

READERS = "does Lake Formation let in the readers that are declared, and nobody else"
PARQUET = (
    "org.apache.hadoop.hive.ql.io.parquet"  # https://docs.aws.amazon.com/athena/latest/ug/parquet-serde.html
)


def readers(place: Place, name: str, undo: ExitStack) -> None:
    """A location registered under a role of its own, a grant as the export pipeline makes it, and two who ask
    (https://docs.aws.amazon.com/lake-formation/latest/dg/access-control-underlying-data.html). The data lake must have
    no default for IAMAllowedPrincipals, and whoever runs this as an administrator."""
    formation, glue, account = place("lakeformation"), place("glue"), place.account()
    bucket, database = f"{name}-{account}", name.replace("-", "_")
    settings = formation.get_data_lake_settings()["DataLakeSettings"]
    assert not settings.get("CreateTableDefaultPermissions"), "new tables are open to all whom IAM lets in"
    make_bucket(place("s3"), bucket, place.sandbox.region, undo)
    rows = io.BytesIO()
    pq.write_table(pa.table({"id": ["1", "2", "3"]}), rows)
    place("s3").put_object(Bucket=bucket, Key="lake/orders/rows.parquet", Body=rows.getvalue())
    reads = [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/lake/*"},
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket}"},
    ]
    keeper = role(place, f"{name}-lake", {"Service": "lakeformation.amazonaws.com"}, undo, *reads)
    location = {"ResourceArn": f"arn:aws:s3:::{bucket}/lake"}
    until(
        lambda: accepted(
            formation.register_resource, "InvalidInputException", *REFUSALS, RoleArn=keeper,
            UseServiceLinkedRole=False, **location,
        )
    )  # fmt: skip
    undo.callback(formation.deregister_resource, **location)
    glue.create_database(DatabaseInput={"Name": database})
    undo.callback(glue.delete_database, Name=database)
    glue.create_table(DatabaseName=database, TableInput=_table(f"s3://{bucket}/lake/orders/"))
    undo.callback(glue.delete_table, DatabaseName=database, Name="orders")
    who = {
        what: role(place, f"{name}-{what}", {"AWS": f"arn:aws:iam::{account}:root"}, undo, *_queries(bucket))
        for what in ("reader", "other")
    }
    tables: dict[str, Any] = {"DatabaseName": database, "TableWildcard": {}}
    for resource, permissions in (
        ({"Database": {"Name": database}}, ["DESCRIBE"]),
        ({"Table": tables}, ["DESCRIBE", "SELECT"]),
    ):
        grant: dict[str, Any] = {
            "Principal": {"DataLakePrincipalIdentifier": who["reader"]},
            "Resource": resource,
        }
        formation.grant_permissions(Permissions=permissions, **grant)
        undo.callback(formation.revoke_permissions, Permissions=permissions, **grant)
    # The grant is for a role that is new: it is tried again until it holds. The other has had as long by then.
    answer = {
        "reader": until(
            lambda: (rows := _count(place, who["reader"], database, bucket)) != "refused" and rows
        )
    }
    answer["other"] = _count(place, who["other"], database, bucket)
    place.settle(READERS, answer, reader="3", other="refused")


def _table(location: str) -> dict[str, Any]:
    return {
        "Name": "orders",
        "TableType": "EXTERNAL_TABLE",
        "StorageDescriptor": {
            "Columns": [{"Name": "id", "Type": "string"}],
            "Location": location,
            "InputFormat": f"{PARQUET}.MapredParquetInputFormat",
            "OutputFormat": f"{PARQUET}.MapredParquetOutputFormat",
            "SerdeInfo": {"SerializationLibrary": f"{PARQUET}.serde.ParquetHiveSerDe"},
        },
    }


def _queries(bucket: str) -> list[dict[str, Any]]:
    """What IAM grants to who queries: nothing about the files of the table (docs/export.md, "People who query")."""
    results = f"arn:aws:s3:::{bucket}"
    return [
        {"Effect": "Allow", "Action": ["athena:StartQueryExecution", "athena:GetQueryExecution",
                                       "athena:GetQueryResults"], "Resource": "*"},
        {"Effect": "Allow", "Action": ["glue:GetDatabase", "glue:GetTable", "glue:GetTables", "glue:GetPartitions"],
         "Resource": "*"},
        {"Effect": "Allow", "Action": "lakeformation:GetDataAccess", "Resource": "*"},
        {"Effect": "Allow", "Action": ["s3:GetBucketLocation", "s3:ListBucket"], "Resource": results},
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"{results}/results/*"},
    ]  # fmt: skip


def _count(place: Place, role_arn: str, database: str, bucket: str) -> str:
    """The rows of the table as the role counts them, or `refused`."""
    sts = place.sandbox.client("sts", place.account())
    given = until(lambda: accepted(sts.assume_role, *REFUSALS, RoleArn=role_arn, RoleSessionName="live"))
    athena = place.recorder.on(place.sandbox.client("athena", place.account(), given["Credentials"]))
    try:
        begun = athena.start_query_execution(
            QueryString="SELECT count(*) FROM orders", QueryExecutionContext={"Database": database},
            ResultConfiguration={"OutputLocation": f"s3://{bucket}/results/"},
        )["QueryExecutionId"]  # fmt: skip

        def ended() -> Any:
            status = athena.get_query_execution(QueryExecutionId=begun)["QueryExecution"]["Status"]
            return status if status["State"] in ("SUCCEEDED", "FAILED", "CANCELLED") else None

        if until(ended)["State"] != "SUCCEEDED":
            return "refused"
        rows = athena.get_query_results(QueryExecutionId=begun)["ResultSet"]["Rows"]
        return rows[1]["Data"][0]["VarCharValue"]
    except ClientError as error:
        if error.response["Error"]["Code"] in ("AccessDeniedException", "InvalidRequestException"):
            return "refused"
        raise


LIVES = {
    "readers": Life(
        readers, (READERS,), frozenset({"lake formation"}),
        "a bucket, a table in Glue, three roles, a location and grants in Lake Formation",
    )
}  # fmt: skip
