"""What the table doesn't name is denied: the cases that follow from a table of what may be.

A table's `can` cases are read as all that there is. From each follow the requests beside it: the same on another
resource of the kind, in another account and another region; any other action of the service on such a resource; with
another value of each context key, and without it; by another principal. None of them is allowed, unless a case says so,
or `survivors.toml` lists it as free, with a reason. On a resource that isn't the stack's, its owner lets everybody of
the role's account in, so that the role's own policy decides; on one that the stack has a policy for, each side is
judged while the other allows everything.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from policy_sentry.querying.actions import get_actions_for_service

from tests.contract.iam.evaluator import Evaluator
from tests.contract.iam.harvest import Policies
from tests.contract.iam.proof import Case, elsewhere, request

ELSEWHERE, ANOTHER_REGION = "333333333333", "eu-central-1"
FEW = 2
"""Of how many other actions every single resource of a table is judged; one of each kind is judged of all."""


def beside(policies: Policies, cases: Sequence[Case], evaluator: Evaluator) -> list[Case]:
    """The requests beside those that may be, each once, that a service could see."""
    may = [case for case in cases if case.may and not elsewhere(case)]
    named = {_request(case) for case in may}
    acts: dict[tuple[str, str], set[str]] = {}
    for case in may:
        acts.setdefault((case.who, service(case.action)), set()).add(case.action)
    known = {kind: _known(policies, case, evaluator) for kind, case in _first_of_each_kind(may).items()}
    judged: set[tuple[str, str, str]] = set()
    made: list[Case] = []
    for case in may:
        others = [a for a in known[kind_of(case)] if a not in acts[case.who, service(case.action)]]
        first = (case.who, case.alone, kind_of(case)) not in judged
        judged.add((case.who, case.alone, kind_of(case)))
        # Another action may carry the condition's key, or not, so that under one each is judged.
        made += _beside(policies, case, others if first or case.context else others[:FEW])
    unique = {(_request(case), case.alone): case for case in made if _request(case) not in named}
    return [case for case in _seen(policies, list(unique.values()), evaluator) if _request(case) not in named]


def _request(case: Case) -> tuple[object, ...]:
    return case.who, case.action, case.resource, tuple(sorted(case.context.items()))


def service(action: str) -> str:
    """The service of an action."""
    return action.partition(":")[0]


def kind_of(case: Case) -> str:
    """The service and the kind of its resource: `s3 object`, `dynamodb table`."""
    parts = case.resource.split(":", 5)
    if len(parts) < 6:
        return f"{service(case.action)} *"
    if parts[2] == "s3" and not parts[4]:
        return "s3 object" if "/" in parts[5] else "s3 bucket"
    return f"{service(case.action)} {re.split('[:/]', parts[5])[0] if re.search('[:/]', parts[5]) else ''}"


def _first_of_each_kind(cases: Iterable[Case]) -> dict[str, Case]:
    first: dict[str, Case] = {}
    for case in cases:
        first.setdefault(kind_of(case), case)
    return first


def _known(policies: Policies, case: Case, evaluator: Evaluator) -> list[str]:
    """The actions that the service has on a resource of this kind."""
    cases = [replace(case, action=action, context={}) for action in _actions(service(case.action))]
    verdicts = evaluator.verdicts([request(policies, case) for case in cases])
    return [
        case.action for case, verdict in zip(cases, verdicts, strict=True) if not isinstance(verdict, str)
    ]


@cache
def _actions(service: str) -> tuple[str, ...]:
    return tuple(sorted(get_actions_for_service(service)))


def _seen(policies: Policies, cases: list[Case], evaluator: Evaluator) -> Iterator[Case]:
    """The cases that a service could see, without the context keys that their action doesn't carry."""
    verdicts = evaluator.verdicts([request(policies, case) for case in cases])
    again: list[Any] = []
    for case, verdict in zip(cases, verdicts, strict=True):
        if not isinstance(verdict, str):
            yield case
        elif carries := re.search(r"carries no (.+)", verdict):
            lacking = {_tag(key.lower()) for key in carries[1].split(", ")}
            again.append(
                replace(
                    case, context={k: v for k, v in case.context.items() if _tag(k.lower()) not in lacking}
                )
            )
    if again:
        yield from _seen(policies, again, evaluator)


