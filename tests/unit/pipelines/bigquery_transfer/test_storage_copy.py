"""What a BigQuery transfer registers that copies its landing by Storage Transfer, and where no key is."""

import json
from typing import Any

import pytest

from components.pipelines.bigquery_transfer.storage_copy_args import StorageTransferArgs
from policy.rules import Resource, check_all
from tests.recording import AGENT, ROLE_ID, ROOT, Recording, record
from tests.unit.pipelines.bigquery_transfer.recorded import (
    CONFIG,
    EXPORT,
    LANDING,
    WORKLOAD,
    files,
    warehouse,
)
from tests.unit.pipelines.bigquery_transfer.recorded import EACH as BY_KEY
from tests.unit.pipelines.bigquery_transfer.recorded import made as of_shop

JOB, BUCKET = "gcp:storage/transferJob:TransferJob", "gcp:storage/bucket:Bucket"
MEMBER = "gcp:storage/bucketIAMMember:BucketIAMMember"
NOTIFICATION = "aws:s3/bucketNotification:BucketNotification"
USER = ("aws:iam/accessKey:AccessKey", "aws:iam/user:User", "aws:iam/userPolicy:UserPolicy")
ROLE = ("aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy")
COPY = {BUCKET: 1, MEMBER: 4, JOB: 1, "gcp:pubsub/topicIAMMember:TopicIAMMember": 1}
EACH = {
    **{token: n + (token in ROLE) for token, n in BY_KEY.items() if token not in USER},
    **COPY,
}


def copied(**keys: Any) -> Recording:
    return warehouse(**({"storage_transfer": {}} | keys))


def event_driven(upstream: dict[str, Any] | None = None, **keys: Any) -> Recording:
    """With the landing's queue, which the export makes, or a replication that stands between."""
    pipelines = {"lake": EXPORT | ({} if upstream else {"event_queue": True})}
    if upstream:
        pipelines["replica"] = {"kind": "replication", "from": "lake", "account": "workload"} | upstream
    shop = {
        "kind": "bigquery-transfer",
        "from": "replica" if upstream else "lake",
        "storage_transfer": {"event_driven": True},
        "tables": {"orders": {"columns": {"order_id": "S"}, "keys": ["order_id"]}},
    }
    return record(
        "test",
        {
            "accounts": {"workload": WORKLOAD},
            "gcp": {"project": "shop-analytics", "location": "EU"},
            "pipelines": pipelines | {"shop": shop | keys},
        },
    )


def test_one_table_of_an_export_makes_exactly_these_resources_and_no_user_or_key() -> None:
    assert of_shop(copied()) == EACH


def test_plain_files_need_no_counts_and_one_grant_less() -> None:
    assert of_shop(files(storage_transfer={})) == EACH | {
        MEMBER: 3,
        "aws:cloudwatch/metricAlarm:MetricAlarm": 4,
    }


@pytest.mark.parametrize(
    ("row", "recorded"),
    [
        ("`storage_transfer`, of exports", lambda: copied()),
        ("`storage_transfer`, of plain files", lambda: files(storage_transfer={})),
    ],
    ids=["exports", "files"],
)
def test_the_page_tells_how_many_resources_there_are(row: str, recorded: Any) -> None:
    page = (ROOT / "docs" / "bigquery-transfer.md").read_text()
    always = int(page.split(f"| {row}, whatever its tables | ")[1].split()[0])
    each = 6 if "exports" in row else 4
    assert sum(of_shop(recorded()).values()) == always + each


def test_only_the_agent_of_the_project_may_take_on_the_role() -> None:
    role = copied().inputs_of("aws:iam/role:Role", "shop-copy")
    assert json.loads(role["assumeRolePolicy"])["Statement"] == [
        {
            "Sid": "AssumeByTheAgent",
            "Effect": "Allow",
            "Principal": {"Federated": "accounts.google.com"},
            "Action": ["sts:AssumeRoleWithWebIdentity"],
            "Condition": {"StringEquals": {"accounts.google.com:sub": AGENT}},
        }
    ]


def test_the_role_reads_the_landing_and_nothing_else() -> None:
    policy = json.loads(copied().inputs_of("aws:iam/rolePolicy:RolePolicy", "shop-copy")["policy"])
    assert {s["Sid"]: (s["Action"], s["Resource"]) for s in policy["Statement"]} == {
        "LocateLanding": (["s3:GetBucketLocation"], [f"arn:aws:s3:::{LANDING}"]),
        "ListLanding": (["s3:ListBucket"], [f"arn:aws:s3:::{LANDING}"]),
        "ReadLanding": (["s3:GetObject"], [f"arn:aws:s3:::{LANDING}/raw/*"]),
        "DecryptLanding": (["kms:Decrypt"], ["arn:aws:kms:workload:mock:lake-landing"]),
    }


