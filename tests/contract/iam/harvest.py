"""The policies of a whole stack, gathered from the resources that its program registers.

A resource is any object with `type` (Pulumi's token), `name`, `inputs` (camelCase, as the engine gets them; JSON as
text) and `provider` (its account's provider, by name). An ARN that comes from an output has the provider's name and
`mock` where the region and the account stand; both are put in. A kind of resource that is neither read here nor known
to grant nothing (`kinds`) raises, so that no grant goes unproven.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.contract.iam import aoss, google, lake_formation
from tests.contract.iam.grants import Grant, Granting, UnreadGrant, only
from tests.contract.iam.kinds import COMPONENTS, GRANTS_NOTHING
from tests.typed import fake

Document = Mapping[str, Any]


class Resource(Granting, Protocol):
    """A resource that a program registers."""

    @property
    def provider(self) -> str:
        """The provider that makes it."""
        ...


@dataclass
class Role:
    """A role: who may take it on, and what it may do."""

    arn: str
    account: str
    trust: Document
    statements: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    @property
    def policy(self) -> Document:
        """All that it may do, as one document."""
        return {"Version": "2012-10-17", "Statement": self.statements}


@dataclass
class Policies:
    """All roles by their names, and users, which nobody takes on; all resource policies by the ARN of what they stand
    on; who owns which bucket; what is granted elsewhere than in an IAM document, and whom Google takes AWS's roles
    for."""

    roles: dict[str, Role] = field(default_factory=dict[str, Role])
    on: dict[str, Document] = field(default_factory=dict[str, Document])
    owners: dict[str, str] = field(default_factory=dict[str, str])
    grants: list[Grant] = field(default_factory=list[Grant])
    pools: list[google.Federation] = field(default_factory=list[google.Federation])

    def owner(self, arn: str, otherwise: str) -> str:
        """The account of a resource. An ARN of S3 names none: it is the bucket's, or for a bucket that the stack
        doesn't hold `otherwise`."""
        return self.owners.get(arn.split("/", maxsplit=1)[0]) or (arn.split(":") + [""] * 5)[4] or otherwise

    def found_on(self, arn: str) -> Document | None:
        """The policy that a request on this ARN meets: a bucket's holds for its objects."""
        return self.on.get(arn) or (
            self.on.get(arn.split("/", maxsplit=1)[0]) if arn.startswith("arn:aws:s3:") else None
        )

    def documents(self) -> Iterable[tuple[str, str, Document]]:
        """Every document: what it is (`role`, `trust`, or the service), where it stands, and itself."""
        for role in self.roles.values():
            if role.trust["Statement"]:  # a user has none
                yield "trust", role.arn, role.trust
            if role.statements:
                yield "role", role.arn, role.policy
        for arn, document in self.on.items():
            if ":role/" not in arn:
                yield arn.split(":")[2], arn, document


@dataclass(frozen=True)
class Whole:
    """A resource whose JSON and ARNs are whole, and where it stands."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    account: str
    region: str


def harvest(resources: Iterable[Resource]) -> Policies:
    """The policies of these resources. Raises ValueError on a grant of a kind that it can't read, and on a kind of
    resource of which nobody has decided whether it can grant."""
    granting = list(whole(r for r in resources if _is_provider(r) or _can_grant(r)))
    policies = Policies()
    custom = {
        f"projects/{r.inputs['project']}/roles/{r.inputs['roleId']}": r.inputs["permissions"]
        for r in granting
        if r.type == "gcp:projects/iAMCustomRole:IAMCustomRole"
    }
    for resource in sorted(granting, key=lambda r: not r.type.endswith((":Role", ":User"))):
        READ[resource.type](policies, resource, custom)
    return policies


def whole(resources: Iterable[Resource]) -> Iterator[Whole]:
    """The resources with their ARNs and JSON whole; the providers' own are left out. Raises ValueError on one of AWS
    that isn't in any account."""
    resources = list(resources)
    places = {
        r.name: (json.loads(_text(r.inputs["allowedAccountIds"]))[0], r.inputs["region"])
        for r in resources
        if r.type == "pulumi:providers:aws"
    }
    projects = {r.name: r.inputs["project"] for r in resources if r.type == "pulumi:providers:gcp"}

    for resource in resources:
        if resource.type.startswith("gcp:"):
            project = projects[resource.provider]
            yield Whole(resource.type, resource.name, resource.inputs, project, "")
        if not resource.type.startswith("aws:"):
            continue
        if resource.provider not in places:
            raise ValueError(
                f"{resource.type} {resource.name}: '{resource.provider}' is no account's provider"
            )
        yield _whole(resource, places)


