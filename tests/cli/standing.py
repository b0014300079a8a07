"""What stands in the embedded cloud, as its own APIs list it: to compare before a stack and after it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any
from unittest import mock

import boto3  # pyright: ignore[reportMissingTypeStubs] - has none
import jmespath
from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs] - has none

from components.accounts import AccountArgs
from local.providers.gcp import ENDPOINT, Gcp

new_client: Any = boto3.client  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - made at run time

# (service, operation, what names each one of the answer, further arguments)
LISTS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("athena", "list_work_groups", "WorkGroups[].Name", {}),
    ("cloudwatch", "describe_alarms", "MetricAlarms[].AlarmName", {}),
    ("cloudwatch", "list_dashboards", "DashboardEntries[].DashboardName", {}),
    ("dynamodb", "list_tables", "TableNames[]", {}),
    ("events", "list_rules", "Rules[].Name", {}),
    ("firehose", "list_delivery_streams", "DeliveryStreamNames[]", {}),
    ("glue", "get_databases", "DatabaseList[].Name", {}),
    ("iam", "list_roles", "Roles[].RoleName", {}),
    ("iam", "list_users", "Users[].UserName", {}),
    ("kinesis", "list_streams", "StreamNames[]", {}),
    ("kms", "list_aliases", "Aliases[].AliasName", {}),
    ("kms", "list_keys", "Keys[].KeyId", {}),
    ("lambda", "list_functions", "Functions[].FunctionName", {}),
    ("logs", "describe_log_groups", "logGroups[].logGroupName", {}),
    ("opensearchserverless", "list_access_policies", "accessPolicySummaries[].name", {"type": "data"}),
    ("opensearchserverless", "list_collections", "collectionSummaries[].name", {}),
    ("opensearchserverless", "list_security_policies", "securityPolicySummaries[].name", {"type": "network"}),
    ("opensearchserverless", "list_collection_groups", "collectionGroupSummaries[].name", {}),
    ("osis", "list_pipelines", "Pipelines[].PipelineName", {}),
    ("s3", "list_buckets", "Buckets[].Name", {}),
    ("scheduler", "list_schedules", "Schedules[].Name", {}),
    ("sns", "list_topics", "Topics[].TopicArn", {}),
    ("sqs", "list_queues", "QueueUrls[]", {}),
    ("stepfunctions", "list_state_machines", "stateMachines[].name", {}),
)
# The types of what a stack may keep and the lists above name, by the last part of its id.
TYPES = (
    "aws:s3/bucket:Bucket", "aws:dynamodb/table:Table", "aws:kms/key:Key", "aws:kinesis/stream:Stream",
    "aws:glue/catalogDatabase:CatalogDatabase", "aws:kms/alias:Alias",
)  # fmt: skip


def in_aws(endpoint: str, accounts: Iterable[AccountArgs]) -> set[tuple[str, str, str]]:
    """(account, service, name) of all there is."""
    return {
        (account.id, *resource_id) for account in accounts for resource_id in _in_account(endpoint, account)
    }


def _in_account(endpoint: str, account: AccountArgs) -> Iterator[tuple[str, str]]:
    for service, operation, names, more in LISTS:
        client = new_client(
            service, endpoint_url=endpoint, region_name=account.region, aws_access_key_id=account.id,
            aws_secret_access_key="local", config=Config(proxies={}, s3={"addressing_style": "path"}),
        )  # fmt: skip
        if client.can_paginate(operation):
            answer = client.get_paginator(operation).paginate(**more).build_full_result()
        else:
            answer = getattr(client, operation)(**more)
        there: list[str] = jmespath.search(names, answer) or []
        for name in there:
            # A deleted key is there for weeks still.
            if operation != "list_keys" or client.describe_key(KeyId=name)["KeyMetadata"]["Enabled"]:
                yield service, name


def in_google(endpoint: str, project: str, resources: Iterable[dict[str, Any]]) -> set[str]:
    """The ids of those of a state's Google resources that the cloud still has."""
    google = Gcp()
    google.project = project
    with mock.patch.dict(os.environ, {ENDPOINT: endpoint}):
        return {
            resource["id"]
            for resource in resources
            if resource["type"] in google.rows
            and google.read(resource["type"], resource["id"], resource["outputs"]) is not None
        }
