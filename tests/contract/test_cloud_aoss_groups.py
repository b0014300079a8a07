"""Collection groups of the embedded OpenSearch Serverless: what they refuse, how they sleep, and how they wake.

By https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-scale-to-zero.html and
serverless-collection-groups.html; the cloud checks every request here against botocore's model.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from opensearchpy import OpenSearch, TransportError

from local import secret
from local.providers import aws_rows
from local.providers.aws import Aws
from local.providers.aws_types import INVOKES, ROWS
from tests.contract.embedded_cloud import SECRET
from tests.contract.opensearch_cloud import ACCOUNT, Cloud, running
from tests.contract.osis_line import BUCKET, Line, body
from tests.waiting import eventually

IDLE, COLD = 700.0, 2.0
"""Seconds of the cloud's time after which a part sleeps, and how long its first request takes then."""
ZERO = {"minIndexingCapacityInOCU": 0, "minSearchCapacityInOCU": 0}
LIMITS = ZERO | {"maxIndexingCapacityInOCU": 4, "maxSearchCapacityInOCU": 4}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    yield from running(tmp_path_factory, TRIBUTARY_AOSS_COLD=str(COLD))


@pytest.fixture(scope="module")
def aoss(cloud: Cloud) -> Any:
    return cloud.client("opensearchserverless")


def grouped(aoss: Any, name: str, **more: Any) -> dict[str, Any]:
    given = {"generation": "NEXTGEN", "standbyReplicas": "ENABLED", "capacityLimits": LIMITS} | more
    return aoss.create_collection_group(name=name, **given)["createCollectionGroupDetail"]


def collection(aoss: Any, name: str, group: str, **more: Any) -> dict[str, Any]:
    rule = [{"ResourceType": "collection", "Resource": [f"collection/{name}"]}]
    encryption, network = {"Rules": rule, "AWSOwnedKey": True}, [{"Rules": rule, "AllowFromPublic": True}]
    aoss.create_security_policy(name=name, type="encryption", policy=json.dumps(encryption))
    aoss.create_security_policy(name=name, type="network", policy=json.dumps(network))
    aoss.create_collection(name=name, **{"type": "SEARCH", "collectionGroupName": group} | more)

    def active() -> dict[str, Any] | None:
        (made,) = aoss.batch_get_collection(names=[name])["collectionDetails"]
        return made if made["status"] == "ACTIVE" else None

    return eventually(active)


