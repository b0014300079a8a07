"""BigQuery: load jobs into a table that is there, and transfers from S3 that find nothing, or what can't be read."""

from __future__ import annotations

import io
import json
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from components.shared.loaded_tables import LoadedTable
from handlers.load_check.counts import run_result
from tests.live.google import Google
from tests.live.life import Life, until
from tests.live.place import Place
from tests.live.sweep import empty_bucket
from tests.typed import pa, pq

TYPES = (
    "which types of a Parquet file does a load job take into a column that is there, and which does it refuse"
)
RUNS = (
    "does the Data Transfer Service report a load of no file, and of bad records, as the load check expects"
)
DATASETS = "/bigquery/v2/projects/{}/datasets"
TABLES = DATASETS + "/{}/tables"
HALF_AN_HOUR = 1800.0  # seconds; a transfer's run starts within some minutes

# What the file holds and the column's type: the same, a wider one and a narrower one.
CASES: dict[str, tuple[Any, str]] = {
    "INT64 into INT64": (pa.array([1, 2]), "INT64"),
    "INT32 into INT64": (pa.array([1, 2], pa.int32()), "INT64"),
    "INT64 into NUMERIC": (pa.array([1, 2]), "NUMERIC"),
    "INT64 into FLOAT64": (pa.array([1, 2]), "FLOAT64"),
    "INT64 into STRING": (pa.array([1, 2]), "STRING"),
    "DOUBLE into FLOAT64": (pa.array([1.5]), "FLOAT64"),
    "DOUBLE into INT64": (pa.array([1.5]), "INT64"),
    "DOUBLE into NUMERIC": (pa.array([1.5]), "NUMERIC"),
    "DECIMAL(20,0) into NUMERIC": (pa.array([Decimal("18446744073709551615")], pa.decimal128(20, 0)), "NUMERIC"),
    "DECIMAL(20,0) into BIGNUMERIC": (pa.array([Decimal(1)], pa.decimal128(20, 0)), "BIGNUMERIC"),
    "DECIMAL(38,10) into BIGNUMERIC": (pa.array([Decimal("1.5")], pa.decimal128(38, 10)), "BIGNUMERIC"),
    "UTF8 into STRING": (pa.array(["a"]), "STRING"),
    "UTF8 into INT64": (pa.array(["1"]), "INT64"),
    "UTF8 into JSON": (pa.array(["{}"]), "JSON"),
    "DATE into TIMESTAMP": (pa.array([datetime(2026, 1, 1).date()]), "TIMESTAMP"),
    "TIMESTAMP into DATETIME": (pa.array([datetime(2026, 1, 1)], pa.timestamp("us")), "DATETIME"),
}  # fmt: skip
# What docs/types.md declares for the columns of an export, so what each load relies on.
DECLARED = (
    "INT64 into INT64", "INT32 into INT64", "DOUBLE into FLOAT64", "DECIMAL(20,0) into NUMERIC", "UTF8 into STRING",
    "DECIMAL(38,10) into BIGNUMERIC",
)  # fmt: skip


def dataset(google: Google, name: str, undo: ExitStack) -> str:
    """A dataset of this life; its tables go with it
    (https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/datasets/delete)."""
    id = name.replace("-", "_")
    body = {"datasetReference": {"datasetId": id}, "location": google.location}
    google("bigquery", "POST", DATASETS, google.project, body=body)
    undo.callback(google, "bigquery", "DELETE", DATASETS + "/{}", google.project, id, deleteContents="true")
    return id


def table(google: Google, dataset: str, name: str, *fields: dict[str, str]) -> None:
    """A new table with these fields."""
    body = {"tableReference": {"tableId": name}, "schema": {"fields": list(fields)}}
    google("bigquery", "POST", TABLES, google.project, dataset, body=body)


def load(place: Place, name: str, undo: ExitStack) -> None:
    """A Parquet file of one column into a table whose column has this type, or another: the job's error names what it
    refuses (https://docs.cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet#parquet_conversions)."""
    google = place.google
    id = dataset(google, name, undo)
    answer: dict[Any, Any] = {}
    for number, (case, (values, kind)) in enumerate(CASES.items()):
        table(google, id, f"case_{number}", {"name": "value", "type": kind})
        file = io.BytesIO()
        pq.write_table(pa.table({"value": values}), file)
        answer[case] = _loaded(google, id, f"case_{number}", file.getvalue())
    place.settle(TYPES, answer, **dict.fromkeys(DECLARED, "loaded"))


def _loaded(google: Google, dataset: str, table: str, data: bytes) -> str:
    destination = {"projectId": google.project, "datasetId": dataset, "tableId": table}
    # As the Data Transfer Service gets it: docs/types.md.
    targets = ["NUMERIC", "BIGNUMERIC", "STRING"]
    job = {"destinationTable": destination, "sourceFormat": "PARQUET", "writeDisposition": "WRITE_APPEND",
           "createDisposition": "CREATE_NEVER", "decimalTargetTypes": targets}  # fmt: skip
    begun = google("bigquery", "POST", "/upload/bigquery/v2/projects/{}/jobs", google.project, data=data,
                   body={"configuration": {"load": job}}, uploadType="multipart")  # fmt: skip
    id = begun["jobReference"]["jobId"]
    at = ("/bigquery/v2/projects/{}/jobs/{}", google.project, id)
    where: dict[str, Any] = {"location": begun["jobReference"].get("location") or google.location}
    done = until(lambda: (j := google("bigquery", "GET", *at, **where))["status"]["state"] == "DONE" and j)
    return "refused" if done["status"].get("errorResult") else "loaded"