def _whole(resource: Resource, places: Mapping[str, tuple[str, str]]) -> Whole:
    """What a read returned has no provider's name, and is of the resource's account."""
    place = places[resource.provider]
    text = _MOCK_ARN.sub(
        lambda f: _arn(f, *places.get(f[2], place)), json.dumps(resource.inputs, default=str)
    )
    inputs = json.loads(text)
    for key in ("policy", "assumeRolePolicy"):
        if isinstance(inputs.get(key), str):
            inputs[key] = json.loads(inputs[key])
    return Whole(resource.type, resource.name, inputs, *place)


def _is_provider(resource: Resource) -> bool:
    return resource.type.startswith("pulumi:providers:")


def _can_grant(resource: Resource) -> bool:
    """Raises UnreadGrant if nobody has decided, or if a resource that grants nothing has an input that would."""
    if resource.type.startswith(COMPONENTS):
        return False
    if resource.type in GRANTS_NOTHING:
        only(resource, set(resource.inputs) - set(GRANTS_NOTHING[resource.type]))
        return False
    if resource.type not in READ:
        raise UnreadGrant(
            resource,
            f"nobody has decided whether {resource.type} can grant; list it in kinds.py, or read it in harvest.py "
            "(a grant to a role: write it as an inline role policy)",
        )
    return True


def _role(policies: Policies, r: Whole, _: object) -> None:
    if r.inputs.get("managedPolicyArns") or r.inputs.get("inlinePolicies"):
        raise UnreadGrant(r, "the proof reads aws.iam.RolePolicy only; write its statements there")
    arn, name = f"arn:aws:iam::{r.account}:role/{r.inputs['name']}", r.inputs["name"]
    policies.roles[name] = Role(arn, r.account, r.inputs["assumeRolePolicy"])
    policies.on[arn] = policies.roles[name].trust


def _user(policies: Policies, r: Whole, _: object) -> None:
    """A user is taken on by nobody."""
    name = r.inputs["name"]
    arn = f"arn:aws:iam::{r.account}:user/{name}"
    policies.roles[f"user/{name}"] = Role(arn, r.account, {"Version": "2012-10-17", "Statement": []})


def _role_policy(policies: Policies, r: Whole, _: object) -> None:
    policies.roles[r.inputs["role"]].statements += r.inputs["policy"]["Statement"]


def _user_policy(policies: Policies, r: Whole, _: object) -> None:
    policies.roles[f"user/{r.inputs['user']}"].statements += r.inputs["policy"]["Statement"]


def _bucket(policies: Policies, r: Whole, _: object) -> None:
    only(r, set(r.inputs) - {"acl", "grants", "policy"})
    policies.owners[f"arn:aws:s3:::{r.inputs['bucket']}"] = r.account


def _lambda(policies: Policies, r: Whole, _: object) -> None:
    arn = f"arn:aws:lambda:{r.region}:{r.account}:function:{r.inputs['function'].split(':')[-1]}"
    before = policies.on.get(arn, {"Statement": []})["Statement"]
    policies.on[arn] = {"Version": "2012-10-17", "Statement": [*before, _lambda_statement(r.inputs, arn)]}


def _key(policies: Policies, r: Whole, _: object) -> None:
    """A key has no name of its own: the recording's ARN ends in the resource's name. Without a policy KMS writes one:
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html"""
    if not r.inputs.get("policy"):
        raise UnreadGrant(r, "it has the default policy, which the proof does not read; write one")
    policies.on[f"arn:aws:kms:{r.region}:{r.account}:key/{r.name}"] = r.inputs["policy"]


