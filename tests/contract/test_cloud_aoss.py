"""The embedded OpenSearch Serverless refuses what the service refuses, and is a real OpenSearch behind that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from botocore.exceptions import ClientError
from opensearchpy import AWSV4SignerAuth, exceptions

from tests.contract.opensearch_cloud import ACCOUNT, REGION, Cloud, running
from tests.typed import fake
from tests.waiting import PATIENCE, eventually

READER, WRITER = (
    ["ReadDocument", "DescribeIndex"],
    ["CreateIndex", "WriteDocument", "DescribeIndex", "UpdateIndex"],
)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    yield from running(tmp_path_factory)


@pytest.fixture(scope="module")
def books(cloud: Cloud) -> dict[str, Any]:
    collection = cloud.collection("books")
    api = [{"Action": "aoss:APIAccessAll", "Resource": collection["arn"]}]
    for name, permissions in {"writer": WRITER, "reader": READER, "stranger": []}.items():
        role = cloud.role(f"books-{name}", api)
        if permissions:
            cloud.grant(f"books-{name}", role, permissions, "books", "novels*")
    return {
        "collection": collection,
        **{
            name: cloud.search(collection, cloud.assume(f"arn:aws:iam::{ACCOUNT}:role/books-{name}"))
            for name in ("writer", "reader", "stranger")
        },
    }


def refusal(call: Any, *arguments: Any, **options: Any) -> str:
    with pytest.raises(exceptions.TransportError) as raised:
        call(*arguments, **options)
    return f"{raised.value.status_code} {json.dumps(raised.value.info)}"


def test_what_a_granted_role_writes_another_granted_role_reads(books: dict[str, Any]):
    books["writer"].indices.create(
        index="novels", body={"mappings": {"properties": {"pages": {"type": "integer"}}}}
    )
    answer = books["writer"].bulk(
        body=[
            {"index": {"_index": "novels", "_id": "1"}},
            {"pages": 3, "title": "Emma 📚"},
            {"index": {"_index": "novels", "_id": "2"}},
            {"pages": "many"},
        ]
    )
    assert [item["index"]["status"] for item in answer["items"]] == [201, 400]
    assert {item["index"]["_index"] for item in answer["items"]} == {"novels"}
    assert books["reader"].get(index="novels", id="1")["_source"] == {"pages": 3, "title": "Emma 📚"}
    hits = eventually(lambda: books["reader"].search(index="novels")["hits"]["hits"])
    assert [hit["_index"] for hit in hits] == ["novels"]
    assert list(books["reader"].indices.get_mapping(index="novels")) == ["novels"]


def test_a_write_older_than_what_is_there_is_a_conflict(books: dict[str, Any]):
    for version, status in ((20, 201), (10, 409), (30, 200)):
        answer = books["writer"].bulk(
            body=[
                {"index": {"_index": "novels-v", "_id": "a", "version": version, "version_type": "external"}},
                {"v": version},
            ]
        )
        assert answer["items"][0]["index"]["status"] == status
    assert books["reader"].get(index="novels-v", id="a")["_source"] == {"v": 30}


@pytest.mark.parametrize(
    "call, missing",
    [
        (fake(lambda b: b["stranger"].search(index="novels")), "aoss:ReadDocument on index/books/novels"),
        (
            fake(lambda b: b["reader"].index(index="novels", id="9", body={})),
            "aoss:WriteDocument on index/books/novels",
        ),
        (
            fake(lambda b: b["reader"].bulk(body=[{"delete": {"_index": "novels", "_id": "1"}}])),
            "aoss:WriteDocument on index/books/novels",
        ),
        (fake(lambda b: b["writer"].search(index="novels")), "aoss:ReadDocument on index/books/novels"),
        (fake(lambda b: b["writer"].indices.create(index="poems")), "aoss:CreateIndex on index/books/poems"),
        (
            fake(lambda b: b["writer"].indices.delete(index="novels")),
            "aoss:DeleteIndex on index/books/novels",
        ),
        (
            fake(lambda b: b["reader"].indices.put_mapping(index="novels", body={"properties": {}})),
            "aoss:UpdateIndex on index/books/novels",
        ),
        (
            fake(lambda b: b["stranger"].indices.get(index="novels")),
            "aoss:DescribeIndex on index/books/novels",
        ),
        (fake(lambda b: b["reader"].search()), "aoss:ReadDocument on index/books/*"),
    ],
)
def test_a_refusal_names_the_missing_permission_and_the_index(books: dict[str, Any], call: Any, missing: str):
    message = refusal(call, books)
    assert message.startswith("403 ") and missing in message


def test_without_aoss_api_access_all_the_data_access_policy_does_not_help(
    cloud: Cloud, books: dict[str, Any]
):
    role = cloud.role("books-no-iam", [{"Action": "aoss:BatchGetCollection", "Resource": "*"}])
    cloud.grant("books-no-iam", role, READER, "books", "novels*")
    message = refusal(cloud.search(books["collection"], cloud.assume(role)).search, index="novels")
    assert message.startswith("403 ") and f"aoss:APIAccessAll on {books['collection']['arn']}" in message


def test_a_request_is_refused_unless_signed_for_aoss_by_a_known_key(cloud: Cloud, books: dict[str, Any]):
    books["writer"].indices.create(index="novels-signed")
    url = f"{books['collection']['collectionEndpoint']}/novels-signed/_search"
    session = cloud.assume(f"arn:aws:iam::{ACCOUNT}:role/books-reader")
    forged = boto3.Session(
        session.get_credentials().access_key, "another secret", session.get_credentials().token, REGION
    )

    def get(session: boto3.Session, service: str) -> requests.Response:
        return requests.get(
            url, auth=AWSV4SignerAuth(session.get_credentials(), REGION, service), timeout=PATIENCE
        )  # type: ignore[arg-type]

    assert get(session, "aoss").status_code == 200
    assert requests.get(url, timeout=PATIENCE).status_code == 403
    assert "service aoss" in get(session, "es").text
    assert get(forged, "aoss").status_code == 403


def test_apis_that_serverless_does_not_have_are_not_found(books: dict[str, Any]):
    for call in (books["writer"].indices.refresh, books["writer"].cluster.health, books["writer"].nodes.info):
        assert refusal(call).startswith("404 ")


def test_a_collection_that_is_not_public_refuses_everybody(cloud: Cloud):
    collection = cloud.collection("vault", public=False)
    role = cloud.role("vault-reader", [{"Action": "aoss:APIAccessAll", "Resource": "*"}])
    cloud.grant("vault-reader", role, READER, "vault")
    assert "no network policy" in refusal(cloud.search(collection, cloud.assume(role)).search, index="any")


def test_collections_share_a_node_and_see_nothing_of_each_other(cloud: Cloud, books: dict[str, Any]):
    collection = cloud.collection("shelf")
    role = cloud.role("shelf-all", [{"Action": "aoss:APIAccessAll", "Resource": "*"}])
    cloud.grant("shelf-all", role, ["*"], "shelf")
    client: Any = cloud.search(collection, cloud.assume(role))
    client.index(index="novels", id="1", body={"own": True})
    assert client.get(index="novels", id="1")["_source"] == {"own": True}
    assert eventually(lambda: client.search()["hits"]["total"]["value"]) == 1
    assert client.cat.indices(format="json")[0]["index"] == "novels"
    assert list(client.indices.get_mapping()) == ["novels"]
    assert "CreateIndex on index/books" in refusal(books["writer"].indices.create, index="shelf")


def test_a_timeseries_collection_takes_documents_but_no_ids(cloud: Cloud):
    collection = cloud.collection("ticks", "TIMESERIES")
    role = cloud.role("ticks-all", [{"Action": "aoss:APIAccessAll", "Resource": "*"}])
    cloud.grant("ticks-all", role, ["*"], "ticks")
    client = cloud.search(collection, cloud.assume(role))
    answer = client.bulk(
        body=[{"index": {"_index": "t", "_id": "1"}}, {"p": 1}, {"index": {"_index": "t"}}, {"p": 2}]
    )
    assert [item["index"]["status"] for item in answer["items"]] == [400, 201] and answer["errors"]
    assert "Document ID is not supported" in refusal(client.index, index="t", id="1", body={"p": 1})


def test_the_control_plane_refuses_names_order_and_retention_that_the_service_refuses(
    cloud: Cloud, books: dict[str, Any]
):
    aoss = cloud.client("opensearchserverless")

    def code(call: Any, **arguments: Any) -> str:
        with pytest.raises(ClientError) as raised:
            call(**arguments)
        return str(raised.value)

    assert "No matching security policy of encryption type" in code(
        aoss.create_collection, name="unencrypted"
    )
    assert "ValidationException" in code(aoss.create_collection, name="Capital")
    keep = json.dumps(
        {"Rules": [{"ResourceType": "index", "Resource": ["index/books/*"], "MinIndexRetention": "7d"}]}
    )
    assert "TIMESERIES" in code(aoss.create_lifecycle_policy, name="keep", type="retention", policy=keep)
    short = keep.replace("books", "later").replace("7d", "23h")
    assert "24h to 3650d" in code(aoss.create_lifecycle_policy, name="keep", type="retention", policy=short)
    aoss.create_lifecycle_policy(name="keep", type="retention", policy=keep.replace("books", "later"))
    kept = aoss.batch_get_lifecycle_policy(identifiers=[{"type": "retention", "name": "keep"}])[
        "lifecyclePolicyDetails"
    ]
    assert kept[0]["policy"]["Rules"][0]["MinIndexRetention"] == "7d"
    aoss.delete_lifecycle_policy(type="retention", name="keep")
    assert not aoss.list_lifecycle_policies(type="retention")["lifecyclePolicySummaries"]


def test_a_collection_answers_the_given_faults_while_it_wakes(tmp_path: Path):
    cold = Cloud(tmp_path, TRIBUTARY_AOSS_FAULTS="401 503")
    try:
        collection = cold.collection("cold")
        role = cold.role("cold-all", [{"Action": "aoss:APIAccessAll", "Resource": "*"}])
        cold.grant("cold-all", role, ["*"], "cold")
        client = cold.search(collection, cold.assume(role))
        assert refusal(client.indices.create, index="a").startswith("401 ")
        assert refusal(client.indices.create, index="a").startswith("503 ")
        assert client.indices.create(index="a")["acknowledged"]
    finally:
        cold.stop()


def test_finding_a_collection_can_be_limited_to_one_by_its_name(cloud: Cloud, books: dict[str, Any]):
    statement = {
        "Action": "aoss:BatchGetCollection",
        "Resource": "*",
        "Condition": {"StringEquals": {"aoss:collection": "books"}},
    }
    finder = cloud.client("opensearchserverless", cloud.assume(cloud.role("books-finder", [statement])))
    assert finder.batch_get_collection(names=["books"])["collectionDetails"]
    assert finder.batch_get_collection(ids=[books["collection"]["id"]])["collectionDetails"]
    for names in (["others"], ["books", "others"]):
        with pytest.raises(ClientError, match="aoss:BatchGetCollection"):
            finder.batch_get_collection(names=names)


def test_a_network_rule_for_dashboards_names_their_collection(cloud: Cloud):
    aoss = cloud.client("opensearchserverless")

    def rule(resource: str) -> str:
        return json.dumps(
            [{"Rules": [{"ResourceType": "dashboard", "Resource": [resource]}], "AllowFromPublic": True}]
        )

    aoss.create_security_policy(name="dashboards", type="network", policy=rule("collection/books"))
    with pytest.raises(ClientError, match="must start with 'collection/'"):
        aoss.create_security_policy(name="dashboards-2", type="network", policy=rule("dashboard/books"))
