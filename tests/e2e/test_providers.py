"""The local providers under the real engine: a stack over two accounts, from nothing to nothing."""

import gc
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pulumi
import pulumi_aws as aws
import pytest
from botocore.config import Config
from pulumi import automation

from local import engine
from tests.bare_cloud import bare_cloud

ROOT = Path(__file__).resolve().parents[2]
WORKLOAD, ANALYTICS = "111111111111", "222222222222"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with bare_cloud(tmp_path_factory.mktemp("cloud")) as endpoint:
        yield endpoint


@pytest.fixture
def client(endpoint: str) -> Callable[[str, str], Any]:
    def make(service: str, account: str) -> Any:
        return boto3.client(
            service, region_name="us-east-1", endpoint_url=endpoint, aws_access_key_id=account,
            aws_secret_access_key="local", config=Config(s3={"addressing_style": "path"}),
        )  # fmt: skip

    return make


class Program:
    """One queue, table, role and function in one account, one bucket in the other; `vary` changes it."""

    def __init__(self, code: Path):
        self.code, self.source = code, "def handler(event, context):\n    return event\n"
        self.vary: dict[str, Any] = {}

    def __call__(self) -> None:
        code = self.code / "app.py"
        code.parent.mkdir(exist_ok=True)
        code.write_text(self.source)
        within = {
            name: pulumi.ResourceOptions(provider=aws.Provider(
                name, region="us-east-1", allowed_account_ids=[account], default_tags={"tags": {"stack": "test"}}))
            for name, account in (("workload", WORKLOAD), ("analytics", ANALYTICS))
        }  # fmt: skip
        queue = aws.sqs.Queue(
            "queue",
            name="queue",
            visibility_timeout_seconds=self.vary.get("timeout", 60),
            opts=within["workload"],
        )
        table = aws.dynamodb.Table(
            "table", name=self.vary.get("table", "orders"), billing_mode="PAY_PER_REQUEST", hash_key="id",
            attributes=[{"name": "id", "type": "S"}], point_in_time_recovery={"enabled": True}, opts=within["workload"],
        )  # fmt: skip
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        role = aws.iam.Role(
            "role", name="function", opts=within["workload"],
            assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )  # fmt: skip
        function = aws.lambda_.Function(
            "function", name="function", role=role.arn, runtime="python3.13", handler="app.handler",
            code=pulumi.FileArchive(str(self.code)), opts=within["workload"],
            environment={"variables": {"WORD": pulumi.Output.secret("hush-hush")}},
        )  # fmt: skip
        ran = aws.lambda_.Invocation(
            "ran", function_name=function.name, input=json.dumps(self.vary.get("payload", {"n": 1})),
            lifecycle_scope="CRUD", opts=within["workload"],
        )  # fmt: skip
        aws.s3.Bucket("bucket", bucket="landing-222222222222", tags={"a": "b"}, opts=within["analytics"])
        adopted = aws.dynamodb.get_table_output(
            name=table.name, opts=pulumi.InvokeOutputOptions(provider=within["workload"].provider)
        )
        pulumi.export("pitr", adopted.point_in_time_recovery)
        pulumi.export("ran", ran.result)
        pulumi.export("queue", queue.url)


