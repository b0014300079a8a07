"""What a zero-ETL pipeline registers for its config, and the body of its ingestion pipelines, field by field."""

import json
from typing import Any

import pulumi
import pytest
import yaml

from components.arguments import Refused
from tests.recording import PITR_ON, Recording, record

WORKLOAD = {"id": "111111111111", "region": "eu-central-1"}
COLLECTION = "tributary-test-search"
BUCKET = "tributary-test-search-export-111111111111"
TABLE = "arn:aws:dynamodb:mock:mock:table/orders"
ENDPOINT = f"https://{COLLECTION}.mock.aoss.amazonaws.com"
PIPELINE = "aws:opensearchingest/pipeline:Pipeline"


def config(**keys: Any) -> dict[str, Any]:
    pipeline = {"kind": "zero-etl", "tables": [{"name": "orders"}]} | keys
    return {"accounts": {"workload": WORKLOAD}, "pipelines": {"search": pipeline}}


def search(**keys: Any) -> Recording:
    return record("test", config(**keys))


def statements(recorded: Recording, name: str) -> dict[str, dict[str, Any]]:
    policy = json.loads(recorded.one("aws:iam/rolePolicy:RolePolicy", name)["policy"])
    return {statement.pop("Sid"): statement for statement in policy["Statement"]}


def body(recorded: Recording, name: str = "search-orders") -> dict[str, Any]:
    return yaml.safe_load(recorded.one(PIPELINE, name)["pipelineConfigurationBody"])


def made(recorded: Recording) -> dict[str, int]:
    """The pipeline's own AWS resources, without the account's alarm topic."""
    kinds: dict[str, int] = {}
    for resource in recorded.resources:
        if resource.type.startswith("aws:") and resource.name.startswith("search"):
            kinds[resource.type] = kinds.get(resource.type, 0) + 1
    return kinds


BUCKET_PARTS = {
    f"aws:s3/{part[0].lower()}{part[1:]}:{part}": 1
    for part in (
        "Bucket",
        "BucketLifecycleConfiguration",
        "BucketOwnershipControls",
        "BucketPolicy",
        "BucketPublicAccessBlock",
        "BucketServerSideEncryptionConfiguration",
        "BucketVersioning",
    )
}
COLLECTION_PARTS = {
    "aws:opensearch/serverlessCollection:ServerlessCollection": 1,
    "aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy": 2,
}


def parts(pipelines: int, tables: int) -> dict[str, int]:
    return {
        "aws:opensearch/serverlessAccessPolicy:ServerlessAccessPolicy": pipelines,
        "aws:iam/role:Role": pipelines,
        "aws:iam/rolePolicy:RolePolicy": pipelines,
        "aws:cloudwatch/logGroup:LogGroup": pipelines,
        PIPELINE: pipelines,
        "aws:cloudwatch/metricAlarm:MetricAlarm": 5 * tables,
    }


def test_one_adopted_table_makes_exactly_these_resources() -> None:
    assert made(search()) == BUCKET_PARTS | COLLECTION_PARTS | parts(pipelines=1, tables=1)


def test_two_tables_have_a_pipeline_a_role_and_a_grant_each() -> None:
    recorded = search(tables=[{"name": "orders"}, {"name": "customers"}])
    assert made(recorded) == BUCKET_PARTS | COLLECTION_PARTS | parts(pipelines=2, tables=2)
    assert set(recorded.of(PIPELINE)) == {"search-orders", "search-customers"}


def test_two_tables_can_share_a_pipeline() -> None:
    recorded = search(tables=[{"name": "orders"}, {"name": "customers"}], pipelines="shared")
    assert made(recorded) == BUCKET_PARTS | COLLECTION_PARTS | parts(pipelines=1, tables=2)
    assert set(body(recorded, "search")) == {"version", "orders", "customers"}


