"""Every resource of every stack is allowed what its service's page says that it needs."""

import pytest

from tests.contract.iam.evaluator import Evaluator
from tests.contract.iam.harvest import harvest, whole
from tests.contract.iam.needs import needs
from tests.contract.iam.proof import broken
from tests.contract.iam.stacks import PROVEN, SHIPPED, called, proven, shipped

STACKS = {
    **{called(of): lambda of=of: proven(of) for of in PROVEN},
    **{s: lambda s=s: shipped(s) for s in SHIPPED},
}


@pytest.mark.parametrize("stack", STACKS)
def test_every_resource_may_do_what_its_page_says_that_it_needs(stack: str, evaluator: Evaluator) -> None:
    resources = STACKS[stack]()
    cases = list(needs(whole(resources)))
    assert cases or stack == "table_zero_etl"  # of ingestion pipelines the table has the page's list
    failures = broken(harvest(resources), cases, evaluator)
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize(
    "lost", ["sqs:SendMessage", "logs:PutLogEvents", "kms:Encrypt", "s3:ReplicateObject"]
)
def test_a_right_that_is_taken_away_is_missed(lost: str, evaluator: Evaluator) -> None:
    resources = STACKS["table_replication"]()
    policies = harvest(resources)
    for role in policies.roles.values():
        for statement in role.statements:
            statement["Action"] = [action for action in statement["Action"] if action != lost] or [
                "sts:TagSession"
            ]
    failures = broken(policies, list(needs(whole(resources))), evaluator)
    assert failures
    assert all(lost in line for line in failures)