@pytest.fixture
def stack(tmp_path: Path, endpoint: str) -> Iterator[Any]:
    program = Program(tmp_path / "code")
    (tmp_path / "state").mkdir()
    environment: dict[str, Any] = {
        "PATH": f"{ROOT / 'local/providers/bin'}{os.pathsep}{os.environ['PATH']}", "TRIBUTARY_PYTHON": sys.executable,
        "TRIBUTARY_LOCAL_ENDPOINT": endpoint, "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_CONFIG_PASSPHRASE": "", "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for key, value in environment.items():
            patch.setenv(key, value)
        settings = automation.ProjectSettings(
            name="providers",
            runtime="python",
            backend=automation.ProjectBackend((tmp_path / "state").as_uri()),
        )
        workspace = automation.LocalWorkspace(
            program=program, project_settings=settings, env_vars=environment,
            pulumi_command=engine.Engine(engine.find()),
        )  # fmt: skip
        made: Any = automation.Stack.create_or_select("test", workspace)
        made.vary = program  # the test's handle on the program
        try:
            yield made
        finally:
            if made.export_stack().deployment.get("resources"):  # a test may have destroyed them
                made.destroy()
            # A program that failed leaves a coroutine that raises as it is collected; before Python 3.11.8 that fails
            # a parser that is at work just then (https://github.com/python/cpython/issues/106905).
            gc.collect()


def changes(result: Any) -> dict[str, int]:
    counts = result.change_summary if hasattr(result, "change_summary") else result.summary.resource_changes
    return {getattr(k, "value", k): n for k, n in counts.items()}


def test_a_stack_over_two_accounts_lives_its_whole_life(
    stack: Any, client: Callable[[str, str], Any]
) -> None:
    program = stack.vary
    up = stack.up()
    assert changes(up) == {"create": 9}
    assert up.outputs["pitr"].value["enabled"] is True
    assert json.loads(up.outputs["ran"].value) == {"n": 1, "tf": {"action": "create", "prev_input": None}}
    assert [b["Name"] for b in client("s3", ANALYTICS).list_buckets()["Buckets"]] == ["landing-222222222222"]
    assert client("s3", WORKLOAD).list_buckets()["Buckets"] == []
    assert client("dynamodb", WORKLOAD).list_tables()["TableNames"] == ["orders"]
    tags = client("s3", ANALYTICS).get_bucket_tagging(Bucket="landing-222222222222")["TagSet"]
    assert sorted((t["Key"], t["Value"]) for t in tags) == [("a", "b"), ("stack", "test")]
    kept = [f.read_text() for f in (program.code.parent / "state").rglob("test.json*") if f.is_file()]
    assert kept and not any("hush-hush" in text for text in kept)

    assert changes(stack.preview()) == {"same": 9}

    program.vary = {"timeout": 90, "payload": {"n": 2}, "table": "orders2"}
    program.source += "# another version\n"
    up = stack.up()
    assert changes(up) == {"same": 5, "update": 3, "replace": 1}
    assert json.loads(up.outputs["ran"].value) == {"n": 2, "tf": {"action": "update", "prev_input": {"n": 1}}}
    url = up.outputs["queue"].value
    timeout = client("sqs", WORKLOAD).get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    assert timeout["Attributes"]["VisibilityTimeout"] == "90"
    assert client("dynamodb", WORKLOAD).list_tables()["TableNames"] == ["orders2"]

    client("sqs", WORKLOAD).set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "5"})
    client("s3", ANALYTICS).delete_bucket(Bucket="landing-222222222222")
    refreshed = changes(stack.refresh())
    assert refreshed == {"same": 7, "update": 1, "delete": 1}
    assert changes(stack.up()) == {"same": 7, "update": 1, "create": 1}
    assert changes(stack.refresh()) == {"same": 9}

    assert changes(stack.destroy()) == {"delete": 9}
    assert client("dynamodb", WORKLOAD).list_tables()["TableNames"] == []
    assert client("iam", WORKLOAD).list_roles()["Roles"] == []


def test_a_function_that_fails_stops_the_deployment_with_its_payload(stack: Any) -> None:
    stack.vary.source = "def handler(event, context):\n    raise ValueError('no such snapshot')\n"
    with pytest.raises(automation.CommandError, match="no such snapshot"):
        stack.up()
    stack.vary.source = "def handler(event, context):\n    return event\n"
    assert changes(stack.up())["create"] == 1


def test_what_a_stack_reads_and_does_not_make_is_as_the_cloud_has_it_and_stays(
    stack: Any, client: Callable[[str, str], Any]
) -> None:
    s3 = client("s3", WORKLOAD)
    s3.create_bucket(Bucket="adopted")

    def program():
        provider = aws.Provider("workload", region="us-east-1", allowed_account_ids=[WORKLOAD])
        adopted = aws.s3.BucketVersioning.get(
            "adopted", "adopted", opts=pulumi.ResourceOptions(provider=provider)
        )
        status = adopted.versioning_configuration.apply(
            lambda versioning: (versioning.status if versioning else None) or ""
        )
        pulumi.export("status", status)

    stack.workspace.program = program
    assert stack.up().outputs["status"].value == ""
    s3.put_bucket_versioning(Bucket="adopted", VersioningConfiguration={"Status": "Enabled"})
    assert stack.up().outputs["status"].value == "Enabled"
    stack.destroy()
    assert s3.get_bucket_versioning(Bucket="adopted")["Status"] == "Enabled"
    s3.delete_bucket(Bucket="adopted")
