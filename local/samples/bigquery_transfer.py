"""What a BigQuery transfer loads of the exports in the landing that it takes, compared with the source's tables.

Sends nothing itself. When its landing has what the samples sent, and Storage Transfer has copied it where it does, it
asks the Data Transfer Service for a run of each
transfer, as a person would who doesn't wait for the schedule. Rows arrived are those of the view `<table>_latest`; the
checksum is over all rows' attributes of the types S, N and BOOL (a number to six decimals), in BigQuery by a query
and of the source by a scan. The seconds are the run's.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import httpx

from local.samples import ARRIVED_WITHIN, Cloud, Row, SampleError, kinds
from local.samples.export import size

TEXT = {
    "S": "CAST({} AS STRING)",
    "N": "CAST(CAST({} * 1000000 AS INT64) AS STRING)",
    "BOOL": "CAST({} AS STRING)",
}


def prepare(cloud: Cloud, name: str, pipeline: Mapping[str, Any]) -> None:
    """Nothing: what it carries is its source's."""


def start(cloud: Cloud, name: str, pipeline: Mapping[str, Any], due: datetime) -> None:
    """Waits until its landing has it all, then runs each transfer."""
    source = cloud.pipelines[pipeline["from"]]
    deadline = time.monotonic() + ARRIVED_WITHIN
    while True:
        found = kinds()[source["kind"]].rows(cloud, pipeline["from"], source, due)
        if all(row.complete for row in found):
            break
        if any(row.failure for row in found) or time.monotonic() > deadline:
            raise SampleError(f"{name}: {pipeline['from']} has not landed all that was sent")
        time.sleep(0.5)
    if pipeline.get("copy"):
        copy(cloud, name, pipeline, deadline)
    for table in pipeline["tables"].values():
        now = {"requestedRunTime": datetime.now(UTC).isoformat()}
        ask(cloud, "POST", f"/v1/{table['transfer']}:startManualRuns", now)


def copy(cloud: Cloud, name: str, pipeline: Mapping[str, Any], deadline: float) -> None:
    """Runs the copy, unless the landing's events do, and waits until Cloud Storage has every data file."""
    job, landing = pipeline["copy"]["job"], pipeline["source"]
    if "schedule" in ask(cloud, "GET", f"/v1/{job}"):
        ask(cloud, "POST", f"/v1/{job}:run", {"projectId": pipeline["project"]})
    below = tuple(f"{landing['prefix']}{table}/AWSDynamoDB/" for table in pipeline["tables"])
    pages = cloud.client("s3", landing).get_paginator("list_objects_v2").paginate(Bucket=landing["bucket"])
    wanted = {o["Key"] for page in pages for o in page.get("Contents", []) if o["Key"].startswith(below)}
    wanted = {key for key in wanted if key.endswith(".json.gz")}
    at = f"/storage/v1/b/{pipeline['copy']['bucket']}/o"
    while missing := wanted - {o["name"] for o in ask(cloud, "GET", at)["items"]}:
        if time.monotonic() > deadline:
            raise SampleError(f"{name}: Storage Transfer has not copied {len(missing)} files")
        time.sleep(0.2)


def rows(cloud: Cloud, name: str, pipeline: Mapping[str, Any], due: datetime | None) -> list[Row]:
    origin = pipeline
    while origin.get("from"):
        origin = cloud.pipelines[origin["from"]]
    return [row(cloud, name, pipeline, origin["landing"], table, due) for table in pipeline["tables"]]


