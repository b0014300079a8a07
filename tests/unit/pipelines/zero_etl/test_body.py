"""The body of an ingestion pipeline, field by field."""

import json

import pytest

from tests.recording import PITR_ON, record
from tests.unit.pipelines.zero_etl.recorded import BUCKET, ENDPOINT, TABLE, body, config, search


def test_an_index_is_called_as_its_table_in_small_letters() -> None:
    recorded = record("test", config(tables=[{"name": "Orders.EU"}]), tables={"Orders.EU": PITR_ON})
    (part,) = body(recorded, "search-Orders.EU").keys() - {"version"}
    sink = body(recorded, "search-Orders.EU")[part]["sink"][0]["opensearch"]
    assert sink["index"] == "orders.eu"


@pytest.mark.parametrize("name", ["version", "Extension"])
def test_a_table_takes_no_key_of_the_bodys_own(name: str) -> None:
    recorded = record("test", config(tables=[{"name": name}]), tables={name: PITR_ON})
    made = body(recorded, f"search-{name}")
    assert made.keys() == {"version", f"{name.lower()}-table"}
    assert made["version"] == "2"
    watched = recorded.inputs_of("aws:cloudwatch/metricAlarm:MetricAlarm", f"search-{name}-errors")[
        "metricName"
    ]
    assert watched == f"{name.lower()}-table.opensearch.documentErrors.count"


def test_the_body_says_what_the_defaults_mean() -> None:
    assert body(search()) == {
        "version": "2",
        "orders": {
            "source": {
                "dynamodb": {
                    "acknowledgments": True,
                    "aws": {"region": "eu-central-1"},
                    "tables": [
                        {
                            "table_arn": TABLE,
                            "stream": {"start_position": "LATEST", "view_on_remove": "NEW_IMAGE"},
                            "export": {
                                "s3_bucket": BUCKET,
                                "s3_region": "eu-central-1",
                                "s3_prefix": "export/orders",
                            },
                        }
                    ],
                }
            },
            "sink": [
                {
                    "opensearch": {
                        "hosts": [ENDPOINT],
                        "index": "orders",
                        "index_type": "custom",
                        "document_id": '${getMetadata("primary_key")}',
                        "action": '${getMetadata("opensearch_action")}',
                        "document_version": '${getMetadata("document_version")}',
                        "document_version_type": "external",
                        "aws": {"region": "eu-central-1", "serverless": True},
                        "dlq": {
                            "s3": {
                                "bucket": BUCKET,
                                "key_path_prefix": "dead-letters/orders",
                                "region": "eu-central-1",
                            }
                        },
                    }
                }
            ],
        },
    }


def test_the_body_has_the_values_of_the_config() -> None:
    table = {
        "name": "Orders",
        "export": False,
        "start": "TRIM_HORIZON",
        "view_on_remove": "OLD_IMAGE",
        "drop": ["internal", "address/street"],
        "rename": {"cust": "customer"},
        "only": '/status == "open"',
        "index": {"mapping": {"properties": {"total": {"type": "double"}}}, "shards": 3},
    }
    recorded = record("test", config(tables=[table], acknowledgments=False), tables={"Orders": PITR_ON})
    part = body(recorded, "search-Orders")["orders"]
    (source,) = part["source"]["dynamodb"]["tables"]
    assert source == {
        "table_arn": "arn:aws:dynamodb:mock:mock:table/Orders",
        "stream": {"start_position": "TRIM_HORIZON", "view_on_remove": "OLD_IMAGE"},
    }
    assert part["source"]["dynamodb"]["acknowledgments"] is False
    assert part["processor"] == [
        {"delete_entries": {"with_keys": ["internal", "address/street"]}},
        {"rename_keys": {"entries": [{"from_key": "cust", "to_key": "customer"}]}},
    ]
    assert part["route"] == [{"wanted": '/status == "open"'}]
    sink = part["sink"][0]["opensearch"]
    assert (sink["index"], sink["routes"], sink["template_type"]) == ("orders", ["wanted"], "index-template")
    assert json.loads(sink["template_content"]) == {
        "template": {
            "mappings": {"properties": {"total": {"type": "double"}}},
            "settings": {"index": {"number_of_shards": 3}},
        }
    }


def test_a_route_may_read_what_takes_the_name_of_another_attribute() -> None:
    seen = {"only": '/status == "open"', "drop": ["status"], "rename": {"state": "status"}}
    recorded = search(tables=[{"name": "orders", "view_on_remove": "OLD_IMAGE"} | seen])
    assert body(recorded)["orders"]["route"] == [{"wanted": '/status == "open"'}]


def test_a_body_over_the_services_limit_is_refused() -> None:
    wide = {f"field_{n}": {"type": "keyword"} for n in range(4000)}
    with pytest.raises(Exception, match="characters, at most 100,000 are taken; write pipelines: per-table"):
        search(tables=[{"name": "orders", "index": {"mapping": {"properties": wide}}}])
