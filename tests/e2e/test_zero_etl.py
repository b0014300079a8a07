"""A zero-ETL pipeline as `make up` leaves it: each document is its item, whatever order records come in.

The stack of all end-to-end tests; what a test changes in its tables is its own items, or it changes back, and what it
made ring is silent again.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest
from opensearchpy.exceptions import TransportError

from local import samples
from local.samples import zero_etl
from tests.e2e.alarms import silence
from tests.e2e.conftest import Run, units
from tests.waiting import eventually

NAME = "catalog-search"


class Search:
    """The pipeline of the stack that is up, seen by its account's administrator and the collection's reader."""

    def __init__(self, run: Run):
        ready, outputs = run.clone.running(), run.clone.outputs()
        assert ready and outputs
        self.cloud = samples.Cloud(ready["endpoint"], outputs)
        self.pipeline = outputs["pipelines"][NAME]
        self.dynamodb, self.osis = self.client("dynamodb"), self.client("osis")
        self.reader = self.cloud.search(self.pipeline, zero_etl.reader_role(self.cloud, self.pipeline))

    def client(self, service: str) -> Any:
        return self.cloud.client(service, self.pipeline)

    def put(self, table: str, item: dict[str, Any]) -> None:
        self.dynamodb.put_item(TableName=table, Item=item)

    def items(self, table: str) -> dict[str, dict[str, Any]]:
        """Every item as the document that it should be, by document id."""
        names = list(zero_etl.TABLES[table])
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=table)
        return {
            "|".join(str(next(iter(item[name].values()))) for name in names): {
                n: meant(v) for n, v in item.items()
            }
            for page in pages
            for item in page["Items"]
        }

    def documents(self, table: str) -> dict[str, dict[str, Any]]:
        """Every document by its id; numbers exact."""
        answer = self.reader.search(index=self.pipeline["indexes"][table], body={"size": 10_000})
        return {hit["_id"]: exact(hit["_source"]) for hit in answer["hits"]["hits"]}

    def document(self, table: str, key: str) -> dict[str, Any] | None:
        try:
            return self.reader.get(index=self.pipeline["indexes"][table], id=key)
        except TransportError as error:
            assert error.status_code == 404, error
            return None

    def forgets(self, table: str, *keys: str) -> None:
        """Waits until documents of these ids are gone by their ids, and no search shows one: a search shows what was
        there up to a second ago, so that one that has just come is in none yet, and its deletion still on its way."""
        eventually(lambda: not any(self.document(table, key) for key in keys))
        eventually(lambda: not self.documents(table).keys() & set(keys))

    def logged(self, table: str, since: float) -> str:
        group = self.pipeline["log_groups"][f"{NAME}-{table}"]
        events = self.client("logs").filter_log_events(logGroupName=group, startTime=int(since * 1000))
        return "\n".join(event["message"] for event in events["events"])

    def dead(self, table: str) -> list[dict[str, Any]]:
        bucket, _, prefix = self.pipeline["dead_letters"].removeprefix("s3://").partition("/")
        s3 = self.client("s3")
        listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}{table}/").get("Contents", [])
        texts = [s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read() for entry in listed]
        return [dead["failedData"] for text in texts for dead in json.loads(text)["dlqObjects"]]

    def bury(self, table: str) -> None:
        """Deletes a table's dead letters."""
        bucket, _, prefix = self.pipeline["dead_letters"].removeprefix("s3://").partition("/")
        s3 = self.client("s3")
        for entry in s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}{table}/").get("Contents", []):
            s3.delete_object(Bucket=bucket, Key=entry["Key"])

    def sum_of_alarm(self, name: str, metric: str) -> float:
        """The sum, of the last day, of the metric that an alarm watches; its name ends with `metric`."""
        cloudwatch, now = self.client("cloudwatch"), datetime.now(UTC)
        (alarm,) = [
            alarm
            for alarm in cloudwatch.describe_alarms()["MetricAlarms"]
            if alarm["AlarmName"].endswith(name)
        ]
        assert alarm["MetricName"].endswith(metric)
        points = cloudwatch.get_metric_statistics(
            Namespace=alarm["Namespace"], MetricName=alarm["MetricName"], Dimensions=alarm["Dimensions"],
            Statistics=["Sum"], Period=86_400, StartTime=now - timedelta(days=1), EndTime=now + timedelta(minutes=1),
        )["Datapoints"]  # fmt: skip
        return sum(point["Sum"] for point in points)


def meant(value: dict[str, Any]) -> Any:
    """An attribute as a document holds it: numbers exact, bytes as base64, sets as lists in no order."""
    (kind, inner), = value.items()  # fmt: skip
    match kind:
        case "N":
            return Decimal(inner)
        case "B":
            return base64.b64encode(inner).decode()
        case "NULL":
            return None
        case "L":
            return [meant(part) for part in inner]
        case "M":
            return {name: meant(part) for name, part in inner.items()}
        case "NS" | "SS" | "BS":
            return unordered([meant({kind[0]: part}) for part in inner])
        case _:
            return inner


