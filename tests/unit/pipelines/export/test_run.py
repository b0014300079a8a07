"""What a run by a state machine registers: the steps, who may take them, the catalog, the queries and the alarms."""

import importlib
import itertools
import json
import sys
from typing import Any

import pulumi
import pytest

from tests.recording import PITR_ON, ROOT, Recording, record

WORKLOAD = {"id": "111111111111", "region": "eu-central-1"}
BUCKET = "arn:aws:s3:::tributary-test-lake-landing-111111111111"
KEY = "arn:aws:kms:eu-central-1:111111111111:key/11111111-2222-3333-4444-555555555555"
ORDERS = {"dynamodb": "orders"}
SHOP = {"rds_instance": "shop", "tables": {"shop.products": {"product_id": "bigint"}}}


def lake(*sources: dict[str, Any], tables: dict[str, Any] | None = None, **keys: Any) -> Recording:
    pipeline = {"kind": "export", "sources": list(sources)} | keys
    config = {"accounts": {"workload": WORKLOAD}, "pipelines": {"lake": pipeline}}
    return record("test", config, tables=tables)


def own(recorded: Recording) -> dict[str, int]:
    """What the run adds to the landing and the stack."""
    landing = ("s3", "kms", "sns", "dynamodb", "pulumi", "tributary")
    return {t: n for t, n in recorded.counts().items() if not t.startswith(tuple(f"{x}:" for x in landing))
            and not t.startswith(tuple(f"aws:{x}/" for x in landing))}  # fmt: skip


def steps(recorded: Recording) -> dict[str, Any]:
    return json.loads(recorded.one("aws:sfn/stateMachine:StateMachine", "lake-run")["definition"])


def items(recorded: Recording, kind: str) -> dict[str, Any]:
    """The map over the sources of a kind."""
    (found,) = [
        branch["States"][f"Each {kind} source"]
        for branch in steps(recorded)["States"]["Export"]["Branches"]
        if f"Each {kind} source" in branch["States"]
    ]
    return found


def granted(recorded: Recording, role: str) -> dict[str, tuple[list[str], list[str]]]:
    policy = json.loads(recorded.one("aws:iam/rolePolicy:RolePolicy", role)["policy"])
    return {s["Sid"]: (s["Action"], s["Resource"]) for s in policy["Statement"] if s["Sid"] != "WriteLog"}


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


def test_the_schedule_starts_the_machine_with_the_planned_time() -> None:
    recorded = lake(ORDERS)
    target = recorded.one("aws:scheduler/schedule:Schedule", "lake-schedule")["target"]
    assert target["arn"] == "arn:aws:states:eu-central-1:111111111111:stateMachine:tributary-test-lake-run"
    assert json.loads(target["input"]) == {"scheduled_time": "<aws.scheduler.scheduled-time>"}
    assert granted(recorded, "lake-schedule")["CallTheTarget"] == (["states:StartExecution"], [target["arn"]])


def test_what_a_database_holds_is_handed_on_by_a_key_as_a_state_would_not_hold_it() -> None:
    states = items(lake(SHOP, key_arn=KEY), "rds")["ItemProcessor"]["States"]
    assert states["Tables"]["Parameters"] == {
        "step": "rds",
        "export_prefix.$": "$.export_prefix",
        "only.$": "$.only",
        "leave_out.$": "$.leave_out",
        "tables_key.$": "$.tables_key",
    }
    assert (states["Tables"]["ResultPath"], states["Tables"]["Next"]) == ("$.described", "Publish")


def test_at_most_five_rds_exports_run_at_once() -> None:
    assert items(lake(ORDERS, SHOP, key_arn=KEY), "rds")["MaxConcurrency"] == 5


EVENTS_OF = {
    "Task": 5,
    "Wait": 2,
    "Choice": 2,
    "Pass": 2,
    "Map": 4,
}  # a function's task, and a distributed map