def refusal(call: Any, *args: Any, **given: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(*args, **given)
    return f"{refused.value.response['Error']['Code']}: {refused.value.response['Error']['Message']}"


@pytest.fixture(scope="module")
def books(cloud: Cloud, aoss: Any) -> OpenSearch:
    """Who writes and searches in a collection that sleeps."""
    grouped(aoss, "shelf")
    made = collection(aoss, "books", "shelf")
    role = cloud.role("books", [{"Action": "aoss:APIAccessAll", "Resource": made["arn"]}])
    every = ["CreateIndex", "DescribeIndex", "ReadDocument", "WriteDocument", "UpdateIndex"]
    cloud.grant("books", role, every, "books")
    session = cloud.assume(f"arn:aws:iam::{ACCOUNT}:role/books")
    return cloud.search(made, session)


def awake(aoss: Any, name: str = "shelf") -> dict[str, float]:
    (group,) = aoss.batch_get_collection_group(names=[name])["collectionGroupDetails"]
    return {part: group["currentCapacity"][part]["capacityInOcu"] for part in ("indexing", "search")}


def asleep(aoss: Any, name: str = "shelf") -> bool:
    return awake(aoss, name) == {"indexing": 0, "search": 0}


def seconds(call: Any) -> float:
    begun = time.monotonic()
    call()
    return time.monotonic() - begun


def test_a_collection_sleeps_and_wakes_and_a_write_that_comes_while_it_sleeps_is_kept(
    cloud: Cloud, books: OpenSearch, aoss: Any
) -> None:
    assert asleep(aoss)
    assert seconds(lambda: books.index(index="novels", id="1", body={"title": "Emma"})) >= COLD
    assert awake(aoss)["indexing"] > 0
    assert seconds(lambda: books.search(index="novels")) >= COLD  # search wakes by itself
    eventually(lambda: books.search(index="novels")["hits"]["total"]["value"] == 1)
    with cloud.ahead(IDLE):
        assert asleep(aoss)
        assert seconds(lambda: books.index(index="novels", id="2", body={"title": "Persuasion"})) >= COLD
        assert awake(aoss)["search"] == 0  # nobody searched
        assert seconds(lambda: books.get(index="novels", id="2")) >= COLD
        assert books.get(index="novels", id="1")["_source"] == {"title": "Emma"}  # sleep loses nothing


def test_ingestion_wakes_a_collection_and_a_change_that_comes_while_it_sleeps_arrives(
    cloud: Cloud, aoss: Any
) -> None:
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    grouped(aoss, "tables")
    catalog = collection(aoss, "catalog", "tables")
    line = Line(cloud, "items")
    line.grant("catalog")
    reader = cloud.role("catalog-reader", [{"Action": "aoss:APIAccessAll", "Resource": catalog["arn"]}])
    cloud.grant("catalog-reader", reader, ["ReadDocument", "DescribeIndex"], "catalog")
    client = cloud.search(catalog, cloud.assume(reader))

    def documents() -> int:
        try:
            return client.count(index="items")["count"]
        except TransportError:  # the index is not made yet, or not started
            return 0

    line.put(1)
    line.start(body(line.table, catalog["collectionEndpoint"]))
    eventually(lambda: documents() == 1)
    with cloud.ahead(IDLE):
        time.sleep(3)
        assert asleep(aoss, "tables")  # a stream that is read and has nothing keeps nothing awake
        line.put(2)
        eventually(lambda: awake(aoss, "tables")["indexing"] > 0)
        eventually(lambda: documents() == 2)
    assert line.dead() == []


def test_a_group_of_the_next_generation_has_standby_replicas(aoss: Any) -> None:
    message = refusal(grouped, aoss, "plain", standbyReplicas="DISABLED")
    assert "standbyReplicas must be ENABLED" in message
    grouped(aoss, "spare")
    message = refusal(collection, aoss, "bare", "spare", standbyReplicas="DISABLED")
    assert "standbyReplicas of the collection and of its collection group must be the same" in message


def test_a_group_holds_collections_of_one_type_and_goes_when_it_is_empty(
    aoss: Any, books: OpenSearch
) -> None:
    assert "holds collections of type SEARCH" in refusal(
        collection, aoss, "ticks", "shelf", type="TIMESERIES"
    )
    (group,) = aoss.batch_get_collection_group(names=["shelf"])["collectionGroupDetails"]
    assert group["numberOfCollections"] == 1
    assert "ConflictException" in refusal(aoss.delete_collection_group, id=group["id"])
    empty = grouped(aoss, "empty")
    aoss.delete_collection_group(id=empty["id"])
    answer = aoss.batch_get_collection_group(ids=[empty["id"]])
    assert answer["collectionGroupErrorDetails"][0]["errorCode"] == "NOT_FOUND"


def test_a_collection_of_a_group_that_is_not_there_is_refused(aoss: Any) -> None:
    assert "ResourceNotFoundException" in refusal(collection, aoss, "lost", "nowhere")


def test_a_group_is_read_by_its_name_as_a_program_that_adopts_it_does(
    cloud: Cloud, aoss: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The local provider's function, which a preview calls."""
    grouped(aoss, "adopted")
    aoss.create_collection_group(name="older", standbyReplicas="ENABLED")
    monkeypatch.setenv("TRIBUTARY_LOCAL_ENDPOINT", cloud.endpoint)
    monkeypatch.setenv(secret.VARIABLE, SECRET)
    provider = Aws(ROWS, INVOKES)
    provider.configure({"allowedAccountIds": [ACCOUNT], "region": "us-east-1"})
    read = "aws:opensearch/getServerlessCollectionGroup:getServerlessCollectionGroup"
    assert provider.invoke(read, {"name": "adopted"})["generation"] == "NEXTGEN"
    assert provider.invoke(read, {"name": "older"})["generation"] == "CLASSIC"
    with pytest.raises(aws_rows.Refused, match="'nowhere' doesn't exist in account"):
        provider.invoke(read, {"name": "nowhere"})


def test_a_minimum_keeps_a_part_awake(aoss: Any) -> None:
    group = grouped(aoss, "ready")
    aoss.update_collection_group(id=group["id"], capacityLimits=LIMITS | {"minSearchCapacityInOCU": 2})
    (changed,) = aoss.batch_get_collection_group(ids=[group["id"]])["collectionGroupDetails"]
    assert changed["currentCapacity"]["search"]["capacityInOcu"] == 2
    assert changed["currentCapacity"]["indexing"]["capacityInOcu"] == 0
    message = refusal(
        aoss.update_collection_group, id=group["id"], capacityLimits=LIMITS | {"minSearchCapacityInOCU": 8}
    )
    assert "must not be greater than maxSearchCapacityInOCU" in message


def test_a_request_that_the_model_does_not_have_is_refused(aoss: Any) -> None:
    message = refusal(aoss.create_collection_group, name="Odd_Name", standbyReplicas="ENABLED")
    assert "ValidationException" in message
