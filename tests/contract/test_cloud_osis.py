"""The embedded OpenSearch Ingestion carries a table into an index, and does only what its body and its grants say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest
from opensearchpy import TransportError

from tests.contract.opensearch_cloud import Cloud, running
from tests.contract.osis_line import BUCKET, DOCUMENT, EXACT, ITEM, Line, body
from tests.typed import as_yaml
from tests.waiting import eventually


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    yield from running(tmp_path_factory)


@pytest.fixture(scope="module")
def index(cloud: Cloud) -> dict[str, Any]:
    """The collection, and a client that reads it as a reader does."""
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    collection = cloud.collection("search")
    reader = cloud.role("osis-reader", [{"Action": "aoss:APIAccessAll", "Resource": collection["arn"]}])
    cloud.grant("osis-reader", reader, ["ReadDocument", "DescribeIndex"], "search")
    client = cloud.search(collection, cloud.assume(reader))

    def document(name: str, key: str) -> dict[str, Any] | None:
        try:
            return client.get(index=name, id=key)
        except TransportError as error:
            assert error.status_code in (404, 503), error  # 503: the index was made this moment
            return None

    return {"host": collection["collectionEndpoint"], "document": document, "client": client}


@pytest.fixture(scope="module")
def items(cloud: Cloud, index: dict[str, Any]) -> Line:
    line = Line(cloud, "items")
    line.grant("search")
    line.dynamodb.put_item(TableName="items", Item=ITEM)
    for sk in range(30):
        line.put(sk, colour={"S": "red"})
    line.start(body(line.table, index["host"]))
    eventually(lambda: index["document"]("items", "a|29"))
    return line


def test_every_attribute_type_of_an_exported_item_arrives_as_it_was(items: Line, index: dict[str, Any]):
    document = eventually(lambda: index["document"]("items", "all|7"))
    exact = document["_source"].pop("exact")
    assert document["_source"] == DOCUMENT and str(exact) == EXACT


def test_the_stream_carries_the_same_types_as_the_export(items: Line, index: dict[str, Any]):
    items.dynamodb.put_item(TableName="items", Item={**ITEM, "sk": {"N": "8"}})
    document = eventually(lambda: index["document"]("items", "all|8"))
    assert str(document["_source"].pop("exact")) == EXACT and document["_source"] == {**DOCUMENT, "sk": 8}


def test_inserts_updates_and_deletes_arrive_while_it_runs(items: Line, index: dict[str, Any]):
    items.put(100, colour={"S": "blue"})
    items.put(1, colour={"S": "green"})
    items.dynamodb.delete_item(TableName="items", Key={"pk": {"S": "a"}, "sk": {"N": "2"}})
    eventually(lambda: index["document"]("items", "a|100"))
    eventually(lambda: index["document"]("items", "a|1")["_source"]["colour"] == "green")
    eventually(lambda: index["document"]("items", "a|2") is None)
    eventually(
        lambda: (
            index["client"].count(index="items")["count"]
            == items.dynamodb.scan(TableName="items", Select="COUNT")["Count"]
        )
    )


def test_quick_changes_of_one_item_end_with_the_last(items: Line, index: dict[str, Any]):
    for n in range(40):
        items.put(200, n={"N": str(n)})
    eventually(
        lambda: (
            cast("dict[str, Any]", index["document"]("items", "a|200") or {}).get("_source", {}).get("n")
            == 39
        )
    )
    items.dynamodb.delete_item(TableName="items", Key={"pk": {"S": "a"}, "sk": {"N": "200"}})
    eventually(lambda: index["document"]("items", "a|200") is None)


def test_a_second_delivery_changes_nothing_and_an_older_record_overwrites_nothing(
    items: Line, index: dict[str, Any]
):
    items.put(3, colour={"S": "last"})
    before = eventually(
        lambda: (
            (document := index["document"]("items", "a|3"))
            and document["_source"]["colour"] == "last"
            and document
        )
    )
    versions = {key: index["document"]("items", key)["_version"] for key in ("a|3", "a|4", "all|7")}
    # A new sub-pipeline name has no progress: it exports and reads the stream from the start again.
    again = body(items.table, index["host"])
    again["second"] = again.pop("items")
    eventually(lambda: items.osis.get_pipeline(PipelineName="items")["Pipeline"]["Status"] == "ACTIVE")
    items.osis.update_pipeline(PipelineName="items", PipelineConfigurationBody=as_yaml(again))
    items.put(300)
    eventually(lambda: index["document"]("items", "a|300"))
    assert index["document"]("items", "a|3")["_source"] == before["_source"]
    assert index["document"]("items", "a|3")["_version"] == versions["a|3"]
    assert "Export" in items.logged() and not items.dead()
    assert index["document"]("items", "a|2") is None, "the export brought a deleted item back"


def test_an_update_goes_on_where_it_was_and_a_pipeline_stopped_and_started_exports_again(
    cloud: Cloud, index: dict[str, Any]
):
    line = Line(cloud, "anew")
    line.grant("search")
    cloud.grant(
        "anew-again",
        line.role,
        ["CreateIndex", "DescribeIndex", "UpdateIndex", "WriteDocument"],
        "search",
        "again",
    )
    for sk in (1, 2):
        line.put(sk)
    document = body(line.table, index["host"], "anew")
    line.start(document)
    eventually(lambda: index["document"]("anew", "a|2"))
    line.put(3)
    eventually(lambda: index["document"]("anew", "a|3"))  # the export is loaded, or it would not be read

    document["anew"]["sink"][0]["opensearch"]["index"] = "again"
    line.osis.update_pipeline(PipelineName="anew", PipelineConfigurationBody=as_yaml(document))
    line.put(4)
    eventually(lambda: index["document"]("again", "a|4"))
    assert [sk for sk in (1, 2, 3, 4) if index["document"]("again", f"a|{sk}")] == [4]
    assert line.logged().count("is loaded") == len(line.exports()) == 1

    line.osis.stop_pipeline(PipelineName="anew")
    line.put(5)
    assert line.osis.get_pipeline(PipelineName="anew")["Pipeline"]["Status"] == "STOPPED"
    line.osis.start_pipeline(PipelineName="anew")
    for sk in (1, 2, 3, 4, 5):
        eventually(lambda sk=sk: index["document"]("again", f"a|{sk}"))
    eventually(lambda: line.logged().count("is loaded") == len(line.exports()) == 2)


def test_metrics_carry_the_services_names(items: Line):
    def total() -> float:
        listed = items.cloud.client("cloudwatch").list_metrics(Namespace="AWS/OSIS")["Metrics"]
        return {
            metric["MetricName"]
            for metric in listed
            if metric["Dimensions"] == [{"Name": "PipelineName", "Value": "items"}]
        } >= {
            "items.dynamodb.exportRecordsProcessed.count",
            "items.dynamodb.changeEventsProcessed.count",
            "items.opensearch.documentsSuccess.count",
            "items.recordsProcessed.count",
        }

    eventually(total)


def test_a_rejected_record_lands_in_the_dlq_with_its_reason_while_the_rest_go_on(
    cloud: Cloud, index: dict[str, Any]
):
    line = Line(cloud, "poison")
    line.grant("search")
    line.put(1, n={"S": "no number"}, exact={"N": EXACT})
    line.put(2, n={"N": "2"})
    line.start(body(line.table, index["host"], "poison"))
    eventually(lambda: index["document"]("poison", "a|2"))
    dead = eventually(line.dead)[0]  # once from the export, once from the stream's overlap
    assert dead["pipelineName"] == "poison" and dead["pluginName"] == "opensearch"
    failed = dead["failedData"]
    assert (failed["index"], failed["indexId"], failed["status"]) == ("poison", "a|1", 400)
    assert "failed to parse field [n] of type [double]" in failed["message"]
    assert failed["document"]["n"] == "no number" and str(failed["document"]["exact"]) == EXACT
    assert index["document"]("poison", "a|1") is None


def test_without_the_data_access_grant_nothing_is_written_the_log_names_it_and_all_arrives_when_it_is_back(
    cloud: Cloud,
    index: dict[str, Any],
):
    line = Line(cloud, "closed")
    line.grant("search", ["CreateIndex", "DescribeIndex", "UpdateIndex"])
    line.put(1)
    line.start(body(line.table, index["host"], "closed"))
    eventually(lambda: "aoss:WriteDocument on index/search/closed" in line.logged())
    line.put(2)
    assert not index["client"].count(index="closed")["count"] and not line.dead()
    cloud.grant("closed-write", line.role, ["WriteDocument"], "search", "closed")
    for key in ("a|1", "a|2"):
        eventually(lambda key=key: index["document"]("closed", key))


@pytest.mark.parametrize(
    "action",
    [
        "dynamodb:DescribeTable",
        "dynamodb:ExportTableToPointInTime",
        "dynamodb:DescribeStream",
        "aoss:BatchGetCollection",
        "aoss:APIAccessAll",
    ],
)
def test_a_missing_iam_grant_stops_it_and_the_log_names_the_action(
    cloud: Cloud, index: dict[str, Any], action: str
):
    name = "no-" + action.split(":")[1].lower()[:20]
    line = Line(cloud, name)
    line.grant("search")
    line.put(1)
    cloud.allow(
        line.role_name,
        [
            {
                **statement,
                "Action": [
                    a
                    for a in (
                        [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
                    )
                    if a != action
                ]
                or ["s3:ListAllMyBuckets"],
            }
            for statement in line.statements()
        ],
    )
    document = body(line.table, index["host"], name)
    if action == "dynamodb:DescribeStream":
        del document[name]["source"]["dynamodb"]["tables"][0]["export"]
    line.start(document)
    eventually(lambda: action in line.logged())
    line.osis.delete_pipeline(PipelineName=name)
    assert not index["client"].indices.exists(index=name) or not index["client"].count(index=name)["count"]


def test_a_role_that_does_not_trust_the_service_fails_the_pipeline(cloud: Cloud, index: dict[str, Any]):
    line = Line(cloud, "distrust")
    role = cloud.role("distrusting", line.statements(), "lambda.amazonaws.com")
    line.start(body(line.table, index["host"], "distrust"), role)
    failed = eventually(
        lambda: (
            (pipeline := line.osis.get_pipeline(PipelineName="distrust")["Pipeline"])["Status"]
            == "CREATE_FAILED"
            and pipeline
        )
    )
    assert "distrusting" in failed["StatusReason"]["Description"]


def test_routes_and_processors_do_what_they_say(cloud: Cloud, index: dict[str, Any]):
    line = Line(cloud, "routed")
    for suffix in ("big", "small"):
        cloud.grant(
            f"routed-{suffix}",
            line.role,
            ["CreateIndex", "DescribeIndex", "WriteDocument"],
            "search",
            f"routed-{suffix}",
        )
    document = body(line.table, index["host"], "routed")
    sink = {
        key: value
        for key, value in document["routed"]["sink"][0]["opensearch"].items()
        if not key.startswith(("template", "index"))
    }
    document["routed"].update(
        processor=[
            {"delete_entries": {"with_keys": ["secret"]}},
            {"rename_keys": {"entries": [{"from_key": "q", "to_key": "quantity"}]}},
            {"add_entries": {"entries": [{"key": "label", "format": "${/pk}/${/sk}"}]}},
        ],
        route=[
            {"big": '/quantity >= 10 and not (/colour in {"red", "blue"})'},
            {"small": '/quantity < 10 or /colour == "red"'},
        ],
        sink=[
            {"opensearch": {**sink, "index": f"routed-{route}", "routes": [route]}}
            for route in ("big", "small")
        ],
    )
    for sk, (quantity, colour) in enumerate([(10, "green"), (9, "green"), (11, "red"), (12, "blue")]):
        line.put(sk, q={"N": str(quantity)}, colour={"S": colour}, secret={"S": "x"})
    line.start(document)
    big = eventually(lambda: index["document"]("routed-big", "a|0"))["_source"]
    assert big == {"pk": "a", "sk": 0, "quantity": 10, "colour": "green", "label": "a/0"}
    eventually(lambda: index["document"]("routed-small", "a|1") and index["document"]("routed-small", "a|2"))
    assert eventually(lambda: index["client"].count(index="routed-big")["count"]) == 1
    assert not index["document"]("routed-small", "a|3"), "an event that no route takes is dropped"


def test_an_expiry_is_a_delete_that_the_body_can_tell_from_others(cloud: Cloud, index: dict[str, Any]):
    line = Line(cloud, "expiring")
    line.grant("search")
    expiry = {"Enabled": True, "AttributeName": "expires"}
    line.dynamodb.update_time_to_live(TableName="expiring", TimeToLiveSpecification=expiry)
    document = body(line.table, index["host"], "expiring")
    document["expiring"]["processor"] = [
        {"drop_events": {"drop_when": 'getMetadata("ttl_delete") == true and /keep == true'}}
    ]
    line.start(document)
    line.put(1)
    for sk in (2, 3, 4):
        line.put(sk, keep={"BOOL": sk > 2})
        eventually(lambda sk=sk: index["document"]("expiring", f"a|{sk}"))
    line.dynamodb.delete_item(TableName="expiring", Key={"pk": {"S": "a"}, "sk": {"N": "4"}})
    for sk in (2, 3):
        line.put(sk, keep={"BOOL": sk > 2}, expires={"N": "1"})
    eventually(lambda: line.dynamodb.scan(TableName="expiring", Select="COUNT")["Count"] == 1)
    line.put(5)  # after the expiries in the stream
    eventually(lambda: index["document"]("expiring", "a|5"))
    there = [sk for sk in range(1, 6) if index["document"]("expiring", f"a|{sk}")]
    assert there == [1, 3, 5], "2 expired, 4 was deleted, 3 expired and is kept by the body"


def test_two_tables_in_one_body_go_to_their_own_indexes_each(cloud: Cloud, index: dict[str, Any]):
    first, other = Line(cloud, "shared-one"), Line(cloud, "shared-two")
    for line in (first, other):
        line.put(1, name={"S": line.name})
        cloud.grant(
            line.name,
            first.role,
            ["CreateIndex", "DescribeIndex", "UpdateIndex", "WriteDocument"],
            "search",
            line.name,
        )
    cloud.grant(
        "shared-templates",
        first.role,
        ["CreateCollectionItems", "DescribeCollectionItems"],
        "search",
        kind="collection",
    )
    cloud.allow(first.role_name, [*first.statements(), *other.statements()])
    documents = [body(line.table, index["host"], line.name) for line in (first, other)]
    first.start(documents[0] | documents[1])
    for line in (first, other):
        assert (
            eventually(lambda line=line: index["document"](line.name, "a|1"))["_source"]["name"] == line.name
        )
        line.put(2, name={"S": f"{line.name} again"})
    for line in (first, other):
        eventually(lambda line=line: index["document"](line.name, "a|2"))
        assert index["client"].count(index=line.name)["count"] <= 2
