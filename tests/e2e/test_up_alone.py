"""`make up` in a clone of its own: without OpenSearch, with a wrong config, interrupted, before anything is up; and as
a pull request's check runs a stack of another name, under the role that deploys it."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import boto3
import pytest
import yaml

from delivery import arrived
from local import cache
from tests.e2e.conftest import Run
from tests.typed import as_yaml
from tests.waiting import PATIENCE, eventually

WORK, HUB, REGION = "111111111111", "222222222222", "eu-west-1"
PEOPLE = {"id": "bigint", "name": "string", "active": "boolean", "score": "real"}
ACME: dict[str, Any] = {
    "accounts": {"work": {"id": WORK, "region": REGION}, "hub": {"id": HUB, "region": REGION}},
    "retain_data": False,
    "gcp": {"project": "acme-analytics", "location": "EU"},
    "pipelines": {
        "crm-lake": {
            "kind": "export", "account": "work", "key_arn": f"arn:aws:kms:{REGION}:{WORK}:key/lake",
            "sources": [
                {"rds_cluster": "crm-db", "tables": {"crm.public.people": PEOPLE}},
                {"dynamodb": "visitors", "columns": {"at": "string"}},
            ],
        },
        "crm-warehouse": {
            "kind": "bigquery-transfer", "from": "crm-lake", "account": "work",
            "tables": {"crm.public.people": {"keys": ["id"]}, "visitors": {"lake": True, "keys": ["at"]}},
        },
        "old-exports": {
            "kind": "replication", "account": "hub", "take_over": True,
            "key_arn": f"arn:aws:kms:{REGION}:{HUB}:key/replicas",
            "landing": {
                "account": "work", "bucket": "acme-old-exports", "prefix": "raw/", "tables": ["visits"],
                "key_arn": f"arn:aws:kms:{REGION}:{WORK}:key/old",
            },
        },
    },
}  # fmt: skip


def test_without_opensearch_the_others_run_and_it_is_reported_as_not_run(
    fresh: Run, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A cache without the jars, and a Maven that cannot reach its registry."""
    own, bin = tmp_path_factory.mktemp("cache"), tmp_path_factory.mktemp("bin")
    for part in cache.folder().iterdir():
        if not part.name.startswith("opensearch"):
            (own / part.name).symlink_to(part)
    (bin / "mvn").write_text("#!/bin/sh\necho 'no route to the registry' >&2; exit 1\n")
    (bin / "mvn").chmod(0o755)
    fresh.keep("shop-lake", "catalog-search", "stock-ticks", tables=["customers"])
    settings = {"TRIBUTARY_CACHE": str(own), "PATH": f"{bin}:{os.environ['PATH']}"}
    done = fresh.local("up", **settings)
    assert done.returncode == 1, done.stdout + done.stderr
    reason = "not run: OpenSearch's jars are not in"
    assert f"catalog-search products: {reason}" in done.stdout
    assert "no route to the registry" in done.stdout
    reported = fresh.local("status", "--format", "json", **settings)
    assert reported.returncode == 1
    rows = json.loads(reported.stdout)
    searched = {"zero-etl", "firehose"}
    assert {row["kind"] for row in rows if row["seconds"] is None} == searched
    others = [row for row in rows if row["kind"] not in searched]
    assert others and all(row["arrived"] == row["sent"] and row["seconds"] is not None for row in others)


def test_a_wrong_config_ends_up_before_anything_is_made_and_all_its_errors_are_printed(fresh: Run) -> None:
    fresh.keep("shop-lake", timezone="Asia/Tokio", shedule="rate(1 day)")
    done = fresh.local("up")
    assert done.returncode == 1, done.stdout + done.stderr
    printed = done.stdout + done.stderr
    assert "pipelines.shop-lake.timezone" in printed and "Asia/Tokyo" in printed
    assert "pipelines.shop-lake.shedule" in printed and "schedule" in printed
    assert "Traceback" not in printed
    ready = fresh.clone.running()
    assert ready is not None  # the cloud stays for the next `make up`
    running = [command for command in fresh.processes() if "-m local." in command]
    assert ["local.gcp" in command for command in running] == [False], "a Google Cloud that nobody called"
    keys: dict[str, Any] = {"aws_access_key_id": "111111111111", "aws_secret_access_key": ready["secret"]}
    s3, iam = (
        boto3.client(service, endpoint_url=ready["endpoint"], region_name="us-east-1", **keys)
        for service in ("s3", "iam")
    )
    assert (s3.list_buckets()["Buckets"], iam.list_roles()["Roles"]) == ([], [])