def test_tables_whose_names_differ_by_a_sign_only_have_a_pipeline_each() -> None:
    names = ["shop.orders", "shop_orders"]
    recorded = record(
        "test", config(tables=[{"name": name} for name in names]), tables=dict.fromkeys(names, PITR_ON)
    )
    indexes = [
        body(recorded, f"search-{name}")["shop-orders"]["sink"][0]["opensearch"]["index"] for name in names
    ]
    assert indexes == names


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
    watched = recorded.one("aws:cloudwatch/metricAlarm:MetricAlarm", f"search-{name}-errors")["metricName"]
    assert watched == f"{name.lower()}-table.opensearch.documentErrors.count"


def test_a_created_table_is_one_resource_more() -> None:
    recorded = search(tables=[{"name": "orders", "create": {"hash_key": {"name": "id"}}}])
    own = BUCKET_PARTS | COLLECTION_PARTS | parts(pipelines=1, tables=1) | {"aws:dynamodb/table:Table": 1}
    assert made(recorded) == own
    table = recorded.one("aws:dynamodb/table:Table", "search-orders")
    assert (table["streamViewType"], table["pointInTimeRecovery"]) == (
        "NEW_AND_OLD_IMAGES",
        {"enabled": True},
    )


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


def test_the_role_reads_its_table_and_writes_its_prefixes_and_nothing_else() -> None:
    recorded = search()
    policy = json.loads(recorded.one("aws:iam/rolePolicy:RolePolicy", "search-orders")["policy"])
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
    trust = json.loads(recorded.one("aws:iam/role:Role", "search-orders")["assumeRolePolicy"])["Statement"][0]
    assert trust["Principal"] == {"Service": "osis-pipelines.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "111111111111"},
        "ArnLike": {
            "aws:SourceArn": "arn:aws:osis:eu-central-1:111111111111:pipeline/tributary-test-search-orders"
        },
    }


def test_without_an_export_the_role_may_not_export() -> None:
    recorded = search(tables=[{"name": "orders", "export": False}])
    policy = json.loads(recorded.one("aws:iam/rolePolicy:RolePolicy", "search-orders")["policy"])
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
    collection = recorded.one("aws:opensearch/serverlessCollection:ServerlessCollection", "search")
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
    assert recorded.one(PIPELINE, "search-orders")["vpcOptions"] == {
        "subnetIds": ["subnet-0a000001"],
        "securityGroupIds": ["sg-0b000001"],
    }


def test_a_pipeline_lets_itself_into_a_closed_collection_by_a_network_policy_of_its_own() -> None:
    recorded = search(collection={"network": {"public": False, "vpc_endpoints": ["vpce-0a1"]}})
    network = recorded.one(
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


def test_the_pipeline_logs_where_the_service_may_write_and_has_its_units() -> None:
    recorded = search(min_units=2, max_units=6, log_retention_days=30)
    pipeline = recorded.one(PIPELINE, "search-orders")
    group = "/aws/vendedlogs/OpenSearchIngestion/tributary-test-search-orders"
    assert (pipeline["minUnits"], pipeline["maxUnits"]) == (2, 6)
    assert pipeline["logPublishingOptions"] == {
        "isLoggingEnabled": True,
        "cloudwatchLogDestination": {"logGroup": group},
    }
    assert recorded.one("aws:cloudwatch/logGroup:LogGroup", "search-orders") == {
        "name": group,
        "retentionInDays": 30,
    }


def test_alarms_watch_what_the_service_retries_in_silence() -> None:
    alarms = search().of("aws:cloudwatch/metricAlarm:MetricAlarm")
    assert {name: (a["metricName"], a["threshold"]) for name, a in alarms.items()} == {
        "search-orders-errors": ("orders.opensearch.documentErrors.count", 0),
        "search-orders-not-allowed": ("orders.opensearch.bulkRequestNotAllowedErrors.count", 0),
        "search-orders-dead-letters": ("orders.opensearch.s3.dlqS3RecordsSuccess.count", 0),
        "search-orders-back-pressure": ("orders.BlockingBuffer.bufferUsage.value", 80),
        "search-orders-lag": ("orders.opensearch.EndToEndLatency.max", 300_000),
    }
    assert {a["namespace"] for a in alarms.values()} == {"AWS/OSIS"}
    assert {json.dumps(a["dimensions"]) for a in alarms.values()} == {
        '{"PipelineName": "tributary-test-search-orders"}'
    }


def test_the_alarm_on_a_missing_grant_rings_in_half_an_hour_and_stays_and_not_while_a_collection_wakes() -> (
    None
):
    alarm = search().one("aws:cloudwatch/metricAlarm:MetricAlarm", "search-orders-not-allowed")
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
        recorded.one("aws:opensearch/serverlessAccessPolicy:ServerlessAccessPolicy", "more-customers-ingest")[
            "policy"
        ]
    )
    assert grant["Rules"][0]["Resource"] == [f"index/{COLLECTION}/customers"]


