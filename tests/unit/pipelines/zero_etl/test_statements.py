"""What the ingestion role and readers may do, and the collection's policies."""

import json
from typing import Any

from tests.recording import Recording, record
from tests.unit.pipelines.zero_etl.recorded import (
    BUCKET,
    BUCKET_PARTS,
    COLLECTION,
    COLLECTION_PARTS,
    ENDPOINT,
    PIPELINE,
    TABLE,
    body,
    config,
    made,
    parts,
    search,
)


def statements(recorded: Recording, name: str) -> dict[str, dict[str, Any]]:
    policy = json.loads(recorded.inputs_of("aws:iam/rolePolicy:RolePolicy", name)["policy"])
    return {statement.pop("Sid"): statement for statement in policy["Statement"]}


def test_two_tables_have_a_pipeline_a_role_and_a_grant_each() -> None:
    recorded = search(tables=[{"name": "orders"}, {"name": "customers"}])
    assert made(recorded) == BUCKET_PARTS | COLLECTION_PARTS | parts(pipelines=2, tables=2)
    assert set(recorded.of(PIPELINE)) == {"search-orders", "search-customers"}


def test_the_role_reads_its_table_and_writes_its_prefixes_and_nothing_else() -> None:
    recorded = search()
    policy = json.loads(recorded.inputs_of("aws:iam/rolePolicy:RolePolicy", "search-orders")["policy"])
    granted = {s["Sid"]: (s["Action"], s["Resource"]) for s in policy["Statement"]}
    assert granted == {
        "ReadTable": (["dynamodb:DescribeTable"], [TABLE]),
        "ReadStream": (
            ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
            [f"{TABLE}/stream/*"],
        ),
        "KeepDeadLetters": (["s3:PutObject"], [f"arn:aws:s3:::{BUCKET}/dead-letters/orders/*"]),
        "ReachCollection": (
            ["aoss:APIAccessAll"],
            [f"arn:aws:aoss:workload:mock:collection/{COLLECTION}"],
        ),
        "FindCollection": (["aoss:BatchGetCollection"], ["*"]),
        "StartExport": (
            ["dynamodb:DescribeContinuousBackups", "dynamodb:ExportTableToPointInTime"],
            [TABLE],
        ),
        "FollowExport": (["dynamodb:DescribeExport"], [f"{TABLE}/export/*"]),
        "WriteAndReadExport": (
            ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject", "s3:PutObjectAcl"],
            [f"arn:aws:s3:::{BUCKET}/export/orders/*"],
        ),
    }
    trust = json.loads(recorded.inputs_of("aws:iam/role:Role", "search-orders")["assumeRolePolicy"])[
        "Statement"
    ][0]
    assert trust["Principal"] == {"Service": "osis-pipelines.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "111111111111"},
        "ArnLike": {
            "aws:SourceArn": "arn:aws:osis:eu-central-1:111111111111:pipeline/tributary-test-search-orders"
        },
    }


def test_without_an_export_the_role_may_not_export() -> None:
    recorded = search(tables=[{"name": "orders", "export": False}])
    policy = json.loads(recorded.inputs_of("aws:iam/rolePolicy:RolePolicy", "search-orders")["policy"])
    assert {s["Sid"] for s in policy["Statement"]} == {
        "ReadTable",
        "ReadStream",
        "KeepDeadLetters",
        "ReachCollection",
        "FindCollection",
    }


def test_the_pipeline_writes_its_own_index_and_readers_only_read() -> None:
    recorded = search(collection={"readers": ["arn:aws:iam::111111111111:role/support"]})
    policies = recorded.of("aws:opensearch/serverlessAccessPolicy:ServerlessAccessPolicy")
    assert set(policies) == {"search-readers", "search-orders-ingest"}
    (readers,) = json.loads(policies["search-readers"]["policy"])
    assert readers["Principal"] == ["arn:aws:iam::111111111111:role/support"]
    assert readers["Rules"] == [
        {
            "ResourceType": "index",
            "Resource": [f"index/{COLLECTION}/*"],
            "Permission": ["aoss:DescribeIndex", "aoss:ReadDocument"],
        },
        {
            "ResourceType": "collection",
            "Resource": [f"collection/{COLLECTION}"],
            "Permission": ["aoss:DescribeCollectionItems"],
        },
    ]
    (ingest,) = json.loads(policies["search-orders-ingest"]["policy"])
    assert ingest["Principal"] == ["arn:aws:iam:workload:mock:tributary-test-search-orders"]
    assert ingest["Rules"] == [
        {
            "ResourceType": "index",
            "Resource": [f"index/{COLLECTION}/orders"],
            "Permission": [
                "aoss:CreateIndex",
                "aoss:DescribeIndex",
                "aoss:UpdateIndex",
                "aoss:WriteDocument",
            ],
        }
    ]
    assert all(policy["description"] for policy in policies.values())