@pytest.mark.parametrize(
    ("when", "pipeline"),
    [("cloud: started", "stock-ticks"), ("created", "shop-lake"), ("samples: ", "stock-ticks")],
)
def test_an_interrupt_leaves_no_process(fresh: Run, when: str, pipeline: str) -> None:
    fresh.keep(pipeline, tables=["customers"])
    process = fresh.start("-m", "local", "up")
    assert process.stdout
    seen: list[str] = []
    for line in process.stdout:
        seen.append(line)
        if when in line:
            break
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, "".join(seen)
    eventually(lambda: not fresh.processes())


def embedded(run: Run, name: str) -> tuple[int, str, Any]:
    """What the step of a pull request says and reports of a stack: its exit code, all that it printed, the report."""
    process = run.start("-m", "delivery", "embedded", name, "--to", str(run.root / "previews"))
    out, err = process.communicate(timeout=900)
    report = (run.root / "previews" / f"{name}.arrived.json").read_text()
    return process.returncode, out + err, arrived.read(report)


def test_after_an_up_that_was_killed_a_stack_with_all_that_it_adopts_comes_up_on_a_new_cloud_as_its_role_may(
    fresh: Run,
) -> None:
    file = fresh.root / "Pulumi.acme.yaml"
    file.write_text(as_yaml({"config": {f"tributary:{key}": value for key, value in ACME.items()}}))
    process = fresh.start("-m", "local", "up", "--stack", "acme", "--role", "deploy")
    assert process.stdout
    assert any("created" in line for line in process.stdout)
    former = fresh.clone.running()
    process.kill()
    process.communicate(timeout=PATIENCE)
    code, printed, report = embedded(fresh, "acme")
    assert code == 0, printed
    assert "was killed before its state was written; a new cloud is started" in printed
    assert printed.splitlines()[-1] == "acme: 5 of 5 arrived, no calls denied"
    assert {(row.pipeline, row.table): (row.sent, row.arrived) for row in report.rows} == {
        ("crm-lake", "crm.public.people"): (500, 500),
        ("crm-lake", "visitors"): (1000, 1000),
        ("crm-warehouse", "crm.public.people"): (500, 500),
        ("crm-warehouse", "visitors"): (1000, 1000),
        ("old-exports", "visits"): (1000, 1000),
    }
    ready = fresh.clone.running()
    assert ready and former
    assert ready["endpoint"] != former["endpoint"]

    # A right less than what is printed for the role, and a change that needs it.
    keys: dict[str, Any] = {"aws_access_key_id": WORK, "aws_secret_access_key": ready["secret"]}
    iam = boto3.client("iam", endpoint_url=ready["endpoint"], region_name=REGION, **keys)
    taken = 0
    for policy in iam.list_attached_role_policies(RoleName="deploy")["AttachedPolicies"]:
        arn = policy["PolicyArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        for statement in document["Statement"]:
            if "scheduler:UpdateSchedule" in statement["Action"]:
                statement["Action"].remove("scheduler:UpdateSchedule")
                taken += 1
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(document), SetAsDefault=True)
    assert taken
    changed = yaml.safe_load(file.read_text())
    changed["config"]["tributary:pipelines"]["crm-lake"]["schedule"] = "rate(2 days)"
    file.write_text(as_yaml(changed))
    code, printed, report = embedded(fresh, "acme")
    assert code == 1 and "a new cloud" not in printed, printed
    denial = next(denial for denial in report.denials if denial.action == "scheduler:UpdateSchedule")
    assert ":assumed-role/deploy/" in denial.principal and denial.count
    assert (
        "scheduler:UpdateSchedule" in report.failure
        and "scheduler:UpdateSchedule" in printed.splitlines()[-1]
    )


def test_a_stale_record_of_another_process_stops_nothing(fresh: Run) -> None:
    bystander = fresh.start("-c", "import time; time.sleep(600)")
    try:
        fresh.clone.folder.mkdir()
        fresh.clone.record.write_text(
            json.dumps({"pid": bystander.pid, "began": "1", "ready": {"endpoint": "http://127.0.0.1:9"}})
        )
        done = fresh.local("down")
        assert done.returncode == 0
        assert bystander.poll() is None
        assert not fresh.clone.folder.exists()
    finally:
        bystander.kill()
        bystander.communicate()


def test_status_without_anything_up_fails_and_prints_an_empty_array(fresh: Run) -> None:
    done = fresh.local("status", "--format", "json")
    assert done.returncode == 1
    assert json.loads(done.stdout) == []
