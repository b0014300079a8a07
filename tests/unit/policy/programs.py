"""For each rule on one resource: programs that break it, however they are spelt, and the nearest that pass; those on
statements are in `policy_documents`.
"""

import json
from typing import Any

from policy.rules import UNKNOWN
from tests.unit.policy.documents import (
    ACCOUNT,
    BUCKET_POLICY,
    DENY,
    OTHER,
    READER,
    ROLE,
    STATEMENTS,
    TRUST,
    Row,
    policy,
    trust,
    under,
    without,
)
from tests.unit.policy.elsewhere import ELSEWHERE

_MANAGED = "no policy of aws is attached"
_ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
_OWN = f"arn:aws:iam::{ACCOUNT}:policy/own"
_GRANT, _ACL = "a grant on a key is for one role and purpose", "no acl is public"
_GRANTED = {
    "grantee_principal": READER,
    "operations": ["Decrypt"],
    "constraints": [{"encryption_context_equals": {"a": "b"}}],
}
_ACCESS = "a data access policy names permissions collection and roles"
_DATA = "aws:opensearch/serverlessAccessPolicy:ServerlessAccessPolicy"
_BUS, _LAKE = "an event bus is open to whom it names", "a lake is open to whom it names"
_ORGANIZATION = {"key": "aws:PrincipalOrgID", "type": "StringEquals", "value": "o-1"}
_CALLED = "a function is called by whom it names"
_ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"


def _access(
    permission: str = "aoss:ReadDocument", resource: str = "index/c/orders", principal: str = READER
) -> dict[str, Any]:
    rules = [{"ResourceType": "index", "Resource": [resource], "Permission": [permission]}]
    return {"policy": json.dumps([{"Rules": rules, "Principal": [principal]}])}


def _acl(group: dict[str, str]) -> dict[str, Any]:
    return {"access_control_policy": {"grants": [{"grantee": group, "permission": "READ"}]}}


GRANTS: list[Row] = [
    (
        _MANAGED,
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        {"policy_arn": _ADMINISTRATOR},
        {"policy_arn": _OWN},
    ),
    (
        _MANAGED,
        "aws:iam/userPolicyAttachment:UserPolicyAttachment",
        {"policy_arn": "arn:aws-cn:iam::aws:policy/job-function/DatabaseAdministrator"},
        {"policy_arn": UNKNOWN},
    ),
    (
        _MANAGED,
        "aws:iam/groupPolicyAttachmentsExclusive:GroupPolicyAttachmentsExclusive",
        {"policy_arns": [_ADMINISTRATOR]},
        {"policy_arns": [_OWN]},
    ),
    (
        _MANAGED,
        ROLE,
        trust(TRUST) | {"managed_policy_arns": [_OWN, "arn:aws:iam::aws:policy/AmazonS3FullAccess"]},
        trust(TRUST) | {"managed_policy_arns": [_OWN]},
    ),
    (_GRANT, "aws:kms/grant:Grant", _GRANTED | {"operations": ["Decrypt", "CreateGrant"]}, _GRANTED),
    (_GRANT, "aws:kms/grant:Grant", _GRANTED | {"grantee_principal": f"arn:aws:iam::{OTHER}:root"}, _GRANTED),
    (_GRANT, "aws:kms/grant:Grant", without(_GRANTED, "constraints"), _GRANTED | {"constraints": UNKNOWN}),
    (
        _GRANT,
        "aws:kms/grant:Grant",
        _GRANTED | {"constraints": [{"encryption_context_subset": {}}]},
        _GRANTED | {"constraints": [{"encryption_context_equals": UNKNOWN}]},
    ),
    (_BUS, "aws:cloudwatch/eventPermission:EventPermission", {"principal": "*"}, {"principal": OTHER}),
    (
        _BUS,
        "aws:cloudwatch/eventPermission:EventPermission",
        {"principal": "*"},
        {
            "principal": "*",
            "condition": {"key": "aws:PrincipalOrgID", "type": "StringEquals", "value": "o-1"},
        },
    ),
    *(
        (
            _BUS,
            "aws:cloudwatch/eventPermission:EventPermission",
            {"principal": "*", "condition": _ORGANIZATION | {"type": "StringLike", "value": anybody}},
            {"principal": "*", "condition": _ORGANIZATION},
        )
        for anybody in ("*", "o-*")
    ),
    *(
        (
            _BUS,
            "aws:cloudwatch/eventPermission:EventPermission",
            {"principal": "*", "condition": _ORGANIZATION | other},
            {"principal": "*", "condition": _ORGANIZATION | {"type": "StringLike"}},
        )
        for other in (
            {"type": "StringNotEquals"},
            {"type": "StringEqualsIfExists"},
            {"type": "ForAllValues:StringEquals"},
            {"key": "aws:SourceOrgID"},
            {"key": "aws:PrincipalAccount"},
        )
    ),
    *(
        (
            _LAKE,
            "aws:lakeformation/permissions:Permissions",
            {"principal": whole, "permissions": ["SELECT"]},
            {"principal": READER, "permissions": ["SELECT"]},
        )
        for whole in (
            OTHER,
            f"arn:aws:iam::{OTHER}:root",
            f"arn:aws:organizations::{OTHER}:organization/o-1",
            f"arn:aws:organizations::{OTHER}:ou/o-1/ou-1",
        )
    ),
    (_ACCESS, _DATA, _access(permission="aoss:*"), _access()),
    (_ACCESS, _DATA, _access(resource="index/*/*"), _access(resource="index/c/*")),
    (_ACCESS, _DATA, _access(resource="*"), _access(resource="collection/c")),
    (_ACCESS, _DATA, _access(principal=f"arn:aws:iam::{ACCOUNT}:root"), _access()),
    (
        _LAKE,
        "aws:lakeformation/permissions:Permissions",
        {"principal": "IAM_ALLOWED_PRINCIPALS", "permissions": ["SELECT"]},
        {"principal": READER, "permissions": ["SELECT"]},
    ),
    (
        _LAKE,
        "aws:lakeformation/permissions:Permissions",
        {"principal": READER, "permissions": ["ALL"]},
        {"principal": READER, "permissions": ["DESCRIBE"]},
    ),
    (_ACL, "aws:s3/bucketAcl:BucketAcl", {"acl": "public-read"}, {"acl": "private"}),
    (_ACL, "aws:s3/bucketAcl:BucketAcl", _acl({"uri": _ALL_USERS}), _acl({"id": "abc"})),
    (_ACL, "aws:s3/bucketObjectv2:BucketObjectv2", {"acl": "public-read-write"}, {"acl": UNKNOWN}),
    (
        _CALLED,
        "aws:lambda/functionUrl:FunctionUrl",
        {"authorization_type": "NONE"},
        {"authorization_type": "AWS_IAM"},
    ),
    (_CALLED, "aws:lambda/permission:Permission", {"principal": "*"}, {"principal": READER}),
    (
        _CALLED,
        "aws:lambda/permission:Permission",
        {"principal": OTHER},
        {"principal": "*", "principal_org_id": "o-1"},
    ),
]

