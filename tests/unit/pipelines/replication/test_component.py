"""What a replication pipeline registers on each side for its config."""

import json
from typing import Any

import pulumi
import pytest

from tests.recording import Recording, record
from tests.unit.pipelines.replication.recorded import copy, receiving, role, rule, statements

SOURCE = "arn:aws:s3:::tributary-test-lake-landing-111111111111"
REPLICA = "arn:aws:s3:::tributary-test-copy-replica-222222222222"
ROLE = "arn:aws:iam:workload:mock:tributary-test-copy-source"


def test_each_side_stands_in_its_own_account() -> None:
    recorded = copy()
    sides = {"copy-source": "workload", "copy-replica": "analytics"}
    for resource in recorded.resources:
        for side, provider in sides.items():
            if resource.name.startswith(side) and not resource.type.startswith("tributary:"):
                assert resource.provider == provider, resource


def test_a_rule_sends_the_landings_prefix_to_the_other_account_that_owns_the_replica() -> None:
    assert rule(copy()) == {
        "id": "copy-source-0",
        "priority": 0,
        "status": "Enabled",
        "filter": {"prefix": "raw/"},
        "deleteMarkerReplication": {"status": "Disabled"},
        "destination": {
            "bucket": REPLICA,
            "account": "222222222222",
            "accessControlTranslation": {"owner": "Destination"},
            "metrics": {"status": "Enabled", "eventThreshold": {"minutes": 15}},
            "replicationTime": {"status": "Enabled", "time": {"minutes": 15}},
        },
    }


def test_within_one_account_no_owner_is_named() -> None:
    recorded = copy(to="workload", time_control=False)
    destination = rule(recorded)["destination"]
    assert set(destination) == {"bucket", "metrics"}
    assert destination["metrics"] == {"status": "Enabled"}
    assert "s3:ObjectOwnerOverrideToBucketOwner" not in role(recorded)["WriteReplicas"]["Action"]


def test_the_role_reads_the_landing_and_writes_the_replica_and_nothing_else() -> None:
    assert role(copy()) == {
        "ReadRules": {
            "Effect": "Allow",
            "Action": ["s3:GetReplicationConfiguration", "s3:ListBucket"],
            "Resource": [SOURCE],
        },
        "ReadObjects": {
            "Effect": "Allow",
            "Action": [
                "s3:GetObjectVersionAcl",
                "s3:GetObjectVersionForReplication",
                "s3:GetObjectVersionTagging",
            ],
            "Resource": [f"{SOURCE}/raw/*"],
        },
        "WriteReplicas": {
            "Effect": "Allow",
            "Action": ["s3:ReplicateObject", "s3:ReplicateTags", "s3:ObjectOwnerOverrideToBucketOwner"],
            "Resource": [f"{REPLICA}/raw/*"],
        },
    }


def test_the_receiving_bucket_lets_that_role_in() -> None:
    let_in = receiving(copy())
    assert set(let_in) == {"DenyPlainHttp", "ReceiveReplicas", "ShowVersioning"}
    assert let_in["ReceiveReplicas"] == {
        "Effect": "Allow",
        "Principal": {"AWS": ROLE},
        "Action": ["s3:ReplicateObject", "s3:ReplicateTags", "s3:ObjectOwnerOverrideToBucketOwner"],
        "Resource": [f"{REPLICA}/raw/*"],
    }
    assert let_in["ShowVersioning"]["Action"] == ["s3:GetBucketVersioning", "s3:ListBucket"]


def test_delete_markers_are_replicated_only_when_the_config_says_so() -> None:
    recorded = copy(delete_markers=True)
    assert rule(recorded)["deleteMarkerReplication"] == {"status": "Enabled"}
    assert "s3:ReplicateDelete" in role(recorded)["WriteReplicas"]["Action"]
    assert "s3:ReplicateDelete" in receiving(recorded)["ReceiveReplicas"]["Action"]