def test_the_job_copies_the_exports_of_each_table_once_and_deletes_nothing() -> None:
    job = copied().inputs_of(JOB, "shop-copy")
    assert job["transferSpec"] == {
        "awsS3DataSource": {
            "bucketName": LANDING,
            "roleArn": "arn:aws:iam:workload:mock:tributary-test-shop-copy",
        },
        "gcsDataSink": {"bucketName": "tributary-test-shop-copy-shop-analytics"},
        "objectConditions": {
            "includePrefixes": ["raw/orders/AWSDynamoDB/"],
            "maxTimeElapsedSinceLastModification": "1209600s",
        },
        "transferOptions": {
            "overwriteWhen": "NEVER",
            "deleteObjectsUniqueInSink": False,
            "deleteObjectsFromSourceAfterTransfer": False,
        },
    }
    assert job["schedule"] == {
        "scheduleStartDate": {"year": 2025, "month": 1, "day": 1},
        "startTimeOfDay": {"hours": 4, "minutes": 0, "seconds": 0, "nanos": 0},
        "repeatInterval": "86400s",
    }
    assert "eventStream" not in job
    assert job["notificationConfig"] == {
        "pubsubTopic": "shop-runs-id",
        "payloadFormat": "JSON",
        "eventTypes": ["TRANSFER_OPERATION_FAILED", "TRANSFER_OPERATION_ABORTED"],
    }


def test_a_plain_file_that_changed_replaces_its_copy() -> None:
    spec = files(storage_transfer={"every_minutes": 60, "start": "00:10"}).inputs_of(JOB, "shop-copy")
    assert spec["transferSpec"]["transferOptions"]["overwriteWhen"] == "DIFFERENT"
    assert spec["transferSpec"]["objectConditions"]["includePrefixes"] == ["rds/orders/"]
    assert spec["schedule"]["repeatInterval"] == "3600s"


def test_the_bucket_is_private_where_the_dataset_is_and_forgets_after_its_days() -> None:
    key = "projects/shop/locations/europe/keyRings/a/cryptoKeys/b"
    bucket = copied(kms_key_name=key, storage_transfer={"keep_days": 3}).inputs_of(BUCKET, "shop-copy")
    assert bucket == {
        "name": "tributary-test-shop-copy-shop-analytics",
        "location": "EU",
        "uniformBucketLevelAccess": True,
        "publicAccessPrevention": "enforced",
        "lifecycleRules": [{"action": {"type": "Delete"}, "condition": {"age": 3}}],
        "encryption": {"defaultKmsKeyName": key},
        "forceDestroy": False,
    }


def test_a_bucket_may_stand_in_a_region_of_the_datasets_multi_region() -> None:
    recorded = copied(storage_transfer={"location": "europe-west1"})
    assert recorded.inputs_of(BUCKET, "shop-copy")["location"] == "EUROPE-WEST1"
    assert recorded.inputs_of("gcp:bigquery/dataset:Dataset", "shop")["location"] == "EU"


@pytest.mark.parametrize(
    ("recorded", "writes"),
    [
        (copied, {"legacyBucketReader", "objectCreator"}),
        (lambda: files(storage_transfer={}), {"legacyBucketWriter"}),
    ],
    ids=["exports", "files"],
)
def test_the_agent_may_write_and_replace_only_where_files_change(recorded: Any, writes: set[str]) -> None:
    members = recorded().of(MEMBER).values()
    agent = "serviceAccount:project-1@storage-transfer-service.iam.gserviceaccount.com"
    loader = "serviceAccount:tributary-test-shop-transfer@mock.iam.gserviceaccount.com"
    roles = {(m["member"], m["role"].removeprefix("roles/storage.")) for m in members}
    assert roles == {(agent, role) for role in {*writes, "objectViewer"}} | {(loader, "objectViewer")}


def test_the_transfer_loads_the_copies_by_no_key() -> None:
    config = copied().inputs_of(CONFIG, "shop-orders")
    assert config["dataSourceId"] == "google_cloud_storage"
    assert config["params"] == {
        "data_path_template": "gs://tributary-test-shop-copy-shop-analytics/raw/orders/AWSDynamoDB/*.json.gz",
        "destination_table_name_template": "orders${run_date}",
        "file_format": "JSON",
        "write_disposition": "APPEND",
        "max_bad_records": "0",
        "ignore_unknown_values": "true",
    }
    assert "sensitiveParams" not in config


def test_a_load_is_compared_with_what_was_exported_before_its_copy() -> None:
    variables = copied(schedule="every day 06:30").inputs_of("aws:lambda/function:Function", "shop-reconcile")
    assert variables["environment"]["variables"]["COPIED_MINUTES_BEFORE"] == "150"
    plain = warehouse().inputs_of("aws:lambda/function:Function", "shop-reconcile")
    assert "COPIED_MINUTES_BEFORE" not in plain["environment"]["variables"]


