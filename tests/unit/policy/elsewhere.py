"""Rows like those of `documents` and `programs`: what grants elsewhere than in the AWS provider's roles and queues.

Documents of other types (repositories, vaults, catalogs, streams, tables, domains, access points), the native
provider's resources, what is shared, and what grants in a form that no rule reads.
"""

import json
from typing import Any

from tests.unit.policy.documents import (
    ACCOUNT,
    BUCKET_POLICY,
    DENY,
    OTHER,
    QUEUE_POLICY,
    READ,
    READER,
    ROLE,
    ROLE_POLICY,
    SEND,
    SHARED,
    TRUST,
    Row,
    policy,
    trust,
    under,
)

_ACTIONS, _RESOURCES = "a grant names its actions", "a grant names its resources"
_EVERYBODY, _WHOLE = "nothing is granted to everybody", "another account is let in by its role"
_FOR_OTHERS, _ANYBODY = "a service acts for no other account", "a service acts for this account only"
_MANAGED, _BLOCK = "no policy of aws is attached", "a bucket blocks all public access"
_ALL, _OUTSIDE = "nothing is shared with everybody", "a share stays inside the organization"
_LAKE = "a lake is open to whom it names"
_READ_BY = "what grants is read by a rule"
_NETWORK, _DATA = (
    "a network policy names its collection",
    "a data access policy names permissions collection and roles",
)
_PUBLIC = SHARED | {"Principal": "*"}


def _text(name: str, *statements: dict[str, Any]) -> dict[str, Any]:
    return {name: policy(*statements)["policy"]}


def _mapping(name: str, *statements: dict[str, Any]) -> dict[str, Any]:
    return {name: {"Version": "2012-10-17", "Statement": list(statements)}}


