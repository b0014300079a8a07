"""Which bodies of a pipeline the embedded OpenSearch Ingestion takes, and how it reads their expressions."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloud.osis import pipeline_body
from tests.contract.opensearch_cloud import REGION, Cloud, running
from tests.contract.osis_line import ROLE, body
from tests.recording import PITR_ON, record
from tests.typed import as_yaml, fake


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    yield from running(tmp_path_factory)


@pytest.mark.parametrize(
    "change, named",
    [
        (
            fake(lambda b: b["x"]["sink"][0]["opensearch"].update(document_idd="a")),
            "x.sink[0].opensearch.document_idd: unknown option",
        ),
        (
            fake(
                lambda b: b["x"]["source"]["dynamodb"]["tables"].append(
                    b["x"]["source"]["dynamodb"]["tables"][0]
                )
            ),
            "Exactly one table",
        ),
        (
            fake(lambda b: b["x"]["source"]["dynamodb"]["tables"][0]["stream"].update(start_position="NOW")),
            "start_position: 'NOW'",
        ),
        (fake(lambda b: b["x"].update(processor=[{"grok": {}}])), "x.processor[0].grok: unknown option"),
        (
            fake(lambda b: b["x"]["sink"][0]["opensearch"].update(routes=["none"])),
            "route 'none' is not defined",
        ),
        (fake(lambda b: b["x"].update(route=[{"a": "/q >"}])), "x.route:"),
        (
            fake(lambda b: b["x"].update(route=[{"a": "length(/q) > 3"}])),
            "x.route: 'length(/q) > 3': 'length(/q)' is not known",
        ),
        (fake(lambda b: b.update(version="1")), "version"),
    ],
)
def test_a_body_that_the_engine_does_not_know_is_refused_by_name(cloud: Cloud, change: Any, named: str):
    wrong = body("arn:aws:dynamodb:us-east-1:1:table/t", "http://host", "x")
    change(wrong)
    text = as_yaml(wrong)
    answer = cloud.client("osis").validate_pipeline(PipelineConfigurationBody=text)
    assert not answer["isValid"] and any(named in error["Message"] for error in answer["Errors"])
    with pytest.raises(ClientError, match="ValidationException"):
        cloud.client("osis").create_pipeline(
            PipelineName="wrong", MinUnits=1, MaxUnits=1, PipelineConfigurationBody=text, PipelineRoleArn=ROLE
        )


def test_the_engine_knows_every_option_that_the_program_writes():
    orders = {
        "name": "orders",
        "drop": ["secret", "address/street"],
        "rename": {"q": "quantity"},
        "only": '/status == "open"',
        "view_on_remove": "OLD_IMAGE",
        "index": {"shards": 2, "mapping": {"properties": {"q": {"type": "double"}}}},
    }
    account = {"id": "111111111111", "region": REGION}
    pipeline = {"kind": "zero-etl", "tables": [orders]}
    recorded = record(
        "test",
        {"accounts": {"workload": account}, "pipelines": {"search": pipeline}},
        tables={"orders": PITR_ON | {"streamViewType": "NEW_AND_OLD_IMAGES"}},
    )
    made = recorded.inputs_of("aws:opensearchingest/pipeline:Pipeline", "search-orders")
    plan = pipeline_body.read(made["pipelineConfigurationBody"])["orders"]
    assert [kind for kind, _ in plan["processors"]] == ["delete_entries", "rename_keys"]
    assert set(plan["routes"]) == {"wanted"} and len(plan["sinks"]) == 1


@pytest.mark.parametrize(
    "text, expected",
    [
        ("/a == 1 or /b == 2 and false", False),  # from left to right
        ("/a == 1 or (/b == 2 and false)", True),
        ("not (/a == 1)", False),
        ("not /a == 1", False),  # not of a number
        ("not /a == 2", False),
        ('/s =~ "[x-z]"', True),
        ('/s !~ "[x-z]"', False),
        ('"/m/deep" == 3', True),
        ("/a > -2", True),
        ("/s", False),
        ('/s in {"x", "y"}', True),
        ('/s not in {"z"}', True),
        ('/a > "1"', False),
        ("/missing == null", True),
        ('getMetadata("ttl_delete") == true', True),
        ("/m/deep != 3", False),
        ("/a >= 1 and /a <= 1.0", True),
    ],
)
def test_an_expression_decides_as_data_prepper_does(text: str, expected: bool):
    data = {"a": Decimal("1"), "b": Decimal("3"), "s": "x", "m": {"deep": Decimal("3")}}
    assert pipeline_body.Expression(text)(data, {"ttl_delete": True}) is expected