@pytest.mark.parametrize(
    ("given", "load", "minutes"),
    [
        ({}, 300, 60),
        ({"start": "23:00"}, 60, 120),
        ({"every_minutes": 60, "start": "00:20"}, 300, 40),
        ({"every_minutes": 360, "start": "05:00"}, 60, 120),
        ({"event_driven": True}, 300, 0),
    ],
)
def test_the_last_copy_before_a_load_is_so_many_minutes_earlier(
    given: dict[str, Any], load: int, minutes: int
) -> None:
    assert StorageTransferArgs(**given).lead(load) == minutes


def test_event_driven_the_job_takes_the_landings_events_and_has_no_schedule() -> None:
    recorded = event_driven()
    job = recorded.inputs_of(JOB, "shop-copy")
    assert job["eventStream"] == {"name": "arn:aws:sqs:workload:mock:tributary-test-lake-landing-objects"}
    assert "schedule" not in job
    assert "maxTimeElapsedSinceLastModification" not in job["transferSpec"]["objectConditions"]
    policy = json.loads(recorded.inputs_of("aws:iam/rolePolicy:RolePolicy", "shop-copy")["policy"])
    (taken,) = (s for s in policy["Statement"] if s["Sid"] == "TakeEvents")
    assert taken["Action"] == ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage"]
    alarm = recorded.inputs_of("aws:cloudwatch/metricAlarm:MetricAlarm", "shop-copy-untaken")
    assert (alarm["metricName"], alarm["threshold"]) == ("ApproximateAgeOfOldestMessage", 3600)
    assert alarm["dimensions"] == {"QueueName": "tributary-test-lake-landing-objects"}


def test_an_exports_bucket_tells_its_queue_of_data_files_only() -> None:
    recorded = event_driven()
    ((_, notification),) = recorded.of(NOTIFICATION).items()
    assert [(q["filterPrefix"], q["filterSuffix"], q["events"]) for q in notification["queues"]] == [
        ("raw/", ".json.gz", ["s3:ObjectCreated:*"]),
        ("lake/", ".parquet", ["s3:ObjectCreated:*"]),
    ]


def test_a_replicas_arrivals_and_its_queue_of_events_share_one_set_of_notifications() -> None:
    recorded = event_driven({"create_key": True, "event_queue": True})
    of_bucket = [n for n in recorded.of(NOTIFICATION).values() if "replica-replica" in n["bucket"]]
    assert [[q["filterSuffix"] for q in n["queues"]] for n in of_bucket] == [
        ["manifest-summary.json", ".json.gz"]
    ]
    job = recorded.inputs_of(JOB, "shop-copy")
    assert job["eventStream"]["name"].endswith("tributary-test-replica-replica-objects")


def test_the_queues_of_typed_files_and_of_arrivals_get_one_event_of_each_object() -> None:
    sources = [
        {"dynamodb": "orders", "columns": {"order_id": "string"}},
        {"rds_instance": "db", "tables": {"shop.products": {"id": "bigint"}}},
    ]
    lake = {"kind": "export", "account": "workload", "sources": sources, "create_key": True}
    replica = {"kind": "replication", "from": "lake", "account": "workload", "create_key": True}
    replica |= {"event_queue": True, "prefixes": ["raw/", "lake/"]}
    recorded = record(
        "test", {"accounts": {"workload": WORKLOAD}, "pipelines": {"lake": lake, "replica": replica}}
    )
    registered = recorded.inputs_of(NOTIFICATION, "replica-replica")["queues"]
    assert {q["id"]: (q["filterPrefix"], q["filterSuffix"]) for q in registered} == {
        "arrival-0": ("raw/", "manifest-summary.json"),
        "arrival-1": ("lake/", "manifest-summary.json"),
        "objects-0": ("raw/", ".json.gz"),
        "objects-1": ("lake/", ".parquet"),
        "objects-2": ("raw/", ".parquet"),
    }
    queues = [
        {"id": q["id"], "events": q["events"], "filter_prefix": q["filterPrefix"]}
        | {"filter_suffix": q["filterSuffix"]}
        for q in registered
    ]
    assert check_all([Resource(NOTIFICATION, "replica-replica", {"bucket": "b", "queues": queues})]) == []


def test_the_outputs_tell_of_the_copy_and_of_no_user() -> None:
    shop = copied().outputs["pipelines"]["shop"]
    assert shop["copy"] == {
        "bucket": "tributary-test-shop-copy-shop-analytics",
        "role": "arn:aws:iam:workload:mock:tributary-test-shop-copy",
        "job": f"transferJobs/tributary-test-shop-copy-{ROLE_ID}",
    }
    assert shop["user"] is None
