"""A policy made wider, one part at a time, and whether a case notices.

Each grant reaches any other resource of the kind, any account, any region, everything; any action of the service; any
principal. Each condition is turned round, and made to accept any value, or a request that has none. In a resource's
policy the resource is its own, so that only a bucket's objects can be more.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.contract.iam.evaluator import Evaluator
from tests.contract.iam.grants import Grant
from tests.contract.iam.harvest import Document, Policies
from tests.contract.iam.proof import Case, Change, elsewhere, granted, unseen
from tests.typed import listed

TURNED = {
    "StringEquals": "StringNotEquals", "StringLike": "StringNotLike", "ArnEquals": "ArnNotEquals",
    "ArnLike": "ArnNotLike", "StringEqualsIfExists": "StringNotEqualsIfExists", "Bool": "Bool", "Null": "Null",
    "StringNotEquals": "StringEquals", "StringNotEqualsIfExists": "StringEqualsIfExists",
    "ArnEqualsIfExists": "ArnNotEqualsIfExists", "ArnLikeIfExists": "ArnNotLikeIfExists",
    "ArnNotEquals": "ArnEquals", "ArnNotLike": "ArnLike", "BoolIfExists": "BoolIfExists",
    "StringLikeIfExists": "StringNotLikeIfExists",
}  # fmt: skip


def each_part_wider(document: Document, kind: str) -> Iterator[tuple[str, dict[str, Any], Document]]:
    """What was changed, the changed statement, and the document with it."""
    statements = document["Statement"]
    for index, statement in enumerate(statements):
        for what, wider in _wider(statement, kind):
            rest = [*statements[:index], wider, *statements[index + 1 :]]
            yield f"{statement.get('Sid')}: {what}", wider, {**document, "Statement": rest}


def _wider(statement: Mapping[str, Any], kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    actions = listed(statement["Action"])
    if statement["Effect"] == "Allow":
        for service in sorted({action.partition(":")[0] for action in actions}):
            if f"{service}:*" not in actions and service != "*":
                yield f"Action {service}:*", {**statement, "Action": [*actions, f"{service}:*"]}
        for resource in listed(statement.get("Resource", [])):
            for wider in sorted({*_resources(resource, kind)} - {resource}):
                others = [other for other in listed(statement["Resource"]) if other != resource]
                yield f"Resource {resource} -> {wider}", {**statement, "Resource": [*others, wider]}
        if statement.get("Principal", "*") != "*" and kind != "role":
            for who in ({"AWS": "*"}, {"Service": "ec2.amazonaws.com"}):
                yield f"Principal {who}", {**statement, "Principal": {**statement["Principal"], **who}}
    for test, keys in statement.get("Condition", {}).items():
        for key, expected in keys.items():
            for wider_test, values in _conditions(test, expected):
                yield (
                    f"Condition {test} {key} -> {wider_test} {values}",
                    {**statement, "Condition": _with(statement["Condition"], test, key, wider_test, values)},
                )


def _resources(resource: str, kind: str) -> Iterator[str]:
    """What is wider than a resource; in a resource's own policy that are other objects of a bucket."""
    parts = resource.split(":", 5)
    if len(parts) < 6:
        return
    if parts[2] == "s3" and not parts[4]:
        bucket, _, key = parts[5].partition("/")
        if key and key != "*":
            yield f"arn:aws:s3:::{bucket}/*"
        if kind == "role":
            yield "arn:aws:s3:::*" + ("/" + key if key else "")
    elif kind == "role":
        match = re.fullmatch(r"([\w-]+[:/])(.+)", parts[5])
        yield ":".join((*parts[:5], f"{match[1]}*" if match else "*"))
        yield ":".join((*parts[:4], "*", parts[5]))
        if parts[3]:
            yield ":".join((*parts[:3], "*", *parts[4:]))
    if kind == "role":
        yield "*"


def _conditions(test: str, expected: Any) -> Iterator[tuple[str, Any]]:
    qualifier, _, plain = test.rpartition(":")
    prefix = f"{qualifier}:" if qualifier else ""
    turned = TURNED[plain]
    if turned == plain:
        yield test, "false" if str(expected).lower() == "true" else "true"
        return
    yield prefix + turned, expected
    if "Not" not in plain:
        anything = plain.replace("Equals", "Like").replace("Arn", "String")
        yield prefix + anything, ["*"]
    # `ForAllValues` accepts a request without the key as it is; `Null` beside it refuses that:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
    if not plain.endswith("IfExists") and qualifier != "ForAllValues":
        yield f"{test}IfExists", expected


def _with(conditions: Document, test: str, key: str, wider: str, values: Any) -> dict[str, Any]:
    changed = {t: {k: v for k, v in keys.items() if (t, k) != (test, key)} for t, keys in conditions.items()}
    changed[wider] = {**changed.get(wider, {}), key: values}
    return {t: keys for t, keys in changed.items() if keys}


def unnoticed(policies: Policies, cases: Sequence[Case], evaluator: Evaluator) -> list[str]:
    """The changes that no case notices."""
    changes = [
        Change(f"{kind} policy of {arn}: {what}", kind, arn, statement, wider)
        for kind, arn, document in policies.documents()
        for what, statement, wider in each_part_wider(document, kind)
    ]
    # What may not be notices that more is allowed, as a rule; what may be, where a denial became wider.
    lost = unseen(policies, changes, sorted(cases, key=lambda case: case.may), evaluator)
    others = [case for case in cases if elsewhere(case)]
    for grant in policies.grants:
        for wider in wider_grants(grant):
            more = replace(policies, grants=[*policies.grants, wider])
            if all(granted(more, case) == case.may for case in others):
                lost.append(f"{grant} -> {wider.who} {wider.may} on {wider.on}")
    for pool in policies.pools:
        rest = [other for other in policies.pools if other is not pool]
        pools = [*rest, replace(pool, condition="assertion.arn.startsWith('arn:aws:')")]
        if all(granted(replace(policies, pools=pools), case) == case.may for case in others):
            lost.append(f"pool {pool.pool}: any identity of the account")
    return lost


def wider_grants(grant: Grant) -> Iterator[Grant]:
    """To anybody, anything, on others of its kind."""
    kind, _, rest = grant.on.partition("/")
    if grant.who != "public":
        yield replace(grant, who="*")
    if grant.may != "reaches" and kind != "location":
        yield replace(
            grant, may={"index": "aoss:*", "collection": "aoss:*", "projects": "*"}.get(kind, "ALL")
        )
    if kind == "projects":
        yield replace(grant, on=f"projects/{rest.split('/')[0]}" if "/" in rest else "projects/neighbour")
    elif kind == "location":
        yield replace(grant, on=grant.on.split("/lake")[0].split("/raw")[0])
    elif kind in ("table", "database"):
        yield replace(grant, on=f"{grant.on.removesuffix('/*')}x{'/*' if grant.on.endswith('/*') else ''}")
    else:
        yield replace(grant, on=f"{kind}/*")
        if kind == "index":
            yield replace(grant, on=f"{grant.on.rpartition('/')[0]}/*")