def test_with_keys_the_role_decrypts_on_one_side_and_encrypts_on_the_other() -> None:
    recorded = copy({"create_key": True}, create_key=True)
    sent = rule(recorded)
    assert sent["sourceSelectionCriteria"] == {"sseKmsEncryptedObjects": {"status": "Enabled"}}
    replica_key = "arn:aws:kms:analytics:mock:copy-replica"
    assert sent["destination"]["encryptionConfiguration"] == {"replicaKmsKeyId": replica_key}
    granted = role(recorded)
    assert granted["DecryptObjects"] == {
        "Effect": "Allow",
        "Action": ["kms:Decrypt"],
        "Resource": ["arn:aws:kms:workload:mock:lake-landing"],
        "Condition": {
            "StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"},
            "StringLike": {"kms:EncryptionContext:aws:s3:arn": [SOURCE, f"{SOURCE}/*"]},
        },
    }
    assert (granted["EncryptReplicas"]["Action"], granted["EncryptReplicas"]["Resource"]) == (
        ["kms:Encrypt"],
        [replica_key],
    )
    bucket_key = {
        "StringEquals": {
            "kms:ViaService": "s3.eu-west-1.amazonaws.com",
            "kms:EncryptionContext:aws:s3:arn": REPLICA,
        }
    }
    assert granted["VerifyBucketKey"] == {
        "Effect": "Allow",
        "Action": ["kms:Decrypt"],
        "Resource": [replica_key],
        "Condition": bucket_key,
    }
    policy = statements(recorded, "aws:kms/key:Key", "copy-replica")
    assert policy["VerifyBucketKey"] == {
        "Effect": "Allow",
        "Principal": {"AWS": ROLE},
        "Action": ["kms:Decrypt"],
        "Resource": ["*"],
        "Condition": bucket_key,
    }
    assert policy["EncryptReplicas"] == {
        "Effect": "Allow",
        "Principal": {"AWS": ROLE},
        "Action": ["kms:Encrypt"],
        "Resource": ["*"],
        "Condition": {
            "StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"},
            "StringLike": {"kms:EncryptionContext:aws:s3:arn": [REPLICA, f"{REPLICA}/*"]},
        },
    }


def test_one_rule_a_prefix() -> None:
    recorded = copy(prefixes=["raw/orders/", "raw/customers/"])
    rules = recorded.inputs_of("aws:s3/bucketReplicationConfig:BucketReplicationConfig", "copy-source")[
        "rules"
    ]
    assert [(r["id"], r["priority"], r["filter"]["prefix"]) for r in rules] == [
        ("copy-source-0", 0, "raw/orders/"),
        ("copy-source-1", 1, "raw/customers/"),
    ]
    assert role(recorded)["WriteReplicas"]["Resource"] == [
        f"{REPLICA}/raw/orders/*",
        f"{REPLICA}/raw/customers/*",
    ]


def test_what_could_not_be_replicated_is_kept_and_rings() -> None:
    recorded = copy()
    (queue,) = recorded.inputs_of("aws:s3/bucketNotification:BucketNotification", "copy-source")["queues"]
    assert queue["events"] == [
        "s3:Replication:OperationFailedReplication",
        "s3:Replication:OperationMissedThreshold",
    ]
    policy = statements(recorded, "aws:sqs/queuePolicy:QueuePolicy", "copy-source-failed")
    assert policy["SendFromS3"]["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "111111111111"},
        "ArnLike": {"aws:SourceArn": SOURCE},
    }
    alarms = recorded.of("aws:cloudwatch/metricAlarm:MetricAlarm")
    rung = {
        name: (a["metricName"], a["threshold"])
        for name, a in alarms.items()
        if name.startswith("copy-source")
    }
    assert rung == {
        "copy-source-0-pending": ("OperationsPendingReplication", 0),
        "copy-source-0-latency": ("ReplicationLatency", 900),
        "copy-source-0-failures": ("OperationsFailedReplication", 0),
    }
    # A moment without any waiting is enough: while an export is under way some always wait.
    assert alarms["copy-source-0-pending"]["statistic"] == "Minimum"
    assert alarms["copy-source-0-latency"]["dimensions"] == {
        "SourceBucket": SOURCE.removeprefix("arn:aws:s3:::"),
        "DestinationBucket": REPLICA.removeprefix("arn:aws:s3:::"),
        "RuleId": "copy-source-0",
    }


RULES = "aws:s3/bucketReplicationConfig:BucketReplicationConfig::copy-source"


def test_nothing_is_replicated_before_the_role_may_and_the_other_side_can_receive_and_tell_of_it() -> None:
    waits = copy(existing_objects=True).waits_for
    assert waits(RULES) >= {
        "aws:iam/rolePolicy:RolePolicy::copy-source",
        "aws:s3/bucketVersioning:BucketVersioning::copy-replica",
        "aws:s3/bucketNotification:BucketNotification::copy-replica",
        "aws:lambda/eventSourceMapping:EventSourceMapping::copy-replica-arrival",
    }
    # The bucket that the rules name is taken from its policy, so that S3 finds the role let in.
    assert "aws:s3/bucketPolicy:BucketPolicy::copy-replica" in waits(RULES, "rules")
    assert waits("aws:lambda/invocation:Invocation::copy-source-backfill") >= {
        RULES,
        "aws:iam/rolePolicy:RolePolicy::copy-source-backfill-job",
    }


