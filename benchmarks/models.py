"""What it costs to check a request against its service's model, and what the models take of memory.

python benchmarks/models.py
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ["BIND_HOST"] = "127.0.0.1"

from local.cloud import models
from local.cloud.models import operations

TARGET = {"content-type": "application/x-amz-json-1.0"}
ITEM = {f"attribute_{n}": {"S": "some text of an item"} for n in range(9)} | {"id": {"N": "17"}}
RECORD = {"Data": "e30=" * 40, "PartitionKey": "17"}
TRUST = json.dumps(
    {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "x"}}]}
)
REQUESTS: dict[str, tuple[str, str, str, dict[str, str], bytes, dict[str, list[str]]]] = {
    "sqs SendMessage": (
        "sqs", "POST", "/", TARGET | {"x-amz-target": "AmazonSQS.SendMessage"},
        json.dumps({"QueueUrl": "http://127.0.0.1/1/q", "MessageBody": "hello"}).encode(), {},
    ),
    "iam CreateRole": (
        "iam", "POST", "/", {"content-type": "application/x-www-form-urlencoded"},
        urlencode({"Action": "CreateRole", "RoleName": "a", "AssumeRolePolicyDocument": TRUST}).encode(), {},
    ),
    "s3 PutObject of 1 MB": ("s3", "PUT", "/bucket/a/key", {"x-amz-meta-a": "b"}, b"0" * 1_000_000, {}),
    "lambda Invoke": ("lambda", "POST", "/2015-03-31/functions/one/invocations", {}, b"{}", {}),
    "dynamodb BatchWriteItem, 25 items of 10": (
        "dynamodb", "POST", "/", TARGET | {"x-amz-target": "DynamoDB_20120810.BatchWriteItem"},
        json.dumps({"RequestItems": {"table": [{"PutRequest": {"Item": ITEM}}] * 25}}).encode(), {},
    ),
    "kinesis PutRecords, 500 records": (
        "kinesis", "POST", "/", TARGET | {"x-amz-target": "Kinesis_20131202.PutRecords"},
        json.dumps({"StreamName": "ticks", "Records": [RECORD] * 500}).encode(), {},
    ),
}  # fmt: skip
SERVICES = (
    *("s3", "s3control", "dynamodb", "osis", "opensearchserverless", "kinesis", "firehose", "lambda", "iam"),
    *(
        "sts",
        "kms",
        "sqs",
        "sns",
        "logs",
        "monitoring",
        "events",
        "scheduler",
        "states",
        "glue",
        "athena",
        "rds",
    ),
)


def megabytes() -> float:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Prints how long the first check of each request takes, and the next ones."""
    print(f"{'request':42} {'first':>9} {'then':>9}")
    for name, request in REQUESTS.items():
        start = time.perf_counter()
        answer = models.refusal(*request)
        first = time.perf_counter() - start
        if answer is not None:
            sys.exit(f"{name} is refused: {answer}")
        rounds = 200
        start = time.perf_counter()
        for _ in range(rounds):
            models.refusal(*request)
        print(f"{name:42} {first * 1000:6.1f} ms {(time.perf_counter() - start) / rounds * 1000:6.3f} ms")
    before = megabytes()
    for service in SERVICES:
        operations.models(service)
    print(
        f"all {len(SERVICES)} services that a stack calls: {megabytes() - before:.0f} MB more than these six"
    )


if __name__ == "__main__":
    main()
