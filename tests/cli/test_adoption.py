"""Adopting what is in an account already: made by hand, and left by a destroy. One stack, a cloud of its own."""

from __future__ import annotations

import json
import os
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from pulumi import automation

from adoption import run
from local import engine
from tests.bare_cloud import bare_cloud
from tests.cli import front

ROOT = Path(__file__).resolve().parents[2]
TABLE, LOGS = "aws:dynamodb/table:Table", "aws:cloudwatch/logGroup:LogGroup"
KEY, ALIAS = "aws:kms/key:Key", "aws:kms/alias:Alias"
PARTS = ("LifecycleConfiguration", "OwnershipControls", "Policy", "PublicAccessBlock",
         "ServerSideEncryptionConfiguration", "Versioning")  # fmt: skip
BUCKET = {"aws:s3/bucket:Bucket", *(f"aws:s3/bucket{part}:Bucket{part}" for part in PARTS)}
LOG = "/aws/lambda/tributary-hand-lake-export"
KEPT, HAND, REGION = "111111111111", "222222222222", "eu-central-1"
"""The account in which a destroy leaves something, and that in which somebody makes something by hand."""


def config(account: str) -> dict[str, Any]:
    """One table, exported by a function."""
    lake = {
        "kind": "export", "run": "simple", "create_key": account == KEPT,
        "sources": [{"dynamodb": "orders", "create": {"hash_key": {"name": "id"}}}],
    }  # fmt: skip
    return {
        "accounts": {"workload": {"id": account, "region": REGION}},
        "alarms": {},
        "pipelines": {"lake": lake},
    }


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if front.language_host() is None:
        pytest.skip(str(front.missing("local")))
    with bare_cloud(tmp_path_factory.mktemp("cloud")) as endpoint:
        yield endpoint


def client(endpoint: str, service: str, account: str) -> Any:
    return boto3.client(
        service, region_name=REGION, endpoint_url=endpoint, aws_access_key_id=account,
        aws_secret_access_key="local", config=Config(s3={"addressing_style": "path"}, proxies={}),
    )  # fmt: skip


class Stacks:
    """Stacks of the repository's program on the embedded cloud, each with a state of its own."""

    def __init__(self, folder: Path, endpoint: str):
        self.folder, self.endpoint = folder, endpoint
        self.host = front.language_host()  # `pulumi import` asks it which packages a program requires

    def make(self, name: str, state: str, account: str) -> automation.Stack:
        folder = self.folder / name / state
        (folder / "state").mkdir(parents=True)
        environment = {
            "PATH": os.pathsep.join([str(ROOT / "local/providers/bin"), str(self.host), os.environ["PATH"]]),
            "TRIBUTARY_PYTHON": sys.executable, "TRIBUTARY_LOCAL_ENDPOINT": self.endpoint,
            "PULUMI_HOME": str(self.folder / "home"), "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }  # fmt: skip
        settings = automation.ProjectSettings(
            name="tributary", runtime="python",
            backend=automation.ProjectBackend((folder / "state").as_uri()),
        )  # fmt: skip
        workspace = automation.LocalWorkspace(
            work_dir=str(folder), program=program, project_settings=settings, env_vars=environment,
            pulumi_command=engine.Engine(engine.find()),
        )  # fmt: skip
        stack = automation.Stack.create_or_select(name, workspace)
        for key, value in config(account).items():
            stack.set_config(f"tributary:{key}", automation.ConfigValue(json.dumps(value)))
        return stack


def program() -> None:
    """Runs `__main__.py` from scratch."""
    for name in [name for name in sys.modules if name == "components" or name.startswith("components.")]:
        del sys.modules[name]
    runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory, endpoint: str) -> Iterator[Stacks]:
    kept = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "components"}
    yield Stacks(tmp_path_factory.mktemp("stacks"), endpoint)
    sys.modules.update(kept)


