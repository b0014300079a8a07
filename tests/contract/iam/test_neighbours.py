"""A pattern that ends in `*` reaches no neighbour whose name begins alike.

The cases are made from the policies themselves, so none is forgotten: of each pattern of each role's grant, the names
that stand in it are lengthened (`bucket/raw/*` -> `bucketx/raw/a`, `bucket/rawx/a`), and the evaluator decides without
the statement's other conditions whether the role may. How `*` and `?` match:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html#reference_policies_elements_resource_wildcards
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.contract.iam.evaluator import Evaluator, Request
from tests.contract.iam.harvest import Policies, harvest
from tests.contract.iam.proof import grants
from tests.contract.iam.stacks import PROVEN, called, proven
from tests.typed import listed

# No page says what a group is called whose crawler has a security configuration (docs/accounts.md).
OPEN_ENDED = re.compile(r"arn:aws:logs:[^:]+:\d+:log-group:/aws-glue/crawlers\*")
# What a pattern of which only these stand before the `*` names is all of an account's, of one kind.
KINDS = re.compile(r"(job|network-interface|subnet|security-group|vpc|key|alarm|function|stateMachine)[/:]")


@pytest.fixture(scope="module", params=PROVEN, ids=called)
def policies(request: pytest.FixtureRequest) -> Policies:
    return harvest(proven(request.param))


def longer(pattern: str) -> Iterator[str]:
    """The pattern's neighbours: each name that ends in it made longer, what is free filled in."""
    # What a log group's ARN may end in is a stream.
    filled = re.sub(r"(:log-group:[^:]*:)\*$", r"\1log-stream:*", pattern)
    filled = re.sub(r"\?+", lambda free: "1" * len(free[0]), filled)
    head, own = (filled[: m.end()], filled[m.end() :]) if (m := _HEAD.match(filled)) else ("", filled)
    ends = r"(?<=[\w-])[/:]|-(?=1)" + ("" if pattern.endswith(("/*", ":*")) else "|$")
    for place in re.finditer(ends, own):
        yield (head + own[: place.start()] + "x" + own[place.start() :]).replace("*", "a")


_HEAD = re.compile(r"arn:aws:[^:]*:[^:]*:[^:]*:")


def named(pattern: str) -> bool:
    rest = pattern[m.end() :] if (m := _HEAD.match(pattern)) else pattern
    return not (rest == "*" or KINDS.fullmatch(rest[: -len("*")] if rest.endswith("*") else rest))


def decided(evaluator: Evaluator, request: Request) -> bool | None:
    """The verdict, or none for what no service could see."""
    try:
        return evaluator.allows([request])[0]
    except ValueError:
        return None


def reached(policies: Policies, evaluator: Evaluator) -> Iterator[tuple[str, str, int, list[str]]]:
    """Each pattern of a role's grants: where, the pattern, how many neighbours were decided on, those let in."""
    for role in policies.roles.values():
        document = {"Version": "2012-10-17", "Statement": role.statements}
        for where, statement in grants([("role", role.arn, document)]):
            for pattern in statement.get("Resource", []):
                if not re.search(r"[*?]", pattern) or not named(pattern) or OPEN_ENDED.fullmatch(pattern):
                    continue
                bare = [{k: v for k, v in item.items() if k != "Condition"} for item in [statement]]
                only = {"Version": "2012-10-17", "Statement": bare}
                count = 0
                let_in: list[Any] = []
                for neighbour in longer(pattern):
                    owner = policies.owner(neighbour, role.account)
                    for action in statement["Action"]:
                        request = Request(
                            role.arn, action, neighbour, owner, only, _context_of(role.arn, owner)
                        )
                        verdict = decided(evaluator, request)
                        count += verdict is not None
                        let_in += [f"{action} on {neighbour}"] if verdict else []
                yield where, pattern, count, let_in


def _context_of(role: str, owner: str) -> Mapping[str, Any] | None:
    """Of another account's resource, a policy that lets the role in, so that its own policy decides."""
    if role.split(":")[4] == owner:
        return None
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": {"AWS": role}}
    return {"Version": "2012-10-17", "Statement": [everything]}


def test_no_pattern_reaches_a_neighbour_whose_name_begins_alike(
    policies: Policies, evaluator: Evaluator
) -> None:
    neighbours = list(reached(policies, evaluator))
    assert neighbours
    assert [(where, pattern) for where, pattern, count, _ in neighbours if not count] == []
    assert [line for *_, let_in in neighbours for line in let_in] == []


@pytest.mark.parametrize(
    "pattern",
    ["arn:aws:rds:us-east-1:111111111111:snapshot:shop-*", "arn:aws:s3:::landing/raw*"],
)
def test_a_pattern_that_reaches_one_is_seen(evaluator: Evaluator, pattern: str) -> None:
    action = "rds:DeleteDBSnapshot" if ":rds:" in pattern else "s3:GetObject"
    role, account = "arn:aws:iam::111111111111:role/r", "111111111111"
    granted = {"Effect": "Allow", "Action": [action], "Resource": [pattern]}
    document = {"Version": "2012-10-17", "Statement": [granted]}
    verdicts = [decided(evaluator, Request(role, action, n, account, document)) for n in longer(pattern)]
    assert True in verdicts


def test_the_conditions_patterns_end_where_a_name_does(policies: Policies) -> None:
    """`s3:prefix` and its like are text: a pattern that ends after a '/' reaches no folder whose name begins alike."""
    open_ended = [
        (role.arn, key, value)
        for role in policies.roles.values()
        for statement in role.statements
        for test, keys in statement.get("Condition", {}).items()
        if "Like" in test
        for key, values in keys.items()
        for value in listed(values)
        if value.endswith("*") and not value[:-1].endswith(("/", ":"))
    ]
    assert open_ended == []
