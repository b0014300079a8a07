"""What "a policy is proven" means, as code: a table of cases holds, and nothing can be taken away unnoticed.

A case says who may, or may not, do what to which resource. `broken` are the cases that the policies do not satisfy.
`unnoticed` takes every part of every statement away, one at a time: an action, a resource, a principal, a condition;
and every grant that stands elsewhere than in an IAM document (`grants`). A part that no case misses is either more than
is needed, or something the table forgot: both are errors.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, cast

from tests.contract.iam import aoss, google, lake_formation
from tests.contract.iam.evaluator import Evaluator, Request
from tests.contract.iam.harvest import Document, Policies
from tests.typed import listed

EVERYTHING: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "Everything", "Effect": "Allow", "Action": "*", "Resource": "*"}],
}


@dataclass(frozen=True)
class Case:
    """One line of the table."""

    may: bool
    who: str
    """A role of the stack by its name; a service like `s3.amazonaws.com`; for sts:AssumeRoleWithWebIdentity the
    identities' provider; or the ARN of somebody outside the stack, who is allowed everything by their own policy, so
    that only the resource's policy can stop them."""
    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict[str, str])
    owner: str = ""
    """Whose the resource is, where neither its ARN nor the stack has it: by default the role's own account, which is
    the worst case, because there the role's policy alone decides."""
    alone: str = ""
    """`role` or `resource`: the side that decides alone, because the other side allows everything. A condition that
    stands on both sides of an account border is proven on each."""

    def __str__(self) -> str:
        given = f" given {dict(self.context)}" if self.context else ""
        alone = f", by the {self.alone}'s policy alone" if self.alone else ""
        return f"{self.who} {'may' if self.may else 'may not'} {self.action} on {self.resource}{given}{alone}"


def can(who: str, action: str, resource: str, **more: Any) -> Case:
    """A case that must be allowed."""
    return Case(True, who, action, resource, **more)


def cannot(who: str, action: str, resource: str, **more: Any) -> Case:
    """A case that must be denied."""
    return Case(False, who, action, resource, **more)


def request(policies: Policies, case: Case) -> Request:
    """The case as the service sees it, with the context that every request carries."""
    role = policies.roles.get(case.who)
    federated = case.action.startswith("sts:") and "." in case.who and not case.who.endswith(".amazonaws.com")
    outside = case.who.endswith(".amazonaws.com") or case.who.startswith("arn:") or federated
    if not role and not outside:
        raise ValueError(f"{case}: the stack has no such role; it has {', '.join(sorted(policies.roles))}")
    context = {"aws:SecureTransport": "true"}
    principal = role.arn if role else case.who
    if principal.startswith("arn:"):
        home = principal.split(":")[4]
        context |= {
            "aws:PrincipalArn": principal,
            "aws:PrincipalAccount": home,
            "aws:PrincipalIsAWSService": "false",
        }
        identity = role.policy if role else EVERYTHING
        if role and not role.statements:
            identity = None
    elif (
        federated
    ):  # the trust decides alone; the evaluator takes a web identity for another account's principal
        home, identity = "", EVERYTHING
    else:
        home, identity = "", None
        context |= {"aws:PrincipalServiceName": principal, "aws:PrincipalIsAWSService": "true"}
    owner = case.owner or policies.owner(case.resource, home)
    on_resource = policies.found_on(case.resource)
    if case.alone == "resource":
        identity = EVERYTHING
    elif case.alone == "role" or (role and on_resource is None):
        # A neighbour's owner lets the role's account in, so that its own policy decides; without, a key or another
        # account's bucket would deny whatever that policy says.
        on_resource = _lets_in(home)
    return Request(
        principal=principal,
        action=case.action,
        resource=case.resource,
        account=owner,
        identity=identity,
        on_resource=on_resource,
        context={**context, "aws:ResourceAccount": owner, **case.context},
    )


