"""What an export pipeline registers for its config, where a run is simple; test_run.py has the rest."""

import json
import sys
from typing import Any

import pulumi
import pytest

from tests import recording
from tests.recording import Recording, record

WORKLOAD = {"id": "111111111111", "region": "eu-central-1"}
LANDING = "tributary-test-lake-landing-111111111111"
KEY = "arn:aws:kms:eu-central-1:111111111111:key/11111111-2222-3333-4444-555555555555"


def lake(**keys: Any) -> Recording:
    pipeline = {"kind": "export", "run": "simple", "sources": [{"dynamodb": "orders"}]} | keys
    return record("test", {"accounts": {"workload": WORKLOAD}, "pipelines": {"lake": pipeline}})


def role_statements(recorded: Recording, name: str) -> dict[str, dict[str, Any]]:
    policy = json.loads(recorded.inputs_of("aws:iam/rolePolicy:RolePolicy", name)["policy"])
    return {statement.pop("Sid"): statement for statement in policy["Statement"]}


def test_an_adopted_table_is_read_and_never_changed() -> None:
    recorded = lake()
    assert recorded.of("aws:dynamodb/table:Table") == {}
    function = recorded.inputs_of("aws:lambda/function:Function", "lake-export")
    assert json.loads(function["environment"]["variables"]["TABLES"]) == [
        "arn:aws:dynamodb:mock:mock:table/orders"
    ]


@pytest.mark.parametrize("table", [{}, {"pointInTimeRecovery": {"enabled": False}}])
def test_an_adopted_table_without_recovery_is_refused_with_the_command_that_turns_it_on(
    table: dict[str, Any],
) -> None:
    config = {
        "accounts": {"workload": WORKLOAD},
        "pipelines": {"lake": {"kind": "export", "sources": [{"dynamodb": "orders"}]}},
    }
    with pytest.raises(pulumi.RunError, match="table 'orders' has no point-in-time recovery") as refused:
        record("test", config, tables={"orders": table})
    assert (
        "aws dynamodb update-continuous-backups --table-name orders --region eu-central-1 "
        "--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"
    ) in str(refused.value)


def test_reading_an_adopted_table_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def waits(_: object) -> None:
        raise AssertionError("the program waits, and goes through all that is pending meanwhile")

    monkeypatch.setattr(sys.modules["pulumi.runtime.invoke"], "_sync_await", waits)
    monkeypatch.setattr(recording, "recorded", {})
    assert set(lake().of("aws:lambda/function:Function")) == {"lake-export"}


def test_a_created_table_has_recovery_a_stream_and_protection() -> None:
    key = {"hash_key": {"name": "customer_id"}, "range_key": {"name": "at", "type": "N"}}
    table = lake(sources=[{"dynamodb": "orders", "create": key}]).inputs_of(
        "aws:dynamodb/table:Table", "lake-orders"
    )
    assert table == {
        "attributes": [{"name": "customer_id", "type": "S"}, {"name": "at", "type": "N"}],
        "billingMode": "PAY_PER_REQUEST",
        "deletionProtectionEnabled": True,
        "hashKey": "customer_id",
        "name": "orders",
        "pointInTimeRecovery": {"enabled": True},
        "rangeKey": "at",
        "streamEnabled": True,
        "streamViewType": "NEW_AND_OLD_IMAGES",
    }


def test_the_schedule_calls_the_function_with_the_planned_time_in_its_time_zone() -> None:
    recorded = lake(schedule="cron(0 16 * * ? *)", timezone="Asia/Tokyo")
    schedule = recorded.inputs_of("aws:scheduler/schedule:Schedule", "lake-schedule")
    assert (schedule["scheduleExpression"], schedule["scheduleExpressionTimezone"]) == (
        "cron(0 16 * * ? *)",
        "Asia/Tokyo",
    )
    assert (
        schedule["target"]["arn"]
        == "arn:aws:lambda:eu-central-1:111111111111:function:tributary-test-lake-export"
    )
    assert json.loads(schedule["target"]["input"]) == {"scheduled_time": "<aws.scheduler.scheduled-time>"}
    assert schedule["target"]["deadLetterConfig"]["arn"].endswith(":tributary-test-lake-export-failed")
    assert schedule["target"]["retryPolicy"] == {
        "maximumEventAgeInSeconds": 3600,
        "maximumRetryAttempts": 5,
    }
    trust = json.loads(recorded.inputs_of("aws:iam/role:Role", "lake-schedule")["assumeRolePolicy"])
    assert trust["Statement"][0]["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "111111111111"},
        "ArnLike": {
            "aws:SourceArn": "arn:aws:scheduler:eu-central-1:111111111111:schedule-group/tributary-test-lake-schedule"
        },
    }