PRIVATE: dict[str, Any] = dict.fromkeys(
    ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"), True
)
_TLS, _PUBLIC = "a bucket is reached by tls only", "a database is not public"
STORAGE: list[Row] = [
    (
        "a bucket blocks all public access",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        PRIVATE | {"block_public_acls": False},
        PRIVATE,
    ),
    (_TLS, BUCKET_POLICY, policy(DENY | {"Resource": ["arn:aws:s3:::b/*"]}), policy(DENY)),
    (
        _TLS,
        BUCKET_POLICY,
        policy(
            under(DENY, Bool={"aws:SecureTransport": "false"}, StringEquals={"aws:PrincipalAccount": OTHER})
        ),
        policy(DENY | {"Action": "*", "Principal": "*"}),
    ),
    (
        _TLS,
        BUCKET_POLICY,
        policy(DENY | {"Action": ["s3:GetObject"]}),
        policy(under(DENY, Bool={"aws:SecureTransport": False})),
    ),
    (
        _TLS,
        BUCKET_POLICY,
        policy(DENY | {"Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/public/*"]}),
        policy(under(DENY, Bool={"aws:securetransport": "false"})),
    ),
    (
        "a queue is encrypted",
        "aws:sqs/queue:Queue",
        {"sqs_managed_sse_enabled": False},
        {"kms_master_key_id": UNKNOWN},
    ),
    (_PUBLIC, "aws:rds/instance:Instance", {"publicly_accessible": True}, {"publicly_accessible": False}),
    (_PUBLIC, "aws:rds/snapshot:Snapshot", {"shared_accounts": ["all"]}, {"shared_accounts": [OTHER]}),
    (
        "a log is kept for a time",
        "aws:cloudwatch/logGroup:LogGroup",
        {"retention_in_days": 0},
        {"retention_in_days": 90},
    ),
]

_ENVIRONMENT = "no secret stands in a functions environment"
_SOURCE, _KEY = "a services call names its source and account", "no access key is written down"
_LOAD = "gcp:bigquery/dataTransferConfig:DataTransferConfig"
_AKIA = "AKIA" + "A" * 16


def _env(**variables: Any) -> dict[str, Any]:
    return {"environment": {"variables": variables}}


FUNCTIONS: list[Row] = [
    (
        _ENVIRONMENT,
        "aws:lambda/function:Function",
        _env(DB_PASSWORD="hunter2"),
        _env(DB_PASSWORD=UNKNOWN, DB_SECRET_ARN="arn:x", KMS_KEY_ARN="y"),
    ),
    (
        _ENVIRONMENT,
        "aws:lambda/function:Function",
        _env(DATABASE_URL="postgres://u:hunter2@h/db"),
        _env(DATABASE_URL="postgres://u@h:5432/db", QUEUE_URL="https://sqs.eu-west-1.amazonaws.com/1/q"),
    ),
    (_ENVIRONMENT, "aws:lambda/function:Function", _env(NOTE=_AKIA), _env(NOTE="AKIA")),
    (
        _SOURCE,
        "aws:lambda/permission:Permission",
        {"principal": "s3.amazonaws.com", "source_arn": "a"},
        {"principal": "s3.amazonaws.com", "source_arn": "a", "source_account": "b"},
    ),
    (_KEY, "pulumi:providers:aws", {"secret_key": "abc"}, {"secret_key": UNKNOWN}),
    (_KEY, _LOAD, {"params": {"secret_access_key": "abc"}}, {"params": {"secret_access_key": UNKNOWN}}),
    (_KEY, _LOAD, {"params": {"access_key_id": f"{_AKIA}:abc"}}, {"params": {"access_key_id": _AKIA}}),
]

