"""What stands in a stack's own resources and the program did not make: a refresh reads what is in the state, and does
not see it. Statements of buckets', queues', topics' and keys' policies, grants of keys, subscriptions of topics,
policies of roles, and who is let into the stack's collections by a data access policy that is not the stack's.

`strangers` is pure: a state, and what the accounts answered. `read` asks them, and only reads. What can't be read (a
right that lacks, a resource that somebody deleted) is reported as unread, and never taken for empty.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from delivery.drift import UNREAD, Stranger
from delivery.values import is_list, is_mapping, mapping

Resource = Mapping[str, Any]
Client = Callable[[str, Resource], Any]
"""A boto3 client of a service, as the account of a resource in the state is entered."""
POLICIES = {
    "aws:s3/bucketPolicy:BucketPolicy": "bucket",
    "aws:sqs/queuePolicy:QueuePolicy": "queueUrl",
    "aws:sns/topicPolicy:TopicPolicy": "arn",
    "aws:kms/keyPolicy:KeyPolicy": "keyId",
}
"""The types that are the policy of another resource, and the input that names that one."""


def strangers(resources: Iterable[Resource], seen: Mapping[str, Mapping[str, Any]]) -> list[Stranger]:
    """What was seen and is not the program's. `seen` has, by a resource's URN, what `read` yields of it."""
    resources = list(resources)
    own = _Own(resources)
    return [
        stranger
        for resource in resources
        if resource["urn"] in seen
        for stranger in _of(resource, seen[resource["urn"]], own)
    ]


class _Own:
    """What the state has, by what it belongs to."""

    def __init__(self, resources: list[Resource]):
        self.statements: dict[str, set[str]] = {}
        self.policies: set[tuple[str, str]] = set()
        self.subscriptions: set[tuple[str, str, str]] = set()
        self.access: set[str] = set()
        self.roles: set[str] = set()
        for resource in resources:
            inputs, outputs = mapping(resource.get("inputs")), mapping(resource.get("outputs"))
            key = POLICIES.get(resource["type"])
            if key and isinstance(inputs.get("policy"), str | Mapping):
                self.statements.setdefault(str(inputs.get(key)), set()).update(statements(inputs["policy"]))
            if resource["type"] == "aws:kms/key:Key" and inputs.get("policy"):
                its = self.statements.setdefault(str(outputs.get("keyId")), set())
                its.update(statements(inputs["policy"]))
            if resource["type"] == "aws:iam/rolePolicy:RolePolicy":
                self.policies.add((str(inputs.get("role")), str(outputs.get("name") or inputs.get("name"))))
            if resource["type"] == "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
                self.policies.add((str(inputs.get("role")), str(inputs.get("policyArn"))))
            if resource["type"] == "aws:sns/topicSubscription:TopicSubscription":
                topic, protocol, endpoint = (
                    str(inputs.get(key)) for key in ("topic", "protocol", "endpoint")
                )
                self.subscriptions.add((topic, protocol, endpoint))
            if resource["type"] == "aws:opensearch/serverlessAccessPolicy:ServerlessAccessPolicy":
                self.access.add(str(outputs.get("name") or inputs.get("name")))
            if resource["type"] == "aws:iam/role:Role":
                self.roles.add(str(outputs.get("arn")))


def _of(resource: Resource, seen: Mapping[str, Any], own: _Own) -> Iterator[Stranger]:
    outputs = mapping(resource.get("outputs"))
    arn = str(outputs.get("arn") or outputs.get("bucket") or resource.get("id"))
    if UNREAD in seen:
        yield Stranger(arn, UNREAD, str(seen[UNREAD]))
    known = set[str]().union(*(own.statements.get(name, set()) for name in _names(resource)))
    for canonical in sorted(statements(seen.get("policy")) - known):
        yield Stranger(arn, "statement", _sentence(json.loads(canonical)))
    for grant in seen.get("grants", ()):
        grantee = str(grant.get("GranteePrincipal", ""))
        # A service's own (https://docs.aws.amazon.com/kms/latest/APIReference/API_ListGrants.html), or the stack's.
        if not grantee.endswith((".amazonaws.com", ".amazonaws.com.cn")) and grantee not in own.roles:
            yield Stranger(arn, "grant", f"{grantee}: {', '.join(sorted(grant.get('Operations', ())))}")
    for subscription in seen.get("subscriptions", ()):
        if (arn, subscription["Protocol"], subscription["Endpoint"]) not in own.subscriptions:
            yield Stranger(arn, "subscription", f"{subscription['Protocol']} {subscription['Endpoint']}")
    for policy in seen.get("policies", ()):
        if (str(outputs.get("name") or resource.get("id")), policy) not in own.policies:
            yield Stranger(arn, "statement", f"policy {policy}")
    for policy in seen.get("access", ()):
        if policy["name"] not in own.access:
            for principal in policy["principals"]:
                yield Stranger(arn, "principal", f"{principal}, by the data access policy {policy['name']}")


def _names(resource: Resource) -> list[str]:
    outputs = mapping(resource.get("outputs"))
    return [str(outputs[key]) for key in ("bucket", "url", "arn", "keyId") if outputs.get(key)]


def statements(policy: Any) -> set[str]:
    """A policy's statements, each in one form: a single value and a list of one are the same, and no order counts."""
    document = json.loads(policy) if isinstance(policy, str) and policy.strip() else policy
    if not is_mapping(document):
        return set()
    listed: Any = document.get("Statement") or []
    listed = [listed] if is_mapping(listed) else listed
    return {json.dumps(_canonical(statement), sort_keys=True) for statement in listed}


