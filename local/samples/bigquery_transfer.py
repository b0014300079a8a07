"""What a BigQuery transfer loads of the landing that it takes, compared with the source's tables and with Athena's.

Sends nothing itself. When its landing has what the samples sent, and Storage Transfer has copied it where it does, it
asks the Data Transfer Service for a run of each transfer, as a person would who doesn't wait for the schedule. Rows
arrived are those of the view `<table>_latest`. A checksum (checksum.py) that differs from the source's fails its row;
Athena is queried in the account of the landing, where tables are beside it. The seconds are the run's.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from components.shared.catalog_names import table_name
from local.samples import (
    Cloud,
    Row,
    SampleError,
    adopted_landing,
    checksum,
    declared_databases,
    kinds,
    lake,
    mysql,
)
from local.samples.export import keys, sizes
from local.samples.mysql import Table
from operate.kinds import bigquery_transfer as operated


def prepare(cloud: Cloud, name: str, pipeline: Mapping[str, Any]) -> None:
    """Nothing, but for an adopted bucket: what it carries is its source's."""
    adopted_landing.prepare(cloud, pipeline)


def start(cloud: Cloud, name: str, pipeline: Mapping[str, Any], due: datetime) -> None:
    """Waits until the export's run is over and its landing has it all, then runs each transfer."""
    adopted_landing.start(cloud, pipeline, due)
    taken = {pipeline["from"]: cloud.pipelines[pipeline["from"]]} if pipeline.get("from") else {}
    taken |= {n: p for n, p in cloud.pipelines.items() if p is origin(cloud, pipeline)}
    deadline = time.monotonic() + cloud.patience
    while True:
        rows = [row for n, p in taken.items() for row in kinds()[p["kind"]].rows(cloud, n, p, due)]
        if all(row.complete for row in rows) and not missing(cloud, pipeline):
            break
        if any(row.failure for row in rows) or time.monotonic() > deadline:
            raise SampleError(
                f"{name}: {pipeline.get('from') or 'its landing'} has not landed all that was sent"
            )
        time.sleep(cloud.pause)
    operated.begin_copy(cloud, pipeline)
    if pipeline.get("copy"):
        copied(cloud, name, pipeline, deadline)
    operated.load(cloud, pipeline)


def copied(cloud: Cloud, name: str, pipeline: Mapping[str, Any], deadline: float) -> None:
    """Waits until Cloud Storage has every file that is loaded."""
    landed = sizes(cloud, pipeline["source"], "")
    wanted = {
        (key, size)
        for path in paths(cloud, pipeline)
        for key, size in landed.items()
        if fnmatchcase(key, path)
    }
    at = f"/storage/v1/b/{pipeline['copy']['bucket']}/o"
    # By size, too: a copy of an Iceberg table replaces the one before.
    while left := wanted - {(o["name"], int(o["size"])) for o in cloud.google("GET", at).get("items", [])}:
        if time.monotonic() > deadline:
            raise SampleError(f"{name}: Storage Transfer has not copied {len(left)} files")
        time.sleep(0.2)


def missing(cloud: Cloud, pipeline: Mapping[str, Any]) -> set[str]:
    """What lies where the transfers read in the export's bucket, and not yet in the one that they read."""
    prefixes = {path.split("*")[0] for path in paths(cloud, pipeline)}
    here, there = pipeline["source"], origin(cloud, pipeline)["landing"]
    return {key for prefix in prefixes for key in keys(cloud, there, prefix) - keys(cloud, here, prefix)}


def paths(cloud: Cloud, pipeline: Mapping[str, Any]) -> list[str]:
    """What the transfers read, as patterns of keys."""
    parameters = [cloud.google("GET", f"/v1/{t['transfer']}")["params"] for t in pipeline["tables"].values()]
    paths = [params.get("data_path") or params["data_path_template"] for params in parameters]
    return [path.partition("://")[2].partition("/")[2] for path in paths]


def origin(cloud: Cloud, pipeline: Mapping[str, Any]) -> Mapping[str, Any]:
    """The pipeline at the beginning, which exports, or in its place the landing that is adopted."""
    while pipeline.get("from"):
        pipeline = cloud.pipelines[pipeline["from"]]
    return pipeline if "source" not in pipeline else adopted_landing.exporter(cloud, pipeline)


def rows(cloud: Cloud, name: str, pipeline: Mapping[str, Any], due: datetime | None) -> list[Row]:
    """What was loaded of each table."""
    return [row(cloud, name, pipeline, table, due) for table in pipeline["tables"]]