def events(states: dict[str, Any], *path: str) -> int:
    """What a way through the steps adds to an execution's history."""
    for step, following in itertools.pairwise(path):
        found = states[step]
        targets = [found.get("Next"), found.get("Default"), *(c["Next"] for c in found.get("Choices", []))]
        assert following in targets, f"{step} does not lead to {following}"
    return sum(EVENTS_OF[states[step]["Type"]] for step in path)


def test_forty_exports_of_eight_hours_or_of_four_days_windows_stay_within_an_executions_history(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "handlers" / "export_source"))
    wait = importlib.import_module("sources").wait
    monkeypatch.delitem(sys.modules, "sources")

    def polls(seconds: int) -> int:
        ends = itertools.accumulate(wait(number) for number in range(1, 10_000))
        return next(number for number, end in enumerate(ends, 1) if end >= seconds)

    recorded = lake(ORDERS | {"mode": "incremental"}, SHOP, key_arn=KEY)
    tables, databases = (items(recorded, kind)["ItemProcessor"]["States"] for kind in ("dynamodb", "rds"))
    poll = events(tables, "Wait", "Status", "Exported?")
    assert poll == events(databases, "Wait to start", "Start", "Started?") == 9
    window = events(tables, "Start", "Started?") + events(
        tables, "Schema", "Files", "Reconcile", "Incremental?", "Fold", "Publish", "More?"
    )
    # The iteration's own two and "Published"; docs/export.md, "Limits", has these numbers.
    source, run = window + 2 + 2, 30
    assert run + 40 * (source + poll * polls(8 * 3600)) < 25_000
    assert run + 40 * (source + poll * polls(11 * 3600)) > 25_000
    assert (source + poll * polls(3600), poll * 6, window + poll * polls(600)) == (201, 54, 134)
    assert run + 40 * 4 * (window + poll * polls(600)) < 25_000


def test_a_busy_service_is_polled_ever_less_often_as_the_count_goes_with_the_source() -> None:
    recorded = lake(ORDERS, SHOP, key_arn=KEY)
    for kind in ("dynamodb", "rds"):
        states = items(recorded, kind)["ItemProcessor"]["States"]
        assert states["Start"]["Parameters"]["item"]["polls.$"] == "$.polls"


def test_a_source_that_fails_at_any_step_fails_alone_and_is_reported() -> None:
    recorded = lake(ORDERS | {"mode": "incremental"}, SHOP, key_arn=KEY)
    for kind in ("dynamodb", "rds"):
        states = items(recorded, kind)["ItemProcessor"]["States"]
        works = {name: step for name, step in states.items() if step["Type"] in ("Task", "Map")}
        forgets = {"Forget"} if kind == "rds" else set()
        assert {step["Catch"][-1]["Next"] for step in works.values()} == {"Failed"} | forgets
        assert all(step["Catch"][-1]["ErrorEquals"] == ["States.ALL"] for step in works.values())
        assert states["Failed"]["End"] is True
    assert steps(recorded)["States"]["Export"]["Next"] == "Report"


def test_a_database_whose_export_fails_for_good_forgets_its_snapshot_and_tells_why_it_failed() -> None:
    states = items(lake(SHOP, key_arn=KEY), "rds")["ItemProcessor"]["States"]
    assert {name for name, step in states.items() if step.get("Catch", [{}])[-1].get("Next") == "Forget"} == {
        "Start",
        "Status",
    }
    forget = states["Forget"]
    assert forget["Parameters"] == {"step": "forget", "item.$": "$"}
    # Neither its answer nor its own failure takes the place of the error.
    assert (forget["ResultPath"], forget["Catch"][0]["ResultPath"]) == ("$.forgotten", "$.forgotten")
    assert (forget["Next"], forget["Catch"][0]["Next"]) == ("Failed", "Failed")
    assert states["Failed"]["Parameters"]["error.$"] == "$.error"