@pytest.fixture
def signed_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Who adopts has its credentials in the environment."""

    def enter(account: str) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", account)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")

    return enter


def types(shown: run.Shown) -> set[str]:
    return {each.wanted.type for each in shown.adopted}


def planned(deployed: automation.Stack) -> dict[str, int]:
    return {getattr(op, "value", op): count for op, count in deployed.preview().change_summary.items()}


def test_what_a_destroy_left_is_adopted_and_nothing_of_it_changes(
    stacks: Stacks, tmp_path: Path, endpoint: str, signed_in: Callable[[str], None]
) -> None:
    first = stacks.make("kept", "first", KEPT)
    made = first.up().summary.resource_changes
    assert made
    dynamodb = client(endpoint, "dynamodb", KEPT)
    dynamodb.put_item(TableName="orders", Item={"id": {"S": "a"}})
    first.destroy()
    signed_in(KEPT)
    real = stacks.make("kept", "second", KEPT)
    shown = run.show(real, stacks.make("kept", "rehearsal", KEPT), tmp_path, run.Clouds(endpoint))
    assert types(shown) == {TABLE, KEY, ALIAS, *BUCKET}, str(shown)
    assert [each for each in shown.differences if not each.of_the_provider] == [], str(shown)
    assert not (real.export_stack().deployment or {}).get("resources")  # nothing is adopted yet
    assert run.adopt(real, shown, tmp_path) == []
    changes = planned(real)
    assert set(changes) == {"create", "same"}, changes
    assert changes["same"] >= len(shown.adopted)
    real.up()
    assert set(planned(real)) == {"same"}
    assert dynamodb.scan(TableName="orders")["Count"] == 1


def by_hand(endpoint: str) -> None:
    """What `config` would make, by boto3: the table, the bucket with its settings, the log group, queue and role."""
    tags = {"tributary-project": "tributary", "tributary-stack": "hand"}
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    dynamodb, s3, sqs, logs, iam = (
        client(endpoint, service, HAND) for service in ("dynamodb", "s3", "sqs", "logs", "iam")
    )
    dynamodb.create_table(
        TableName="orders", BillingMode="PAY_PER_REQUEST", DeletionProtectionEnabled=True, Tags=listed,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )  # fmt: skip
    dynamodb.update_continuous_backups(
        TableName="orders", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    bucket = f"tributary-hand-lake-landing-{HAND}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": listed})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    encryption = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [encryption]})
    switches = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=dict.fromkeys(switches, True))
    s3.put_bucket_ownership_controls(
        Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    )
    arn = f"arn:aws:s3:::{bucket}"
    deny = {
        "Sid": "DenyPlainHttp", "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"], "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }  # fmt: skip
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    everything = {"Prefix": ""}
    rules = [
        {"ID": "versions", "Status": "Enabled", "Filter": everything,
         "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
         "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}},
        {"ID": "expire", "Status": "Enabled", "Filter": everything, "Expiration": {"Days": 400}},
    ]  # fmt: skip
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    sqs.create_queue(
        QueueName="tributary-hand-lake-export-failed", tags=tags,
        Attributes={"MessageRetentionPeriod": "1209600", "SqsManagedSseEnabled": "true"},
    )  # fmt: skip
    logs.create_log_group(logGroupName=LOG, tags=tags)
    logs.put_retention_policy(logGroupName=LOG, retentionInDays=30)
    lets = {
        "Sid": "Assume", "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"aws:SourceAccount": HAND}},
    }  # fmt: skip
    iam.create_role(
        RoleName="tributary-hand-lake-export", Tags=listed, Description="What tributary-hand-lake-export may do",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [lets]}),
    )  # fmt: skip


def test_what_was_made_by_hand_is_adopted_once_it_is_as_the_program_has_it(
    stacks: Stacks, tmp_path: Path, endpoint: str, signed_in: Callable[[str], None]
) -> None:
    by_hand(endpoint)
    signed_in(HAND)
    real = stacks.make("hand", "first", HAND)
    clouds = run.Clouds(endpoint)
    shown = run.show(real, stacks.make("hand", "rehearsal", HAND), tmp_path, clouds)
    assert types(shown) == {TABLE, *BUCKET, "aws:sqs/queue:Queue", LOGS, "aws:iam/role:Role"}, str(shown)
    differing = [each for each in shown.differences if not each.of_the_provider]
    assert [(each.kind, each.properties) for each in differing] == [
        ("update", {"retentionInDays": (30, 90)})
    ], str(shown)
    assert "retentionInDays: 30 -> 90" in str(shown)
    client(endpoint, "logs", HAND).put_retention_policy(logGroupName=LOG, retentionInDays=90)
    shown = run.show(real, stacks.make("hand", "again", HAND), tmp_path, clouds)
    assert [each for each in shown.differences if not each.of_the_provider] == [], str(shown)
    assert run.adopt(real, shown, tmp_path) == []
    changes = planned(real)
    assert set(changes) == {"create", "same"}, changes
    assert changes["same"] >= len(shown.adopted)