def test_the_collection_is_for_search_and_reached_as_the_config_says() -> None:
    recorded = search(
        collection={
            "standby_replicas": False,
            "key_arn": "arn:aws:kms:eu-central-1:111111111111:key/1-2",
            "network": {"public": False, "public_dashboards": True, "vpc_endpoints": ["vpce-0a1"]},
        },
        vpc={"subnet_ids": ["subnet-0a000001"], "security_group_ids": ["sg-0b000001"]},
    )
    collection = recorded.inputs_of("aws:opensearch/serverlessCollection:ServerlessCollection", "search")
    assert (collection["type"], collection["standbyReplicas"]) == ("SEARCH", "DISABLED")
    policies = recorded.of("aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy")
    assert json.loads(policies["search-encryption"]["policy"]) == {
        "Rules": [{"ResourceType": "collection", "Resource": [f"collection/{COLLECTION}"]}],
        "KmsARN": "arn:aws:kms:eu-central-1:111111111111:key/1-2",
    }
    public, private = json.loads(policies["search-network"]["policy"])
    assert (public["AllowFromPublic"], [rule["ResourceType"] for rule in public["Rules"]]) == (
        True,
        ["dashboard"],
    )
    assert (private["AllowFromPublic"], private["SourceVPCEs"]) == (False, ["vpce-0a1"])
    assert recorded.inputs_of(PIPELINE, "search-orders")["vpcOptions"] == {
        "subnetIds": ["subnet-0a000001"],
        "securityGroupIds": ["sg-0b000001"],
    }


def test_a_pipeline_lets_itself_into_a_closed_collection_by_a_network_policy_of_its_own() -> None:
    recorded = search(collection={"network": {"public": False, "vpc_endpoints": ["vpce-0a1"]}})
    network = recorded.inputs_of(
        "aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy", "search-orders-ingest"
    )
    rule = {"ResourceType": "collection", "Resource": [f"collection/{COLLECTION}"]}
    assert json.loads(network["policy"]) == [
        {"Rules": [rule], "AllowFromPublic": False, "SourceVPCEs": ["vpce-0a1"]}
    ]
    assert network["type"] == "network"
    request = recorded.requests[
        "aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy::search-orders-ingest"
    ]
    assert list(request.ignoreChanges) == ["policy"]  # the service adds its endpoint
    [sink] = body(recorded, "search-orders")["orders"]["sink"]
    assert sink["opensearch"]["aws"] == {
        "region": "eu-central-1",
        "serverless": True,
        "serverless_options": {"network_policy_name": network["name"]},
    }
    assert statements(recorded, "search-orders")["LetItselfIn"] == {
        "Effect": "Allow",
        "Action": ["aoss:GetSecurityPolicy", "aoss:UpdateSecurityPolicy"],
        "Resource": ["*"],
        "Condition": {"StringEquals": {"aoss:collection": COLLECTION}},
    }


def test_a_pipeline_is_made_after_all_that_its_role_may_do() -> None:
    assert search().waits_for(f"{PIPELINE}::search-orders") >= {
        "aws:iam/rolePolicy:RolePolicy::search-orders",
        "aws:opensearch/serverlessAccessPolicy:ServerlessAccessPolicy::search-orders-ingest",
    }


def test_a_pipeline_changes_no_network_policy_of_a_public_collection() -> None:
    recorded = search()
    assert "LetItselfIn" not in statements(recorded, "search-orders")
    assert set(recorded.of("aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy")) == {
        "search-encryption",
        "search-network",
    }


def test_the_alarm_on_a_missing_grant_rings_in_half_an_hour_and_stays_and_not_while_a_collection_wakes() -> (
    None
):
    alarm = search().inputs_of("aws:cloudwatch/metricAlarm:MetricAlarm", "search-orders-not-allowed")
    assert alarm["treatMissingData"] == "notBreaching"
    period, periods, enough = (
        int(alarm[key]) for key in ("period", "evaluationPeriods", "datapointsToAlarm")
    )

    def rings(since: int, lasting: float) -> list[bool]:
        """At the end of each period, of a refusal that begins at `since` and lasts so many seconds."""
        # Data Prepper's BulkRetryStrategy: from 50 ms, doubled up to 10 minutes; each refused try is counted.
        tried, delay, counted = float(since), 0.05, set[int]()
        while tried < since + lasting:
            counted.add(int(tried // period))
            tried, delay = tried + delay + 0.5, min(delay * 2, 600)
        ends = range(6 * 3600 // period)
        return [len(counted & set(range(end - periods + 1, end + 1))) >= enough for end in ends]

    for since in range(0, 900, 20):
        for_good = rings(since, 6 * 3600)
        first = for_good.index(True)
        assert (first + 1) * period <= since + 1800
        assert all(for_good[first:])
        assert not any(rings(since, 300))


def test_two_pipelines_can_share_a_collection() -> None:
    both = config()
    both["pipelines"]["more"] = {
        "kind": "zero-etl",
        "tables": [{"name": "customers"}],
        "collection_of": "search",
    }
    recorded = record("test", both)
    assert set(recorded.of("aws:opensearch/serverlessCollection:ServerlessCollection")) == {"search"}
    assert body(recorded, "more-customers")["customers"]["sink"][0]["opensearch"]["hosts"] == [ENDPOINT]
    (grant,) = json.loads(
        recorded.inputs_of(
            "aws:opensearch/serverlessAccessPolicy:ServerlessAccessPolicy", "more-customers-ingest"
        )["policy"]
    )
    assert grant["Rules"][0]["Resource"] == [f"index/{COLLECTION}/customers"]
