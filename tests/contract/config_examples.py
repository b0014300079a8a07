"""The least valid values of each argument class, to which one key at a time is given another value."""

from typing import Any

ACCOUNT = {"id": "111111111111", "region": "eu-central-1"}
ROLE = "arn:aws:iam::111111111111:role/deploy"
KEY = "arn:aws:kms:eu-central-1:111111111111:key/1"
VPC = {"subnet_ids": ["subnet-0a000001"], "security_group_ids": ["sg-0b000001"]}
LANDING = {"account": ACCOUNT, "bucket": "shop-raw", "tables": ["orders"]}
KEYED = LANDING | {"key_arn": KEY}
GOOGLE = {"project": "shop-analytics", "location": "EU"}
ORDERS = {"columns": {"id": "S"}, "keys": ["id"]}
SHARED = {
    "name": "ticks",
    "arn": "arn:aws:aoss:eu-central-1:111111111111:collection/1",
    "endpoint": "https://1.eu-central-1.aoss.amazonaws.com",
    "dashboards": "https://1.eu-central-1.aoss.amazonaws.com/_dashboards",
    "type": "SEARCH",
}
REPLICA = {"account": ACCOUNT, "landing": LANDING}
# By class, or by `<class>.<key>` where a key needs others beside it.
GIVEN: dict[str, dict[str, Any]] = {
    "PipelineArgs": {"account": ACCOUNT},
    "AccountArgs": ACCOUNT,
    "AssumedRoleArgs": {"arn": ROLE},
    "AssumedRoleArgs.transitive_tags": {"arn": ROLE, "session_tags": {"team": "data"}},
    "ZeroEtlArgs": {"account": ACCOUNT, "tables": [{"name": "orders"}]},
    "ZeroEtlArgs.min_units": {"account": ACCOUNT, "tables": [{"name": "orders"}], "max_units": 96},
    "ZeroEtlTableArgs": {"name": "orders", "view_on_remove": "OLD_IMAGE"},
    "NewTableArgs": {"hash_key": {"name": "id"}},
    "AttributeArgs": {"name": "id"},
    "NetworkArgs": {"vpc_endpoints": ["vpce-0a"]},
    "SharedCollection": SHARED,
    "SharedGroup": {"name": "shop", "type": "SEARCH"},
    "VpcArgs": VPC,
    "LifecycleArgs": {"expire_days": None},
    "FirehoseArgs": {"account": ACCOUNT, "index": "ticks"},
    "ExportArgs": {
        "account": ACCOUNT,
        "sources": [{"dynamodb": "orders", "columns": {"id": "string"}}],
    },
    **{
        f"ExportArgs.{key}": {
            "account": ACCOUNT,
            "sources": [{"dynamodb": "orders", "format": "iceberg"}],
        }
        for key in ("past_days", "compact_after")
    },
    "ExportArgs.copies": {
        "account": ACCOUNT,
        "sources": [{"dynamodb": "orders", "format": "iceberg"}],
    },
    "ExportSourceArgs": {"rds_instance": "shop"},
    **{f"ExportSourceArgs.{key}": {} for key in ("dynamodb", "rds_instance", "rds_cluster")},
    **{f"ExportSourceArgs.{key}": {"dynamodb": "orders"} for key in ("mode", "columns", "catalog_name")},
    "LakeFormationArgs": {"readers": [ROLE]},
    "ReplicationArgs": REPLICA,
    "ReplicationArgs.key_arn": REPLICA | {"landing": KEYED},
    "ReplicaDestinationArgs": REPLICA | {"source_role_arn": ROLE},
    "ReplicaSourceArgs": REPLICA | {"role_arn": ROLE, "replica_bucket": "shop-replica"},
    "Landing": LANDING,
    "TypedTable": {"files": "lake/orders/*.parquet"},
    "BigQueryTransferArgs": {
        "account": ACCOUNT,
        "landing": LANDING,
        "gcp": GOOGLE,
        "tables": {"orders": ORDERS},
    },
    "BigQueryTransferArgs.file_format": {
        "account": ACCOUNT,
        "landing": LANDING | {"layout": "objects"},
        "gcp": GOOGLE,
        "tables": {"orders": {"columns": {"id": "bigint"}, "keys": ["id"]}},
    },
    "GcpArgs": GOOGLE,
    "TransferTableArgs": ORDERS,
    "StackArgs": {"accounts": {}},
}


def given(cls: str, key: str) -> dict[str, Any]:
    """The values beside `key` of the class."""
    return GIVEN.get(f"{cls}.{key.removesuffix('.<name>')}", GIVEN.get(cls, {}))
