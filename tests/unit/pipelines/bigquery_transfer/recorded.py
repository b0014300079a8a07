"""A BigQuery transfer under Pulumi's mocks, for the tests of this room."""

import json
from typing import Any

from tests.recording import Recording, record

WORKLOAD = {"id": "111111111111", "region": "eu-central-1"}


EXPORT = {"kind": "export", "create_key": True, "sources": [{"dynamodb": "orders"}]}


ORDERS = {"columns": {"order_id": "S", "total": "N", "lines": "L"}, "keys": ["order_id"]}


LANDING = "tributary-test-lake-landing-111111111111"


# How the engine marks a secret (https://github.com/pulumi/pulumi, sdk/python/lib/pulumi/runtime/rpc.py).
MARK = ("4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270")


POOL = "gcp:iam/workloadIdentityPool:WorkloadIdentityPool"


CONFIG = "gcp:bigquery/dataTransferConfig:DataTransferConfig"


TABLE = "gcp:bigquery/table:Table"


def counts(tables: int, compared: int) -> dict[str, int]:
    """A BigQuery transfer: what it always has, a table's transfer, table, view and alarm, and two alarms more where its
    exports give the number of rows."""
    return {
        "aws:cloudwatch/logGroup:LogGroup": 1,
        "aws:cloudwatch/metricAlarm:MetricAlarm": 3 + tables + 2 * compared,
        "aws:iam/accessKey:AccessKey": 1,
        "aws:iam/role:Role": 2,
        "aws:iam/rolePolicy:RolePolicy": 2,
        "aws:iam/user:User": 1,
        "aws:iam/userPolicy:UserPolicy": 1,
        "aws:lambda/function:Function": 1,
        "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": 1,
        "aws:scheduler/schedule:Schedule": 1,
        "aws:scheduler/scheduleGroup:ScheduleGroup": 1,
        "aws:sqs/queue:Queue": 1,
        "aws:sqs/queuePolicy:QueuePolicy": 1,
        CONFIG: tables,
        "gcp:bigquery/dataset:Dataset": 1,
        TABLE: 2 * tables,
        POOL: 1,
        "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": 1,
        "gcp:projects/iAMCustomRole:IAMCustomRole": 2,
        "gcp:projects/iAMMember:IAMMember": 3,
        "gcp:pubsub/topic:Topic": 1,
        "gcp:serviceaccount/account:Account": 2,
        "gcp:serviceaccount/iAMMember:IAMMember": 1,
    }


EACH = counts(tables=1, compared=1)


def warehouse(**keys: Any) -> Recording:
    """A stack with the pipeline `shop`, some of whose keys are changed."""
    pipeline = {"kind": "bigquery-transfer", "from": "lake", "tables": {"orders": ORDERS}} | keys
    return record(
        "test",
        {
            "accounts": {"workload": WORKLOAD},
            "gcp": {"project": "shop-analytics", "location": "EU"},
            "pipelines": {"lake": EXPORT, "shop": pipeline},
        },
    )


def files(**keys: Any) -> Recording:
    """Parquet files in a bucket that exists, as an export of a relational database leaves them."""
    landing = {"account": "workload", "bucket": "shop-rds", "prefix": "rds/", "layout": "objects"}
    pipeline = {
        "kind": "bigquery-transfer",
        "landing": landing | {"tables": ["orders"]},
        "file_format": "PARQUET",
        "tables": {
            "orders": {"columns": {"id": "uint_64", "at": "timestamp"}, "keys": ["id"], "cluster": ["id"]}
        },
    }
    return record(
        "test",
        {
            "accounts": {"workload": WORKLOAD},
            "gcp": {"project": "shop-analytics", "location": "EU"},
            "pipelines": {"shop": pipeline | keys},
        },
    )


def catalogued(
    through: dict[str, Any] | None = None, tables: dict[str, Any] | None = None, **shop: Any
) -> Recording:
    """An export with a catalog, of a table and of a database, or its replica."""
    sources = [
        {
            "dynamodb": "orders",
            "mode": "incremental",
            "columns": {
                "order_id": "string",
                "Total": "decimal(38,2)",
                "lines": "json",
                "tags": {"set": "string"},
            },
        },
        {"rds_instance": "db", "tables": {"shop.products": {"id": "bigint unsigned", "photo": "binary"}}},
    ]
    lake = {"kind": "export", "create_key": True, "sources": sources}
    replica = {"kind": "replication", "from": "lake", "create_key": True} | (through or {})
    pipeline = {"kind": "bigquery-transfer", "from": "lake" if through is None else "replica"} | {
        "tables": tables
        or {
            "orders": {"lake": True, "keys": ["order_id"]},
            "shop.products": {"keys": ["id"], "cluster": ["id"]},
        }
    }
    pipelines = {"lake": lake, "shop": pipeline | shop} | ({} if through is None else {"replica": replica})
    return record(
        "test",
        {
            "accounts": {"workload": WORKLOAD},
            "gcp": {"project": "shop-analytics", "location": "EU"},
            "pipelines": pipelines,
        },
    )


def params(recorded: Recording, table: str = "orders") -> dict[str, str]:
    """A transfer's parameters, which a preview shows: nothing in them is secret, and a secret would hide them all."""
    params = recorded.inputs_of(CONFIG, f"shop-{table}")["params"]
    assert MARK[0] not in json.dumps(params)
    return params


def made(recorded: Recording) -> dict[str, int]:
    """How many resources of each type the pipeline makes."""
    kinds: dict[str, int] = {}
    for resource in recorded.resources:
        if resource.type.startswith(("aws:", "gcp:")) and resource.name.startswith("shop"):
            kinds[resource.type] = kinds.get(resource.type, 0) + 1
    return kinds