def transfer(place: Place, name: str, undo: ExitStack) -> None:
    """A transfer from S3 by a user's key, run by hand: once where there is nothing, once over a record that is none,
    and once over good ones. A run's state is what the load check goes by; its log says how many files there were
    (https://docs.cloud.google.com/bigquery/docs/reference/datatransfer/rest/v1/projects.locations.transferConfigs.runs)."""
    google = place.google
    id = dataset(google, name, undo)
    table(google, id, "orders", {"name": "id", "type": "STRING"}, {"name": "total", "type": "NUMERIC"})
    s3, key = landing(place, name, undo)
    body = {
        "displayName": name,
        "dataSourceId": "amazon_s3",
        "destinationDatasetId": id,
        "scheduleOptions": {"disableAutoScheduling": True},
        "params": {
            "destination_table_name_template": "orders",
            "data_path": f"s3://{name}-{place.account()}/raw/*.json",
            "file_format": "JSON",
            "write_disposition": "WRITE_APPEND",
            "access_key_id": key["AccessKeyId"],
            "secret_access_key": key["SecretAccessKey"],
        },
    }
    parent = f"projects/{google.project}/locations/{google.location.lower()}"
    config = google("bigquerydatatransfer", "POST", "/v1/{}/transferConfigs", parent, body=body)["name"]
    undo.callback(google, "bigquerydatatransfer", "DELETE", "/v1/{}", config)

    answer: dict[str, Any] = {}
    for case, line in (("no file", ""), ("bad record", "{"), ("good record", '{"id": "1", "total": "2.5"}')):
        if line:
            s3.put_object(Bucket=f"{name}-{place.account()}", Key="raw/orders.json", Body=line.encode())
        run = _run(google, config)
        result = run_result(LoadedTable("orders", config), run, False)
        answer |= {case: run["state"], f"{case} rings": bool(result["failed"])}
    answer["rows"] = _count(google, id, "orders")
    place.settle(
        RUNS, answer, **{"no file rings": False, "bad record rings": True, "good record rings": False}, rows=1
    )


def landing(place: Place, name: str, undo: ExitStack) -> tuple[Any, dict[str, str]]:
    """A bucket, and the key of a user who may read what is below raw/ in it."""
    s3, iam = place("s3"), place("iam")
    bucket = f"{name}-{place.account()}"
    make_bucket(s3, bucket, place.sandbox.region, undo)
    iam.create_user(UserName=name)
    undo.callback(iam.delete_user, UserName=name)
    grants = [
        {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetBucketLocation"], "Resource": f"arn:aws:s3:::{bucket}"},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/raw/*"},
    ]  # fmt: skip
    document = json.dumps({"Version": "2012-10-17", "Statement": grants})
    iam.put_user_policy(UserName=name, PolicyName="read", PolicyDocument=document)
    undo.callback(iam.delete_user_policy, UserName=name, PolicyName="read")
    key = iam.create_access_key(UserName=name)["AccessKey"]
    undo.callback(iam.delete_access_key, UserName=name, AccessKeyId=key["AccessKeyId"])
    return s3, key


def make_bucket(s3: Any, bucket: str, region: str, undo: ExitStack) -> None:
    """A bucket that goes with all that is in it. us-east-1 is the place that must not be named
    (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html)."""
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=bucket, **where)

    undo.callback(empty_bucket, s3, bucket)


def _run(google: Google, config: str) -> dict[str, Any]:
    """A run by hand, as it ended. A key is known to S3 some seconds after it was made: one that is refused is tried
    again for some minutes."""
    begun = ""
    ended: dict[Any, Any] = {}
    for _ in range(5):
        now = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
        begun = google("bigquerydatatransfer", "POST", "/v1/{}:startManualRuns", config,
                       body={"requestedRunTime": now})["runs"][0]["name"]  # fmt: skip

        def over(run: str = begun) -> Any:
            read = google("bigquerydatatransfer", "GET", "/v1/{}", run)
            return read if read["state"] in ("SUCCEEDED", "FAILED", "CANCELLED") else None

        ended = until(over, HALF_AN_HOUR)
        if "PERMISSION_DENIED" not in ended.get("errorStatus", {}).get("message", ""):
            break
    google("bigquerydatatransfer", "GET", "/v1/{}/transferLogs", begun)
    return ended


def _count(google: Google, dataset: str, table: str) -> int:
    sql = f"SELECT COUNT(*) FROM `{google.project}.{dataset}.{table}`"
    body = {"query": sql, "useLegacySql": False, "location": google.location}
    answer = google("bigquery", "POST", "/bigquery/v2/projects/{}/queries", google.project, body=body)
    return int(answer["rows"][0]["f"][0]["v"])


LIVES = {
    "load": Life(load, (TYPES,), frozenset({"google"}), "a dataset of small tables"),
    "transfer": Life(
        transfer, (RUNS,), frozenset({"google"}), "a bucket, a user with a key, a dataset, a transfer"
    ),
}
