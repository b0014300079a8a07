"""The policies of who deploys a stack, of who previews it and of who looks for drift, one account at a time.

A `Grant` is a statement with what it is for. Actions whose resource AWS can name are granted on the stack's own: on
`<project>-<stack>-<pipeline>-*` for each of its pipelines, so that a stack `prod` does not reach what is called
`tributary-prod-eu-…`. What is known by an id only is recognised by the tags that the provider sets.
`narrowing.ANYWHERE` are the actions that AWS authorises on `*` alone, with what narrows them, where there is any
(https://docs.aws.amazon.com/service-authorization/latest/reference/).
"""

import functools
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from bootstrap.calls import calls
from bootstrap.kinds import ADOPTED_GROUP, BY_TAG, GROUP, KINDS
from bootstrap.narrowing import (
    ANYWHERE,
    BOUNDED,
    BOUNDING,
    BY_A_FUNCTION,
    INDEXES,
    LINKED,
    LOG_DELIVERY,
    NETWORK,
    OBJECTS,
    OF_A_FUNCTION,
    OF_STRANGERS,
    ON_INDEXES,
    OWN,
    SCANNED,
    TAGGED_AS_MADE,
)
from bootstrap.registered import Program, Registered
from components.arguments.plain import is_mapping

PROJECT = "tributary"
POLICY_CHARACTERS, POLICIES = 6_144, 10
"""What a managed policy may have without white space, and how many a role takes by default
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html)."""


@dataclass
class Grant:
    """One statement, and what it is for."""

    sid: str
    why: str
    actions: list[str]
    resources: list[str]
    conditions: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    def render(self) -> dict[str, Any]:
        """The statement as IAM reads it."""
        condition = {"Condition": self.conditions} if self.conditions else {}
        return {
            "Sid": self.sid, "Effect": "Allow", "Action": self.actions, "Resource": self.resources, **condition,
        }  # fmt: skip


@dataclass(frozen=True)
class Stack:
    """A stack as its program registers it."""

    name: str
    program: Program
    project: str = PROJECT

    def places(self) -> dict[str, Mapping[str, str]]:
        """Each account of the stack, by its name in the config."""
        return {r.place["called"]: r.place for r in self.program.resources if r.place}

    def of(self, place: Mapping[str, str]) -> list[Registered]:
        """What the program registers in one account."""
        return [r for r in self.program.resources if r.place == place and r.type in KINDS]

    def patterns(self, arns: Iterable[str]) -> list[str]:
        """These ARNs, those with a pipeline's name cut to what follows it."""
        return sorted({self._wide(arn) for arn in arns})

    @functools.cached_property
    def _wide(self) -> Callable[[str], str]:
        """An ARN's pattern. Each of a stack's ARNs is in many statements, and its pattern is made once."""

        def cut(part: str) -> str:
            return next((f"{base}*" for base in self.bases if part.startswith(base)), part)

        def wide(arn: str) -> str:
            return arn if OBJECTS.search(arn) else "".join(map(cut, re.split("([:/])", arn)))

        return functools.cache(wide)

    @functools.cached_property
    def bases(self) -> tuple[str, ...]:
        """What the names of each pipeline's resources begin with, a longer pipeline's first."""
        return tuple(
            filler.join((self.project, self.name, pipeline)).replace("-", filler) + filler
            for pipeline in sorted(self.program.pipelines, key=len, reverse=True)
            for filler in "-_"
        )

    def names(self, arn: str) -> bool:
        """Whether a part of the ARN is what a pipeline itself is called."""
        return any(f"{part}{filler}" in self.bases for part in re.split("[:/]", arn) for filler in "-_")

    def tags(self, key: str) -> dict[str, dict[str, str]]:
        """The condition that something has, or gets, the stack's own tags; `key` is RequestTag or ResourceTag."""
        marks = {"project": self.project, "stack": self.name}
        return {"StringEquals": {f"aws:{key}/tributary-{mark}": value for mark, value in marks.items()}}


def deploy(stack: Stack, place: Mapping[str, str]) -> list[Grant]:
    """What making, changing, refreshing and destroying the stack's part of this account takes."""
    resources = stack.of(place)
    grants = _on_resources(stack, resources, ("plan", "read", "write"))
    grants += _handed_over(stack, resources)
    return _named(grants + _besides(stack, resources, place))


def preview(stack: Stack, place: Mapping[str, str]) -> list[Grant]:
    """What a preview reads in this account, and nothing else: it plans by the state, and reads what is adopted."""
    return _named(_on_resources(stack, stack.of(place), ("plan",)))