def row(cloud: Cloud, name: str, pipeline: Mapping[str, Any], source: Mapping[str, Any], table: str,
        due: datetime | None) -> Row:  # fmt: skip
    made, written = pipeline["tables"][table], size(cloud, source, table)
    found = ask(cloud, "GET", f"/v1/{made['transfer']}/runs")["transferRuns"]
    run = next((r for r in found if due is None or datetime.fromisoformat(r["scheduleTime"]) >= due), {})
    if run.get("state") == "FAILED":
        return Row(name, pipeline["kind"], table, written, 0, None, failure=run["errorStatus"]["message"])
    if run.get("state") != "SUCCEEDED":
        return Row(name, pipeline["kind"], table, written, 0, None)
    columns = compared(cloud, made["table"])
    known = (name, table, run["name"], str(written))
    if known not in cloud.counted:
        cloud.counted[known], cloud.counted[(*known, "rows")] = in_bigquery(cloud, made["view"], columns)
        cloud.counted[(*known, "source")] = in_dynamodb(cloud, source, table, columns)
    here, there = f"{cloud.counted[known]:08x}", f"{cloud.counted[(*known, 'source')]:08x}"
    arrived = cloud.counted[(*known, "rows")]
    took = datetime.fromisoformat(run["endTime"]) - datetime.fromisoformat(run["startTime"])
    counts = {f"rows in {name}": arrived, "checksum": there, f"checksum in {name}": here}
    failure = "" if here == there else f"the checksum in BigQuery is {here}, in the source {there}"
    return Row(name, pipeline["kind"], table, written, arrived, took.total_seconds(), counts, failure)


def ask(cloud: Cloud, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    answer = httpx.request(method, cloud.gcp + path, json=body, timeout=300, trust_env=False)
    if answer.status_code != 200:
        raise SampleError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
    return answer.json()


def query(cloud: Cloud, project: str, sql: str) -> list[list[Any]]:
    answer = ask(
        cloud, "POST", f"/bigquery/v2/projects/{project}/queries", {"query": sql, "useLegacySql": False}
    )
    if answer.get("errors"):
        raise SampleError(f"{sql}: {answer['errors']}")
    return [[cell["v"] for cell in found["f"]] for found in answer.get("rows", [])]


def compared(cloud: Cloud, table: str) -> dict[str, str]:
    """The attributes that the checksum is over, each with its type."""
    project, dataset, name = table.split(".")
    fields = ask(cloud, "GET", f"/bigquery/v2/projects/{project}/datasets/{dataset}/tables/{name}")["schema"][
        "fields"
    ]
    inner = {field["name"]: [kind["name"] for kind in field["fields"]] for field in fields[0]["fields"]}
    return {column: types[0] for column, types in inner.items() if len(types) == 1 and types[0] in TEXT}


def in_bigquery(cloud: Cloud, view: str, columns: Mapping[str, str]) -> tuple[int, int]:
    """The checksum of the view and its number of rows."""
    texts = [f"IFNULL({TEXT[kind].format(f'`{column}`')}, '')" for column, kind in columns.items()]
    line = f"SELECT CONCAT({', CHR(31), '.join(texts)}) AS line FROM `{view}`"
    sql = f"SELECT COUNT(*), TO_HEX(MD5(STRING_AGG(line, CHR(10) ORDER BY line))) FROM ({line})"
    [[count, digest]] = query(cloud, view.split(".")[0], sql)
    return int((digest or "0")[:8], 16), int(count)


def in_dynamodb(cloud: Cloud, source: Mapping[str, Any], table: str, columns: Mapping[str, str]) -> int:
    """The same checksum of the table itself."""
    pages = cloud.client("dynamodb", source).get_paginator("scan").paginate(TableName=table)
    lines = ["\x1f".join(text(item.get(column), kind) for column, kind in columns.items())
             for page in pages for item in page["Items"]]  # fmt: skip
    if not lines:
        return 0
    whole = "\n".join(sorted(lines, key=str.encode)).encode()
    return int(hashlib.md5(whole, usedforsecurity=False).hexdigest()[:8], 16)


def text(value: Mapping[str, Any] | None, kind: str) -> str:
    """An attribute as the query writes it; nothing where it is absent or of another type."""
    if not value or kind not in value:
        return ""
    if kind == "N":
        return str(int(Decimal(value[kind]).scaleb(6).quantize(Decimal(1), ROUND_HALF_UP)))
    return str(value[kind]).lower() if kind == "BOOL" else value[kind]
