"""The embedded S3's replication across accounts: what it carries, and that each grant it needs is needed."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.embedded_cloud import ANALYTICS, WORKLOAD, Cloud
from tests.contract.replication_pair import GRANTS, S3_ALONE, Pair, queue_for
from tests.waiting import eventually


def test_a_replica_is_the_same_version_under_the_destinations_key_and_is_announced_there(cloud: Cloud):
    pair = Pair(cloud).start()
    events = queue_for(cloud, ANALYTICS, pair.target, "s3:ObjectCreated:*")
    version = pair.put(body=b"payload", Metadata={"m": "1"}, Tagging="t=1")
    assert pair.status() == "COMPLETED"
    replica = pair.far.get_object(Bucket=pair.target, Key="raw/a")
    assert (replica["Body"].read(), replica["VersionId"], replica["Metadata"]) == (
        b"payload",
        version,
        {"m": "1"},
    )
    assert (replica["ReplicationStatus"], replica["SSEKMSKeyId"]) == ("REPLICA", pair.keys[ANALYTICS])
    assert pair.far.get_object_tagging(Bucket=pair.target, Key="raw/a")["TagSet"] == [
        {"Key": "t", "Value": "1"}
    ]
    assert [record["s3"]["bucket"]["name"] for record in eventually(events)] == [pair.target]


def test_what_no_rule_covers_and_what_was_there_before_stays(cloud: Cloud):
    pair = Pair(cloud)
    pair.put("raw/old")
    pair.start()
    pair.put("other/b")
    pair.put("raw/new")
    assert pair.status("raw/new") == "COMPLETED"
    assert pair.arrived() == ["raw/new"]
    assert pair.status("other/b") == "NONE"


@pytest.mark.parametrize("markers", [True, False])
def test_a_delete_marker_replicates_only_where_the_rule_says_so(cloud: Cloud, markers: bool):
    pair = Pair(cloud, markers=markers).start()
    pair.put()
    pair.status()
    pair.s3.delete_object(Bucket=pair.source, Key="raw/a")
    pair.put("raw/fence")
    pair.status("raw/fence")
    assert ("raw/a" in pair.arrived()) is not markers


def test_plainly_encrypted_objects_need_no_key_and_kms_objects_need_to_be_selected(cloud: Cloud):
    pair = Pair(cloud)
    del pair.rule["SourceSelectionCriteria"], pair.rule["Destination"]["EncryptionConfiguration"]
    pair.start()
    pair.put("raw/kms")
    pair.put("raw/plain", ServerSideEncryption="AES256")
    assert (pair.status("raw/plain"), pair.status("raw/kms")) == ("COMPLETED", "NONE")
    assert pair.arrived() == ["raw/plain"]


NEEDED = sorted(
    {action for actions in GRANTS.values() for action in actions} - {"s3:ReplicateDelete", "s3:ReplicateTags"}
)


def refused(cloud: Cloud, pair: Pair, grant: str) -> str:
    """The reason of the failure's event."""
    failures = queue_for(cloud, WORKLOAD, pair.source, "s3:Replication:*")
    pair.start().put()
    assert pair.status() == "FAILED"
    assert pair.arrived() == []
    line = [line for line in cloud.logged().splitlines() if f"s3://{pair.source}/raw/a" in line]
    assert line and grant in line[0]
    assert eventually(failures)[0]["eventName"] == "Replication:OperationFailedReplication"
    return eventually(failures)[0]["replicationEventData"]["failureReason"]


@pytest.mark.parametrize("grant", NEEDED)
def test_without_a_grant_of_the_role_nothing_arrives_and_the_log_names_it(cloud: Cloud, grant: str):
    assert refused(cloud, Pair(cloud, role={grant}), grant)


@pytest.mark.parametrize("grant", ["s3:ReplicateObject", "s3:ObjectOwnerOverrideToBucketOwner"])
def test_without_the_destination_buckets_own_grant_nothing_arrives(cloud: Cloud, grant: str):
    assert refused(cloud, Pair(cloud, bucket={grant}), grant)


def test_without_the_destination_keys_own_grant_nothing_arrives(cloud: Cloud):
    assert refused(cloud, Pair(cloud, key=()), "kms:Encrypt")