def refresh(stack: Stack, place: Mapping[str, str]) -> list[Grant]:
    """What comparing this account with the state reads: a preview with `--refresh`, the scan for what a refresh can't
    see (delivery/strangers.py), and the search for what can be adopted (adoption/aws.py). It reads settings, no data,
    and changes nothing."""
    return _named(_on_resources(stack, stack.of(place), ("plan", "read"), SCANNED))


def _arns(resource: Registered) -> tuple[str, ...]:
    """The ARNs by which the provider asks for a resource."""
    if resource.type == "aws:lambda/invocation:Invocation":
        # A policy that names the function alone refuses what names a version of it, as the provider does
        # (https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html).
        return (*resource.arns, f"{resource.arns[0]}:$LATEST")
    if resource.type.startswith("aws:sns/topicSubscription"):
        return (*resource.arns, f"{resource.arns[0]}:*")
    return tuple(resource.arns)


def _calls_on(r: Registered, during: tuple[str, ...], more: Mapping[str, set[str]]) -> set[str]:
    """The actions that the provider needs on a resource, which the program makes or reads."""
    actions = calls(r.type, *(("read",) if r.read and "::" not in r.type and "get" not in r.type else during))
    if not r.read:
        actions |= more.get(r.type, set())
    if r.inputs.get("permissionsBoundary") and "write" in during:
        actions |= BOUNDING[r.type]  # by which a role that is there gets it
    return actions


def _merged(
    stack: Stack, wanted: Mapping[tuple[tuple[str, ...], str], set[str]]
) -> dict[tuple[str, tuple[str, ...], str], list[str]]:
    """The actions of each (service, ARNs, condition's name): a service's actions on the same ARNs are one grant."""
    by_action: dict[tuple[str, str], set[str]] = {}
    for (arns, how), actions in wanted.items():
        patterns = stack.patterns(arns)
        for action in actions:
            by_action.setdefault((action, how), set()).update(patterns)
    merged: dict[tuple[str, tuple[str, ...], str], list[str]] = {}
    for (action, how), arns in sorted(by_action.items()):
        merged.setdefault((action.partition(":")[0], tuple(sorted(arns)), how), []).append(action)
    return merged


def _on_resources(
    stack: Stack,
    resources: list[Registered],
    during: tuple[str, ...],
    more: Mapping[str, set[str]] = MappingProxyType({}),
) -> list[Grant]:
    wanted: dict[tuple[tuple[str, ...], str], set[str]] = {}
    collections = sorted({str(r.inputs["name"]) for r in resources if "serverlessCollection:" in r.type})
    groups = {str(r.inputs["name"]) for r in resources if r.type in (GROUP, ADOPTED_GROUP)}
    functions: set[str] = set()
    boundaries = {str(bound) for r in resources if (bound := r.inputs.get("permissionsBoundary"))}
    for r in resources:
        actions = _calls_on(r, during, more)
        if "eventSourceMapping" in r.type:
            functions.add(f"arn:{r.place['partition']}:lambda:{r.place['region']}:{r.place['account']}:function:"
                          + str(r.inputs["functionName"]).rpartition(":")[2])  # fmt: skip
        if (group := r.inputs.get("collectionGroupName")) and "aoss:CreateCollection" in actions:
            # Also of a group that is there: https://docs.aws.amazon.com/service-authorization/latest/reference/
            # list_opensearchserverless.html, AddCollectionToCollectionGroup.
            groups.add(str(group))
            on_group = "arn:{partition}:aoss:{region}:{account}:collection-group/*".format(**r.place)
            wanted.setdefault(((on_group,), "group"), set()).add("aoss:AddCollectionToCollectionGroup")
        arns = _arns(r)
        for action in actions:
            how = "" if more and action in OF_STRANGERS else ANYWHERE.get(action)
            by_function = "function" if action in OF_A_FUNCTION else ""
            bounded = "bounded" if boundaries and action in BOUNDED else ""
            tagged = how is None and r.type in BY_TAG and not by_function
            on = ("*",) if how is not None else arns
            if action == "s3:ListBucketVersions":  # of a bucket, whatever it is called for
                on = (arns[0].partition("/")[0],)
            if r.type == "aws:kms/alias:Alias" and how is None:  # it needs the right on its key as well
                wanted.setdefault((on[1:], "tagged"), set()).add(action)
                on = on[:1]
            narrowed = ("tagged" if tagged else how) or by_function or bounded
            wanted.setdefault((on, narrowed), set()).add(action)
            if ON_INDEXES.fullmatch(action) and how != "":
                wanted.setdefault((on, "index"), set()).add(action)
            if action in TAGGED_AS_MADE and r.type in BY_TAG:
                wanted.setdefault((on, "tagging"), set()).add(action)
    conditions = {
        "": {},
        "made": stack.tags("RequestTag"),
        "tagged": stack.tags("ResourceTag"),
        # What has another stack's tags already keeps them.
        "tagging": stack.tags("RequestTag")
        | {"StringEqualsIfExists": stack.tags("ResourceTag")["StringEquals"]},
        "collection": {"StringEquals": {"aoss:collection": collections}},
        "index": {"StringLike": {"aoss:index": [form % name for name in collections for form in INDEXES]}},
        "group": {"StringEquals": {"aoss:collection-group": sorted(groups)}},
        "function": {"ArnLike": {"lambda:FunctionArn": stack.patterns(functions)}},
        "bounded": {"StringEquals": {"iam:PermissionsBoundary": sorted(boundaries)}},
    }
    why = {
        "made": "makes what will be known by an id, with the stack's tags",
        "tagged": "what has the stack's tags",
        "tagging": "tags what is known by an id as it is made",
        "collection": "policies of the stack's collections",
        "index": "policies on the indexes of the stack's collections",
        "group": "groups of the stack's collections",
        "function": "mappings of the stack's functions",
        "bounded": "the stack's roles and users, those with the boundary alone",
    }
    anywhere = "AWS knows no narrower resource"
    return [
        Grant(
            service, why.get(how) or (anywhere if arns == ("*",) else f"the stack's {OWN[service]}"), actions,
            list(arns), conditions[how],
        )
        for (service, arns, how), actions in _merged(stack, wanted).items()
    ]  # fmt: skip


