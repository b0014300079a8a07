"""What is left in a sandbox of what the lives made, by the beginning of its name, and how each kind of it is deleted.

Every name begins with `tributary-live-`, in the form that its service takes: behind a folder (`/aws/lambda/`,
`alias/`), with `_` where there may be no dash. Kinds stand in the order in which they can go: what uses another
thing first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jmespath
from botocore.exceptions import ClientError

from tests.live.place import PREFIX, Sandbox

SECURITY = ("network", "encryption")


@dataclass(frozen=True)
class Kind:
    """One kind of AWS resource: how it is listed, what of the list names each, and how one is deleted."""

    service: str
    operation: str
    names: str
    delete: Callable[[Any, str], Any]
    more: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Left(NamedTuple):
    """Something that is still there."""

    account: str
    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.account} {self.kind.service} {self.name}"


def named(name: str, prefix: str = PREFIX) -> bool:
    """Whether the name is one that a life gave."""
    return name.replace("_", "-").rpartition("/")[2].rpartition(":")[2].startswith(prefix)


def empty_bucket(s3: Any, bucket: str) -> None:
    """Deletes a bucket with all versions of its objects."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
    s3.delete_bucket(Bucket=bucket)


def _role(iam: Any, name: str) -> None:
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName=name)


def _user(iam: Any, name: str) -> None:
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    for policy in iam.list_user_policies(UserName=name)["PolicyNames"]:
        iam.delete_user_policy(UserName=name, PolicyName=policy)
    iam.delete_user(UserName=name)


def _rules(events: Any, bus: str) -> None:
    for rule in events.list_rules(EventBusName=bus)["Rules"]:
        targets = events.list_targets_by_rule(Rule=rule["Name"], EventBusName=bus)["Targets"]
        if targets:
            events.remove_targets(
                Rule=rule["Name"], EventBusName=bus, Ids=[target["Id"] for target in targets]
            )
        events.delete_rule(Name=rule["Name"], EventBusName=bus)


def _bus(events: Any, name: str) -> None:
    _rules(events, name)
    events.delete_event_bus(Name=name)


def _rule(events: Any, name: str) -> None:
    targets = events.list_targets_by_rule(Rule=name)["Targets"]
    if targets:
        events.remove_targets(Rule=name, Ids=[target["Id"] for target in targets])
    events.delete_rule(Name=name)


def _key(kms: Any, alias: str) -> None:
    """The key behind an alias, in a week: sooner it can't go
    (https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html)."""
    id = kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"]
    kms.delete_alias(AliasName=alias)
    kms.schedule_key_deletion(KeyId=id, PendingWindowInDays=7)


def _mapping(client: Any, arn: str) -> None:
    for mapping in client.list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"]:
        client.delete_event_source_mapping(UUID=mapping["UUID"])


def _collection(aoss: Any, name: str) -> None:
    for summary in aoss.list_collections(collectionFilters={"name": name})["collectionSummaries"]:
        aoss.delete_collection(id=summary["id"])