@pytest.mark.parametrize("side", ["key", "replica_key_role"])
def test_into_a_bucket_with_a_bucket_key_nothing_arrives_without_the_right_to_decrypt_with_the_replicas_key(
    cloud: Cloud, side: str
):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html#bk-replication"""
    grants: dict[str, Any] = {side: ("kms:Encrypt",)}
    assert refused(cloud, Pair(cloud, **grants), "kms:Decrypt") == "DstPutObjectNotPermitted"


def test_into_a_bucket_without_a_bucket_key_encrypting_is_enough(cloud: Cloud):
    pair = Pair(cloud, bucket_key=False, key=("kms:Encrypt",), replica_key_role=("kms:Encrypt",)).start()
    pair.put()
    assert pair.status() == "COMPLETED"


def test_a_role_that_s3_may_not_assume_replicates_nothing(cloud: Cloud):
    assert refused(cloud, Pair(cloud, trust={"service": "lambda.amazonaws.com"}), "sts:AssumeRole")


@pytest.mark.parametrize(("test", "carries"), [("StringEquals", False), ("StringEqualsIfExists", True)])
def test_s3_tells_a_trust_nothing_that_no_page_says_it_tells(cloud: Cloud, test: str, carries: bool):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html"""
    pair = Pair(cloud, trust=S3_ALONE | {"condition": {test: {"aws:SourceAccount": WORKLOAD}}}).start()
    pair.put()
    assert (pair.status() == "COMPLETED") is carries


def test_failures_are_counted_where_the_rule_has_metrics(cloud: Cloud):
    pair = Pair(cloud, role={"s3:ReplicateObject"}).start()
    pair.put()
    assert pair.status() == "FAILED"
    metrics = cloud.client("cloudwatch", WORKLOAD).list_metrics(
        Namespace="AWS/S3", MetricName="OperationsFailedReplication"
    )["Metrics"]
    assert any({"Name": "SourceBucket", "Value": pair.source} in metric["Dimensions"] for metric in metrics)


JOB = [
    "s3:GetReplicationConfiguration",
    "s3:PutInventoryConfiguration",
    "s3:InitiateReplication",
    "s3:PutObject",
]


def job(cloud: Cloud, pair: Pair, grants: list[str], token: str = "t") -> dict[str, Any]:
    """Run a Batch Replication job over what the rules missed, under a role with these grants; its end."""
    name = f"job-{uuid.uuid4().hex[:8]}"
    role = cloud.role(
        WORKLOAD,
        name,
        "batchoperations.s3.amazonaws.com",
        {"Effect": "Allow", "Action": grants, "Resource": "*"},
        {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": "*"},
    )
    control = cloud.client("s3control", WORKLOAD)
    request: dict[str, Any] = {
        "AccountId": WORKLOAD,
        "Operation": {"S3ReplicateObject": {}},
        "ClientRequestToken": f"{name}-{token}",
        "Priority": 1,
        "RoleArn": role,
        "ConfirmationRequired": False,
        "Report": {
            "Enabled": True,
            "Bucket": f"arn:aws:s3:::{pair.source}",
            "Prefix": "reports",
            "Format": "Report_CSV_20180820",
            "ReportScope": "AllTasks",
        },
        "ManifestGenerator": {
            "S3JobManifestGenerator": {
                "SourceBucket": f"arn:aws:s3:::{pair.source}",
                "EnableManifestOutput": False,
                "Filter": {"EligibleForReplication": True, "ObjectReplicationStatuses": ["NONE", "FAILED"]},
            }
        },
    }
    first, again = (control.create_job(**request)["JobId"] for _ in range(2))
    assert first == again
    assert first in [j["JobId"] for j in control.list_jobs(AccountId=WORKLOAD)["Jobs"]]
    return eventually(
        lambda: (
            (j := control.describe_job(AccountId=WORKLOAD, JobId=first)["Job"])["Status"]
            in ("Complete", "Failed")
            and j
        )
    )


def test_a_job_replicates_what_was_there_before_the_rule_and_reports_it(cloud: Cloud):
    pair = Pair(cloud)
    pair.put("raw/old")
    pair.start()
    ended = job(cloud, pair, JOB)
    assert (ended["Status"], ended["ProgressSummary"]["NumberOfTasksSucceeded"]) == ("Complete", 1), ended
    assert pair.arrived() == ["raw/old"]
    report = pair.s3.get_object(Bucket=pair.source, Key=f"reports/job-{ended['JobId']}/manifest.json")
    assert json.load(report["Body"])["Results"][0]["TaskExecutionStatus"] == "succeeded"


def test_a_job_is_made_and_ended_only_by_whom_its_tags_let(cloud: Cloud):
    """batch-ops-job-tags-examples.html and troubleshooting-batch-operations.html of the S3 guide"""
    pair, name, tag = Pair(cloud), f"makes-{uuid.uuid4().hex[:8]}", {"Key": "Team", "Value": "ours"}
    pair.put("raw/old")
    pair.start()
    batch = cloud.role(
        WORKLOAD,
        f"job-{name}",
        "batchoperations.s3.amazonaws.com",
        {"Effect": "Allow", "Action": JOB, "Resource": "*"},
        {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": "*"},
    )

    def caller(*more: str) -> Any:
        granted = {
            "s3:CreateJob": "aws:RequestTag/Team",
            "s3:UpdateJobStatus": "aws:ResourceTag/Team",
        } | dict.fromkeys(more, "aws:RequestTag/Team")
        cloud.role(
            WORKLOAD,
            name,
            "lambda.amazonaws.com",
            {"Effect": "Allow", "Action": "iam:PassRole", "Resource": batch},
            *(
                {
                    "Effect": "Allow",
                    "Action": action,
                    "Resource": "*",
                    "Condition": {"StringEquals": {key: "ours"}},
                }
                for action, key in granted.items()
            ),
        )
        return cloud.client("s3control", WORKLOAD, name)

    def made(client: Any, *tags: dict[str, Any]) -> str:
        source = f"arn:aws:s3:::{pair.source}"
        return client.create_job(
            AccountId=WORKLOAD,
            Operation={"S3ReplicateObject": {}},
            ClientRequestToken=uuid.uuid4().hex,
            Priority=1,
            RoleArn=batch,
            ConfirmationRequired=True,
            Report={"Enabled": False},
            Tags=list(tags),
            ManifestGenerator={
                "S3JobManifestGenerator": {"SourceBucket": source, "EnableManifestOutput": False}
            },
        )["JobId"]

    def cancel(client: Any, job_id: str) -> str:
        return client.update_job_status(AccountId=WORKLOAD, JobId=job_id, RequestedJobStatus="Cancelled")[
            "Status"
        ]

    admin = cloud.client("s3control", WORKLOAD)
    tagging = ["s3:PutJobTagging"]
    for more, tags, lacks in (
        ([], [tag], "PutJobTagging"),
        (tagging, [], "CreateJob"),
        (tagging, [tag | {"Value": "theirs"}], "CreateJob"),
    ):
        with pytest.raises(ClientError, match=f"AccessDenied.*s3:{lacks}"):
            made(caller(*more), *tags)
    own = caller(*tagging)
    for foreign in (made(admin), made(admin, tag | {"Value": "theirs"})):
        with pytest.raises(ClientError, match=r"AccessDenied.*s3:UpdateJobStatus"):
            cancel(own, foreign)
    assert cancel(own, made(own, tag)) == "Cancelled"


@pytest.mark.parametrize("grant", JOB[:3])
def test_without_a_grant_of_the_jobs_role_it_replicates_nothing(cloud: Cloud, grant: str):
    pair = Pair(cloud)
    pair.put("raw/old")
    pair.start()
    ended = job(cloud, pair, [g for g in JOB if g != grant])
    assert pair.arrived() == []
    if grant == "s3:InitiateReplication":
        assert ended["ProgressSummary"]["NumberOfTasksFailed"] == 1
        keys = [
            o["Key"]
            for o in pair.s3.list_objects_v2(Bucket=pair.source, Prefix="reports/")["Contents"]
            if o["Key"].endswith(".csv")
        ]
        assert grant in pair.s3.get_object(Bucket=pair.source, Key=keys[0])["Body"].read().decode()
    else:
        assert ended["Status"] == "Failed" and grant in ended["FailureReasons"][0]["FailureReason"]
