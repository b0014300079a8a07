"""Each rule on one resource, with what it refuses and what it lets pass."""

from typing import Any

import pytest

from policy.rule import Rule
from policy.rules import RULES, Resource, check
from tests.unit.policy.documents import ACCOUNT, KEY, READ, ROLE_POLICY, TOPIC_POLICY
from tests.unit.policy.documents import policy as policy_of
from tests.unit.policy.elsewhere import GRANTS_UNREAD
from tests.unit.policy.programs import ROWS, UNKNOWN


@pytest.mark.parametrize(("title", "token", "bad", "good"), ROWS)
def test_a_rule_refuses_the_bad_and_lets_the_good_pass(
    title: str, token: str, bad: dict[str, Any], good: dict[str, Any]
) -> None:
    assert title in {violation.rule for violation in check(Resource(token, "it", bad, account=ACCOUNT))}
    assert check(Resource(token, "it", good, account=ACCOUNT)) == []


def test_each_rule_has_programs_that_break_it_and_that_pass() -> None:
    alone = {title for title, *_ in ROWS}
    assert alone == {rule.title for rule in RULES if rule.judge}
    assert {rule.title for rule in RULES if rule.judge_together} == {
        "a bucket is private encrypted reached by tls and cleans up",
        "a replicated bucket is versioned",
        "a queue is reached by tls only",
        "a topic is reached by tls only",
        "a bucket sends an event to one target",
        "what a function fails on is kept",
    }


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_says_what_fails_it_what_to_write_and_why(rule: Rule) -> None:
    assert rule.fails.endswith((".", ".)")) and rule.write and rule.page.startswith("https://")


def test_an_account_whose_id_is_not_known_is_let_into_its_own_key_and_nothing_else() -> None:
    itself = READ | {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
    assert check(Resource(KEY, "it", policy_of(itself))) == []
    assert [v.rule for v in check(Resource(TOPIC_POLICY, "it", policy_of(itself)))] == [
        "another account is let in by its role"
    ]


@pytest.mark.parametrize("token", GRANTS_UNREAD)
def test_a_type_that_grants_by_what_no_rule_reads_is_refused(token: str) -> None:
    assert [v.rule for v in check(Resource(token, "it", {"name": "x"}))] == ["what grants is read by a rule"]


def test_a_violation_tells_what_was_found_and_what_to_write() -> None:
    (violation,) = check(Resource("aws:sqs/queue:Queue", "orders", {}))
    assert str(violation) == (
        "aws:sqs/queue:Queue::orders breaks 'a queue is encrypted': it has no encryption; "
        "write sqs_managed_sse_enabled=True, or a kms_master_key_id"
    )


def test_what_is_not_known_yet_is_not_refused_at_preview() -> None:
    assert check(Resource(ROLE_POLICY, "it", {"policy": UNKNOWN})) == []
    assert check(Resource("aws:s3/bucketPolicy:BucketPolicy", "it", {"policy": UNKNOWN})) == []
