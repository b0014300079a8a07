"""The rules hold for AWS's native provider: what each refuses and lets pass in the classic provider's spelling, it
refuses and lets pass in the other's, or the type has no counterpart there, with the reason."""

import dataclasses
import json
from typing import Any

import pytest

from policy.native import CLASSIC
from policy.rules import UNKNOWN, Resource, check, check_all
from tests.unit.policy import test_together as together
from tests.unit.policy.documents import ACCOUNT, DENY
from tests.unit.policy.documents import policy as policy_of
from tests.unit.policy.programs import ROWS

NATIVE = {classic: native for native, (classic, _) in reversed(list(CLASSIC.items()))}
# Types that a rule knows by their own native names too, with the properties that are called otherwise.
BY_NAME: dict[str, tuple[str, dict[str, str]]] = {
    "aws:iam/role:Role": ("aws-native:iam:Role", {"assume_role_policy": "assume_role_policy_document",
                                                  "inline_policies": "policies"}),
    "aws:iam/rolePolicy:RolePolicy": ("aws-native:iam:RolePolicy", {"policy": "policy_document"}),
    "aws:iam/userPolicy:UserPolicy": ("aws-native:iam:UserPolicy", {"policy": "policy_document"}),
    "aws:iam/groupPolicy:GroupPolicy": ("aws-native:iam:GroupPolicy", {"policy": "policy_document"}),
    "aws:iam/policy:Policy": ("aws-native:iam:ManagedPolicy", {"policy": "policy_document"}),
    "aws:lambda/functionUrl:FunctionUrl": ("aws-native:lambda:Url", {"authorization_type": "auth_type"}),
    "aws:opensearch/serverlessAccessPolicy:ServerlessAccessPolicy": (
        "aws-native:opensearchserverless:AccessPolicy", {}),
    "aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy": (
        "aws-native:opensearchserverless:SecurityPolicy", {}),
    "aws:ram/resourceShare:ResourceShare": ("aws-native:ram:ResourceShare", {}),
    "aws:rds/instance:Instance": ("aws-native:rds:DbInstance", {}),
    "aws:s3/accessPoint:AccessPoint": ("aws-native:s3:AccessPoint", {}),
    "aws:s3control/accessPointPolicy:AccessPointPolicy": ("aws-native:s3:AccessPoint", {}),
    "aws:s3control/multiRegionAccessPoint:MultiRegionAccessPoint": ("aws-native:s3:MultiRegionAccessPoint", {}),
    "aws:s3control/multiRegionAccessPointPolicy:MultiRegionAccessPointPolicy": (
        "aws-native:s3:MultiRegionAccessPointPolicy", {"details": "policy"}),
    "aws:secretsmanager/secret:Secret": ("aws-native:secretsmanager:ResourcePolicy", {"policy": "resource_policy"}),
    "aws:secretsmanager/secretPolicy:SecretPolicy": (
        "aws-native:secretsmanager:ResourcePolicy", {"policy": "resource_policy"}),
    **{f"aws:{classic}": (f"aws-native:{native}", renamed) for classic, native, renamed in (
        ("cloudwatch/eventBusPolicy:EventBusPolicy", "events:EventBusPolicy", {"policy": "statement"}),
        ("cloudwatch/logResourcePolicy:LogResourcePolicy", "logs:ResourcePolicy", {}),
        ("codeartifact/repositoryPermissionsPolicy:RepositoryPermissionsPolicy", "codeartifact:Repository", {}),
        ("codeartifact/domainPermissions:DomainPermissions", "codeartifact:SomethingPermissions", {}),
        ("dynamodb/resourcePolicy:ResourcePolicy", "dynamodb:Table", {"policy": "resource_policy"}),
        ("ecr/registryPolicy:RegistryPolicy", "ecr:RegistryPolicy", {"policy": "policy_text"}),
        ("ecr/repositoryPolicy:RepositoryPolicy", "ecr:Repository", {"policy": "repository_policy_text"}),
        ("efs/fileSystemPolicy:FileSystemPolicy", "efs:FileSystem", {"policy": "file_system_policy"}),
        ("iot/policy:Policy", "iot:Policy", {"policy": "policy_document"}),
        ("kinesis/resourcePolicy:ResourcePolicy", "kinesis:ResourcePolicy", {"policy": "resource_policy"}),
        ("opensearch/domain:Domain", "opensearchservice:Domain", {}),
        ("s3tables/tableBucketPolicy:TableBucketPolicy", "s3tables:TableBucketPolicy", {}),
        ("backup/vaultPolicy:VaultPolicy", "backup:BackupVault", {"policy": "access_policy"}),
        ("ec2/vpcEndpointPolicy:VpcEndpointPolicy", "ec2:VpcEndpoint", {"policy": "policy_document"}),
    )},
}  # fmt: skip
# Classic types that rules read and that have no native counterpart of their own.
_WITH_WHOLE = (
    "a property of the native resource that it belongs to; documents and settings are read in any property"
)
WITHOUT = {
    "aws:ec2/amiLaunchPermission:AmiLaunchPermission": "Cloud Control has no type for it",
    "aws:ec2/imageBlockPublicAccess:ImageBlockPublicAccess": "Cloud Control has no type for it",
    "aws:ec2/snapshotCreateVolumePermission:SnapshotCreateVolumePermission": "Cloud Control has no type for it",
    "aws:ec2/vpcEndpointServiceAllowedPrinciple:VpcEndpointServiceAllowedPrinciple": _WITH_WHOLE,
    "aws:ec2/vpcEndpointService:VpcEndpointService": "whom it lets in is a type of its own there, which is refused",
    "aws:kms/grant:Grant": "Cloud Control has no type for it",
    "aws:rds/clusterSnapshot:ClusterSnapshot": "Cloud Control has no type for it",
    "aws:rds/snapshot:Snapshot": "Cloud Control has no type for it",
    **dict.fromkeys(
        ("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "aws:iam/userPolicyAttachment:UserPolicyAttachment",
         "aws:iam/groupPolicyAttachmentsExclusive:GroupPolicyAttachmentsExclusive", "aws:s3/bucketAcl:BucketAcl",
         "aws:s3/bucketObjectv2:BucketObjectv2", "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"),
        _WITH_WHOLE,
    ),
}  # fmt: skip
CLASSIC_ROWS = [row for row in ROWS if row[1].startswith("aws:")]
SPELT = [row for row in CLASSIC_ROWS if row[1] in NATIVE or row[1] in BY_NAME]