def _handed_over(stack: Stack, resources: list[Registered]) -> list[Grant]:
    """Each role may be passed to the service that its trust names, and to no other."""
    roles: dict[str, set[str]] = {}
    for r in resources:
        if r.type == "aws:iam/role:Role":
            for statement in json.loads(r.inputs["assumeRolePolicy"])["Statement"]:
                service = statement["Principal"].get("Service", "")
                if service and service not in BY_A_FUNCTION:
                    roles.setdefault(service, set()).update(r.arns)
    return [
        Grant(
            "iam", f"hands roles over to {service}, which takes them on", ["iam:PassRole"], stack.patterns(arns),
            {"StringEquals": {"iam:PassedToService": service}},
        )
        for service, arns in sorted(roles.items())
    ]  # fmt: skip


def _besides(stack: Stack, resources: list[Registered], place: Mapping[str, str]) -> list[Grant]:
    """The rights that services require of their caller besides the call's own."""
    grants: list[Grant] = []
    types = {r.type for r in resources}
    where = f"{place['region']}.amazonaws.com" + (".cn" if place["partition"] == "aws-cn" else "")
    own = f"arn:{place['partition']}:kms:{place['region']}:{place['account']}:key/*"
    code = [r for r in resources if r.type == "aws:s3/bucketObjectv2:BucketObjectv2"]
    if code:
        # A part of an upload is encrypted with what the first call decrypts, and Lambda reads the bundle as its caller
        # (https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions).
        through_s3 = {"kms:ViaService": f"s3.{where}"}
        created, adopted = bucket_keys(resources, {r.inputs["bucket"] for r in code})
        tags = stack.tags("ResourceTag")["StringEquals"]
        why = "uploads bundles in parts into an encrypted landing"
        actions = ["kms:Decrypt", "kms:GenerateDataKey"]
        if created:
            grants.append(Grant("kms", why, actions, [own], {"StringEquals": {**tags, **through_s3}}))
        if adopted:
            grants.append(Grant("kms", why, actions, adopted, {"StringEquals": through_s3}))
    forced = [r for r in resources if r.type == "aws:s3/bucket:Bucket" and r.inputs.get("forceDestroy")]
    if forced:
        objects = stack.patterns(f"{r.arns[0]}/*" for r in forced)
        delete = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
        grants.append(
            Grant("s3", "retain_data is off: empties buckets before it deletes them", delete, objects)
        )
        listed = stack.patterns(r.arns[0] for r in forced)
        grants.append(Grant("s3", "finds what to empty them of", ["s3:ListBucketVersions"], listed))
    adopted = sorted({key for r in resources if (key := _collection_key(r))})
    if adopted:
        # https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-encryption.html
        why = "the collection's customer key"
        grants.append(Grant("kms", why, ["kms:DescribeKey"], adopted))
        by_aoss = {
            "StringEquals": {"kms:ViaService": f"aoss.{where}"},
            "Bool": {"kms:GrantIsForAWSResource": "true"},
        }
        grants.append(Grant("kms", why, ["kms:CreateGrant"], adopted, by_aoss))
    grants += _of_streams(resources, own)
    if any("vpcConfig" in repr(r.inputs) for r in resources):
        # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
        here = {"StringEquals": {"ec2:Region": place["region"]}}
        grants.append(Grant("ec2", "functions and deliveries in a network", NETWORK, ["*"], here))
        networks = f"arn:{place['partition']}:ec2:{place['region']}:{place['account']}:vpc/*"
        groups = ["ec2:GetSecurityGroupsForVpc"]
        grants.append(
            Grant("ec2", "the groups of the network are those of its VPC", groups, [networks], here)
        )
    if "aws:opensearchingest/pipeline:Pipeline" in types:
        grants.append(Grant("logs", "ingestion's log is delivered by CloudWatch", LOG_DELIVERY, ["*"]))
    for type, (service, role) in LINKED.items():
        if type in types:
            arn = f"arn:{place['partition']}:iam::{place['account']}:role/aws-service-role/{service}/{role}*"
            condition = {"StringEquals": {"iam:AWSServiceName": service}}
            why = f"the role that {service} makes for itself, once an account"
            grants.append(Grant("iam", why, ["iam:CreateServiceLinkedRole"], [arn], condition))
    return grants