def _lets_in(account: str) -> Document:
    """A resource's policy that leaves it to an account whom of it it lets in."""
    everything = EVERYTHING["Statement"][0] | {"Principal": {"AWS": f"arn:aws:iam::{account}:root"}}
    return {**EVERYTHING, "Statement": [everything]}


def vacuous(policies: Policies, cases: Sequence[Case], evaluator: Evaluator) -> list[str]:
    """The denials that say nothing: they hold even if all of the stack's documents that they meet allow everything."""
    denied = [case for case in cases if not case.may and not elsewhere(case)]
    opened = {**EVERYTHING, "Statement": [EVERYTHING["Statement"][0] | {"Principal": "*"}]}
    requests: list[Any] = []
    for case in denied:
        composed = request(policies, case)
        documents = (
            {"identity": EVERYTHING} if case.who in policies.roles and case.alone != "resource" else {}
        )
        if composed.on_resource is not None and composed.on_resource is policies.found_on(case.resource):
            documents["on_resource"] = opened
        requests.append(replace(composed, **documents))
    verdicts = evaluator.verdicts(requests)
    return [str(case) for case, allowed in zip(denied, verdicts, strict=True) if allowed is not True]


def broken(policies: Policies, cases: Sequence[Case], evaluator: Evaluator) -> list[str]:
    """The cases that do not hold."""
    by_iam = [case for case in cases if not elsewhere(case)]
    verdicts = evaluator.allows([request(policies, case) for case in by_iam])
    wrong = [case for case, allowed in zip(by_iam, verdicts, strict=True) if allowed != case.may]
    wrong += [case for case in cases if elsewhere(case) and granted(policies, case) != case.may]
    return [str(case) for case in wrong]


def elsewhere(case: Case) -> bool:
    """Whether another service than IAM decides: a resource that is no ARN names its owner."""
    return case.resource.startswith((*aoss.PLACES, *lake_formation.PLACES, *google.PLACES))


def granted(policies: Policies, case: Case) -> bool:
    """What the service decides whose resource it is."""
    who = policies.roles[case.who].arn if case.who in policies.roles else case.who
    if case.resource.startswith(google.PLACES):
        of_google = [grant for grant in policies.grants if grant.on.startswith(google.PLACES)]
        return google.allows(of_google, who, case.action, case.resource, policies.pools)
    service = aoss if case.resource.startswith(aoss.PLACES) else lake_formation
    grants = [grant for grant in policies.grants if grant.on.startswith(service.PLACES)]
    return service.allows(grants, who, case.action, case.resource)


def unnoticed(policies: Policies, cases: Sequence[Case], evaluator: Evaluator) -> list[str]:
    """What can be taken away from a policy without any case noticing."""
    changes = [
        Change(f"{kind} policy of {arn}: {what}", kind, arn, changed, smaller)
        for kind, arn, document in policies.documents()
        for what, changed, smaller in _each_part_away(document)
    ]
    lost = unseen(policies, changes, cases, evaluator)
    others = [case for case in cases if elsewhere(case)]
    for grant in policies.grants:
        fewer = replace(policies, grants=[other for other in policies.grants if other is not grant])
        if all(granted(fewer, case) == case.may for case in others):
            lost.append(str(grant))
    for pool in policies.pools:
        rest = [other for other in policies.pools if other is not pool]
        for what, pools in (("it", rest), ("its condition", [*rest, replace(pool, condition="")])):
            if all(granted(replace(policies, pools=pools), case) == case.may for case in others):
                lost.append(f"pool {pool.pool}: {what}")
    return lost


@dataclass(frozen=True)
class Change:
    """A document with one part changed. A document without a statement is none: whoever met it meets none."""

    what: str
    kind: str
    arn: str
    statement: Mapping[str, Any]
    """The statement that is changed, or what it became: the one that names more actions."""
    document: Document | None


