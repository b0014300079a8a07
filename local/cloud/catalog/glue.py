"""What Glue's catalog here lacks: UpdatePartition, a crawler's defaults, and a crawler that crawls.

UpdatePartition replaces a partition's input, or fails with EntityNotFoundException. A crawl reads every object below
its S3 targets, makes one table a folder at the TableLevelConfiguration (the bucket is level 1), with the columns of its
first Parquet file and the `key=value` folders below it as partition keys, and registers each folder of files as a
partition. With CRAWL_NEW_FOLDERS_ONLY what is registered stays as it is; updates and deletes are only logged. Parquet
only; a folder whose files are none is passed over. S3 and Glue must let the crawler's role in; its key is not checked.
Source: docs.aws.amazon.com/glue/latest/webapi/API_UpdatePartition.html,
docs.aws.amazon.com/glue/latest/dg/crawler-table-level.html, docs.aws.amazon.com/glue/latest/dg/incremental-crawls.html;
of the defaults registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/glue_crawler.
"""

from __future__ import annotations

import json
import shutil
import time
from urllib.parse import urlparse

import duckdb
import sqlglot
from sqlglot import exp

from local.plain import within

from ..iam.authorization import Denied, assume, check, wrap
from ..seams import athena, glue, s3
from ..seams.parts import Answer, Handler, Record
from ..seams.responses import error_response_json, get_account_id, get_region, json_response

# What GetCrawler answers for what neither CreateCrawler nor UpdateCrawler set.
DEFAULTS = {
    "LineageConfiguration": {"CrawlerLineageSettings": "DISABLE"},
    "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_EVERYTHING"},
    "SchemaChangePolicy": {
        "UpdateBehavior": "UPDATE_IN_DATABASE",
        "DeleteBehavior": "DEPRECATE_IN_DATABASE",
    },
}
PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"


def update_partition(request: Record) -> Answer:
    """UpdatePartition: writes the input over the partition of the values; EntityNotFoundException if none has them."""
    partitions = glue.partitions.get(f"{request['DatabaseName']}/{request['TableName']}", [])
    for partition in partitions:
        if partition.get("Values") == request["PartitionValueList"]:
            partition.update(request["PartitionInput"])
            return json_response({})
    return error_response_json(
        "EntityNotFoundException", f"Partition {request['PartitionValueList']} not found", 400
    )


def columns(location: str) -> list[Record]:
    """Name and Type, as Glue has them, of each column of the first Parquet file below a location."""
    workdirs: list[str] = []
    try:
        files = athena.table_files(location, workdirs)
        described = duckdb.execute(
            f"DESCRIBE SELECT * FROM read_parquet({athena.sql_list(files[:1])})"
        ).fetchall()
    finally:
        for workdir in workdirs:
            shutil.rmtree(workdir, ignore_errors=True)
    types = {name: sqlglot.parse_one(kind, read="duckdb", into=exp.DataType) for name, kind, *_ in described}
    return [{"Name": name, "Type": kind.sql(dialect="hive").lower()} for name, kind in types.items()]


def crawl(crawler: Record) -> None:
    """Registers each folder of Parquet files below a crawler's S3 targets; Denied where S3 or Glue refuses its role."""
    level = (
        json.loads(crawler.get("Configuration") or "{}").get("Grouping", {}).get("TableLevelConfiguration", 2)
    )
    role = assume(crawler["Role"], "glue.amazonaws.com")
    for target in crawler["Targets"]["S3Targets"]:
        place = urlparse(str(target["Path"]))
        bucket = f"arn:aws:s3:::{place.netloc}"
        check(role, "s3:ListBucket", bucket, **{"s3:prefix": place.path.lstrip("/")})
        objects = within(s3.buckets, place.netloc).get("objects", {})
        for key in sorted(
            k for k in objects if k.startswith(place.path.lstrip("/")) and k.endswith(".parquet")
        ):
            folders = key.split("/")[:-1]
            if len(folders) < level - 1:
                continue
            name, below = folders[level - 2].lower(), folders[level - 1 :]
            check(role, "s3:GetObject", f"{bucket}/{key}")
            for action in ("GetTable", "CreateTable", "BatchCreatePartition"):
                table = f"table/{crawler['DatabaseName']}/{name}"
                check(role, f"glue:{action}", f"arn:aws:glue:{get_region()}:{get_account_id()}:{table}")
            register(crawler["DatabaseName"], name, f"s3://{place.netloc}/{'/'.join(folders[: level - 1])}/",
                     below, f"s3://{place.netloc}/{'/'.join(folders)}/")  # fmt: skip


def register(database: str, name: str, location: str, below: list[str], folder: str) -> None:
    """One folder of files; what is known already stays."""
    keys = [part.partition("=")[0] if "=" in part else f"partition_{n}" for n, part in enumerate(below)]
    values = [part.rpartition("=")[2] for part in below]
    table = f"{database}/{name}"
    if table not in glue.tables:
        storage = {
            "Columns": columns(folder),
            "Location": location,
            "SerdeInfo": {"SerializationLibrary": PARQUET},
        }
        new_table = {
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"classification": "parquet"},
            "PartitionKeys": [{"Name": k, "Type": "string"} for k in keys],
            "StorageDescriptor": storage,
        }
        glue.create_table({"DatabaseName": database, "TableInput": new_table})
    if values and not any(p["Values"] == values for p in glue.partitions.get(table, [])):
        storage = glue.tables[table]["StorageDescriptor"] | {"Location": folder}
        partition = {"Values": values, "StorageDescriptor": storage}
        glue.create_partition({"DatabaseName": database, "TableName": name, "PartitionInput": partition})


async def handle(
    stock: Handler, method: str, path: str, headers: Record, body: bytes, query: Record
) -> Answer:
    """UpdatePartition; StartCrawler, whose crawl ends before the answer; the defaults of a made or changed crawler."""
    action = headers.get("x-amz-target", "").split(".")[-1]
    if action == "UpdatePartition":
        return update_partition(json.loads(body))
    if action == "StartCrawler":
        crawler = glue.crawlers.get(json.loads(body)["Name"])
        if crawler and crawler["State"] == "READY":
            began, failure = time.time(), ""
            try:
                crawl(crawler)
            except (duckdb.Error, Denied) as error:
                failure = str(error)
            error_message = {"ErrorMessage": failure} if failure else {}
            crawler["LastCrawl"] = {
                "Status": "FAILED" if failure else "SUCCEEDED",
                "StartTime": began,
                **error_message,
            }
            return json_response({})
    answer = await stock(method, path, headers, body, query)
    if action in ("CreateCrawler", "UpdateCrawler") and answer[0] == 200:
        crawler = glue.crawlers[json.loads(body)["Name"]]
        crawler.update({name: value | within(crawler, name) for name, value in DEFAULTS.items()})
        if not crawler.get("Schedule"):
            crawler.pop("Schedule", None)  # one that is started by hand has none
    return answer


def install() -> None:
    """Goes before ministack's Glue, in whose catalog the tables of a crawl stand."""
    wrap("glue", handle)