def test_every_step_leads_somewhere() -> None:
    recorded = lake(ORDERS | {"mode": "incremental"}, SHOP, key_arn=KEY)
    machines = [steps(recorded)] + [items(recorded, kind)["ItemProcessor"] for kind in ("dynamodb", "rds")]
    for machine in machines:
        states = machine["States"]
        text = [json.loads(step) for step in map(json.dumps, states.values())]
        named = {machine["StartAt"]} | {
            where
            for step in text
            for where in [
                step.get("Next"),
                step.get("Default"),
                *(c["Next"] for c in step.get("Choices", [])),
            ]
            + [c["Next"] for c in step.get("Catch", [])]
            if where
        }
        assert named == set(states)


def test_publishing_comes_after_reconciling_and_nothing_else_leads_to_it() -> None:
    states = items(lake(ORDERS | {"mode": "incremental"}), "dynamodb")["ItemProcessor"]["States"]
    to_publish = [
        name
        for name, step in states.items()
        if "Publish" in [step.get("Next"), step.get("Default"), *(c["Next"] for c in step.get("Choices", []))]
    ]
    assert sorted(to_publish) == ["Fold", "Incremental?"]
    assert states["Reconcile"]["Next"] == "Incremental?"
    assert states["Files"]["Next"] == "Reconcile"