def row(cloud: Cloud, name: str, pipeline: Mapping[str, Any], table: str, due: datetime | None) -> Row:
    """What was loaded of one table, beside what its export has."""
    resources, exporter = pipeline["tables"][table], origin(cloud, pipeline)
    source, columns = contents(
        cloud, exporter["landing"], table, due, loaded(cloud, name, table), of_database(cloud, name)
    )
    runs: list[dict[str, Any]] = cloud.google("GET", f"/v1/{resources['transfer']}/runs").get(
        "transferRuns", []
    )
    nothing: dict[str, Any] = {}
    run = next((r for r in runs if due is None or datetime.fromisoformat(r["scheduleTime"]) >= due), nothing)
    if run.get("state") != "SUCCEEDED":
        failure = run["errorStatus"]["message"] if run.get("state") == "FAILED" else ""
        return Row(name, pipeline["kind"], table, source.rows, 0, None, failure=failure)
    known = (name, table, run["name"])
    if known not in cloud.counted:
        beside: Mapping[str, Any] = cloud.pipelines[pipeline["from"]] if pipeline.get("from") else exporter
        cloud.counted[known] = {"source": source} | answered(
            cloud, table, resources["view"], columns, beside if "database" in beside else None
        )
    stores: dict[str, checksum.Contents] = cloud.counted[known]
    differ = [store for store, digest in stores.items() if digest != source]
    took = datetime.fromisoformat(run["endTime"]) - datetime.fromisoformat(run["startTime"])
    counts: dict[str, int | str] = {f"{store} rows": digest.rows for store, digest in stores.items()}
    counts |= {f"{store} checksum": digest.checksum for store, digest in stores.items()}
    counts["equal"] = f"NOT {' and '.join(differ)}" if differ else "yes"
    failure = "; ".join(
        f"{store} holds {stores[store].rows:,} rows, checksum {stores[store].checksum}; the source {source.rows:,}, "
        f"checksum {source.checksum}" for store in differ
    )  # fmt: skip
    return Row(
        name,
        pipeline["kind"],
        table,
        source.rows,
        stores["BigQuery"].rows,
        took.total_seconds(),
        counts,
        failure,
    )


def loaded(cloud: Cloud, name: str, table: str) -> frozenset[str] | None:
    """The columns that a table has in BigQuery, in small letters; None: all that its rows have."""
    args = cloud.declared.get(name)
    return frozenset(map(str.lower, args.columns(table))) if args else None


def of_database(cloud: Cloud, name: str) -> Mapping[str, Table]:
    """The tables of databases that the export at the beginning of a transfer's way publishes."""
    began = declared_databases.origin(cloud.declared, name)
    if not began:
        return mysql.TABLES
    sources = [source.name for source in cloud.declared[began].sources if not source.dynamodb]
    return {t: table for source in sources for t, table in lake.exported(cloud, began, source).items()}


def contents(
    cloud: Cloud,
    place: Mapping[str, Any],
    table: str,
    due: datetime | None,
    of: frozenset[str] | None = None,
    in_databases: Mapping[str, Table] = mysql.TABLES,
) -> tuple[checksum.Contents, dict[str, str]]:
    """What the source holds of a table, and the columns that the checksum is over, of those named: read once for all
    transfers and readings, since nothing writes to it after `due`. `in_databases`: the tables of its databases."""
    known = (place["account"], place["region"], table, str(due), str(sorted(of or ())))
    if known not in cloud.counted:
        if table in in_databases:
            cloud.counted[known] = checksum.of_database(in_databases[table], of)
        else:
            pages = cloud.client("dynamodb", place).get_paginator("scan").paginate(TableName=table)
            cloud.counted[known] = checksum.of_items([item for page in pages for item in page["Items"]], of)
    return cloud.counted[known]


def answered(
    cloud: Cloud, table: str, view: str, columns: Mapping[str, str], athena: Mapping[str, Any] | None
) -> dict[str, checksum.Contents]:
    """The contents of a table in BigQuery, and in Athena where it is queried."""
    stores: dict[str, checksum.Contents] = {}
    if athena:
        sql = checksum.query("Athena", f"{table_name(table)}_latest", columns)
        stores["Athena"] = checksum.answered(lake.query(cloud, athena, sql)[0])
    answer = query(cloud, view.split(".", maxsplit=1)[0], checksum.query("BigQuery", view, columns))
    return stores | {"BigQuery": checksum.answered(answer[0])}


def query(cloud: Cloud, project: str, sql: str) -> list[list[Any]]:
    """The rows of a query in BigQuery's SQL."""
    answer = cloud.google(
        "POST", f"/bigquery/v2/projects/{project}/queries", {"query": sql, "useLegacySql": False}
    )
    if answer.get("errors"):
        raise SampleError(f"{sql}: {answer['errors']}")
    return [[cell["v"] for cell in row["f"]] for row in answer.get("rows", [])]