def unseen(
    policies: Policies, changes: Iterable[Change], cases: Sequence[Case], evaluator: Evaluator
) -> list[str]:
    """The changes that no case notices. Of each only the cases are decided that its statement has a say in, a few at a
    time, until one notices."""
    pairs = [(case, request(policies, case)) for case in cases if not elsewhere(case)]
    met = {
        (kind, arn): [pair for pair in pairs if _meets(policies, *pair, kind, arn)]
        for kind, arn, _ in policies.documents()
    }
    waiting: list[Any] = []
    for change in changes:
        concerned = [pair for pair in met[change.kind, change.arn] if _touches(change.statement, pair[0])]
        concerned.sort(key=lambda pair: pair[0].action not in change.statement["Action"])
        waiting.append((change, concerned))
    lost: list[Any] = []
    size = 4
    while waiting:
        tried = [
            replace(request, **{"identity" if change.kind == "role" else "on_resource": change.document})
            for change, concerned in waiting
            for _, request in concerned[:size]
        ]
        verdicts = iter(evaluator.verdicts(tried))
        left: list[Any] = []
        for change, concerned in waiting:
            noticed = [next(verdicts) is not case.may for case, _ in concerned[:size]]
            if not any(noticed):
                left.append((change, concerned[size:]))
        lost += [change.what for change, concerned in left if not concerned]
        waiting = [entry for entry in left if entry[1]]
        size *= 4
    return lost


def _meets(policies: Policies, case: Case, request: Request, kind: str, arn: str) -> bool:
    """Whether this document has a say in the request."""
    if kind == "role":
        return request.principal == arn and case.alone != "resource"
    return request.on_resource is not None and request.on_resource is policies.on.get(arn)


def _touches(statement: Mapping[str, Any], case: Case) -> bool:
    """Whether the statement has a say in the case's action."""
    return any(fnmatchcase(case.action.lower(), action.lower()) for action in listed(statement["Action"]))


def _each_part_away(document: Document) -> Iterator[tuple[str, Mapping[str, Any], Document | None]]:
    statements = document["Statement"]
    for index, statement in enumerate(statements):
        for what, smaller in _smaller(statement):
            rest = [*statements[:index], *([smaller] if smaller else []), *statements[index + 1 :]]
            yield (
                f"{statement.get('Sid')}: {what}",
                statement,
                {**document, "Statement": rest} if rest else None,
            )


def _smaller(statement: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any] | None]]:
    for key in ("Action", "Resource"):
        values = listed(statement.get(key, []))
        for value in values:
            if len(values) > 1:
                yield f"{key} {value}", {**statement, key: [v for v in values if v != value]}
            elif key == "Action":
                yield f"{key} {value}", None
    principals = statement.get("Principal", {})
    for kind, who in cast("dict[str, Any]", principals).items() if isinstance(principals, Mapping) else ():
        for principal in listed(who) if len(listed(who)) > 1 else ():
            fewer = {**cast("dict[str, Any]", principals), kind: [w for w in listed(who) if w != principal]}
            yield f"Principal {principal}", {**statement, "Principal": fewer}
    conditions = statement.get("Condition", {})
    for test, keys in conditions.items():
        for key, expected in keys.items():
            others = {k: v for k, v in keys.items() if k != key}
            weaker = {t: k for t, k in {**conditions, test: others}.items() if k}
            without = {k: v for k, v in statement.items() if k != "Condition"}
            yield f"Condition {test} {key}", {**without, **({"Condition": weaker} if weaker else {})}
            for value in listed(expected) if len(listed(expected)) > 1 else ():
                fewer = {**keys, key: [v for v in expected if v != value]}
                yield (
                    f"Condition {test} {key} {value}",
                    {**statement, "Condition": {**conditions, test: fewer}},
                )


def grants(documents: Iterable[tuple[str, str, Document]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every Allow statement that grants something, and where it stands."""
    for kind, arn, document in documents:
        for statement in document["Statement"]:
            if statement["Effect"] == "Allow":
                yield f"{kind} policy of {arn}: {statement.get('Sid')}", statement