def exact(value: Any) -> Any:
    """A document with its numbers as Decimals and its sets, which are the lists without maps or lists, sorted."""
    if isinstance(value, dict):
        return {
            name: unordered(made) if name in ("scans", "labels", "sizes") else made
            for name, part in cast("dict[str, Any]", value).items()
            for made in [exact(part)]
        }
    if isinstance(value, list):
        return [exact(part) for part in cast("list[Any]", value)]
    return Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value


def unordered(members: list[Any]) -> list[Any]:
    return sorted(members)


@pytest.fixture(scope="module")
def search(stack: Run) -> Iterator[Search]:
    search = Search(stack)
    yield search
    silence(search.cloud, search.pipeline)


@pytest.fixture
def own(search: Search) -> Iterator[Callable[..., str]]:
    """Puts items of the test's own into `products`, and takes them away in the end."""
    made: list[str] = []

    def put(sku: str, **attributes: Any) -> str:
        made.append(sku)
        search.put("products", {"sku": {"S": sku}, **attributes})
        return sku

    yield put
    for sku in dict.fromkeys(made):
        search.dynamodb.delete_item(TableName="products", Key={"sku": {"S": sku}})
    search.forgets("products", *made)


@pytest.mark.parametrize("table", ["products", "reviews"])
def test_every_document_is_its_item_and_there_is_no_other(search: Search, table: str) -> None:
    items, documents = search.items(table), search.documents(table)
    assert len(items) == 1_000 - 100 + 150
    assert documents.keys() == items.keys()
    assert [key for key in items if documents[key] != items[key]] == []
    kinds = {
        kind
        for item in search.dynamodb.scan(TableName=table, Limit=1)["Items"]
        for value in item.values()
        for kind in value
    }
    assert kinds == {"S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"}


def test_updates_and_inserts_came_by_the_stream_and_deletes_too(search: Search) -> None:
    documents = search.documents("reviews")
    assert sum(document["revision"] == 1 for document in documents.values()) == 200
    of_deleted = [zero_etl.key("reviews", number) for number in zero_etl.DELETED]
    assert not {f"{key['sku']['S']}|{key['at']['N']}" for key in of_deleted} & documents.keys()


def test_an_exact_number_is_one_in_the_text_of_the_document(search: Search) -> None:
    response = search.reader.transport.perform_request("GET", "/products/_doc/sku-00007")
    assert response["_source"]["exact"] == 10**37 + 7


def test_the_last_of_many_quick_changes_stays(search: Search, own: Callable[..., str]) -> None:
    for number in range(60):
        own("quick", revision={"N": str(number)})
    document = eventually(
        lambda: (
            (written := search.document("products", "quick"))
            and written["_source"]["revision"] == 59
            and written
        )
    )
    assert document["_version"] >= 10**15  # microseconds: external, and not counted by OpenSearch


def test_records_that_come_again_change_nothing_and_older_ones_overwrite_nothing(
    search: Search, own: Callable[..., str]
) -> None:
    """A sub-pipeline of another name knows of no progress: it exports again and reads the stream from its start."""
    pipeline = search.pipeline["ingestion_pipelines"]["products"]
    body = search.osis.get_pipeline(PipelineName=pipeline)["Pipeline"]["PipelineConfigurationBody"]
    own("again", revision={"N": "1"})
    own("again", revision={"N": "2"})
    own("gone", revision={"N": "1"})
    search.dynamodb.delete_item(TableName="products", Key={"sku": {"S": "gone"}})
    eventually(
        lambda: (document := search.document("products", "again")) and document["_source"]["revision"] == 2
    )
    eventually(lambda: "again" in search.documents("products"))  # a search shows what is a second old
    before, version = search.documents("products"), (search.document("products", "again") or {})["_version"]
    try:
        put_body(search, pipeline, body.replace("\nproducts:", "\nproducts-again:"))
        own(
            "after", revision={"N": "1"}
        )  # once it is there, all that was before it in the stream has been read
        eventually(lambda: "after" in search.documents("products"))
        after = search.documents("products")
        assert after.pop("after")["revision"] == 1
        assert after == before
        assert (search.document("products", "again") or {})["_version"] == version
    finally:
        put_body(search, pipeline, body)
    own("back", revision={"N": "1"})
    eventually(lambda: search.document("products", "back"))
    search.bury("products")  # what another test had OpenSearch reject came again, too


def put_body(search: Search, pipeline: str, body: str) -> None:
    search.osis.update_pipeline(PipelineName=pipeline, PipelineConfigurationBody=body)
    eventually(lambda: search.osis.get_pipeline(PipelineName=pipeline)["Pipeline"]["Status"] == "ACTIVE")