def _tag(key: str) -> str:
    """The evaluator knows an encryption context as a request's tag."""
    return key.replace("kms:encryptioncontext:", "aws:requesttag/")


def _beside(policies: Policies, case: Case, others: Sequence[str]) -> Iterator[Case]:
    is_ours = case.who in policies.roles
    never = replace(case, may=False)
    if is_ours and case.alone != "resource":
        role = replace(never, alone="role")
        yield from (replace(role, resource=other) for other in other_resources(case.resource))
        yield from (replace(role, action=other) for other in others)
        yield from (replace(role, context=other) for other in other_contexts(case.context))
    if policies.found_on(case.resource) is None or case.action == "iam:PassRole":
        return  # a role's trust has no say in who passes it on
    across = is_ours and policies.roles[case.who].account != policies.owner(case.resource, "")
    if across or not is_ours:
        sole = replace(never, alone="resource" if is_ours else case.alone)
        yield from (replace(sole, context=other) for other in other_contexts(case.context))
        # Whom their own account allows everything, only a resource of another account, or a key, can stop.
        owner = policies.owner(case.resource, "")
        if not case.who.startswith("arn:") or ":kms:" in case.resource or case.who.split(":")[4] != owner:
            yield from (replace(sole, action=other) for other in others)
        if case.resource.startswith("arn:aws:s3:::") and across:
            here = case.resource.split("/")[0]
            yield from (
                replace(sole, resource=r) for r in other_resources(case.resource) if r.startswith(f"{here}/")
            )
    for who in ("ec2.amazonaws.com", f"arn:aws:iam::{ELSEWHERE}:role/admin"):
        yield replace(never, who=who, alone="", context={} if who.startswith("arn:") else case.context)
    if case.action.startswith("sts:"):  # whoever the role's own account lets take roles on
        owner = policies.owner(case.resource, "")
        yield replace(
            never, who=f"arn:aws:iam::{owner}:role/admin", alone="", action="sts:AssumeRole", context={}
        )


def other_resources(arn: str) -> Iterator[str]:
    """The same kind of resource by another name, in another account and region."""
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return
    service, region, account, rest = parts[2], parts[3], parts[4], parts[5]
    if service == "s3" and not account:
        bucket, _, key = rest.partition("/")
        yield "arn:aws:s3:::neighbour" + (f"/{key}" if key else "")
        if key:
            yield f"arn:aws:s3:::{bucket}/neighbour/a"
        return
    for name in _other_names(rest):
        yield ":".join((*parts[:5], name))
    yield ":".join((*parts[:3], region, ELSEWHERE, rest))
    if region:
        yield ":".join((*parts[:3], ANOTHER_REGION, account, rest))


def _other_names(rest: str) -> Iterator[str]:
    """`table/orders/stream/1` -> `table/neighbour/stream/1`; of what has a parent, another parent or another name."""
    if ":" in rest:
        kind, _, name = rest.partition(":")
        head, _, tail = name.partition(":")
        yield f"{kind}:neighbour" + (f":{tail}" if tail else "")
        if tail.startswith("log-stream:"):
            yield f"{kind}:{head}:log-stream:neighbour"
    elif "/" in rest:
        kind, *names = rest.split("/")
        for place in range(len(names)):
            if place == 0 or kind == "table":
                yield "/".join((kind, *names[:place], "neighbour", *names[place + 1 :]))
    elif rest != "catalog":
        yield "neighbour"


def other_contexts(context: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """One key after another with another value, and absent."""
    for key, value in context.items():
        for other in _other_values(value):
            yield {**context, key: other}
        yield {k: v for k, v in context.items() if k != key}


def _other_values(value: str) -> Iterator[str]:
    if value in ("true", "false"):
        yield "false" if value == "true" else "true"
    elif value.startswith("arn:"):
        yield from other_resources(value)
    elif value.isdigit():
        yield ELSEWHERE
    elif value.endswith(".amazonaws.com"):
        yield ".".join(("sqs" if not value.startswith("sqs.") else "s3", *value.split(".")[1:]))
    else:
        yield "neighbour/" if value.endswith("/") else "neighbour"
