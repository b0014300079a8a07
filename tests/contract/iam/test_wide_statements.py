"""No statement of the deploy, preview or refresh role stands on `*`, or on all of a type, where the service's reference
knows a resource or a condition key that would narrow it.

Who judges: policy_sentry's copy of https://docs.aws.amazon.com/service-authorization/latest/reference/.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from policy_sentry.querying.actions import get_action_data

from bootstrap.narrowing import ON_INDEXES
from bootstrap.operating import operate, status
from bootstrap.page import options
from bootstrap.roles import Stack, deploy, preview, refresh
from policy.documents import wide
from tests.contract.iam.evaluator import Evaluator, Request
from tests.contract.iam.test_roles import HERE, OF_A_TOPIC, RUNS, request, stack

NARROWS_NOTHING = {
    "aws:TagKeys": "which tags a request names says nothing of what it is about",
    "kms:CallerAccount": "the role is of the account already",
    "kms:BypassPolicyLockoutSafetyCheck": "a parameter of the request, which the provider never sends",
    **dict.fromkeys(
        ("kms:KeyOrigin", "kms:KeySpec", "kms:KeyUsage", "kms:MultiRegion", "kms:MultiRegionKeyType"),
        "most keys of an account are alike in it",
    ),
}
# What the reference leaves out and a page of the service has
# (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-lifecycle.html).
OF_A_GUIDE = {f"aoss:{verb}LifecyclePolicy": {"aoss:collection"} for verb in ("Create", "Delete", "Update")}
# A role's action that stands wide without a condition though one is known, and why.
WIDE_ANYWAY = {
    (
        "refresh",
        "aoss:GetAccessPolicy",
    ): "a stranger's policy on every collection is to be seen, and names none",
    (
        "status",
        "cloudwatch:DescribeAlarms",
    ): "asked by the beginning of names, a request is about no alarm whose tags could be compared",
}


def statements(run: str) -> Iterator[tuple[str, Any]]:
    whole = stack(run)
    for which in (deploy, preview, refresh, status, operate):
        for name, place in whole.places().items():
            for grant in which(whole, place):
                yield f"{run} {which.__name__} {name} {grant.sid}", grant


def narrowing(action: str, arn: str) -> set[str]:
    """The condition keys that the reference lists for the action on this, of those that narrow."""
    keys: set[str] = set()
    for entry in _entries(action):
        # The row of the resource itself, or the action's own: a key of another type's row is never sent for this one.
        if entry["resource_arn_format"] == "*" or _type(entry["resource_arn_format"]) == _type(arn):
            keys |= set(entry["condition_keys"])
    keys |= OF_A_GUIDE.get(action, set())
    return {re.sub(r"\$\{.*", "", key) for key in keys - set(NARROWS_NOTHING)}


def _entries(action: str) -> list[dict[str, Any]]:
    service, name = action.split(":")
    return get_action_data(service, name)[service]


def _type(arn: str) -> str:
    return re.split("[:/]", arn.split(":", 5)[-1], maxsplit=1)[0]


def too_wide(which: str, grant: Any) -> Iterator[tuple[str, str, str]]:
    used = [key for tests in grant.conditions.values() for key in tests]
    for arn in filter(wide, grant.resources):
        for action in grant.actions:
            named = [entry for entry in _entries(action) if entry["resource_arn_format"] != "*"]
            if arn == "*" and (named or action in OF_A_TOPIC):
                yield which, action, f"the reference names {named[:1] or 'the topic'}"
            keys, anyway = narrowing(action, arn), (which.split()[1], action) in WIDE_ANYWAY
            if keys and not any(key.startswith(tuple(keys)) for key in used) and not anyway:
                yield which, action, f"{arn} without any of {sorted(keys)}"


@pytest.mark.parametrize("run", RUNS)
def test_no_statement_stands_on_all_of_a_type_where_a_condition_would_narrow_it(run: str) -> None:
    assert [fault for which, grant in statements(run) for fault in too_wide(which, grant)] == []


def test_no_statement_of_a_stack_with_other_settings_stands_on_all_of_a_type() -> None:
    """The stack whose settings `prod` has not: networks, keys that are adopted, Lake Formation."""
    whole = Stack("prod", options())
    grants = [(f"options {name}", g) for name, p in whole.places().items() for g in deploy(whole, p)]
    assert [fault for which, grant in grants for fault in too_wide(which, grant)] == []
    # What Lambda requires of who attaches a function to a network:
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
    network = {"DescribeSecurityGroups", "DescribeSubnets", "DescribeVpcs", "GetSecurityGroupsForVpc"}
    assert {f"ec2:{name}" for name in network} <= {action for _, grant in grants for action in grant.actions}


@pytest.mark.parametrize("action", ["StartStreamEncryption", "StopStreamEncryption"])
def test_a_stream_is_encrypted_by_who_may_do_so_on_the_stream_and_on_its_key(
    action: str, evaluator: Evaluator
) -> None:
    """Both are required: https://docs.aws.amazon.com/service-authorization/latest/reference/list_kinesis.html. Of a
    customer's key who deploys reads the description as well
    (https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html)."""
    assert {_type(entry["resource_arn_format"]) for entry in _entries(f"kinesis:{action}")} == {
        "key",
        "stream",
    }
    [key] = {r.inputs["kmsKeyId"] for r in options().resources if r.type == "aws:kinesis/stream:Stream"}
    other, elsewhere = key.replace("1111-2222", "9999-2222"), key.replace(HERE, "222222222222")
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HERE}:root"}, "Resource": "*"}
    trusting = {"Statement": {**root, "Action": ["kms:*", "kinesis:*"]}}

    def allowed(action: str, on: str, whole: Stack) -> bool:
        rendered = [grant.render() for grant in deploy(whole, whole.places()["workload"])]
        document = {"Version": "2012-10-17", "Statement": rendered}
        each = Request(f"arn:aws:iam::{HERE}:role/deploy", action, on, HERE, document, trusting, {})
        return evaluator.allows([each])[0]

    customers, of_aws = Stack("prod", options()), stack("prod")
    assert allowed(f"kinesis:{action}", key, customers) and allowed("kms:DescribeKey", key, customers)
    for refused in ("kms:Decrypt", "kms:CreateGrant"):
        assert not allowed(refused, key, customers)
    assert not allowed(f"kinesis:{action}", other, customers)
    # The id of AWS's own key of the account is not known before; it is of this account.
    assert allowed(f"kinesis:{action}", other, of_aws) and not allowed("kms:DescribeKey", other, of_aws)
    assert not allowed(f"kinesis:{action}", elsewhere, of_aws)


def test_a_reason_is_of_something_that_stands_there() -> None:
    granted = {action for run in RUNS for _, grant in statements(run) for action in grant.actions}
    assert set(OF_A_GUIDE) <= granted
    wide_anyway = {
        (which.split()[1], action)
        for run in RUNS
        for which, grant in statements(run)
        for action in grant.actions
        if not grant.conditions
    }
    assert set(WIDE_ANYWAY) <= wide_anyway
    assert set(NARROWS_NOTHING) <= {
        key for action in granted for entry in _entries(action) for key in entry["condition_keys"]
    }


@pytest.mark.parametrize("run", ["dev", "prod"])
@pytest.mark.parametrize("action", ["Create", "Update", "Delete"])
def test_a_lifecycle_policy_is_of_the_stacks_collections_by_whichever_key_names_it(
    run: str, action: str, evaluator: Evaluator
) -> None:
    """The reference lists `aoss:index` (https://docs.aws.amazon.com/service-authorization/latest/reference/
    list_opensearchserverless.html), the guide's example has `aoss:collection`
    (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-lifecycle.html)."""
    collection, others = f"tributary-{run}-stock-ticks", (f"tributary-{run}-eu-stock-ticks", "logs")
    inside = [{"aoss:index": f"{collection}/*"}, {"aoss:index": f"index/{collection}/ticks"}]
    foreign = [{"aoss:index": f"{name}/*"} for name in others]
    foreign += [{"aoss:index": f"{collection}-old/*"}, {"aoss:index": f"index/{others[0]}/*"}, {}]
    every = [
        request(run, deploy, HERE, f"aoss:{action}LifecyclePolicy", "*", context)
        for context in inside + foreign
    ]
    assert evaluator.allows(every) == [True] * len(inside) + [False] * len(foreign)
    # The evaluator goes by the reference, and drops a key that it does not list for the action.
    by_guide = [
        grant.conditions["StringEquals"]["aoss:collection"]
        for _, grant in statements(run)
        if f"aoss:{action}LifecyclePolicy" in grant.actions and "StringEquals" in grant.conditions
    ]
    assert by_guide and all(collection in names and not set(others) & set(names) for names in by_guide)


def test_a_data_access_policy_on_indexes_may_be_judged_by_either_key(evaluator: Evaluator) -> None:
    assert ON_INDEXES.fullmatch("aoss:CreateAccessPolicy") and not ON_INDEXES.fullmatch(
        "aoss:CreateSecurityPolicy"
    )
    contexts = [
        {"aoss:collection": "tributary-dev-stock-ticks"},
        {"aoss:index": "tributary-dev-stock-ticks/ticks"},
    ]
    contexts += [{"aoss:index": "logs/ticks"}, {"aoss:collection": "logs"}]
    every = [request("dev", deploy, HERE, "aoss:CreateAccessPolicy", "*", context) for context in contexts]
    assert evaluator.allows(every) == [True, True, False, False]


def test_the_tags_of_a_mapping_are_the_stacks_own(evaluator: Evaluator) -> None:
    """A mapping is known by an id: https://docs.aws.amazon.com/service-authorization/latest/reference/list_lambda.html
    lists `aws:ResourceTag` for its type, and `aws:RequestTag` for tagging it as it is made."""
    on = f"arn:aws:lambda:eu-central-1:{HERE}:event-source-mapping:3ab4ee4e-c382-4ff5-9188-03ee2b62e65c"

    def tags(which: str, name: str) -> dict[str, str]:
        return {f"aws:{which}/tributary-project": "tributary", f"aws:{which}/tributary-stack": name}

    own, others, made = tags("ResourceTag", "dev"), tags("ResourceTag", "dev-eu"), tags("RequestTag", "dev")
    cases: list[Any] = [("ListTags", own, True), ("ListTags", others, False), ("UntagResource", own, True),
             ("UntagResource", others, False), ("UntagResource", {}, False), ("TagResource", own, True),
             ("TagResource", made, True), ("TagResource", made | others, False),
             ("TagResource", {}, False)]  # fmt: skip
    every = [request("dev", deploy, HERE, f"lambda:{action}", on, context) for action, context, _ in cases]
    assert evaluator.allows(every) == [allowed for *_, allowed in cases]


@pytest.mark.parametrize("action", ["AddCollectionToCollectionGroup", "BatchGetCollectionGroup"])
def test_a_group_of_collections_is_the_stacks_own_by_its_name(action: str, evaluator: Evaluator) -> None:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonopensearchserverless.html lists
    `aoss:collection-group` for both. The stack of the settings that `prod` has not is of generation `nextgen`."""
    whole = Stack("prod", options())
    [group] = [
        r.inputs["name"] for r in whole.program.resources if r.type.endswith("ServerlessCollectionGroup")
    ]
    [entry, *_] = _entries(f"aoss:{action}")
    assert "aoss:collection-group" in entry["condition_keys"]
    on = f"arn:aws:aoss:ap-northeast-1:{HERE}:collection-group/a1" if "Add" in action else "*"
    rendered = [grant.render() for grant in deploy(whole, whole.places()["workload"])]
    document = {"Version": "2012-10-17", "Statement": rendered}
    others = (
        f"{group}-2",
        group[:-1],
        group.replace("-prod-", "-prod-eu-"),
        "tributary-prod-closed-ticks",
        "payroll",
    )
    contexts = [{"aoss:collection-group": name} for name in (group, *others)] + [{}]
    every = [
        Request(f"arn:aws:iam::{HERE}:role/deploy", f"aoss:{action}", on, HERE, document, None, context)
        for context in contexts
    ]
    assert evaluator.allows(every) == [True] + [False] * (len(contexts) - 1)


@pytest.mark.parametrize("action", ["UpdateCollectionGroup", "DeleteCollectionGroup"])
def test_a_group_of_collections_is_changed_by_the_stacks_tags_alone(
    action: str, evaluator: Evaluator
) -> None:
    whole, on = Stack("prod", options()), f"arn:aws:aoss:ap-northeast-1:{HERE}:collection-group/a1"
    document = {
        "Version": "2012-10-17",
        "Statement": [grant.render() for grant in deploy(whole, whole.places()["workload"])],
    }
    own = {"aws:ResourceTag/tributary-project": "tributary", "aws:ResourceTag/tributary-stack": "prod"}
    contexts = [own, own | {"aws:ResourceTag/tributary-stack": "prod-eu"}, {}]
    every = [
        Request(f"arn:aws:iam::{HERE}:role/deploy", f"aoss:{action}", on, HERE, document, None, context)
        for context in contexts
    ]
    assert evaluator.allows(every) == [True, False, False]