def test_a_queue_lets_s3_in_before_the_bucket_sends_to_it() -> None:
    waits = copy().waits_for
    for name, queue in (("copy-source", "copy-source-failed"), ("copy-replica", "copy-replica-arrivals")):
        dependencies = waits(f"aws:s3/bucketNotification:BucketNotification::{name}")
        assert f"aws:sqs/queuePolicy:QueuePolicy::{queue}" in dependencies


def test_versions_are_cleaned_up_only_once_there_are_versions() -> None:
    lifecycle = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration::copy-replica"
    assert "aws:s3/bucketVersioning:BucketVersioning::copy-replica" in copy().waits_for(lifecycle)


def test_an_arrival_is_queued_handled_and_given_up_after_so_many_attempts() -> None:
    recorded = copy(attempts=7)
    (queue,) = recorded.inputs_of("aws:s3/bucketNotification:BucketNotification", "copy-replica")["queues"]
    assert (queue["events"], queue["filterPrefix"], queue["filterSuffix"]) == (
        ["s3:ObjectCreated:*"],
        "raw/",
        "manifest-summary.json",
    )
    arrivals = recorded.inputs_of("aws:sqs/queue:Queue", "copy-replica-arrivals")
    assert arrivals["visibilityTimeoutSeconds"] == 1800
    assert json.loads(arrivals["redrivePolicy"]) == {
        "deadLetterTargetArn": "arn:aws:sqs:analytics:mock:tributary-test-copy-replica-arrivals-dead",
        "maxReceiveCount": 7,
    }
    rings = recorded.inputs_of("aws:cloudwatch/metricAlarm:MetricAlarm", "copy-replica-arrivals-dead")
    assert rings["dimensions"] == {"QueueName": "tributary-test-copy-replica-arrivals-dead"}
    for queue in ("copy-replica-arrivals", "copy-replica-arrivals-dead"):
        denied = statements(recorded, "aws:sqs/queuePolicy:QueuePolicy", queue)["DenyPlainHttp"]
        assert (denied["Effect"], denied["Principal"], denied["Condition"]) == (
            "Deny",
            {"AWS": "*"},
            {"Bool": {"aws:SecureTransport": "false"}},
        )
    mapping = recorded.inputs_of("aws:lambda/eventSourceMapping:EventSourceMapping", "copy-replica-arrival")
    assert mapping["functionResponseTypes"] == ["ReportBatchItemFailures"]
    function = recorded.inputs_of("aws:lambda/function:Function", "copy-replica-arrival")
    assert function["environment"]["variables"] == {
        "EVENT_BUS": "default",
        "IDEMPOTENCY_TABLE": "tributary-test-copy-replica-announced",
        "PREFIX": "raw/",
    }


def test_the_queue_calls_no_more_runs_than_are_reserved() -> None:
    recorded = copy(reserved_concurrency=4)
    function = recorded.inputs_of("aws:lambda/function:Function", "copy-replica-arrival")
    mapping = recorded.inputs_of("aws:lambda/eventSourceMapping:EventSourceMapping", "copy-replica-arrival")
    assert function["reservedConcurrentExecutions"] == 4
    assert mapping["scalingConfig"] == {"maximumConcurrency": 4}
    unreserved = copy()
    assert "reservedConcurrentExecutions" not in unreserved.inputs_of(
        "aws:lambda/function:Function", "copy-replica-arrival"
    )