def _standing_on(arn: Callable[[Whole], str]) -> Callable[..., None]:
    def read(policies: Policies, r: Whole, _: object) -> None:
        if r.inputs.get("policy"):
            policies.on[arn(r)] = r.inputs["policy"]

    return read


def _queue(r: Whole) -> str:
    name = r.inputs.get("name") or r.inputs["queueUrl"].rsplit("/", 1)[-1]
    return f"arn:aws:sqs:{r.region}:{r.account}:{name}"


def _granted(grants: Callable[[Whole], Iterable[Grant]]) -> Callable[..., None]:
    return fake(lambda policies, r, _: policies.grants.extend(grants(r)))


def _google(grants: Callable[..., Iterable[Grant]]) -> Callable[..., None]:
    return fake(lambda policies, r, custom: policies.grants.extend(grants(r, r.account, custom)))


READ: dict[str, Callable[[Policies, Whole, Mapping[str, Any]], None]] = {
    "aws:iam/role:Role": _role,
    "aws:iam/user:User": _user,
    "aws:iam/rolePolicy:RolePolicy": _role_policy,
    "aws:iam/userPolicy:UserPolicy": _user_policy,
    "aws:s3/bucket:Bucket": _bucket,
    "aws:s3/bucketPolicy:BucketPolicy": _standing_on(lambda r: f"arn:aws:s3:::{r.inputs['bucket']}"),
    "aws:kms/key:Key": _key,
    "aws:sqs/queue:Queue": _standing_on(_queue),
    "aws:sqs/queuePolicy:QueuePolicy": _standing_on(_queue),
    "aws:sns/topicPolicy:TopicPolicy": _standing_on(lambda r: r.inputs["arn"]),
    "aws:lambda/permission:Permission": _lambda,
    "aws:opensearch/serverlessAccessPolicy:ServerlessAccessPolicy": _granted(aoss.data),
    "aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy": _granted(aoss.network),
    "aws:lakeformation/permissions:Permissions": _granted(lake_formation.grants),
    "gcp:projects/iAMCustomRole:IAMCustomRole": lambda policies, r, custom: None,  # what it holds is `custom`
    "gcp:projects/iAMMember:IAMMember": _google(google.member),
    "gcp:storage/bucketIAMMember:BucketIAMMember": _google(google.member),
    "gcp:pubsub/topicIAMMember:TopicIAMMember": _google(google.member),
    "gcp:serviceaccount/iAMMember:IAMMember": _google(google.member),
    "gcp:bigquery/dataset:Dataset": _google(google.dataset),
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": lambda policies, r, custom: (
        policies.pools.append(google.federation(r))
    ),
}


def _lambda_statement(inputs: Mapping[str, Any], arn: str) -> dict[str, Any]:
    """What AddPermission writes (https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html)."""
    principal = inputs["principal"]
    conditions: dict[str, Any] = {}
    if inputs.get("sourceAccount"):
        conditions["StringEquals"] = {"aws:SourceAccount": inputs["sourceAccount"]}
    if inputs.get("sourceArn"):
        conditions["ArnLike"] = {"aws:SourceArn": inputs["sourceArn"]}
    return {
        "Sid": inputs.get("statementId", "Permission"),
        "Effect": "Allow",
        "Principal": {"Service" if principal.endswith(".amazonaws.com") else "AWS": principal},
        "Action": [inputs["action"]],
        "Resource": [arn],
        **({"Condition": conditions} if conditions else {}),
    }


_MOCK_ARN = re.compile(r"arn:aws:([a-z0-9]+):([\w-]+):mock:(?:table/)?((?:user/)?[\w.-]+)")
_KINDS = {"kms": "key/", "dynamodb": "table/", "lambda": "function:", "sfn": "stateMachine:"}


def _arn(match: re.Match[str], account: str, region: str) -> str:
    service, _, name = match.groups()
    if service == "iam":
        return f"arn:aws:iam::{account}:{name if name.startswith('user/') else f'role/{name}'}"
    called = "states" if service == "sfn" else service
    return f"arn:aws:{called}:{region}:{account}:{_KINDS.get(service, '')}{name}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
