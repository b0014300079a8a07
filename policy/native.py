"""AWS's native provider (Cloud Control), read as the classic one: each resource as the resources that say the same.

A rule is written once, for the classic provider's types. The native types and their properties are those of
CloudFormation (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/): a document is called
`policy_document`, what is named `queue_name` there is `name`, and a bucket holds what are resources of their own in the
classic provider. Types that are not listed keep their own: the rules on documents and on what is shared read any type.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from policy.values import UNKNOWN, Props, is_list, is_mapping

if TYPE_CHECKING:
    from policy.rule import Resource  # which reads every resource by this module

# Native type -> classic type, and the properties that are called otherwise there.
CLASSIC: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "aws-native:events:EventBusPolicy": ("aws:cloudwatch/eventPermission:EventPermission", {}),
    "aws-native:kinesisfirehose:DeliveryStream": (
        "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", {"delivery_stream_name": "name"},
    ),
    "aws-native:kms:Key": ("aws:kms/key:Key", {"key_policy": "policy"}),
    "aws-native:lakeformation:DataLakeSettings": ("aws:lakeformation/dataLakeSettings:DataLakeSettings", {}),
    "aws-native:lakeformation:PrincipalPermissions": ("aws:lakeformation/permissions:Permissions", {}),
    "aws-native:lambda:EventInvokeConfig": (
        "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig", {},
    ),
    "aws-native:lambda:EventSourceMapping": ("aws:lambda/eventSourceMapping:EventSourceMapping", {}),
    "aws-native:lambda:Function": ("aws:lambda/function:Function", {"function_name": "name"}),
    "aws-native:lambda:Permission": ("aws:lambda/permission:Permission", {"function_name": "function"}),
    "aws-native:logs:LogGroup": ("aws:cloudwatch/logGroup:LogGroup", {"log_group_name": "name"}),
    "aws-native:s3:Bucket": ("aws:s3/bucket:Bucket", {"bucket_name": "bucket"}),
    "aws-native:s3:BucketPolicy": ("aws:s3/bucketPolicy:BucketPolicy", {"policy_document": "policy"}),
    "aws-native:scheduler:Schedule": ("aws:scheduler/schedule:Schedule", {}),
    "aws-native:sns:Topic": ("aws:sns/topic:Topic", {"topic_name": "name", "topic_arn": "arn"}),
    "aws-native:sns:TopicInlinePolicy": (
        "aws:sns/topicPolicy:TopicPolicy", {"policy_document": "policy", "topic_arn": "arn"},
    ),
    "aws-native:sns:TopicPolicy": (
        "aws:sns/topicPolicy:TopicPolicy", {"policy_document": "policy", "topics": "arn"},
    ),
    "aws-native:sqs:Queue": ("aws:sqs/queue:Queue", {"queue_name": "name"}),
    "aws-native:sqs:QueueInlinePolicy": (
        "aws:sqs/queuePolicy:QueuePolicy", {"policy_document": "policy", "queue": "queue_url"},
    ),
    "aws-native:sqs:QueuePolicy": (
        "aws:sqs/queuePolicy:QueuePolicy", {"policy_document": "policy", "queues": "queue_url"},
    ),
    "aws-native:stepfunctions:StateMachine": (
        "aws:sfn/stateMachine:StateMachine",
        {"definition_string": "definition", "state_machine_name": "name"},
    ),
}  # fmt: skip
# A list of what one policy is on: one classic policy for each.
_EACH = {"aws-native:sqs:QueuePolicy": "queue_url", "aws-native:sns:TopicPolicy": "arn"}
_BUCKET = "aws-native:s3:Bucket"
# What a native bucket holds, as the classic part that it is.
_PARTS = {
    "public_access_block_configuration": "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "bucket_encryption": "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "lifecycle_configuration": "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "replication_configuration": "aws:s3/bucketReplicationConfig:BucketReplicationConfig",
    "versioning_configuration": "aws:s3/bucketVersioning:BucketVersioning",
    "notification_configuration": "aws:s3/bucketNotification:BucketNotification",
}
_BLOCKED = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
_TARGETS = {
    "queues": "queue_configurations",
    "topics": "topic_configurations",
    "lambda_functions": "lambda_configurations",
}


def classic(resource: Resource) -> list[Resource]:
    """The resource as the classic provider has it; itself where it is of another provider, or of a type of its own."""
    if resource.type not in CLASSIC:
        return [resource]
    token, renamed = CLASSIC[resource.type]
    props = {renamed.get(key, key): value for key, value in resource.props.items()}
    links = {renamed.get(key, key): _classic_keys(value) for key, value in resource.links.items()}
    whole = dataclasses.replace(resource, type=token, props=props, links=links)
    if resource.type == "aws-native:stepfunctions:StateMachine" and is_mapping(props.get("definition")):
        return [
            dataclasses.replace(
                whole, props={**props, "definition": json.dumps(props["definition"], default=str)}
            )
        ]
    if each := _EACH.get(resource.type):
        several = props.get(each)
        each_value = list(several) if is_list(several) else [several]
        return [dataclasses.replace(whole, props={**props, each: value}) for value in each_value]
    return [whole, *_parts_of(resource, whole)] if resource.type == _BUCKET else [whole]


def _classic_keys(keys: frozenset[str]) -> frozenset[str]:
    return keys | {_classic_key(key) for key in keys}


def _classic_key(key: str) -> str:
    token, separator, name = key.partition("::")
    return f"{CLASSIC[token][0]}{separator}{name}" if token in CLASSIC else key


def _parts_of(native: Resource, bucket: Resource) -> Iterator[Resource]:
    """The parts of a native bucket, each linked to it."""
    for key, token in _PARTS.items():
        if (value := native.props.get(key)) is None:
            continue
        linked = {"bucket": frozenset({bucket.key})}
        yield dataclasses.replace(bucket, type=token, props=_part(key, value, bucket), links=linked)


def _part(key: str, value: Any, bucket: Resource) -> Props:
    own = {"bucket": bucket.props.get("bucket", UNKNOWN)}
    if key == "versioning_configuration":
        return {**own, key: value}
    if key == "notification_configuration":
        inside: Mapping[str, Any] = value if is_mapping(value) else {}
        return {
            **own,
            **{
                kind: UNKNOWN if value is UNKNOWN else _targets(inside.get(of))
                for kind, of in _TARGETS.items()
            },
        }
    if is_mapping(value):
        return {**own, **value}
    return {**own, key: value, **(dict.fromkeys(_BLOCKED, UNKNOWN) if "public" in key else {})}


def _targets(configured: Any) -> Any:
    """A bucket's targets with their events and the ends of a key, as the classic provider has them."""
    if not is_list(configured):
        return configured if configured is UNKNOWN else []
    return [_target(number, target) for number, target in enumerate(configured)]


def _target(number: int, configured: Any) -> Any:
    if not is_mapping(configured):
        return configured
    inside: Any = configured.get("filter") or {}
    for name in ("s3_key", "rules"):
        inside = inside.get(name) if is_mapping(inside) else inside
    ends = (
        {f"filter_{str(rule['name']).lower()}": rule["value"] for rule in inside} if is_list(inside) else {}
    )
    return {"id": str(number), "events": [configured.get("event")], **ends}


def keys(resources: Sequence[Resource]) -> dict[str, str]:
    """Classic key -> the key of the native resource that stands behind it."""
    return {
        spelt.key: resource.key
        for resource in resources
        for spelt in classic(resource)
        if resource.type in CLASSIC
    }