def test_what_opensearch_rejects_lands_with_its_reason_while_the_rest_go_on(
    search: Search, own: Callable[..., str]
) -> None:
    before = len(search.dead("products"))
    own("poison", price={"S": "not a number"}, subtitle={"S": "kept"})
    own("sound", price={"N": "1"})
    eventually(lambda: search.document("products", "sound"))
    (dead,) = eventually(lambda: search.dead("products")[before:])
    assert (dead["index"], dead["indexId"], dead["status"]) == ("products", "poison", 400)
    assert "failed to parse field [price] of type [double]" in dead["message"]
    assert dead["document"] == {"sku": "poison", "price": "not a number", "subtitle": "kept"}
    assert search.document("products", "poison") is None
    metrics = {"errors": "documentErrors.count", "dead-letters": "s3.dlqS3RecordsSuccess.count"}
    for alarm, metric in metrics.items():
        eventually(
            lambda alarm=alarm, metric=metric: search.sum_of_alarm(f"{NAME}-products-{alarm}", metric) >= 1
        )
    search.bury("products")


def test_without_its_grant_nothing_is_written_the_log_names_it_and_all_arrives_when_it_is_back(
    search: Search, own: Callable[..., str]
) -> None:
    aoss, since = search.client("opensearchserverless"), time.time()
    names = [summary["name"] for summary in aoss.list_access_policies(type="data")["accessPolicySummaries"]]
    details = [aoss.get_access_policy(name=name, type="data")["accessPolicyDetail"] for name in names]
    (grant,) = [
        detail for detail in details if detail["policy"][0]["Rules"][0]["Resource"][0].endswith("/products")
    ]
    aoss.delete_access_policy(name=grant["name"], type="data")
    try:
        own("shut-out", revision={"N": "1"})
        collection = grant["policy"][0]["Rules"][0]["Resource"][0].split("/")[1]
        missing = f"aoss:WriteDocument on index/{collection}/products"
        eventually(lambda: missing in search.logged("products", since))
        assert search.document("products", "shut-out") is None
        # The other table's pipeline has a grant of its own.
        review = {"sku": {"S": "shut-out"}, "at": {"N": "1"}}
        search.put("reviews", review)
        eventually(lambda: search.document("reviews", "shut-out|1"))
        search.dynamodb.delete_item(TableName="reviews", Key=review)
        search.forgets("reviews", "shut-out|1")
    finally:
        aoss.create_access_policy(
            name=grant["name"],
            type="data",
            description=grant["description"],
            policy=json.dumps(grant["policy"]),
        )
    eventually(lambda: search.document("products", "shut-out"))


def test_a_change_that_comes_while_the_collection_sleeps_arrives_once_it_is_awake(
    stack: Run, search: Search, own: Callable[..., str]
) -> None:
    aoss, before = search.client("opensearchserverless"), len(search.dead("products"))
    own("early", revision={"N": "1"})
    eventually(lambda: search.document("products", "early"))
    try:
        assert stack.asleep(aoss) == {"indexing": 0, "search": 0}
        own("early", revision={"N": "2"})
        own("late", revision={"N": "1"})
        eventually(lambda: units(aoss)["indexing"])
        assert units(aoss)["search"] == 0  # a write wakes what writes; the stream that is read, nothing
        assert eventually(lambda: search.document("products", "late"))["_source"]["revision"] == 1
        eventually(lambda: search.document("products", "early")["_source"]["revision"] == 2)  # pyright: ignore
        assert len(search.dead("products")) == before
    finally:
        stack.ahead(None)


def test_an_expired_item_leaves_the_index(search: Search) -> None:
    table = "reviews"
    expiry = {"Enabled": True, "AttributeName": "expires"}
    search.dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=expiry)
    try:
        for name, expires in (("stale", 1), ("fresh", 4_000_000_000)):
            key = {"sku": {"S": name}, "at": {"N": "1"}}
            search.put(table, {**key, "expires": {"N": str(expires)}})
        eventually(lambda: search.document(table, "fresh|1"))
        eventually(
            lambda: (
                "Item"
                not in search.dynamodb.get_item(
                    TableName=table, Key={"sku": {"S": "stale"}, "at": {"N": "1"}}
                )
            )
        )
        eventually(lambda: search.document(table, "stale|1") is None)
        assert search.document(table, "fresh|1")
    finally:
        search.dynamodb.delete_item(TableName=table, Key={"sku": {"S": "fresh"}, "at": {"N": "1"}})
        search.dynamodb.update_time_to_live(
            TableName=table, TimeToLiveSpecification=expiry | {"Enabled": False}
        )
    search.forgets(table, "stale|1", "fresh|1")
