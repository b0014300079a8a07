"""What a run by a state machine registers: the catalog, the queries and the alarms. The steps are in test_steps.py."""

import json
from typing import Any

import pytest

from tests.unit.pipelines.export.recorded import BUCKET, KEY, ORDERS, SHOP, granted, items, lake, own

BASE = {
    "aws:athena/namedQuery:NamedQuery": 1,
    "aws:athena/workgroup:Workgroup": 1,
    "aws:cloudwatch/logGroup:LogGroup": 3,
    "aws:cloudwatch/metricAlarm:MetricAlarm": 11,
    "aws:glue/catalogDatabase:CatalogDatabase": 1,
    "aws:iam/role:Role": 5,
    "aws:iam/rolePolicy:RolePolicy": 5,
    "aws:lambda/function:Function": 3,
    "aws:scheduler/schedule:Schedule": 1,
    "aws:scheduler/scheduleGroup:ScheduleGroup": 1,
    "aws:sfn/stateMachine:StateMachine": 1,
    "aws:sqs/queue:Queue": 1,
    "aws:sqs/queuePolicy:QueuePolicy": 1,
}


ROLE = {"aws:iam/role:Role": 1, "aws:iam/rolePolicy:RolePolicy": 1}


FOLD = ROLE | {"aws:cloudwatch/logGroup:LogGroup": 1, "aws:cloudwatch/metricAlarm:MetricAlarm": 2,
               "aws:lambda/function:Function": 1}  # fmt: skip


EVENTS = ROLE | {"aws:cloudwatch/eventRule:EventRule": 1, "aws:cloudwatch/eventTarget:EventTarget": 1}


CRAWLER = ROLE | {"aws:glue/crawler:Crawler": 1, "aws:glue/securityConfiguration:SecurityConfiguration": 1}


@pytest.mark.parametrize(
    ("sources", "keys", "more"),
    [
        ([ORDERS], {}, {}),
        ([ORDERS | {"mode": "incremental"}], {}, FOLD),
        ([SHOP], {"key_arn": KEY}, ROLE),
        ([SHOP | {"snapshot": "event"}, ORDERS], {"key_arn": KEY},
         {key: n * (2 if "iam" in key else 1) for key, n in EVENTS.items()}
         | {"aws:athena/namedQuery:NamedQuery": 1, "aws:cloudwatch/metricAlarm:MetricAlarm": 2}),
        ([ORDERS], {"catalog": "crawler", "key_arn": KEY}, CRAWLER),
    ],
    ids=["full", "incremental", "rds", "event", "crawler"],
)  # fmt: skip
def test_a_run_registers_exactly_these_resources(
    sources: list[dict[str, Any]], keys: dict[str, Any], more: dict[str, int]
) -> None:
    expected = BASE | {key: BASE.get(key, 0) + count for key, count in more.items()}
    assert own(lake(*sources, **keys)) == expected


def test_only_what_is_reconciled_is_shown_and_what_is_on_its_way_is_deleted_after_a_week() -> None:
    recorded = lake(ORDERS)
    reconcile = items(recorded, "dynamodb")["ItemProcessor"]["States"]["Reconcile"]["Parameters"]
    assert {key: reconcile[key] for key in ("incremental.$", "output_prefix.$", "location.$")} == {
        "incremental.$": "$.incremental",
        "output_prefix.$": "$.output_prefix",
        "location.$": "$.location",
    }
    kind = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
    rules = recorded.inputs_of(kind, "lake-landing")["rules"]
    assert {
        rule["filter"]["prefix"]: rule["expiration"]["days"] for rule in rules if "expiration" in rule
    } == {
        "": 400,
        "windows/": 7,
    }


def test_only_a_snapshot_made_for_the_run_is_made_and_deleted() -> None:
    automated = granted(lake(SHOP, key_arn=KEY), "lake-source")
    made = granted(lake(SHOP | {"snapshot": "made-for-the-run"}, key_arn=KEY), "lake-source")
    snapshot = f"arn:aws:rds:eu-central-1:111111111111:snapshot:shop-{'?' * 14}-{'?' * 10}"
    assert set(made) - set(automated) == {"MakeDBSnapshot", "ForgetDBSnapshot"}
    assert made["ForgetDBSnapshot"] == (["rds:DeleteDBSnapshot"], [snapshot])
    assert automated["ExportDBSnapshot"][1] == [
        "arn:aws:rds:eu-central-1:111111111111:snapshot:rds:shop-????-??-??-??-??"
    ]