def _canonical(value: Any) -> Any:
    if is_mapping(value):
        return {key: _canonical(inner) for key, inner in value.items()}
    if is_list(value):
        items = sorted(
            (_canonical(inner) for inner in value), key=lambda entry: json.dumps(entry, sort_keys=True)
        )
        return items[0] if len(items) == 1 else items
    return str(value).lower() if isinstance(value, bool) else value


def _sentence(statement: Mapping[str, Any]) -> str:
    sid = f"{statement['Sid']}: " if statement.get("Sid") else ""
    who = statement.get("Principal", statement.get("NotPrincipal", ""))
    what = statement.get("Action", statement.get("NotAction", ""))
    return f"{sid}{statement.get('Effect')} {_plain(what)} to {_plain(who)}"


def _plain(value: Any) -> str:
    if is_mapping(value):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in value.items())
    return ", ".join(map(str, value)) if is_list(value) else str(value)


def read(resources: Iterable[Resource], client: Client) -> dict[str, dict[str, Any]]:
    """What the accounts answer, by URN, of each resource of the state that somebody can add something to; or why it
    could not be read."""
    seen: dict[str, dict[str, Any]] = {}
    for resource in resources:
        adopted_or_gone = resource.get("external") or resource.get("delete")
        if (reader := READERS.get(resource["type"])) and not adopted_or_gone:
            try:
                seen[resource["urn"]] = reader(resource, client)
            except ClientError as error:
                refused = error.response.get("Error", {})
                seen[resource["urn"]] = {UNREAD: f"{error.operation_name}: {refused.get('Code', 'no code')}"}
            except BotoCoreError as error:
                seen[resource["urn"]] = {UNREAD: str(error)}
    return seen


def _bucket(resource: Resource, client: Client) -> dict[str, Any]:
    s3 = client("s3", resource)
    try:
        return {"policy": s3.get_bucket_policy(Bucket=resource["outputs"]["bucket"])["Policy"]}
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchBucketPolicy":
            return {}
        raise


def _queue(resource: Resource, client: Client) -> dict[str, Any]:
    sqs = client("sqs", resource)
    answer = sqs.get_queue_attributes(QueueUrl=resource["outputs"]["url"], AttributeNames=["Policy"])
    return {"policy": answer.get("Attributes", {}).get("Policy")}


def _topic(resource: Resource, client: Client) -> dict[str, Any]:
    sns, arn = client("sns", resource), resource["outputs"]["arn"]
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn)
    return {
        "policy": sns.get_topic_attributes(TopicArn=arn)["Attributes"].get("Policy"),
        "subscriptions": [subscription for page in pages for subscription in page["Subscriptions"]],
    }


def _key(resource: Resource, client: Client) -> dict[str, Any]:
    kms, key = client("kms", resource), resource["outputs"]["keyId"]
    grants = kms.get_paginator("list_grants").paginate(KeyId=key)
    return {
        "policy": kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"],
        "grants": [grant for page in grants for grant in page["Grants"]],
    }


def _role(resource: Resource, client: Client) -> dict[str, Any]:
    iam, name = client("iam", resource), resource["outputs"]["name"]
    inline = iam.get_paginator("list_role_policies").paginate(RoleName=name)
    attached = iam.get_paginator("list_attached_role_policies").paginate(RoleName=name)
    names = [name for page in inline for name in page["PolicyNames"]]
    return {
        "policies": names + [policy["PolicyArn"] for page in attached for policy in page["AttachedPolicies"]]
    }


def _collection(resource: Resource, client: Client) -> dict[str, Any]:
    """The data access policies that name the collection by its name or by a pattern that takes it in."""
    aoss, name = client("opensearchserverless", resource), resource["outputs"]["name"]
    access, more = list[dict[str, Any]](), dict[str, str]()
    while True:
        answer = aoss.list_access_policies(type="data", resource=_of_collection(name), **more)
        for summary in answer["accessPolicySummaries"]:
            policy = aoss.get_access_policy(type="data", name=summary["name"])["accessPolicyDetail"]["policy"]
            rules = json.loads(policy) if isinstance(policy, str) else policy
            access.append(
                {
                    "name": summary["name"],
                    "principals": sorted({p for rule in rules for p in rule["Principal"]}),
                }
            )
        if not answer.get("nextToken"):
            return {"access": access}
        more = {"nextToken": answer["nextToken"]}


def _of_collection(name: str) -> list[str]:
    """https://docs.aws.amazon.com/opensearch-service/latest/ServerlessAPIReference/API_ListAccessPolicies.html"""
    return [f"collection/{name}", f"index/{name}/*"]


READERS: Mapping[str, Callable[[Resource, Client], dict[str, Any]]] = {
    "aws:s3/bucket:Bucket": _bucket,
    "aws:sqs/queue:Queue": _queue,
    "aws:sns/topic:Topic": _topic,
    "aws:kms/key:Key": _key,
    "aws:iam/role:Role": _role,
    "aws:opensearch/serverlessCollection:ServerlessCollection": _collection,
}
