"""The config of a small stack of the program, made of a sandbox: one table, and each pipeline that the sandbox has room
for."""

from __future__ import annotations

from typing import Any

from tests.live.place import Sandbox

COLUMNS = {
    "labels": {"set": "string"}, "weights": "json", "signature": "binary", "thumbnails": {"set": "binary"},
    "flags": "json", "at": "string", "total": "decimal(38,2)", "lines": "json",
}  # fmt: skip
KEEP = {"expire_days": 2, "noncurrent_days": 1}  # should it be forgotten


def config(sandbox: Sandbox, name: str) -> dict[str, Any]:
    """What `Pulumi.<stack>.yaml` holds below `config`; `name` begins the table's name."""
    accounts = {
        label: {
            "id": id,
            "region": sandbox.region,
            **({"role": role} if (role := sandbox.roles.get(id)) else {}),
        }
        for label, id in zip(("near", "far"), sandbox.accounts, strict=False)
    }
    return {
        "tributary:accounts": accounts,
        "tributary:retain_data": "false",
        "tributary:dashboard": "true",
        "tributary:functions": {"log_retention_days": 1, **sandbox.functions},
        **({"tributary:gcp": google(sandbox)} if sandbox.google else {}),
        "tributary:pipelines": pipelines(sandbox, name),
    }


def google(sandbox: Sandbox) -> dict[str, str]:
    """The config's part on Google Cloud."""
    assert sandbox.google is not None
    return {"project": sandbox.google.project, "location": sandbox.google.location}


def pipelines(sandbox: Sandbox, name: str) -> dict[str, Any]:
    """An export, and what takes its landing; the collections of OpenSearch Serverless are in `searches`."""
    table = f"{name.replace('-', '_')}_orders"
    made: dict[str, Any] = {
        "lake": {
            "kind": "export",
            "account": "near",
            "create_key": True,
            "lifecycle": KEEP,
            "sources": [
                {"dynamodb": table, "create": {"hash_key": {"name": "order_id"}}, "columns": COLUMNS}
            ],
        }
    }
    if "second account" in sandbox.has:
        made["replica"] = {
            "kind": "replication", "from": "lake", "account": "far", "create_key": True, "time_control": False,
            "lifecycle": KEEP,
        }  # fmt: skip
    if "google" in sandbox.has:
        made["warehouse"] = {
            "kind": "bigquery-transfer",
            "from": "lake",
            "account": "near",
            "storage_transfer": {"keep_days": 2},
            "tables": {table: {"lake": True, "keys": ["order_id"]}},
        }
    return made


def searches(sandbox: Sandbox, name: str) -> dict[str, Any]:
    """Tables and a stream into OpenSearch Serverless."""
    reader = f"arn:aws:iam::{sandbox.accounts[0]}:role/{name}-analyst"
    return {
        "search": {
            "kind": "zero-etl",
            "account": "near",
            "collection": {"standby_replicas": False, "readers": [reader]},
            "pipelines": "shared",
            "max_units": 2,
            "tables": [{"name": f"{name.replace('-', '_')}_products", "create": {"hash_key": {"name": "id"}}}],
        },
        "ticks": {
            "kind": "firehose",
            "account": "near",
            "index": "ticks",
            "mapping": {
                "properties": {
                    "EVENT_TIME": {"type": "date"}, "TICKER": {"type": "keyword"}, "PRICE": {"type": "double"}
                }
            },
            "delete_index": True,
            "collection": {"standby_replicas": False},
            "retention": "24h",
            "transform": {"timestamp": "EVENT_TIME"},
            "dashboards": {"assumed_by": [f"arn:aws:iam::{sandbox.accounts[0]}:root"]},
            "generator": True,
            "lifecycle": KEEP,
        },
    }  # fmt: skip
