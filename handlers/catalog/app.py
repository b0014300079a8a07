"""Publishes finished, reconciled exports in the Glue catalog, and reports a run.

`publish`: {"step": "publish", "export": what the former steps found, see `publishing.tables`}. Makes or widens each
table, registers the export's partition, and then moves `<table>_latest` to it and keeps what is published in
`state/<table>/current.json`, in this order: a call that breaks off leaves readers where they were, and can be
repeated. An export with a table that can't be published, of which another source's is published, moves none. One that
is older than the published one moves nothing, and gets its partition unless that is the published one's, which readers
look at. Returns {"source", "tables": [{"table", "rows", "exported_to", "moved"}]}, and the export's "notice", if any.

`report`: {"step": "report", "due", "results": [[result of a source]]}. Puts the metrics `Published` and `Failed`
(1 or 0) of each source, `Rows` and `Age` (seconds between the data's time and now) of each table. Raises
`SourcesFailed`, which names each source that failed and why. Returns what was published, and the sources' notices.

Environment: PIPELINE, DATABASE, BUCKET, CATALOG (`registered`, or `crawler`: a crawler keeps the catalog, and
publishing keeps the record only). IAM: glue:GetTable, glue:CreateTable, glue:UpdateTable, glue:CreatePartition,
glue:UpdatePartition on the account's catalog, DATABASE and its tables; s3:GetObject, s3:PutObject on
<BUCKET>/state/*, s3:ListBucket on the bucket for that prefix; with SSE-KMS kms:Decrypt, kms:GenerateDataKey;
cloudwatch:PutMetricData in the namespace `tributary`.
"""

import json
import os
from datetime import UTC, datetime

import boto3
import publishing
from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.exceptions import ClientError

logger = Logger(service="catalog")
pipeline, database, bucket = os.environ["PIPELINE"], os.environ["DATABASE"], os.environ["BUCKET"]
config = Config(retries={"mode": "standard", "total_max_attempts": 6})
registers = os.environ["CATALOG"] == "registered"
glue = boto3.client("glue", config=config)
s3 = boto3.client("s3", config=config)
cloudwatch = boto3.client("cloudwatch", config=config)


@logger.inject_lambda_context
def handler(event, context):
    return {"publish": publish, "report": report}[event["step"]](event)


def publish(event):
    export = event["export"]
    if "described" in export:  # by its key: see `rds` of the normaliser
        export = export | {"described": read(export["described"]["tables_key"])[0]}
    # All are looked at before the first is written: a conflict leaves the readers of every table where they are.
    planned = [plan(table, export) for table in publishing.tables(export)]
    published = [publish_table(*table, export) for table in planned]
    logger.info("published", source=export["source"], tables=published)
    told = {"notice": export["notice"]} if export.get("notice") else {}
    return {"source": export["source"], "tables": published} | told


def plan(table, export):
    """The table, its TableInput, the record of what is published of it, and the record's ETag."""
    name = table["table"]
    current, etag = state_of(name)
    publishing.check_source(name, current, export["source"])
    table_input = publishing.table(name, table["columns"], bucket, existing(name) if registers else None)
    if registers:
        publishing.check_view(name, existing(f"{name}_latest"))
    return table, table_input, current, etag


def publish_table(table, table_input, current, etag, export):
    name = table["table"]
    moved = current is None or current["exported_to"] <= export["exported_to"]
    if registers:
        put_table(table_input)
        # Not in the place of a newer one of that day, on which the view stands.
        if current is None or moved or current["export_date"] != export["export_date"]:
            put_partition(
                name, publishing.partition(table_input, bucket, table["location"], export["export_date"])
            )
    if moved:
        if registers:
            put_table(publishing.latest(table_input, database, export["export_date"]))
        record = {
            "table": name,
            "source": export["source"],
            "export_id": export["export_id"],
            "export_date": export["export_date"],
            "exported_to": export["exported_to"],
            "location": table["location"],
            "schema_key": table.get("schema_key"),
            "rows": table.get("rows"),
        }
        # Refused where another call has written since this one read: tried again, it sees what that one published.
        unchanged = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        s3.put_object(Bucket=bucket, Key=state_key(name), Body=json.dumps(record).encode(), **unchanged)
    return {"table": name, "rows": table.get("rows"), "exported_to": export["exported_to"], "moved": moved}


def existing(name):
    """The table as the catalog holds it, or None."""
    try:
        return glue.get_table(DatabaseName=database, Name=name)["Table"]
    except glue.exceptions.EntityNotFoundException:
        return None


def put_table(table_input):
    try:
        glue.create_table(DatabaseName=database, TableInput=table_input)
    except glue.exceptions.AlreadyExistsException:
        glue.update_table(DatabaseName=database, TableInput=table_input)


def put_partition(name, partition):
    try:
        glue.create_partition(DatabaseName=database, TableName=name, PartitionInput=partition)
    except glue.exceptions.AlreadyExistsException:
        glue.update_partition(
            DatabaseName=database,
            TableName=name,
            PartitionValueList=partition["Values"],
            PartitionInput=partition,
        )


def read(key):
    """What a JSON object holds, and its ETag."""
    found = s3.get_object(Bucket=bucket, Key=key)
    return json.loads(found["Body"].read()), found["ETag"]


def state_key(name):
    return f"state/{name}/current.json"


def state_of(name):
    """The record of what is published of the table, and its ETag; None and None where nothing is."""
    try:
        return read(state_key(name))
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            return None, None
        raise


def report(event):
    results = [result for branch in event["results"] for result in branch]
    metrics = publishing.metrics(pipeline, results, datetime.now(UTC))
    for first in range(0, len(metrics), 1000):
        cloudwatch.put_metric_data(Namespace=publishing.NAMESPACE, MetricData=metrics[first : first + 1000])
    failed = {result["source"]: result["error"] for result in results if "error" in result}
    for source, error in failed.items():
        logger.error(
            "source failed", source=source, error=error.get("Error"), reason=publishing.reason(error)
        )
    if failed:
        raise publishing.SourcesFailed(failed, len(results))
    notices = {result["source"]: result["notice"] for result in results if "notice" in result}
    published = [t["table"] for r in results for t in r["tables"]]
    return {"due": event["due"], "published": published} | ({"notices": notices} if notices else {})