# One row for each type of resource that has a document, by the property that it stands in.
DOCUMENTS: list[Row] = [
    (_EVERYBODY, token, _text(name, _PUBLIC), _text(name, SHARED))
    for token, name in {
        "aws:backup/vaultPolicy:VaultPolicy": "policy",
        "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": "policy_document",
        "aws:codeartifact/repositoryPermissionsPolicy:RepositoryPermissionsPolicy": "policy_document",
        "aws:codebuild/resourcePolicy:ResourcePolicy": "policy",
        "aws:dynamodb/resourcePolicy:ResourcePolicy": "policy",
        "aws:ecr/registryPolicy:RegistryPolicy": "policy",
        "aws:ecr/repositoryPolicy:RepositoryPolicy": "policy",
        "aws:efs/fileSystemPolicy:FileSystemPolicy": "policy",
        "aws:elasticsearch/domainPolicy:DomainPolicy": "access_policies",
        "aws:glue/resourcePolicy:ResourcePolicy": "policy",
        "aws:iot/policy:Policy": "policy",
        "aws:kinesis/resourcePolicy:ResourcePolicy": "policy",
        "aws:mediastore/containerPolicy:ContainerPolicy": "policy",
        "aws:opensearch/domain:Domain": "access_policies",
        "aws:opensearch/domainPolicy:DomainPolicy": "access_policies",
        "aws:opensearchingest/pipelineResourcePolicy:PipelineResourcePolicy": "policy",
        "aws:redshift/resourcePolicy:ResourcePolicy": "policy",
        "aws:s3control/accessPointPolicy:AccessPointPolicy": "policy",
        "aws:s3control/multiRegionAccessPointPolicy:MultiRegionAccessPointPolicy": "details",
        "aws:s3tables/tableBucketPolicy:TableBucketPolicy": "resource_policy",
        "aws:secretsmanager/secret:Secret": "policy",
        "aws:ses/identityPolicy:IdentityPolicy": "policy",
        "aws:sns/topic:Topic": "policy",
        "aws:ec2/vpcEndpointPolicy:VpcEndpointPolicy": "policy",
        "aws-native:dynamodb:Table": "resource_policy",
        "aws-native:kms:Key": "key_policy",
        "aws-native:sqs:QueuePolicy": "policy_document",
    }.items()
] + [
    (_EVERYBODY, "aws-native:events:EventBusPolicy", {"statement": _PUBLIC}, {"statement": SHARED}),
    (
        _WHOLE,
        "aws:ecr/repositoryPolicy:RepositoryPolicy",
        policy(READ | {"Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"}}),
        policy(SHARED),
    ),
    (_ACTIONS, "aws-native:iam:ManagedPolicy", _mapping("policy_document", READ | {"Action": "s3:*"}),
     _mapping("policy_document", READ)),
    (_RESOURCES, "aws-native:iam:RolePolicy", _mapping("policy_document", READ | {"Resource": "*"}),
     _mapping("policy_document", READ)),
    (_RESOURCES, "aws-native:iam:Role", {"policies": [_mapping("policy_document",
     READ | {"Resource": "arn:aws:s3:::*"})]},
     {"policies": [_mapping("policy_document", READ)]}),
    (_ANYBODY, "aws-native:iam:Role",
     _mapping("assume_role_policy_document", {k: v for k, v in TRUST.items() if k != "Condition"}),
     _mapping("assume_role_policy_document", TRUST)),
    (_RESOURCES, ROLE_POLICY, policy(READ | {"Action": "iam:GetRole", "Resource": "arn:aws:iam::*:role/x"}),
     policy(READ | {"Action": "iam:GetRole", "Resource": f"arn:aws:iam::{ACCOUNT}:role/x"})),
    (_RESOURCES, ROLE_POLICY,
     policy(READ | {"Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:eu-west-1:1111?1111111:q"}),
     policy(READ | {"Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:*:111111111111:q"})),
    (_RESOURCES, ROLE_POLICY, policy(READ | {"Resource": "arn:aws:?3:::b"}),
     policy(READ | {"Resource": "arn:*:s3:::b"})),
    (_FOR_OTHERS, QUEUE_POLICY, policy(under(SEND, StringEquals={"aws:SourceAccount": OTHER})), policy(SEND)),
    (_FOR_OTHERS, QUEUE_POLICY, policy(under(SEND, StringEquals={"aws:SourceAccount": [ACCOUNT, OTHER]})),
     policy(SEND)),
    (_FOR_OTHERS, ROLE,
     trust(under(TRUST, ArnLike={"aws:SourceArn": f"arn:aws:lambda:eu-west-1:{OTHER}:function:f"})),
     trust(under(TRUST, ArnLike={"aws:SourceArn": f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f"}))),
    (_FOR_OTHERS, ROLE, trust(under(TRUST, StringEqualsIfExists={"aws:SourceAccount": OTHER})),
     trust(under(TRUST, StringEqualsIfExists={"aws:SourceAccount": ACCOUNT}))),
    (_EVERYBODY, "aws-native:s3:BucketPolicy", _mapping("policy_document", _PUBLIC, DENY),
     _mapping("policy_document", SHARED, DENY)),
    ("a bucket is reached by tls only", BUCKET_POLICY, {"bucket": "orders"} | policy(DENY),
     {"bucket": "b"} | policy(DENY)),
]  # fmt: skip


def _network(resource: str, public: bool = True) -> dict[str, Any]:
    rules = [{"ResourceType": "collection", "Resource": [resource]}]
    return {"type": "network", "policy": json.dumps([{"Rules": rules, "AllowFromPublic": public}])}


def _access(resource: str, principal: str = READER) -> dict[str, Any]:
    rules = [{"ResourceType": "index", "Resource": [resource], "Permission": ["aoss:ReadDocument"]}]
    return {"type": "data", "policy": json.dumps([{"Rules": rules, "Principal": [principal]}])}


_SECURITY = "aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy"
_PERMISSION, _NATIVE = "aws:lambda/permission:Permission", "aws-native:lambda:Permission"
_CALL = {"action": "lambda:InvokeFunction", "function": "f", "principal": "s3.amazonaws.com",
         "source_arn": "arn:aws:s3:::b", "source_account": ACCOUNT}  # fmt: skip
_SOURCE, _ACTION = "a services call names its source and account", "a call is of one action"
_BLOCKED = dict.fromkeys(
    ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"), True
)
_POINT = "aws:s3/accessPoint:AccessPoint"
_OPEN_POINT = {"public_access_block_configuration": _BLOCKED | {"block_public_policy": False}}
_CLOSED_POINT = {"public_access_block_configuration": _BLOCKED}

SHARING: list[Row] = [
    (_MANAGED, "aws-native:iam:Role", {"managed_policy_arns": ["arn:aws:iam::aws:policy/AdministratorAccess"]},
     {"managed_policy_arns": [f"arn:aws:iam::{ACCOUNT}:policy/own"]}),
    (_MANAGED, "aws-native:iam:User", {"managed_policy_arns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]},
     {"user_name": "u"}),
    (_MANAGED, "aws-native:sso:PermissionSet", {"managed_policies": ["arn:aws:iam::aws:policy/PowerUserAccess"]},
     {"name": "p"}),
    (_MANAGED, "aws:newservice/thing:Thing",
     {"policy_arn": "arn:aws:iam::aws:policy/AmazonS3FullAccess"} | _text("note", SHARED), _text("note", SHARED)),
    ("a function is called by whom it names", "aws-native:lambda:Url", {"auth_type": "NONE"}, {"auth_type": "AWS_IAM"}),
    ("a function is called by whom it names", _NATIVE, {"action": "lambda:InvokeFunction", "principal": "*"},
     {"action": "lambda:InvokeFunction", "principal": READER}),
    (_ACTION, _PERMISSION, _CALL | {"action": "lambda:*"}, _CALL),
    (_ACTION, _NATIVE, _CALL | {"action": "lambda:Invoke*"}, _CALL),
    (_ACTION, _PERMISSION, {"action": "*", "principal": READER},
     {"action": "lambda:InvokeFunction", "principal": READER}),
    (_SOURCE, _NATIVE, {k: v for k, v in _CALL.items() if k != "source_account"}, _CALL),
    (_SOURCE, _PERMISSION, _CALL | {"source_account": OTHER}, _CALL),
    (_SOURCE, _PERMISSION, _CALL | {"source_arn": f"arn:aws:sns:eu-west-1:{OTHER}:t"},
     _CALL | {"source_arn": f"arn:aws:sns:eu-west-1:{ACCOUNT}:t"}),
    (_SOURCE, _PERMISSION, _CALL | {"source_account": "*"}, _CALL),
    (_SOURCE, _PERMISSION, _CALL | {"source_arn": "*"}, _CALL),
    (_SOURCE, _PERMISSION, _CALL | {"source_arn": "arn:aws:sns:eu-west-1:*:t"}, _CALL),
    ("no acl is public", "aws-native:s3:Bucket", {"access_control": "PublicRead"}, {"access_control": "Private"}),
    ("a database is not public", "aws-native:rds:DbInstance", {"publicly_accessible": True}, {"port": 3306}),
    (_BLOCK, _POINT, _OPEN_POINT, _CLOSED_POINT),
    (_BLOCK, "aws-native:s3:AccessPoint", _OPEN_POINT, _CLOSED_POINT),
    (_BLOCK, "aws:s3control/multiRegionAccessPoint:MultiRegionAccessPoint",
     {"details": {"name": "m", "public_access_block": _BLOCKED | {"ignore_public_acls": False}}},
     {"details": {"name": "m", "public_access_block": _BLOCKED}}),
    (_BLOCK, "aws-native:s3:Bucket", _OPEN_POINT, _CLOSED_POINT),
    (_BLOCK, "aws:ec2/imageBlockPublicAccess:ImageBlockPublicAccess", {"state": "unblocked"},
     {"state": "block-new-sharing"}),
    (_NETWORK, _SECURITY, _network("collection/*"), _network("collection/orders")),
    (_NETWORK, _SECURITY, _network("collection/orders*", public=False), _network("collection/orders", public=False)),
    (_NETWORK, "aws-native:opensearchserverless:SecurityPolicy", _network("collection/*"),
     _network("collection/orders")),
    (_DATA, "aws-native:opensearchserverless:AccessPolicy", _access("index/*/orders"), _access("index/c/orders")),
    (_DATA, "aws-native:opensearchserverless:AccessPolicy", _access("index/c/orders", OTHER),
     _access("index/c/orders")),
    *((_LAKE, "aws-native:lakeformation:PrincipalPermissions",
       {"principal": {"data_lake_principal_identifier": who}, "permissions": permissions},
       {"principal": {"data_lake_principal_identifier": READER}, "permissions": ["SELECT"]})
      for who, permissions in (("IAM_ALLOWED_PRINCIPALS", ["SELECT"]), (READER, ["ALL"]))),
    (_ALL, "aws:ec2/amiLaunchPermission:AmiLaunchPermission", {"group": "all", "image_id": "ami-1"},
     {"account_id": OTHER, "image_id": "ami-1"}),
    (_ALL, "aws:rds/snapshot:Snapshot", {"shared_accounts": ["all"]}, {"shared_accounts": [OTHER]}),
    (_ALL, "aws:rds/clusterSnapshot:ClusterSnapshot", {"shared_accounts": ["all"]}, {"shared_accounts": [OTHER]}),
    (_ALL, "aws:ec2/snapshotCreateVolumePermission:SnapshotCreateVolumePermission", {"account_id": "all"},
     {"account_id": OTHER}),
    (_ALL, "aws:ec2/vpcEndpointService:VpcEndpointService", {"allowed_principals": ["*"]},
     {"allowed_principals": [READER]}),
    (_ALL, "aws:ec2/vpcEndpointServiceAllowedPrinciple:VpcEndpointServiceAllowedPrinciple", {"principal_arn": "*"},
     {"principal_arn": READER}),
    (_OUTSIDE, "aws:ram/resourceShare:ResourceShare", {"name": "s", "allow_external_principals": True},
     {"name": "s", "allow_external_principals": False}),
    (_OUTSIDE, "aws-native:ram:ResourceShare", {"name": "s"}, {"name": "s", "allow_external_principals": False}),
]  # fmt: skip

_PERMISSIONS = "aws:codeartifact/domainPermissions:DomainPermissions"
UNREAD: list[Row] = [
    (_READ_BY, _PERMISSIONS, {"domain": "d"}, {"domain": "d"} | _text("policy_document", SHARED)),
]
GRANTS_UNREAD = [
    "aws:auditmanager/assessmentDelegation:AssessmentDelegation",
    "aws:cloudcontrol/resource:Resource",
    "aws:cfg/aggregateAuthorization:AggregateAuthorization",
    "aws:cloudformation/stack:Stack",
    "aws:datazone/policyGrant:PolicyGrant",
    "aws:eks/accessEntry:AccessEntry",
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
    "aws:licensemanager/licenseGrant:LicenseGrant",
    "aws:opensearch/authorizeVpcEndpointAccess:AuthorizeVpcEndpointAccess",
    "aws:organizations/delegatedAdministrator:DelegatedAdministrator",
    "aws:ram/permission:Permission",
    "aws:redshift/dataShareAuthorization:DataShareAuthorization",
    "aws:redshift/endpointAuthorization:EndpointAuthorization",
    "aws:s3control/accessGrant:AccessGrant",
    "aws:signer/signingProfilePermission:SigningProfilePermission",
    "aws:ssm/document:Document",
    "aws:ssoadmin/accountAssignment:AccountAssignment",
    "aws-native:cloudformation:Stack",
    "aws-native:eks:AccessEntry",
    "aws-native:newservice:SomethingPermission",
    "command:local:Command",
    "gcp:deploymentmanager/deployment:Deployment",
]
"""Types that grant by what no rule reads, or make others out of the program's sight; one is of no known service."""

_CUSTOM, _DOMAIN = "a custom role gives no more than it names", "nobody is a whole domain"
_ROLE = "gcp:projects/iAMCustomRole:IAMCustomRole"
_POOLS, _PROVIDER = (
    "a pool trusts the subjects of its own",
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider",
)
_ISSUED = {"oidc": {"issuer_uri": "https://token.actions.githubusercontent.com"}}
_GROUP = {"members": ["group:a@b.c"]}


def _if(condition: str, **mapped: str) -> dict[str, Any]:
    mapping = {f"attribute.{name}": source for name, source in mapped.items()}
    return _ISSUED | {"attribute_condition": condition, "attribute_mapping": mapping}


def _saml(**more: str) -> dict[str, Any]:
    return {"saml": {"idp_metadata_xml": "<EntityDescriptor/>"}} | more


GOOGLE_HOLES: list[Row] = [
    *((_CUSTOM, _ROLE, {"permissions": ["bigquery.jobs.create", wide]}, {"permissions": ["bigquery.jobs.create"]})
      for wide in ("resourcemanager.projects.setIamPolicy", "iam.serviceAccounts.actAs", "storage.buckets.setIamPolicy",
                   "iam.serviceAccounts.getAccessToken", "iam.serviceAccounts.signJwt", "iam.serviceAccountKeys.create",
                   "iam.roles.update", "storage.*")),
    (_CUSTOM, "gcp:organizations/iAMCustomRole:IAMCustomRole",
     {"permissions": ["iam.serviceAccounts.implicitDelegation"]},
     {"permissions": ["iam.serviceAccounts.get"]}),
    (_DOMAIN, "gcp:storage/bucketIAMBinding:BucketIAMBinding", {"members": ["domain:gmail.com"]}, _GROUP),
    (_DOMAIN, "gcp:projects/iAMMember:IAMMember", {"member": "domain:example.com"}, {"member": "user:a@example.com"}),
    (_DOMAIN, "gcp:storage/bucketIAMBinding:BucketIAMBinding", {"members": ["projectViewer:p"]}, _GROUP),
    (_DOMAIN, "gcp:bigquery/dataset:Dataset", {"accesses": [{"role": "READER", "domain": "gmail.com"}]},
     {"accesses": [{"role": "READER", "group_by_email": "a@b.c"}]}),
    (_DOMAIN, "gcp:storage/bucketIAMPolicy:BucketIAMPolicy",
     {"policy_data": json.dumps({"bindings": [{"role": "roles/storage.objectViewer",
     "members": ["domain:gmail.com"]}]})},
     {"policy_data": json.dumps({"bindings": [{"role": "roles/storage.objectViewer"} | _GROUP]})}),
    *((_POOLS, _PROVIDER, _if(bad), _if(good)) for bad, good in (
        ("true", "assertion.repository_owner == 'shop'"),
        ("assertion.sub != ''", "'shop' == assertion.repository_owner"),
        ("assertion.sub == assertion.sub", "google.subject == 'repo:shop/infra:ref:refs/heads/main'"),
        ("has(assertion.repository)", "assertion.sub.startsWith('repo:shop/')"),
        ("assertion.repository_owner == 'shop' || true",
         "assertion.repository == 'shop/infra' && (assertion.ref == 'y' || assertion.ref == 'z')"),
        ("!(assertion.repository_owner == 'evil')", "attribute.repository_owner in ['shop', 'shop-eu']"),
        ("assertion.sub.startsWith('')", "'admins' in assertion.groups"),
        ("1 == 1", "assertion.repository_owner_id == '1234'"),
        ("assertion.ref == 'refs/heads/main'", "assertion.ref == 'refs/heads/main' && assertion.repository_id == '1'"),
        ("assertion.aud == 'x'", "assertion.email.endsWith('@example.com')"),
        ("assertion.iss == 'https://token.actions.githubusercontent.com'", "assertion.hd == 'example.com'"),
        ("google.groups == 'a' ? true : true", "'a' in google.groups"),
        ("assertion.repository == 'shop/infra' && assertion.ref == 'y' || assertion.ref == 'z'",
         "(assertion.repository == 'shop/a' || assertion.repository == 'shop/b') && assertion.ref != 'x || y'"),
        ("assertion.sub.startsWith('repo:')", "assertion['sub'].startsWith('repo:shop/')"),
        ("assertion.repository.matches('.*')", "assertion.repository.matches('^shop/.*')"),
        # A pattern that is found anywhere, and one that has another way round.
        ("assertion.repository.matches('shop/infra')", "assertion.repository.matches('^shop/infra$')"),
        ("assertion.repository.matches('^shop/infra|.*')", "assertion.repository.matches('^shop/(infra|lake)$')"),
        ("assertion.repository.matches('^(shop/infra)?')", "assertion.repository_owner.matches('^shop$')"),
        ("assertion.repository.matches('^s*')", "assertion.sub.matches('^repo:shop/.+:environment:prod$')"),
        # What anybody's subject, branch or name has in it, ends in or begins with.
        ("assertion.sub.contains('repo')", "assertion.sub.startsWith('organization:shop:project:')"),
        ("assertion.sub.contains('shop/infra')", "assertion.sub.startsWith('project_path:shop/')"),
        ("assertion.sub.endsWith('ref:refs/heads/main')", "assertion.email.endsWith('@data.example.com')"),
        ("assertion.email.endsWith('example.com')", "assertion.email == 'load@example.com'"),
        ("assertion.repository.startsWith('shop-eu')", "assertion.repository.startsWith('shop-eu/')"),
        ("assertion.sub.startsWith('repo:shop')", "assertion.sub.startsWith('repo:shop/infra')"),
        ("assertion.sub.startsWith('system:serviceaccount:')",
         "assertion.sub.startsWith('system:serviceaccount:shop:')"),
        ("assertion.arn.startsWith('arn:aws:sts::')",
         "assertion.arn.startsWith('arn:aws:sts::111111111111:assumed-role/')"),
        ("assertion.environment == 'sub'", "assertion.namespace_path == 'shop'"),
    )),
    (_POOLS, _PROVIDER, _if("attribute.owner == 'shop'", owner="assertion.ref"),
     _if("attribute.owner == 'shop'", owner="assertion.repository_owner")),
    (_POOLS, _PROVIDER, _if("attribute.repository == 'shop'", repository="assertion.aud"),
     _if("attribute.repository == 'shop'", repository="assertion.sub.extract('repo:{it}:')")),
    (_POOLS, _PROVIDER, _saml(), _saml(attribute_condition="assertion.subject == 'load@example.com'")),
    (_POOLS, _PROVIDER, _saml(attribute_condition="'x' in assertion.attributes['https://a.b/audience']"),
     _saml(attribute_condition="'load' in assertion.attributes['https://a.b/group']")),
]  # fmt: skip

ELSEWHERE = [*DOCUMENTS, *SHARING, *UNREAD, *GOOGLE_HOLES]