def _native(token: str, props: dict[str, Any]) -> Resource:
    """A classic resource in the native provider's spelling."""
    native, renamed = BY_NAME.get(token) or (
        NATIVE[token],
        {v: k for k, v in CLASSIC[NATIVE[token]][1].items()},
    )
    spelt = {renamed.get(key, key): value for key, value in props.items()}
    return Resource(native, "it", spelt, account=ACCOUNT)


@pytest.mark.parametrize(("title", "token", "bad", "good"), SPELT)
def test_what_a_rule_refuses_and_lets_pass_it_does_in_the_native_spelling(
    title: str, token: str, bad: dict[str, Any], good: dict[str, Any]
) -> None:
    refused, passed = check(_native(token, bad)), check(_native(token, good))
    assert title in {violation.rule for violation in refused}
    assert passed == []
    assert {violation.resource for violation in refused} == {_native(token, bad).key}


def test_each_classic_type_that_a_rule_reads_has_a_native_counterpart_or_a_reason() -> None:
    """A new row of the rules' tests on a classic type asks for its counterpart here."""
    read = {token for _, token, *_ in CLASSIC_ROWS}
    undecided = {t for t in read if t not in NATIVE and t not in BY_NAME and t not in WITHOUT}
    assert {t for t in undecided if t.split("/")[0] not in _SEEN_BY_DOCUMENTS} == set()
    assert set(WITHOUT) <= read and not set(WITHOUT) & (set(NATIVE) | set(BY_NAME))


# Services whose types in the tables are there for their documents alone, which are read by what they say, not by where
# they stand: `aws-native:newservice:Thing` is a row of its own.
_SEEN_BY_DOCUMENTS = {
    "aws:codebuild", "aws:elasticsearch", "aws:glue", "aws:mediastore", "aws:newservice", "aws:opensearchingest",
    "aws:redshift", "aws:ses", "aws:opensearch",
}  # fmt: skip


BUCKET = Resource(
    "aws-native:s3:Bucket",
    "b",
    {
        "bucket_name": "b",
        "public_access_block_configuration": dict.fromkeys(
            ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"),
            True,
        ),
        "bucket_encryption": {"server_side_encryption_configuration": []},
        "lifecycle_configuration": {"rules": []},
    },
)
POLICY = Resource(
    "aws-native:s3:BucketPolicy",
    "b",
    {"bucket": "b", "policy_document": json.loads(policy_of(DENY)["policy"])},
)


def _with(whole: Resource, **props: Any) -> Resource:
    kept = {key: value for key, value in {**whole.props, **props}.items() if value is not None}
    return dataclasses.replace(whole, props=kept)


def test_a_native_bucket_with_all_that_it_needs_passes() -> None:
    assert check(BUCKET) == check(POLICY) == check_all([BUCKET, POLICY]) == []


