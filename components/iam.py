"""IAM in small typed values: a statement says by its `sid` what it lets happen; a policy is a list of them.

`Statement` refuses what is never right: no sid, an action with `*`, and `*` as a resource without the reason why the
action has no narrower form (https://docs.aws.amazon.com/service-authorization/latest/reference/).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from components.arguments.plain import is_list, is_mapping

Conditions = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Statement:
    """One grant. In a role's policy `principals` is empty; in a resource's policy it says who."""

    sid: str
    actions: Sequence[str]
    resources: Sequence[pulumi.Input[str | None]]
    """ARNs. One that turns out to be none, as the key of a table that has no key, is left out, and so is a statement
    that has no other."""
    conditions: Conditions = field(default_factory=dict[str, Any])
    principals: Mapping[str, pulumi.Input[str] | Sequence[pulumi.Input[str]]] = field(
        default_factory=dict[str, Any]
    )
    effect: str = "Allow"
    every_resource_because: str = ""
    """Why the resource is `*`; needed exactly where it is."""

    def __post_init__(self) -> None:
        if not self.sid.isalnum():
            raise ValueError(
                f"statement {self.sid!r}: a sid is made of letters and digits; write what it lets happen"
            )
        if not self.actions or (not self.resources and not self.principals):
            raise ValueError(f"statement {self.sid}: no action or no resource")
        wide = [action for action in self.actions if "*" in action and self.effect == "Allow"]
        if wide:
            raise ValueError(f"statement {self.sid}: {', '.join(wide)}: a '*' in an action; name the actions")
        if ("*" in self.resources) != bool(self.every_resource_because) and self.effect == "Allow":
            raise ValueError(
                f"statement {self.sid}: a resource '*' and its reason go together; narrow the resource, or say in "
                "every_resource_because why the service knows no narrower one"
            )

    def render(self) -> dict[str, Any]:
        """The statement as IAM reads it."""
        rendered: dict[str, Any] = {"Sid": self.sid, "Effect": self.effect}
        if self.principals:
            rendered["Principal"] = dict(self.principals)
        rendered["Action"] = list(self.actions)
        if self.resources:
            rendered["Resource"] = list(self.resources)
        if self.conditions:
            rendered["Condition"] = {test: dict(keys) for test, keys in self.conditions.items()}
        return rendered


def document(*statements: Statement) -> pulumi.Input[str]:
    """The policy's JSON: text at once where every ARN is known, else an Output."""
    sids = [statement.sid for statement in statements]
    if len(set(sids)) != len(sids):
        raise ValueError(f"two statements of one policy share a sid: {sorted(sids)}")
    policy = {"Version": "2012-10-17", "Statement": [statement.render() for statement in statements]}
    if not _waits(policy):
        return json.dumps(_without_nothing(policy))
    return pulumi.Output.from_input(policy).apply(lambda known: json.dumps(_without_nothing(known)))


ROLE_CHARACTERS = 10_240
"""What all inline policies of a role may have, without white space
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html)."""


def check_policy_length(policy: str, path: str, write: str, *, beside: int = 0) -> str:
    """The policy's JSON, unless it is longer than a role's may be, with `beside` for what else the role is granted."""
    characters = len("".join(policy.split())) + beside
    if characters > ROLE_CHARACTERS:
        raise pulumi.RunError(
            f"{path}: the policy of the role would have {characters:,} characters, and IAM allows "
            f"{ROLE_CHARACTERS:,}; {write}"
        )
    return policy


def trust(
    service: str, account_id: str, source_arn: str | None = None, *, sends_account: bool = True
) -> pulumi.Input[str]:
    """A role's trust: one service, acting for this account only and, where the service sends it, for `source_arn`
    only (https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html). A `source_arn` may end in `*`. Where
    no page says that the service sends the account (not `sends_account`), only another account is refused: such a role
    is still handed over by this account's own principals alone (iam:PassRole)."""
    test = "StringEquals" if sends_account else "StringEqualsIfExists"
    conditions: dict[str, dict[str, Any]] = {test: {"aws:SourceAccount": account_id}}
    if source_arn:
        conditions["ArnLike"] = {"aws:SourceArn": source_arn}
    return document(
        Statement(
            sid="Assume",
            actions=["sts:AssumeRole"],
            resources=[],
            conditions=conditions,
            principals={"Service": service},
        )
    )


def pass_role(sid: str, role_arn: pulumi.Input[str], service: str) -> Statement:
    """Lets a caller hand `role_arn` to `service`, and to no other."""
    return Statement(sid, ["iam:PassRole"], [role_arn], {"StringEquals": {"iam:PassedToService": service}})


def _without_nothing(policy: Mapping[str, Any]) -> dict[str, Any]:
    """The policy without resources that are none, each resource once, and without statements that had no other."""
    statements: list[dict[str, Any]] = []
    for statement in policy["Statement"]:
        cleaned = dict(statement)
        if "Resource" in cleaned:
            cleaned["Resource"] = list(dict.fromkeys(r for r in cleaned["Resource"] if r is not None))
        if cleaned.get("Resource") != []:
            statements.append(cleaned)
    return {**policy, "Statement": statements}


def _waits(value: Any) -> bool:
    if is_mapping(value):
        return any(_waits(v) for v in value.values())
    if is_list(value):
        return any(_waits(v) for v in value)
    return isinstance(value, pulumi.Output)
