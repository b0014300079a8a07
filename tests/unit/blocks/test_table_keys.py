"""The key of each table is read as the table is adopted, and granted to who exports it or reads its stream
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport_Requesting.html)."""

import json
from typing import Any

import pytest

from tests.recording import PITR_ON, record

ACCOUNT, REGION = "111111111111", "eu-central-1"
ORDERS_KEY, RETURNS_KEY = (
    f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{name}" for name in ("of-orders", "of-returns")
)
NAMES = ("orders", "returns", "customers")
LAKE = {"kind": "export", "sources": [{"dynamodb": name} for name in NAMES]}


def encrypted(key: str) -> dict[str, Any]:
    return PITR_ON | {"serverSideEncryption": {"enabled": True, "kmsKeyArn": key}}


def granted(pipeline: dict[str, Any], role: str, **keys: str) -> dict[str, Any] | None:
    tables = {name: encrypted(keys[name]) if name in keys else PITR_ON for name in NAMES}
    config = {"accounts": {"workload": {"id": ACCOUNT, "region": REGION}}, "pipelines": {"pipe": pipeline}}
    policy = record("test", config, tables=tables).inputs_of("aws:iam/rolePolicy:RolePolicy", role)["policy"]
    statements = {statement["Sid"]: statement for statement in json.loads(policy)["Statement"]}
    return statements.get("DecryptTables")


@pytest.mark.parametrize(
    ("pipeline", "role", "tables"),
    [
        (LAKE, "pipe-source", list(NAMES)),
        (LAKE | {"run": "simple"}, "pipe-export", list(NAMES)),
        ({"kind": "zero-etl", "tables": [{"name": "orders"}]}, "pipe-orders", ["orders"]),
    ],
    ids=["run", "simple", "zero-etl"],
)
def test_a_tables_key_is_granted_through_dynamodb_for_the_tables_that_are_read(
    pipeline: dict[str, Any], role: str, tables: list[str]
) -> None:
    assert granted(pipeline, role, orders=ORDERS_KEY) == {
        "Sid": "DecryptTables",
        "Effect": "Allow",
        "Action": ["kms:Decrypt"],
        "Resource": [ORDERS_KEY],
        "Condition": {
            "StringEquals": {
                "kms:ViaService": f"dynamodb.{REGION}.amazonaws.com",
                "kms:EncryptionContext:aws:dynamodb:tableName": tables,
                "kms:EncryptionContext:aws:dynamodb:subscriberId": ACCOUNT,
            }
        },
    }
    assert granted(pipeline, role) is None


def test_each_key_is_named_once() -> None:
    statement = granted(LAKE, "pipe-source", orders=ORDERS_KEY, returns=RETURNS_KEY, customers=ORDERS_KEY)
    assert statement and statement["Resource"] == [ORDERS_KEY, RETURNS_KEY]


def test_one_tables_ingestion_gets_no_other_tables_key() -> None:
    pipeline = {"kind": "zero-etl", "tables": [{"name": "orders"}, {"name": "returns"}]}
    keys = {"orders": ORDERS_KEY, "returns": RETURNS_KEY}
    for table, key in keys.items():
        statement = granted(pipeline, f"pipe-{table}", **keys)
        assert statement and statement["Resource"] == [key]
        assert statement["Condition"]["StringEquals"]["kms:EncryptionContext:aws:dynamodb:tableName"] == [
            table
        ]


def test_a_table_that_the_program_creates_has_dynamodbs_own_key_and_needs_no_grant() -> None:
    created = {"dynamodb": "orders", "create": {"hash_key": {"name": "id"}}}
    assert granted({"kind": "export", "sources": [created]}, "pipe-source") is None