_OPEN, _BASIC = "nothing at google is public", "no primitive role at google"
_PROJECT, _POOL = "no role at google rules a whole project", "not everybody of a pool is let in"
_MEMBER, _PROVIDER = (
    "gcp:projects/iAMMember:IAMMember",
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider",
)
_GOOGLE_BUCKET = "a google bucket has one kind of access and is private"
_SETTINGS = {"uniform_bucket_level_access": True, "public_access_prevention": "enforced"}
_PRINCIPALS = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/"
_ISSUED = {"oidc": {"issuer_uri": "https://token.actions.githubusercontent.com"}}


def _binding(role: str, member: str) -> dict[str, Any]:
    return {"policy_data": json.dumps({"bindings": [{"role": role, "members": [member]}]})}


GOOGLE: list[Row] = [
    (_OPEN, "gcp:storage/bucketIAMMember:BucketIAMMember", {"member": "allUsers"}, {"member": "group:a@b.c"}),
    (
        _OPEN,
        "gcp:storage/bucketIAMPolicy:BucketIAMPolicy",
        {"policy_data": "\n" + _binding("roles/storage.objectViewer", "allUsers")["policy_data"]},
        _binding("roles/storage.objectViewer", "group:a@b.c"),
    ),
    (
        _OPEN,
        "gcp:storage/bucketIAMBinding:BucketIAMBinding",
        {"members": ["allAuthenticatedUsers"]},
        {"members": []},
    ),
    (
        _OPEN,
        "gcp:storage/bucketIAMPolicy:BucketIAMPolicy",
        _binding("roles/storage.objectViewer", "allUsers"),
        _binding("roles/storage.objectViewer", "group:a@b.c"),
    ),
    (
        _OPEN,
        "gcp:storage/bucketACL:BucketACL",
        {"predefined_acl": "publicRead"},
        {"predefined_acl": "private"},
    ),
    (
        _OPEN,
        "gcp:storage/bucketACL:BucketACL",
        {"role_entities": ["READER:allUsers"]},
        {"role_entities": ["READER:group-a@b.c"]},
    ),
    (
        _OPEN,
        "gcp:bigquery/dataset:Dataset",
        {"accesses": [{"role": "READER", "special_group": "allAuthenticatedUsers"}]},
        {"accesses": [{"role": "READER", "user_by_email": "a@b.c"}]},
    ),
    (_BASIC, _MEMBER, {"role": "roles/editor"}, {"role": "roles/bigquery.jobUser"}),
    (
        _BASIC,
        "gcp:organizations/iAMPolicy:IAMPolicy",
        _binding("roles/owner", "group:a@b.c"),
        _binding("roles/browser.x", "group:a@b.c"),
    ),
    (_PROJECT, _MEMBER, {"role": "roles/storage.admin"}, {"role": "roles/storagetransfer.viewer"}),
    (_PROJECT, _MEMBER, {"role": "roles/iam.serviceAccountTokenCreator"}, {"role": "projects/p/roles/own"}),
    (
        _PROJECT,
        "gcp:projects/iAMBinding:IAMBinding",
        {"role": "roles/resourcemanager.projectIamAdmin"},
        {"role": UNKNOWN},
    ),
    (
        _POOL,
        "gcp:serviceaccount/iAMMember:IAMMember",
        {"member": f"principalSet:{_PRINCIPALS}*"},
        {"member": f"principal:{_PRINCIPALS}subject/load"},
    ),
    (
        "a pool trusts the subjects of its own",
        _PROVIDER,
        _ISSUED,
        _ISSUED | {"attribute_condition": "assertion.repository_owner == 'shop'"},
    ),
    (
        _GOOGLE_BUCKET,
        "gcp:storage/bucket:Bucket",
        without(_SETTINGS, "uniform_bucket_level_access"),
        _SETTINGS,
    ),
    (
        _GOOGLE_BUCKET,
        "gcp:storage/bucket:Bucket",
        without(_SETTINGS, "public_access_prevention"),
        dict.fromkeys(_SETTINGS, UNKNOWN),
    ),
]

COST: list[Row] = [
    (
        "a stack costs no more than its ceiling",
        "tributary:cost:Estimate",
        {"ceiling": 500, "least": 500.01, "most": 900},
        {"ceiling": 500, "least": 500, "most": 900},
    ),
]

ROWS = [*STATEMENTS, *GRANTS, *STORAGE, *FUNCTIONS, *GOOGLE, *COST, *ELSEWHERE]
