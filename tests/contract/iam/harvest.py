"""The policies of a whole stack, gathered from the resources that its program registers.

A resource is any object with `type` (Pulumi's token), `name`, `inputs` (camelCase, as the engine gets them; JSON as
text) and `provider` (its account's provider, by name). An ARN that comes from an output has the provider's name and
`mock` where the region and the account stand; both are put in. What could grant something and is not understood here
raises, so that no grant goes unproven.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Document = Mapping[str, Any]


class Resource(Protocol):
    @property
    def type(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def inputs(self) -> Mapping[str, Any]: ...
    @property
    def provider(self) -> str: ...


@dataclass
class Role:
    """A role: who may take it on, and what it may do."""

    arn: str
    account: str
    trust: Document
    statements: list[dict[str, Any]] = field(default_factory=list)

    @property
    def policy(self) -> Document:
        return {"Version": "2012-10-17", "Statement": self.statements}


@dataclass
class Policies:
    """All roles by their names; all resource policies by the ARN of what they stand on; who owns which bucket."""

    roles: dict[str, Role] = field(default_factory=dict)
    on: dict[str, Document] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)

    def owner(self, arn: str, otherwise: str) -> str:
        """The account of a resource. An ARN of S3 names none: it is the bucket's, or for a bucket that the stack
        doesn't hold `otherwise`."""
        return self.owners.get(arn.split("/")[0]) or (arn.split(":") + [""] * 5)[4] or otherwise

    def found_on(self, arn: str) -> Document | None:
        """The policy that a request on this ARN meets: a bucket's holds for its objects."""
        return self.on.get(arn) or (self.on.get(arn.split("/")[0]) if arn.startswith("arn:aws:s3:") else None)

    def documents(self) -> Iterable[tuple[str, str, Document]]:
        """Every document: what it is (`role`, `trust`, or the service), where it stands, and itself."""
        for role in self.roles.values():
            yield "trust", role.arn, role.trust
            if role.statements:
                yield "role", role.arn, role.policy
        for arn, document in self.on.items():
            if ":role/" not in arn:
                yield arn.split(":")[2], arn, document


_GRANTS_NOT_READ = {
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "aws:iam/policyAttachment:PolicyAttachment",
    "aws:iam/policy:Policy", "aws:iam/rolePoliciesExclusive:RolePoliciesExclusive", "aws:kms/grant:Grant",
    "aws:kms/keyPolicy:KeyPolicy", "aws:cloudwatch/eventPermission:EventPermission",
    "aws:cloudwatch/eventBusPolicy:EventBusPolicy", "aws:dynamodb/resourcePolicy:ResourcePolicy",
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy", "aws:lambda/functionUrl:FunctionUrl",
}  # fmt: skip


def harvest(resources: Iterable[Resource]) -> Policies:
    """The policies of these resources. Raises ValueError on a grant of a kind that it can't read."""
    resources = list(resources)
    places = {
        r.name: (json.loads(_text(r.inputs["allowedAccountIds"]))[0], r.inputs["region"])
        for r in resources
        if r.type == "pulumi:providers:aws"
    }

    def place(resource: Resource) -> tuple[str, str]:
        if resource.provider not in places:
            raise ValueError(
                f"{resource.type} {resource.name}: '{resource.provider}' is no account's provider"
            )
        return places[resource.provider]

    def parsed(value: Any, resource: Resource) -> Any:
        """The JSON, its ARNs whole; what a look-up told has no provider's name, and is of the resource's account."""
        whole = _MOCK_ARN.sub(lambda f: _arn(f, *places.get(f[2], place(resource))), _text(value))
        return json.loads(whole)

    found = Policies()
    grants = []
    for r in resources:
        if r.type in _GRANTS_NOT_READ:
            raise ValueError(
                f"{r.type} {r.name}: the proof can't read this grant; write it as an inline role policy"
            )
        if r.type == "aws:iam/role:Role":
            if r.inputs.get("managedPolicyArns") or r.inputs.get("inlinePolicies"):
                raise ValueError(
                    f"role {r.name}: the proof reads aws.iam.RolePolicy only; write its statements there"
                )
            account, name = place(r)[0], r.inputs["name"]
            arn = f"arn:aws:iam::{account}:role/{name}"
            found.roles[name] = Role(arn, account, parsed(r.inputs["assumeRolePolicy"], r))
            found.on[arn] = found.roles[name].trust
        elif r.type == "aws:s3/bucket:Bucket":
            found.owners[f"arn:aws:s3:::{r.inputs['bucket']}"] = place(r)[0]
        else:
            grants.append(r)
    for r in grants:
        if r.type == "aws:iam/rolePolicy:RolePolicy":
            found.roles[r.inputs["role"]].statements += parsed(r.inputs["policy"], r)["Statement"]
        elif r.type == "aws:lambda/permission:Permission":
            arn = "arn:aws:lambda:{1}:{0}:function:{2}".format(*place(r), r.inputs["function"].split(":")[-1])
            statement = _lambda_statement(r.inputs, arn)
            before = found.on.get(arn, {"Statement": []})["Statement"]
            found.on[arn] = {"Version": "2012-10-17", "Statement": [*before, statement]}
        elif (stands_on := _POLICY_STANDS_ON.get(r.type)) and r.inputs.get("policy"):
            found.on[parsed(json.dumps(stands_on(r, *place(r))), r)] = parsed(r.inputs["policy"], r)
    return found


_POLICY_STANDS_ON = {
    "aws:s3/bucketPolicy:BucketPolicy": lambda r, *_: f"arn:aws:s3:::{r.inputs['bucket']}",
    # A key has no name of its own: the recording's ARN ends in the resource's name.
    "aws:kms/key:Key": lambda r, account, region: f"arn:aws:kms:{region}:{account}:key/{r.name}",
    "aws:sqs/queuePolicy:QueuePolicy": lambda r, account, region: "arn:aws:sqs:{}:{}:{}".format(
        region, account, r.inputs["queueUrl"].rsplit("/", 1)[-1]
    ),
    "aws:sqs/queue:Queue": lambda r, account, region: f"arn:aws:sqs:{region}:{account}:{r.inputs['name']}",
    "aws:sns/topicPolicy:TopicPolicy": lambda r, *_: r.inputs["arn"],
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


_MOCK_ARN = re.compile(r"arn:aws:([a-z0-9]+):([\w-]+):mock:(?:table/)?([\w.-]+)")
_KINDS = {"kms": "key/", "dynamodb": "table/", "lambda": "function:"}


def _arn(found: re.Match[str], account: str, region: str) -> str:
    service, _, name = found.groups()
    if service == "iam":
        return f"arn:aws:iam::{account}:role/{name}"
    return f"arn:aws:{service}:{region}:{account}:{_KINDS.get(service, '')}{name}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
