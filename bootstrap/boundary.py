"""The permissions boundary of the roles and users that a stack makes in one account: the most that any of them may.

Who deploys writes roles, and could write one that may more than it may itself and take that on. Where a boundary is
required of each role, it can't: a role may what its policy and its boundary both allow
(https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html#access_policies_boundaries-delegate).

It is derived from the policies that the program registers: their actions, on what the stack's pipelines are called, on
what has the stack's tags, and on what they adopt by its own name. So it is wider than any one role, and it holds no
action by which a role could be given more.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from bootstrap.registered import Registered
from bootstrap.roles import POLICY_CHARACTERS, Stack, size
from policy.documents import wide

POLICIES = ("aws:iam/rolePolicy:RolePolicy", "aws:iam/userPolicy:UserPolicy")
OWN, OTHERS, ALL = "Own", "Others", "All"
# Under which services' requests a key may be used that is known to AWS only: that of a table or a stream that the
# program adopts. Which tables and streams those are, other statements say.
UNKNOWN_KEYS = {"aws:dynamodb/getTable:getTable": "dynamodb", "aws:kinesis/getStream:getStream": "kinesis"}


def boundary(stack: Stack, place: Mapping[str, str]) -> dict[str, Any] | None:
    """The policy's document; None where the program makes no role in the account. Raises ValueError where it is longer
    than a managed policy may be."""
    resources = stack.of(place)
    granted: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
    for statement in _statements(resources):
        for arn in statement["Resource"]:
            whose, pattern, condition = _ceiling(stack, resources, place, statement, arn)
            actions, patterns = granted.setdefault((whose, condition), (set(), set()))
            actions.update(statement["Action"])
            patterns.add(pattern)
    if not granted:
        return None
    # An action meets the resources of its own service alone, so that services share a statement.
    statements: list[dict[str, Any]] = [
        {
            "Effect": "Allow", "Action": sorted(actions), "Resource": _without_narrower(patterns),
            **({"Condition": json.loads(condition)} if condition else {}),
        }
        for (_, condition), (actions, patterns) in sorted(granted.items())
    ]  # fmt: skip
    for type, service in UNKNOWN_KEYS.items():
        if any(r.type == type for r in resources):
            suffix = "amazonaws.com.cn" if place["partition"] == "aws-cn" else "amazonaws.com"
            through = {"StringEquals": {"kms:ViaService": f"{service}.{place['region']}.{suffix}"}}
            keys = ["arn:{partition}:kms:{region}:*:key/*".format(**place)]
            statements.append(
                {"Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": keys, "Condition": through}
            )
    if size(statements) > POLICY_CHARACTERS:
        raise ValueError(
            f"the boundary of account {place['account']} has {size(statements):,} characters, and a managed policy "
            f"takes {POLICY_CHARACTERS:,}; spread the pipelines over two stacks, or write a boundary by hand"
        )
    return {"Version": "2012-10-17", "Statement": statements}


def bounded(stack: Stack, place: Mapping[str, str]) -> bool:
    """Whether the config names a boundary for the account."""
    return any(r.inputs.get("permissionsBoundary") for r in stack.of(place))


def _statements(resources: list[Registered]) -> Iterator[dict[str, Any]]:
    for r in resources:
        if r.type in POLICIES:
            yield from (s for s in json.loads(r.inputs["policy"])["Statement"] if s["Effect"] == "Allow")


def _ceiling(
    stack: Stack, resources: list[Registered], place: Mapping[str, str], statement: dict[str, Any], arn: str
) -> tuple[str, str, str]:
    """(the group that it is granted in, the pattern, the condition as JSON) of one resource of a statement. What has a
    name needs no condition more; where all of a kind is meant, the statement's own stays."""
    condition = json.dumps(statement["Condition"], sort_keys=True) if "Condition" in statement else ""
    if statement["Action"] == ["iam:PassRole"]:
        return OWN, _cut(stack, arn), condition
    kind = re.fullmatch(r"(arn:[\w-]+:(?:kms|aoss):[\w-]+:(\d+):(?:key|collection)/)(.+)", arn)
    own = {r.name for r in stack.program.resources} | {str(r.inputs.get("name")) for r in resources}
    if kind and kind[3] in own:
        if kind[2] == place["account"]:
            return OWN, f"{kind[1]}*", json.dumps(stack.tags("ResourceTag"), sort_keys=True)
        # A key of another account shows no tags: https://docs.aws.amazon.com/kms/latest/developerguide/abac.html.
        return f"{OTHERS} {' '.join(statement['Action'])}", f"{kind[1]}*", condition
    if _cut(stack, arn) != arn or stack.names(arn):
        # The name says whose it is; a region and an account beside each would not fit into one policy.
        return OWN, re.sub(r"^(arn:[\w-]+:[\w-]+):[\w-]+:\d+:", r"\1:*:*:", _cut(stack, arn)), ""
    # A resource that is every one stands apart: the actions of one statement are on each of its resources.
    if wide(arn):
        return f"{ALL} {arn}", arn, condition
    return OTHERS, re.sub(r"(:table/[^/]+)/(export|stream)/.*", r"\1/*", arn), ""


def _cut(stack: Stack, arn: str) -> str:
    """An ARN up to the name of the pipeline in it."""
    for base in stack.bases:
        if (at := arn.find(base)) >= 0:
            return f"{arn[: at + len(base)]}*"
    return arn


def _without_narrower(patterns: set[str]) -> list[str]:
    """The patterns but those that another one holds whole."""
    ends = [
        pattern[:-1] for pattern in patterns if pattern.endswith("*") and not re.search(r"[*?]", pattern[:-1])
    ]
    return sorted(
        pattern
        for pattern in patterns
        if not any(pattern.startswith(end) and pattern != f"{end}*" for end in ends)
    )
