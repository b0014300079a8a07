"""Configs of a stack for the tests of what is taken and what is refused: small ones, with a key changed."""

import copy
from collections.abc import Sequence
from typing import Any

WORKLOAD = {"id": "111111111111", "region": "eu-central-1"}
ANALYTICS = {"id": "222222222222", "region": "eu-central-1"}
EXPORT = {"kind": "export", "account": "workload", "sources": [{"dynamodb": "orders"}]}
SEARCH = {"kind": "zero-etl", "account": "workload", "tables": [{"name": "orders"}]}
ENTERED: dict[str, Any] = {
    "workload": WORKLOAD | {"role": "arn:aws:iam::111111111111:role/deploy"},
    "china": {"id": "222222222222", "region": "cn-north-1"},
    "far": {"id": "333333333333", "region": "eu-west-1", "roles": [
        {"arn": "arn:aws:iam::111111111111:role/hub"},
        {"arn": "arn:aws:iam::333333333333:role/deploy", "external_id": "shared"}]},
}  # fmt: skip
"""Accounts that are entered by a role, by none, and by two one after the other."""
KEYED = EXPORT | {"create_key": True}
REPLICA = {"kind": "replication", "account": "analytics", "from": "lake"}


def stack(**changes: Any) -> dict[str, Any]:
    """An export and its replica in another account, with whole keys replaced."""
    config = {
        "accounts": {"workload": dict(WORKLOAD), "analytics": dict(ANALYTICS)},
        "pipelines": {"lake": copy.deepcopy(EXPORT), "replica": copy.deepcopy(REPLICA)},
    }
    return config | changes


def lake(**keys: Any) -> dict[str, Any]:
    """An export alone."""
    return stack(pipelines={"lake": EXPORT | keys})


def replica(upstream: dict[str, Any] = EXPORT, **keys: Any) -> dict[str, Any]:
    """An export and its replica, of which keys are changed."""
    return stack(pipelines={"lake": upstream, "replica": REPLICA | keys})


def ticks(**keys: Any) -> dict[str, Any]:
    """A firehose pipeline."""
    return stack(pipelines={"ticks": {"kind": "firehose", "account": "workload", "index": "ticks"} | keys})


def accounts(**keys: Any) -> dict[str, Any]:
    """The stack of two accounts, of whose first keys are changed."""
    return stack(accounts={"workload": WORKLOAD | keys, "analytics": ANALYTICS})


def search(**keys: Any) -> dict[str, Any]:
    """A zero-etl pipeline."""
    return stack(pipelines={"search": SEARCH | keys})


QUOTES = {"kind": "firehose", "account": "workload", "index": "quotes"}
OF_QUOTES = QUOTES | {"index": "ticks", "collection_of": "quotes"}
ANALYST = "arn:aws:iam::111111111111:role/analyst"
ROUTED = {"name": "orders", "view_on_remove": "OLD_IMAGE"}
ORDERS = {"columns": {"order_id": "S", "total": "N"}, "keys": ["order_id"]}
GOOGLE = {"project": "shop-analytics", "location": "EU"}


RDS: dict[str, Any] = {"rds_instance": "shop"}


def warehouse(**keys: Any) -> dict[str, Any]:
    """An export and its transfer into BigQuery."""
    pipeline = {
        "kind": "bigquery-transfer",
        "account": "workload",
        "from": "lake",
        "tables": {"orders": ORDERS},
    }
    return stack(gcp=GOOGLE, pipelines={"lake": EXPORT, "shop": pipeline | keys})


ICED: dict[str, Any] = {
    "dynamodb": "orders", "format": "iceberg", "columns": {"order_id": "string", "total": "decimal(38,2)"},
}  # fmt: skip
"""An Iceberg table with declared columns."""
PRODUCTS = {"rds_instance": "db", "tables": {"shop.products": {"id": "bigint unsigned"}}}
LAKE = {"orders": {"lake": True, "keys": ["order_id"]}}


def typed(
    tables: dict[str, Any],
    *,
    source: dict[str, Any] | None = None,
    also: dict[str, Any] | None = None,
    mode: str = "full",
    through: dict[str, Any] | None = None,
    load: str = "every day 05:00",
    **keys: Any,
) -> dict[str, Any]:
    """A transfer of an export with a catalog, or of its replica."""
    declared = {"order_id": "string", "total": "decimal(38,2)"}
    orders = source or {"dynamodb": "orders", "mode": mode, "columns": declared}
    lake = {"kind": "export", "account": "workload", "sources": [orders, *([also] if also else [])]} | keys
    replica = {"kind": "replication", "account": "analytics", "from": "lake"} | (through or {})
    shop = {"kind": "bigquery-transfer", "tables": tables, "schedule": load} | (
        {"from": "lake", "account": "workload"}
        if through is None
        else {"from": "replica", "account": "analytics"}
    )
    pipelines = {"lake": lake, "shop": shop} | ({} if through is None else {"replica": replica})
    return stack(gcp=GOOGLE, pipelines=pipelines)


def typed_as(id: str, *, cluster: Sequence[str] = (), **columns: str) -> dict[str, Any]:
    """A transfer of plain files whose key column `id` is of that type."""
    landing = {"account": "workload", "bucket": "shop-files", "tables": ["orders"], "layout": "objects"}
    orders = {"columns": {"id": id} | columns, "keys": ["id"], "cluster": [*cluster]}
    shop = {
        "kind": "bigquery-transfer",
        "account": "workload",
        "landing": landing,
        "tables": {"orders": orders},
    }
    return stack(gcp=GOOGLE, pipelines={"shop": shop})


def adopted(**keys: Any) -> dict[str, Any]:
    """A replication of a bucket that is there already."""
    landing = {"bucket": "shop-raw", "account": "workload", "layout": "objects"} | keys
    return stack(pipelines={"replica": {"kind": "replication", "account": "analytics", "landing": landing}})


SHOP = {"rds_instance": "shop", "tables": {"shop.products": {"product_id": "bigint"}}}
DECLARED = {"dynamodb": "orders", "columns": {"customer_id": "string", "total": "decimal(38,2)"}}


def database(**keys: Any) -> dict[str, Any]:
    """An export of a database."""
    return lake(create_key=True, sources=[SHOP | keys])


def view(sql: str, name: str = "spent", **source: Any) -> dict[str, Any]:
    """An export with a view of one's own on its table."""
    return lake(sources=[DECLARED | source], views={name: sql})