@pytest.mark.parametrize(
    ("table", "view", "found"),
    [
        ({}, "NEW_IMAGE", "has no stream, and NEW_IMAGE or NEW_AND_OLD_IMAGES is needed"),
        (
            {"streamEnabled": True, "streamViewType": "KEYS_ONLY"},
            "NEW_IMAGE",
            "has a stream of KEYS_ONLY, and NEW_IMAGE",
        ),
        (
            {"streamEnabled": True, "streamViewType": "NEW_IMAGE"},
            "OLD_IMAGE",
            "has a stream of NEW_IMAGE, and NEW_AND_OLD_IMAGES is needed",
        ),
    ],
)
def test_an_adopted_table_without_the_stream_it_needs_is_refused_with_the_command(
    table: dict[str, Any], view: str, found: str
) -> None:
    known = {"orders": {"pointInTimeRecovery": {"enabled": True}} | table}
    with pytest.raises(pulumi.RunError, match=found) as refused:
        record("test", config(tables=[{"name": "orders", "view_on_remove": view}]), tables=known)
    assert (
        "aws dynamodb update-table --table-name orders --region eu-central-1 --stream-specification"
        in str(refused.value)
    )


BINARY = (
    "the key attribute '{}' is binary .type B., of which the initial export and the stream make different"
)


@pytest.mark.parametrize("binary", ["hash_key", "range_key"])
def test_a_new_table_with_a_binary_key_is_refused(binary: str) -> None:
    keys = {"hash_key": {"name": "id"}, "range_key": {"name": "at"}}
    keys[binary]["type"] = "B"
    with pytest.raises(Refused, match=r"tables\[0\]\.create: " + BINARY.format(keys[binary]["name"])):
        search(tables=[{"name": "orders", "create": keys}])


@pytest.mark.parametrize("key", ["hashKey", "rangeKey"])
def test_an_adopted_table_with_a_binary_key_is_refused(key: str) -> None:
    attributes = [{"name": "id", "type": "S"}, {"name": "digest", "type": "B"}]
    known = PITR_ON | {"hashKey": "id", "attributes": attributes}
    with pytest.raises(pulumi.RunError, match="pipelines.search: table 'orders': " + BINARY.format("digest")):
        record("test", config(), tables={"orders": known | {key: "digest"}})


def test_an_adopted_table_may_have_a_binary_attribute_in_an_index_of_its_own() -> None:
    attributes = [{"name": "id", "type": "S"}, {"name": "digest", "type": "B"}]
    recorded = record("test", config(), tables={"orders": PITR_ON | {"attributes": attributes}})
    assert set(recorded.of(PIPELINE)) == {"search-orders"}


def test_a_body_over_the_services_limit_is_refused() -> None:
    wide = {f"field_{n}": {"type": "keyword"} for n in range(4000)}
    with pytest.raises(Exception, match="characters, at most 100,000 are taken; write pipelines: per-table"):
        search(tables=[{"name": "orders", "index": {"mapping": {"properties": wide}}}])