def test_the_function_may_export_its_tables_into_its_landing_and_nothing_else() -> None:
    assert role_statements(lake(), "lake-export") == {
        "WriteLog": {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": [
                "arn:aws:logs:eu-central-1:111111111111:log-group:/aws/lambda/tributary-test-lake-export:*"
            ],
        },
        "StartExport": {
            "Effect": "Allow",
            "Action": ["dynamodb:ExportTableToPointInTime"],
            "Resource": ["arn:aws:dynamodb:mock:mock:table/orders"],
        },
        "WriteLanding": {
            "Effect": "Allow",
            "Action": ["s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl"],
            "Resource": [f"arn:aws:s3:::{LANDING}/raw/*"],
        },
        "KeepWhatFailed": {
            "Effect": "Allow",
            "Action": ["sqs:SendMessage"],
            "Resource": ["arn:aws:sqs:workload:mock:tributary-test-lake-export-failed"],
        },
    }


def test_without_a_key_the_landing_is_encrypted_by_s3() -> None:
    recorded = lake()
    rules = recorded.inputs_of(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "lake-landing",
    )["rules"]
    assert rules == [
        {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}, "bucketKeyEnabled": False}
    ]
    assert (
        "KMS_KEY_ARN"
        not in recorded.inputs_of("aws:lambda/function:Function", "lake-export")["environment"]["variables"]
    )
    assert set(recorded.of("aws:kms/key:Key")) == {"workload-alarms-key"}


def test_an_adopted_key_encrypts_the_landing_and_the_function_may_use_it() -> None:
    recorded = lake(key_arn=KEY)
    rules = recorded.inputs_of(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "lake-landing",
    )["rules"]
    assert rules == [
        {
            "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY},
            "bucketKeyEnabled": True,
        }
    ]
    assert role_statements(recorded, "lake-export")["EncryptLanding"] == {
        "Effect": "Allow",
        "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
        "Resource": [KEY],
    }
    assert set(recorded.of("aws:kms/key:Key")) == {"workload-alarms-key"}


def test_a_created_key_rotates_and_lets_the_accounts_policies_decide() -> None:
    key = lake(create_key=True).inputs_of("aws:kms/key:Key", "lake-landing")
    assert key["enableKeyRotation"] is True
    statements = json.loads(key["policy"])["Statement"]
    assert [statement["Principal"] for statement in statements] == [{"AWS": "arn:aws:iam::111111111111:root"}]


def test_the_landing_is_private_versioned_tls_only_and_cleaned_up() -> None:
    recorded = lake(lifecycle={"expire_days": 90, "infrequent_days": 30, "noncurrent_days": 5})
    closed = recorded.inputs_of("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "lake-landing")
    assert closed == {
        "bucket": LANDING,
        "blockPublicAcls": True,
        "blockPublicPolicy": True,
        "ignorePublicAcls": True,
        "restrictPublicBuckets": True,
    }
    versioning = recorded.inputs_of("aws:s3/bucketVersioning:BucketVersioning", "lake-landing")
    assert versioning["versioningConfiguration"] == {"status": "Enabled"}
    policy = json.loads(recorded.inputs_of("aws:s3/bucketPolicy:BucketPolicy", "lake-landing")["policy"])
    assert policy["Statement"] == [
        {
            "Sid": "DenyPlainHttp",
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": ["s3:*"],
            "Resource": [f"arn:aws:s3:::{LANDING}", f"arn:aws:s3:::{LANDING}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ]
    rules = recorded.inputs_of(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "lake-landing"
    )["rules"]
    assert {rule["id"]: rule for rule in rules} == {
        "versions": {
            "id": "versions",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "noncurrentVersionExpiration": {"noncurrentDays": 5},
            "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
        },
        "infrequent": {
            "id": "infrequent",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "transitions": [{"days": 30, "storageClass": "STANDARD_IA"}],
        },
        "expire": {
            "id": "expire",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "expiration": {"days": 90},
        },
    }


def test_the_function_runs_unattended() -> None:
    recorded = lake()
    function = recorded.inputs_of("aws:lambda/function:Function", "lake-export")
    assert (function["runtime"], function["architectures"], function["timeout"]) == (
        "python3.13",
        ["arm64"],
        300,
    )
    assert function["loggingConfig"] == {
        "logFormat": "JSON",
        "logGroup": "/aws/lambda/tributary-test-lake-export",
    }
    assert recorded.inputs_of("aws:cloudwatch/logGroup:LogGroup", "lake-export")["retentionInDays"] == 90
    retried = recorded.inputs_of(
        "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig", "lake-export"
    )
    assert retried["maximumRetryAttempts"] == 2
    assert retried["destinationConfig"]["onFailure"]["destination"].endswith(
        ":tributary-test-lake-export-failed"
    )
    alarms = recorded.of("aws:cloudwatch/metricAlarm:MetricAlarm")
    assert set(alarms) == {"lake-export-errors", "lake-export-throttles", "lake-export-failed"}
    assert alarms["lake-export-errors"]["dimensions"] == {"FunctionName": "tributary-test-lake-export"}
    assert alarms["lake-export-failed"]["dimensions"] == {"QueueName": "tributary-test-lake-export-failed"}