def test_each_data_file_is_normalised_by_a_child_of_its_own_over_the_manifest() -> None:
    files = items(lake(ORDERS, files_at_once=7), "dynamodb")["ItemProcessor"]["States"]["Files"]
    assert files["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert files["MaxConcurrency"] == 7
    assert files["ItemReader"]["Parameters"] == {
        "Bucket": "tributary-test-lake-landing-111111111111",
        "Key.$": "$.manifest_key",
    }
    assert files["ItemReader"]["ReaderConfig"] == {"InputType": "JSONL"}


def test_only_what_is_reconciled_is_shown_and_what_is_on_its_way_is_deleted_after_a_week() -> None:
    recorded = lake(ORDERS)
    reconcile = items(recorded, "dynamodb")["ItemProcessor"]["States"]["Reconcile"]["Parameters"]
    assert {key: reconcile[key] for key in ("incremental.$", "output_prefix.$", "location.$")} == {
        "incremental.$": "$.incremental",
        "output_prefix.$": "$.output_prefix",
        "location.$": "$.location",
    }
    kind = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
    rules = recorded.one(kind, "lake-landing")["rules"]
    assert {
        rule["filter"]["prefix"]: rule["expiration"]["days"] for rule in rules if "expiration" in rule
    } == {
        "": 400,
        "windows/": 7,
    }


@pytest.mark.parametrize(
    ("reserved", "sources", "files"),
    [
        (None, [ORDERS], 50),
        (10, [ORDERS], 10),
        (100, [ORDERS], 50),
        (10, [ORDERS, SHOP], 5),
        (2, [ORDERS, SHOP], 1),
    ],
)
def test_no_more_files_are_normalised_at_once_than_runs_are_reserved(
    reserved: int | None, sources: list[dict[str, Any]], files: int
) -> None:
    recorded = lake(*sources, key_arn=KEY, reserved_concurrency=reserved)
    states = items(recorded, "dynamodb")["ItemProcessor"]["States"]
    assert states["Files"]["MaxConcurrency"] == files
    # A call that meets others at work outwaits them: they take a quarter of an hour at the longest.
    one = states["Files"]["ItemProcessor"]["States"]["Normalise"]
    for step in (one, states["Schema"], states["Reconcile"]):
        throttled = step["Retry"][0]
        assert throttled["ErrorEquals"] == ["Lambda.TooManyRequestsException"]
        # With full jitter it waits half of that on the average.
        assert throttled["MaxDelaySeconds"] * throttled["MaxAttempts"] / 2 > 2 * 900


def forty(length: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    named = [f"table{number:02}".ljust(length, "x") for number in range(40)]
    return [{"dynamodb": name} for name in named], dict.fromkeys(named, PITR_ON)


def test_forty_tables_with_types_of_their_own_are_passed_to_a_run_and_fit_into_its_role() -> None:
    sources, tables = forty(25)
    declared = {f"attribute.{number}.$": "decimal(38,2)" for number in range(40)}
    recorded = lake(*(source | {"columns": declared} for source in sources), key_arn=KEY, tables=tables)
    plan = steps(recorded)["States"]["Plan"]["Parameters"]
    sources_of_run = json.loads(plan["sources"])
    assert [one["name"] for one in sources_of_run] == list(tables)
    assert sources_of_run[39] == {
        "name": sources[39]["dynamodb"],
        "kind": "dynamodb",
        "arn": f"arn:aws:dynamodb:mock:mock:table/{sources[39]['dynamodb']}",
        "table": sources[39]["dynamodb"],
        "mode": "full",
        "declared": declared,
    }
    assert steps(recorded)["States"]["Plan for an event"]["Parameters"]["sources"] == plan["sources"]
    variables = recorded.one("aws:lambda/function:Function", "lake-source")["environment"]["variables"]
    assert set(variables) == {"BUCKET", "BUCKET_OWNER", "KMS_KEY_ARN", "PIPELINE"}
    assert len(recorded.one("aws:iam/rolePolicy:RolePolicy", "lake-source")["policy"]) < 10_240


def test_tables_whose_names_do_not_fit_into_a_role_are_refused_before_anything_is_made() -> None:
    sources, tables = forty(80)
    refused = r"pipelines\.lake\.sources: a role's policy that names them all has 1\d,\d{3} characters, and IAM takes "
    with pytest.raises(pulumi.RunError, match=f"{refused}10,240; spread the sources over two pipelines"):
        lake(*sources, tables=tables)
    lake(*sources[:20], tables=tables)


def test_a_simple_runs_tables_are_refused_where_they_do_not_fit_into_its_functions_variables() -> None:
    sources, tables = forty(80)
    with pytest.raises(
        pulumi.RunError, match=r"lake-export: its variable TABLES has 4,\d{3} characters, and 3,500"
    ):
        lake(*sources, run="simple", tables=tables)


def test_the_functions_may_touch_their_own_prefixes_only() -> None:
    recorded = lake(ORDERS | {"mode": "incremental"})
    assert granted(recorded, "lake-normalise") == {
        "ReadLanding": (["s3:GetObject"], [f"{BUCKET}/raw/*", f"{BUCKET}/state/*", f"{BUCKET}/windows/*"]),
        "WriteLanding": (
            ["s3:AbortMultipartUpload", "s3:PutObject"],
            [f"{BUCKET}/lake/*", f"{BUCKET}/state/*", f"{BUCKET}/windows/*"],
        ),
        "FindInLanding": (["s3:ListBucket"], [BUCKET]),
    }
    assert granted(recorded, "lake-fold")["WriteLanding"][1] == [f"{BUCKET}/lake/*"]
    assert granted(recorded, "lake-catalog")["WriteLanding"][1] == [f"{BUCKET}/state/*"]
    database = "tributary_test_lake"
    glue = "arn:aws:glue:eu-central-1:111111111111"
    assert granted(recorded, "lake-catalog")["KeepCatalog"][1] == [
        f"{glue}:catalog",
        f"{glue}:database/{database}",
        f"{glue}:table/{database}/*",
    ]


def test_rds_writes_under_a_role_that_only_its_export_service_takes_on() -> None:
    recorded = lake(SHOP, key_arn=KEY)
    role = recorded.one("aws:iam/role:Role", "lake-rds")
    assert json.loads(role["assumeRolePolicy"])["Statement"] == [
        {
            "Sid": "Assume",
            "Effect": "Allow",
            "Principal": {"Service": "export.rds.amazonaws.com"},
            "Action": ["sts:AssumeRole"],
            "Condition": {"StringEquals": {"aws:SourceAccount": "111111111111"}},
        }
    ]
    assert granted(recorded, "lake-rds") == {
        "WriteExports": (["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], [f"{BUCKET}/raw/shop/*"]),
        "FindLanding": (["s3:GetBucketLocation", "s3:ListBucket"], [BUCKET]),
    }
    passed = granted(recorded, "lake-source")["HandOverTheExportRole"]
    assert passed == (["iam:PassRole"], ["arn:aws:iam::111111111111:role/tributary-test-lake-rds"])


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
    pattern = json.loads(recorded.one("aws:cloudwatch/eventRule:EventRule", "lake-snapshot")["eventPattern"])
    assert pattern == {
        "source": ["aws.rds"],
        "detail-type": ["RDS DB Snapshot Event"],
        "detail": {"EventID": ["RDS-EVENT-0091"], "SourceIdentifier": [{"prefix": "rds:shop-2"}]},
    }
    target = recorded.one("aws:cloudwatch/eventTarget:EventTarget", "lake-snapshot")
    template = target["inputTransformer"]["inputTemplate"]
    assert template == '{"scheduled_time": <at>, "only": <snapshot>, "snapshot_arn": <arn>}'
    # Nothing is left for a schedule to start.
    assert recorded.of("aws:scheduler/schedule:Schedule") == {}


def test_the_workgroup_cannot_be_overridden_and_stops_a_query_that_scans_too_much() -> None:
    group = lake(ORDERS, key_arn=KEY, queries={"scan_limit_gb": 3}).one(
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
    crawler = recorded.one("aws:glue/crawler:Crawler", "lake-crawler")
    assert crawler["recrawlPolicy"] == {"recrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"}
    assert crawler["schemaChangePolicy"] == {"deleteBehavior": "LOG", "updateBehavior": "LOG"}
    assert crawler["s3Targets"] == [{"path": "s3://tributary-test-lake-landing-111111111111/lake/"}]
    assert json.loads(crawler["configuration"])["Grouping"]["TableLevelConfiguration"] == 3
    # On by default, and the crawler's role may not (crawler-configure-partition-indexes.html).
    assert json.loads(crawler["configuration"])["CreatePartitionIndex"] is False
    assert crawler["securityConfiguration"] == "tributary-test-lake-crawler"
    assert "KeepCatalog" not in granted(recorded, "lake-catalog")
    sample = recorded.one("aws:athena/namedQuery:NamedQuery", "lake-sample-orders")["query"]
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
    trusted = json.loads(recorded.one("aws:iam/role:Role", "lake-crawler")["assumeRolePolicy"])["Statement"]
    assert [(s["Principal"], s["Condition"]) for s in trusted] == [
        ({"Service": "glue.amazonaws.com"}, {"StringEquals": {"aws:SourceAccount": "111111111111"}})
    ]


def test_a_source_that_failed_or_brings_nothing_new_rings() -> None:
    alarms = lake(ORDERS, stale_after_hours=7).of("aws:cloudwatch/metricAlarm:MetricAlarm")
    failed, stale = alarms["lake-orders-failed"], alarms["lake-orders-stale"]
    of = {"Pipeline": "lake", "Source": "orders"}
    assert (failed["metricName"], failed["dimensions"], failed["threshold"]) == ("Failed", of, 0)
    assert (stale["metricName"], stale["dimensions"], stale["comparisonOperator"]) == (
        "Published",
        of,
        "LessThanThreshold",
    )
    assert (stale["period"], stale["evaluationPeriods"], stale["treatMissingData"]) == (3600, 7, "breaching")


def test_a_bundle_that_is_too_large_to_upload_goes_by_the_landing_under_its_hash() -> None:
    recorded = lake(ORDERS | {"mode": "incremental"})
    stored = recorded.one("aws:s3/bucketObjectv2:BucketObjectv2", "lake-fold")
    function = recorded.one("aws:lambda/function:Function", "lake-fold")
    assert stored["key"] == f"code/{stored['sourceHash']}.zip"
    assert stored["overrideProvider"] == {"defaultTags": {"tags": {}}}  # an object takes ten tags only
    assert (function["s3Bucket"], function["s3Key"]) == (stored["bucket"], stored["key"])
    assert "code" not in function
    assert function["ephemeralStorage"] == {"size": 10240}
