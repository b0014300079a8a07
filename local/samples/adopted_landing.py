"""A landing in a bucket that the stack takes as it is: somebody else's exports of DynamoDB tables, made by the samples.

A pipeline that takes such a landing has no pipeline before it: it fills the tables, and exports each as of `due`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from local.samples import Cloud, SampleError

EXPORTS = "dynamodb-export"


def exporter(cloud: Cloud, pipeline: Mapping[str, Any]) -> Mapping[str, Any]:
    """The pipeline that another takes its landing from; of an adopted landing that alone, as a pipeline has it."""
    return cloud.pipelines[pipeline["from"]] if pipeline.get("from") else {"landing": pipeline["source"]}


def prepare(cloud: Cloud, pipeline: Mapping[str, Any]) -> None:
    """Fills the tables of an adopted landing."""
    from local.samples import export

    if not pipeline.get("from"):
        export.prepare(cloud, "", {"landing": pipeline["source"]})


def start(cloud: Cloud, pipeline: Mapping[str, Any], due: datetime) -> None:
    """Exports the tables of an adopted landing, unless another pipeline that takes it has done so, and waits."""
    from local.samples import export

    if pipeline.get("from"):
        return
    landing, dynamodb = pipeline["source"], cloud.client("dynamodb", pipeline["source"])
    for table in landing["tables"]:
        if not export.latest(cloud, landing, table, due):
            dynamodb.export_table_to_point_in_time(
                TableArn=dynamodb.describe_table(TableName=table)["Table"]["TableArn"], ExportFormat="DYNAMODB_JSON",
                S3Bucket=landing["bucket"], S3Prefix=f"{landing['prefix']}{table}", ExportTime=due,
            )  # fmt: skip
    deadline = time.monotonic() + cloud.patience
    while not all(_ended(export.latest(cloud, landing, table, due)) for table in landing["tables"]):
        if time.monotonic() > deadline:
            raise SampleError(f"the exports into {landing['bucket']} do not end")
        time.sleep(cloud.pause)


def _ended(export: Mapping[str, Any] | None) -> bool:
    return export is not None and export["ExportStatus"] != "IN_PROGRESS"