KINDS = (
    Kind("osis", "list_pipelines", "Pipelines[].PipelineName", lambda c, n: c.delete_pipeline(PipelineName=n)),
    Kind("firehose", "list_delivery_streams", "DeliveryStreamNames[]",
         lambda c, n: c.delete_delivery_stream(DeliveryStreamName=n)),
    Kind("opensearchserverless", "list_collections", "collectionSummaries[].name", _collection),
    Kind("opensearchserverless", "list_access_policies", "accessPolicySummaries[].name",
         lambda c, n: c.delete_access_policy(name=n, type="data"), {"type": "data"}),
    *(Kind("opensearchserverless", "list_security_policies", "securityPolicySummaries[].name",
           lambda c, n, t=kind: c.delete_security_policy(name=n, type=t), {"type": kind}) for kind in SECURITY),
    Kind("scheduler", "list_schedules", "Schedules[?GroupName=='default'].Name",
         lambda c, n: c.delete_schedule(Name=n)),
    Kind("scheduler", "list_schedule_groups", "ScheduleGroups[].Name", lambda c, n: c.delete_schedule_group(Name=n)),
    Kind("events", "list_event_buses", "EventBuses[].Name", _bus),
    Kind("events", "list_rules", "Rules[].Name", _rule),
    Kind("lambda", "list_event_source_mappings", "EventSourceMappings[].EventSourceArn", _mapping),
    Kind("lambda", "list_functions", "Functions[].FunctionName", lambda c, n: c.delete_function(FunctionName=n)),
    Kind("stepfunctions", "list_state_machines", "stateMachines[].stateMachineArn",
         lambda c, n: c.delete_state_machine(stateMachineArn=n)),
    Kind("sqs", "list_queues", "QueueUrls[]", lambda c, n: c.delete_queue(QueueUrl=n)),
    Kind("sns", "list_topics", "Topics[].TopicArn", lambda c, n: c.delete_topic(TopicArn=n)),
    Kind("cloudwatch", "describe_alarms", "MetricAlarms[].AlarmName", lambda c, n: c.delete_alarms(AlarmNames=[n])),
    Kind("cloudwatch", "list_dashboards", "DashboardEntries[].DashboardName",
         lambda c, n: c.delete_dashboards(DashboardNames=[n])),
    Kind("logs", "describe_log_groups", "logGroups[].logGroupName", lambda c, n: c.delete_log_group(logGroupName=n)),
    Kind("athena", "list_work_groups", "WorkGroups[].Name",
         lambda c, n: c.delete_work_group(WorkGroup=n, RecursiveDeleteOption=True)),
    Kind("glue", "get_crawlers", "Crawlers[].Name", lambda c, n: c.delete_crawler(Name=n)),
    Kind("glue", "get_databases", "DatabaseList[].Name", lambda c, n: c.delete_database(Name=n)),
    Kind("dynamodb", "list_tables", "TableNames[]", lambda c, n: c.delete_table(TableName=n)),
    Kind("kinesis", "list_streams", "StreamNames[]",
         lambda c, n: c.delete_stream(StreamName=n, EnforceConsumerDeletion=True)),
    Kind("rds", "describe_db_snapshots", "DBSnapshots[].DBSnapshotIdentifier",
         lambda c, n: c.delete_db_snapshot(DBSnapshotIdentifier=n), {"SnapshotType": "manual"}),
    Kind("s3", "list_buckets", "Buckets[].Name", empty_bucket),
    Kind("iam", "list_users", "Users[].UserName", _user),
    Kind("iam", "list_roles", "Roles[].RoleName", _role),
    Kind("kms", "list_aliases", "Aliases[].AliasName", _key),
)  # fmt: skip


def listed(client: Any, kind: Kind) -> list[str]:
    """The names of what a sandbox has of a kind."""
    if client.can_paginate(kind.operation):
        answer = client.get_paginator(kind.operation).paginate(**kind.more).build_full_result()
    else:
        answer = getattr(client, kind.operation)(**kind.more)
    return sorted(set(jmespath.search(kind.names, answer) or []))


def left(sandbox: Sandbox, prefix: str = PREFIX) -> Iterator[Left]:
    """What the accounts still have under such names, in the order in which it can go."""
    for account in sandbox.accounts:
        for kind in KINDS:
            for name in listed(sandbox.client(kind.service, account), kind):
                if named(name, prefix):
                    yield Left(account, kind, name)


def sweep(sandbox: Sandbox, prefix: str = PREFIX) -> list[str]:
    """Deletes it, and returns what could not be deleted, a line each with the service's reason."""
    failed: list[Any] = []
    for resource in list(left(sandbox, prefix)):
        client = sandbox.client(resource.kind.service, resource.account)
        try:
            resource.kind.delete(client, resource.name)
        except ClientError as error:
            failed.append(f"{resource}: {error}")
    return failed