def test_existing_objects_are_brought_over_only_when_the_config_says_so() -> None:
    assert copy().of("aws:lambda/invocation:Invocation") == {}
    recorded = copy(existing_objects=True)
    job = recorded.inputs_of("aws:lambda/invocation:Invocation", "copy-source-backfill")
    assert (json.loads(job["input"]), job["lifecycleScope"]) == ({"prefixes": ["raw/"]}, "CRUD")
    granted = statements(recorded, "aws:iam/rolePolicy:RolePolicy", "copy-source-backfill-job")
    assert {sid: (s["Action"], s["Resource"]) for sid, s in granted.items()} == {
        "ReplicateExisting": (["s3:InitiateReplication"], [f"{SOURCE}/raw/*"]),
        "ListWhatIsEligible": (["s3:GetReplicationConfiguration", "s3:PutInventoryConfiguration"], [SOURCE]),
        "WriteReport": (["s3:PutObject"], [f"{SOURCE}/backfill/*"]),
    }
    trust = json.loads(
        recorded.inputs_of("aws:iam/role:Role", "copy-source-backfill-job")["assumeRolePolicy"]
    )
    # No page says what S3 Batch Operations sends, so what is not sent shuts it out of nothing.
    account = {"StringEqualsIfExists": {"aws:SourceAccount": "111111111111"}}
    assert trust["Statement"][0]["Condition"] == account
    environment = recorded.inputs_of("aws:lambda/function:Function", "copy-source-backfill")["environment"]
    assert environment["variables"]["JOB_TAG"] == "tributary-backfill=tributary-test-copy-source-backfill"
    assert json.loads(environment["variables"]["PREFIXES"]) == ["raw/"]


def test_prefixes_that_do_not_fit_into_a_role_are_refused_and_as_many_short_ones_are_not() -> None:
    def prefixes(length: int) -> list[str]:
        return [f"raw/{number:02}".ljust(length - 1, "x") + "/" for number in range(50)]

    refused = (
        r"pipelines\.copy\.prefixes: the policy of the role would have 1\d,\d{3} characters, and IAM allows "
    )
    with pytest.raises(pulumi.RunError, match=f"{refused}10,240; write fewer or shorter ones"):
        copy(prefixes=prefixes(126))
    recorded = copy(prefixes=prefixes(27), lake={"create_key": True}, create_key=True, existing_objects=True)
    for named in ("copy-source", "copy-source-backfill-job"):
        assert (
            len(recorded.inputs_of("aws:iam/rolePolicy:RolePolicy", named)["policy"].replace(" ", ""))
            <= 10_240
        )


def adopted(versioning: str, **keys: Any) -> Recording:
    landing = {"bucket": "shop-files", "account": "workload", "prefix": "in/", "layout": "objects"}
    config = {
        "accounts": {
            "workload": {"id": "111111111111", "region": "eu-central-1"},
            "analytics": {"id": "222222222222", "region": "eu-central-1"},
        },
        "pipelines": {
            "copy": {"kind": "replication", "account": "analytics", "landing": landing, "take_over": True}
            | keys
        },
    }
    return record("test", config, versioning=versioning)


@pytest.mark.parametrize("versioning", ["", "Suspended", "Disabled"])
def test_an_adopted_bucket_that_is_not_versioned_is_refused_with_the_command_that_turns_it_on(
    versioning: str,
) -> None:
    status = versioning or "Disabled"
    reason = rf"pipelines\.copy\.turn_on_versioning: versioning of the bucket 'shop-files' is {status}"
    with pytest.raises(
        pulumi.RunError, match=f"{reason}, .*write turn_on_versioning: true, or .*--bucket shop-files "
    ):
        adopted(versioning)
    adopted(versioning, turn_on_versioning=True)


def test_an_adopted_bucket_that_is_versioned_is_read_and_left_alone() -> None:
    recorded = adopted("Enabled")
    assert set(recorded.of("aws:s3/bucketVersioning:BucketVersioning")) == {"copy-replica"}
    rules = recorded.inputs_of("aws:s3/bucketReplicationConfig:BucketReplicationConfig", "copy-source")
    assert rules["bucket"] == "shop-files"


def test_an_adopted_bucket_of_plain_objects_tells_the_accounts_bus_of_each() -> None:
    config = {
        "accounts": {
            "workload": {"id": "111111111111", "region": "eu-central-1"},
            "analytics": {"id": "222222222222", "region": "eu-central-1"},
        },
        "pipelines": {
            "copy": {
                "kind": "replication",
                "account": "analytics",
                "landing": {
                    "bucket": "shop-files",
                    "account": "workload",
                    "prefix": "in/",
                    "layout": "objects",
                },
                "turn_on_versioning": True,
                "take_over": True,
            }
        },
    }
    recorded = record("test", config)
    assert (
        recorded.inputs_of("aws:s3/bucketVersioning:BucketVersioning", "copy-source")["bucket"]
        == "shop-files"
    )
    assert set(recorded.of("aws:s3/bucket:Bucket")) == {"copy-replica"}
    assert (
        recorded.inputs_of("aws:s3/bucketNotification:BucketNotification", "copy-replica")["eventbridge"]
        is True
    )
    assert recorded.of("aws:lambda/function:Function") == {}