def test_an_automated_snapshots_event_starts_the_run_with_that_snapshot() -> None:
    recorded = lake(SHOP | {"snapshot": "event"}, key_arn=KEY)
    pattern = json.loads(
        recorded.inputs_of("aws:cloudwatch/eventRule:EventRule", "lake-snapshot")["eventPattern"]
    )
    assert pattern == {
        "source": ["aws.rds"],
        "detail-type": ["RDS DB Snapshot Event"],
        "detail": {"EventID": ["RDS-EVENT-0091"], "SourceIdentifier": [{"prefix": "rds:shop-2"}]},
    }
    target = recorded.inputs_of("aws:cloudwatch/eventTarget:EventTarget", "lake-snapshot")
    template = target["inputTransformer"]["inputTemplate"]
    assert template == '{"scheduled_time": <at>, "only": <snapshot>, "snapshot_arn": <arn>}'
    # Nothing is left for a schedule to start.
    assert recorded.of("aws:scheduler/schedule:Schedule") == {}


def test_the_workgroup_cannot_be_overridden_and_stops_a_query_that_scans_too_much() -> None:
    group = lake(ORDERS, key_arn=KEY, queries={"scan_limit_gb": 3}).inputs_of(
        "aws:athena/workgroup:Workgroup", "lake"
    )
    assert group["configuration"] == {
        "enforceWorkgroupConfiguration": True,
        "publishCloudwatchMetricsEnabled": True,
        "bytesScannedCutoffPerQuery": 3 * 1024**3,
        "resultConfiguration": {
            "outputLocation": "s3://tributary-test-lake-landing-111111111111/results/",
            "encryptionConfiguration": {"encryptionOption": "SSE_KMS", "kmsKeyArn": KEY},
            "expectedBucketOwner": "111111111111",
        },
    }


def test_a_declared_view_is_offered_as_the_statement_that_makes_it() -> None:
    spent = "SELECT customer_id, sum(total) AS total FROM orders_latest GROUP BY customer_id"
    declared = ORDERS | {"columns": {"customer_id": "string", "total": "decimal(38,2)"}}
    queries = lake(declared, views={"spent": spent}).of("aws:athena/namedQuery:NamedQuery")
    assert {name: query["query"] for name, query in queries.items()} == {
        "lake-sample-orders": 'SELECT * FROM "tributary_test_lake"."orders_latest" LIMIT 10',
        "lake-view-spent": f'CREATE OR REPLACE VIEW "tributary_test_lake"."spent" AS\n{spent}',
    }


def test_the_crawler_reads_new_folders_only_and_changes_nothing_it_made() -> None:
    recorded = lake(ORDERS, catalog="crawler", key_arn=KEY)
    crawler = recorded.inputs_of("aws:glue/crawler:Crawler", "lake-crawler")
    assert crawler["recrawlPolicy"] == {"recrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"}
    assert crawler["schemaChangePolicy"] == {"deleteBehavior": "LOG", "updateBehavior": "LOG"}
    assert crawler["s3Targets"] == [{"path": "s3://tributary-test-lake-landing-111111111111/lake/"}]
    assert json.loads(crawler["configuration"])["Grouping"]["TableLevelConfiguration"] == 3
    # On by default, and the crawler's role may not (crawler-configure-partition-indexes.html).
    assert json.loads(crawler["configuration"])["CreatePartitionIndex"] is False
    assert crawler["securityConfiguration"] == "tributary-test-lake-crawler"
    assert "KeepCatalog" not in granted(recorded, "lake-catalog")
    sample = recorded.inputs_of("aws:athena/namedQuery:NamedQuery", "lake-sample-orders")["query"]
    orders = '"tributary_test_lake"."orders"'
    assert sample == f"SELECT * FROM {orders} WHERE run = (SELECT max(run) FROM {orders}) LIMIT 10"
    assert granted(recorded, "lake-crawler") == {
        "ReadTables": (["s3:GetObject"], [f"{BUCKET}/lake/*"]),
        "ListTables": (["s3:ListBucket"], [BUCKET]),
        "KeepCatalog": (
            [
                *("glue:BatchCreatePartition", "glue:BatchGetPartition", "glue:CreateTable"),
                *("glue:GetDatabase", "glue:GetTable", "glue:UpdateTable"),
            ],
            [
                f"arn:aws:glue:eu-central-1:111111111111:{part}"
                for part in ("catalog", "database/tributary_test_lake", "table/tributary_test_lake/*")
            ],
        ),
        "DecryptTables": (["kms:Decrypt"], [KEY]),
    }
    trusted = json.loads(recorded.inputs_of("aws:iam/role:Role", "lake-crawler")["assumeRolePolicy"])[
        "Statement"
    ]
    assert [(s["Principal"], s["Condition"]) for s in trusted] == [
        ({"Service": "glue.amazonaws.com"}, {"StringEquals": {"aws:SourceAccount": "111111111111"}})
    ]