def _of_streams(resources: list[Registered], every: str) -> list[Grant]:
    """Turning a stream's encryption on or off is judged on its key as well
    (https://docs.aws.amazon.com/service-authorization/latest/reference/list_kinesis.html), and who administers a stream
    under a customer's key reads its description
    (https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html). `every` is all keys of the account:
    the id of AWS's own for Kinesis is not known before."""
    keys = {str(r.inputs["kmsKeyId"]) for r in resources
            if r.type == "aws:kinesis/stream:Stream" and not r.read and r.inputs.get("kmsKeyId")}  # fmt: skip
    customers = sorted(key for key in keys if key.startswith("arn:"))
    encrypts = ["kinesis:StartStreamEncryption", "kinesis:StopStreamEncryption"]
    grants: list[Grant] = []
    if customers:
        grants.append(Grant("kms", "the stream's customer key", ["kms:DescribeKey"], customers))
        grants.append(Grant("kinesis", "encrypts the stream under a customer's key", encrypts, customers))
    if keys - set(customers):
        grants.append(Grant("kinesis", "encrypts the stream under AWS's own key", encrypts, [every]))
    return grants


def bucket_keys(resources: list[Registered], buckets: set[str]) -> tuple[list[str], list[str]]:
    """The keys under which these buckets encrypt: those that the stack makes, and those that it adopts."""
    names = {r.name for r in resources if r.type == "aws:kms/key:Key"}
    keys = _keys_of(resources, buckets)
    created = [key for key in keys if key.rpartition("/")[2] in names]
    return created, [key for key in keys if key not in created]


def _keys_of(resources: list[Registered], buckets: set[str]) -> list[str]:
    gathered: set[str] = set()
    for r in resources:
        if "ServerSideEncryption" in r.type and r.inputs["bucket"] in buckets:
            for rule in r.inputs["rules"]:
                if key := rule["applyServerSideEncryptionByDefault"].get("kmsMasterKeyId"):
                    gathered.add(key)
    return sorted(gathered)


def _collection_key(resource: Registered) -> str | None:
    if "serverlessSecurityPolicy" not in resource.type:
        return None
    policy = json.loads(resource.inputs["policy"])
    return policy.get("KmsARN") if is_mapping(policy) else None


def _named(grants: list[Grant]) -> list[Grant]:
    """With sids that are one statement's each: the service's name, and a number where it has several."""
    count: dict[str, int] = {}
    for grant in grants:
        service = grant.sid
        count[service] = count.get(service, 0) + 1
        grant.sid = f"{service.capitalize()}No{count[service]}"
    return grants


def documents(grants: Iterable[Grant]) -> list[dict[str, Any]]:
    """The policies, each as large as a managed policy may be. Raises ValueError where a role takes no more."""
    gathered: list[list[dict[str, Any]]] = [[]]
    for grant in grants:
        statement = grant.render()
        if gathered[-1] and size([*gathered[-1], statement]) > POLICY_CHARACTERS:
            gathered.append([])
        gathered[-1].append(statement)
        if size(gathered[-1]) > POLICY_CHARACTERS:
            raise ValueError(f"{grant.sid} ({grant.why}) is longer than a managed policy may be")
    if len(gathered) > POLICIES:
        raise ValueError(f"{len(gathered)} managed policies are more than the {POLICIES} that a role takes")
    return [{"Version": "2012-10-17", "Statement": statements} for statements in gathered if statements]


def size(statements: list[dict[str, Any]]) -> int:
    """How long a policy of these statements is for IAM, which counts no white space."""
    return len(json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":")))
