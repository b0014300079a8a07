"""The policy that an export yields for its readers, as proven as the program's own: no more and no less."""

import json
from typing import Any

import pytest

from tests.contract.iam import table_reader, widening
from tests.contract.iam.closed import beside
from tests.contract.iam.evaluator import Evaluator
from tests.contract.iam.harvest import Policies, Role, harvest
from tests.contract.iam.proof import broken, unnoticed, vacuous
from tests.contract.iam.shared_cases import HERE, role_arn
from tests.contract.iam.survivors import FREE, fits
from tests.contract.iam.table_reader import GOVERNED, LAKE, READER, config
from tests.recording import PITR_ON, record


def yielded(pipeline: dict[str, Any]) -> dict[str, Any]:
    """The stack's policies with the reader's, of whom nobody but IAM knows."""
    recorded = record("proof", config(pipeline), tables={"orders": PITR_ON})
    document = recorded.outputs["pipelines"]["shop"]["reader_policy"]
    # The mocks' ARN of a key, made whole as the proof makes the resources'.
    whole = document.replace("arn:aws:kms:workload:mock:shop-landing", table_reader.KEY)
    return {"policies": harvest(recorded.resources), "document": json.loads(whole)}


@pytest.fixture(scope="module", params=[False, True], ids=["by IAM", "by Lake Formation"])
def reader(request: pytest.FixtureRequest) -> tuple[Policies, bool]:
    stack = yielded(GOVERNED if request.param else LAKE)
    policies: Policies = stack["policies"]
    nobody: dict[str, Any] = {"Version": "2012-10-17", "Statement": []}
    policies.roles = {READER: Role(role_arn(READER), HERE, nobody, stack["document"]["Statement"])}
    policies.on = {
        arn: policy for arn, policy in policies.on.items() if arn.startswith(("arn:aws:kms", "arn:aws:s3"))
    }
    return policies, request.param


def test_a_reader_can_query_and_neither_reads_what_is_raw_nor_writes_but_results(
    reader: tuple[Policies, bool], evaluator: Evaluator
) -> None:
    policies, governed = reader
    assert broken(policies, table_reader.reads(governed=governed), evaluator) == []


def test_nothing_of_the_readers_policy_is_more_than_a_case_needs(
    reader: tuple[Policies, bool], evaluator: Evaluator
) -> None:
    policies, governed = reader
    survivors = unnoticed(policies, table_reader.reads(governed=governed), evaluator)
    assert [line for line in survivors if line.startswith("role policy")] == []


def test_a_reader_may_nothing_beside_that_and_the_policy_can_become_no_wider_unnoticed(
    reader: tuple[Policies, bool], evaluator: Evaluator
) -> None:
    policies, governed = reader
    cases = table_reader.reads(governed=governed)
    others = beside(policies, cases, evaluator)
    allowed = broken(policies, others, evaluator)
    assert [line for line in allowed if not any(fits(free, line) for free in FREE)] == []
    denied = [*cases, *(case for case in others if str(case) not in set(allowed))]
    survivors = widening.unnoticed(policies, denied, evaluator)
    assert [line for line in survivors if line.startswith("role policy")] == []
    assert vacuous(policies, cases, evaluator) == []


def test_a_simple_run_makes_no_tables_and_yields_no_policy() -> None:
    simple = {"kind": "export", "run": "simple", "sources": [{"dynamodb": "orders"}]}
    outputs = record("proof", config(simple), tables={"orders": PITR_ON}).outputs
    assert "reader_policy" not in outputs["pipelines"]["shop"]