def test_a_source_that_failed_or_brings_nothing_new_rings() -> None:
    alarms = lake(ORDERS, stale_after_hours=30).of("aws:cloudwatch/metricAlarm:MetricAlarm")
    failed, stale = alarms["lake-orders-failed"], alarms["lake-orders-stale"]
    of = {"Pipeline": "lake", "Source": "orders"}
    assert (failed["metricName"], failed["dimensions"], failed["threshold"]) == ("Failed", of, 0)
    assert (stale["metricName"], stale["dimensions"], stale["comparisonOperator"]) == (
        "Published",
        of,
        "LessThanThreshold",
    )
    assert (stale["period"], stale["evaluationPeriods"], stale["treatMissingData"]) == (3600, 30, "breaching")


def test_nothing_expires_an_iceberg_tables_files_and_all_else_ends_as_before() -> None:
    def ends(*sources: dict[str, Any]) -> dict[str, int]:
        (rules,) = (
            lake(*sources).of("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration").values()
        )
        return {r["filter"]["prefix"]: r["expiration"]["days"] for r in rules["rules"] if "expiration" in r}

    customers = {"dynamodb": "customers"}
    assert ends(customers) == {"": 400, "windows/": 7}
    assert ends(ORDERS | {"format": "iceberg"}, customers) == dict.fromkeys(
        ["raw/", "state/", "results/", "code/", "lake/customers/"], 400
    ) | {"windows/": 7}


def test_an_iceberg_table_is_offered_as_it_was_too() -> None:
    queries = lake(ORDERS | {"format": "iceberg"}, {"dynamodb": "customers"}).of(
        "aws:athena/namedQuery:NamedQuery"
    )
    offered = {name: query["query"] for name, query in queries.items() if "-sample-" not in name}
    assert offered == {
        "lake-snapshots-orders": "SELECT made_current_at, past.snapshot_id, name AS run FROM "
        '"tributary_test_lake"."orders$history" AS past LEFT JOIN "tributary_test_lake"."orders$refs" AS refs '
        "ON refs.snapshot_id = past.snapshot_id AND type = 'TAG' "
        "WHERE is_current_ancestor ORDER BY made_current_at DESC",
        "lake-day-ago-orders": 'SELECT * FROM "tributary_test_lake"."orders" FOR TIMESTAMP AS OF '
        "(current_timestamp - interval '1' day) LIMIT 10",
    }


def test_only_a_run_with_an_iceberg_table_has_the_function_that_commits() -> None:
    def made(*sources: dict[str, Any]) -> set[str]:
        return set(lake(*sources).of("aws:lambda/function:Function"))

    plain = made(ORDERS)
    assert made(ORDERS | {"format": "iceberg", "mode": "incremental"}) - plain == {"lake-iceberg"}
    function = lake(ORDERS | {"format": "iceberg"}).of("aws:lambda/function:Function")["lake-iceberg"]
    variables = function["environment"]["variables"]
    assert set(variables) == {
        "BUCKET", "DATABASE", "ACCOUNT_ID", "MEMORY", "MERGE_TABLE_ROWS", "MERGE_CHANGES_MB", "COMPACT_AFTER"
    }  # fmt: skip
    assert variables["COMPACT_AFTER"] == "20"
    assert (variables["MERGE_TABLE_ROWS"], variables["MERGE_CHANGES_MB"]) == ("100000000", "250")
    assert function["ephemeralStorage"] == {"size": 10240}


def test_a_bundle_that_is_too_large_to_upload_goes_by_the_landing_under_its_hash() -> None:
    recorded = lake(ORDERS | {"mode": "incremental"})
    stored = recorded.inputs_of("aws:s3/bucketObjectv2:BucketObjectv2", "lake-fold")
    function = recorded.inputs_of("aws:lambda/function:Function", "lake-fold")
    assert stored["key"] == f"code/{stored['sourceHash']}.zip"
    assert stored["overrideProvider"] == {"defaultTags": {"tags": {}}}  # an object takes ten tags only
    assert (function["s3Bucket"], function["s3Key"]) == (stored["bucket"], stored["key"])
    assert "code" not in function
    assert function["ephemeralStorage"] == {"size": 10240}