@pytest.mark.parametrize(
    "part", ["public_access_block_configuration", "bucket_encryption", "lifecycle_configuration"]
)
def test_a_native_bucket_without_a_part_is_refused(part: str) -> None:
    (violation,) = check_all([_with(BUCKET, **{part: None}), POLICY])
    assert violation.resource == "aws-native:s3:Bucket::b"


def test_a_native_bucket_without_a_policy_or_with_an_open_one_is_refused() -> None:
    assert [v.rule for v in check_all([BUCKET])] == [
        "a bucket is private encrypted reached by tls and cleans up"
    ]
    open_to_plain_http = _with(POLICY, policy_document={"Statement": []})
    assert [v.rule for v in check(open_to_plain_http)] == ["a bucket is reached by tls only"]


def test_a_native_bucket_that_is_replicated_is_versioned() -> None:
    replicated = _with(BUCKET, replication_configuration={"role": "r"})
    assert [v.rule for v in check_all([replicated, POLICY])] == ["a replicated bucket is versioned"]
    assert check_all([_with(replicated, versioning_configuration={"status": "Enabled"}), POLICY]) == []


def test_a_native_bucket_whose_public_access_block_has_a_hole_is_refused() -> None:
    hole = {**BUCKET.props["public_access_block_configuration"], "block_public_policy": False}
    refused = check(_with(BUCKET, public_access_block_configuration=hole))
    assert {v.rule for v in refused} == {"a bucket blocks all public access"}


@pytest.mark.parametrize(("second", "refused"), [("raw/orders/", True), ("lake/", False)])
def test_the_targets_of_a_native_bucket_share_no_event(second: str, refused: bool) -> None:
    def target(prefix: str) -> dict[str, Any]:
        rules = [{"name": "prefix", "value": prefix}]
        return {"event": "s3:ObjectCreated:*", "filter": {"s3_key": {"rules": rules}}, "queue": "q"}

    sent = {"queue_configurations": [target("raw/"), target(second)]}
    violations = check_all([_with(BUCKET, notification_configuration=sent), POLICY])
    assert [v.rule for v in violations] == ["a bucket sends an event to one target"] * refused


QUEUE = Resource("aws-native:sqs:Queue", "q", {"queue_name": "q", "kms_master_key_id": "k"})
CLOSED = Resource(
    "aws-native:sqs:QueuePolicy",
    "q",
    {"queues": ["https://sqs/1/p", "https://sqs/1/q"],
     "policy_document": policy_of(DENY | {"Action": "sqs:*", "Resource": "*"})["policy"]},
)  # fmt: skip
TOPIC = Resource("aws-native:sns:Topic", "t", {"topic_name": "t"})
BY_TLS = Resource(
    "aws-native:sns:TopicPolicy",
    "t",
    {"topics": ["arn:aws:sns:eu-central-1:1:t"], **{"policy_document": together.BY_TLS["policy"]}},
)


def test_a_native_queue_and_topic_deny_plain_http() -> None:
    assert check(QUEUE) == check(CLOSED) == check_all([QUEUE, CLOSED]) == []
    assert [v.rule for v in check_all([QUEUE])] == ["a queue is reached by tls only"]
    assert check(TOPIC) == check_all([TOPIC, BY_TLS]) == []
    assert [(v.rule, v.resource) for v in check_all([TOPIC])] == [
        ("a topic is reached by tls only", "aws-native:sns:Topic::t")
    ]


def test_a_policy_whose_queues_are_not_known_yet_is_known_by_where_they_come_from() -> None:
    linked = dataclasses.replace(
        _with(CLOSED, queues=UNKNOWN), links={"queues": frozenset({"aws-native:sqs:Queue::q"})}
    )
    assert check_all([QUEUE, linked]) == []


def test_a_native_function_keeps_what_it_fails_on() -> None:
    function = Resource("aws-native:lambda:Function", "f", {"function_name": "f"})
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
    schedule = Resource("aws-native:scheduler:Schedule", "f", {"target": {"arn": arn}})
    mapped = Resource("aws-native:lambda:EventSourceMapping", "f", {"function_name": "f"})
    failures = {"on_failure": {"destination": "q"}}
    kept = Resource(
        "aws-native:lambda:EventInvokeConfig", "f", {"function_name": "f", "destination_config": failures}
    )
    stepped = Resource(
        "aws-native:stepfunctions:StateMachine", "m", {"definition": {"Resource": arn, "End": True}}
    )
    for others in ([], [schedule], [mapped, schedule]):
        assert [v.rule for v in check_all([function, *others])] == ["what a function fails on is kept"]
    for others in ([kept, schedule], [mapped], [stepped]):
        assert check_all([function, *others]) == []
