# pyright: basic
"""`make up` in a clone of its own: without OpenSearch, with a wrong config, interrupted, and before anything is up."""

from __future__ import annotations

import json
import os
import signal
import time

import boto3
import pytest

from local import engine


def test_without_opensearch_the_others_run_and_it_is_reported_as_not_run(fresh, tmp_path_factory):
    """A cache without the jars, and a Maven that cannot reach its registry."""
    cache, bin = tmp_path_factory.mktemp("cache"), tmp_path_factory.mktemp("bin")
    for part in engine.cache().iterdir():
        if not part.name.startswith("opensearch"):
            (cache / part.name).symlink_to(part)
    (bin / "mvn").write_text("#!/bin/sh\necho 'no route to the registry' >&2; exit 1\n")
    (bin / "mvn").chmod(0o755)
    fresh.keep("shop-lake", "shop-replica", "catalog-search", "stock-ticks", tables=["customers"])
    settings = {"TRIBUTARY_CACHE": str(cache), "PATH": f"{bin}:{os.environ['PATH']}"}
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


def test_a_wrong_config_ends_up_before_anything_is_made_and_all_its_errors_are_printed(fresh):
    fresh.keep("shop-lake", timezone="Asia/Tokio", shedule="rate(1 day)")
    done = fresh.local("up")
    assert done.returncode == 1, done.stdout + done.stderr
    printed = done.stdout + done.stderr
    assert "pipelines.shop-lake.timezone" in printed and "Asia/Tokyo" in printed
    assert "pipelines.shop-lake.shedule" in printed and "schedule" in printed
    assert "Traceback" not in printed
    ready = fresh.clone.running()
    assert ready is not None  # the cloud stays for the next `make up`
    keys = {"aws_access_key_id": "111111111111", "aws_secret_access_key": ready["secret"]}
    s3, iam = (
        boto3.client(service, endpoint_url=ready["endpoint"], region_name="us-east-1", **keys)
        for service in ("s3", "iam")
    )
    assert (s3.list_buckets()["Buckets"], iam.list_roles()["Roles"]) == ([], [])


@pytest.mark.parametrize(
    ("when", "pipeline"),
    [("cloud: started", "stock-ticks"), ("created", "shop-lake"), ("samples: ", "stock-ticks")],
)
def test_an_interrupt_leaves_no_process(fresh, when, pipeline):
    fresh.keep(pipeline, tables=["customers"])
    process = fresh.start("-m", "local", "up")
    assert process.stdout
    seen = []
    for line in process.stdout:
        seen.append(line)
        if when in line:
            break
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130, "".join(seen)
    deadline = time.monotonic() + 5
    while fresh.processes() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert fresh.processes() == []


def test_after_an_up_that_was_killed_the_next_begins_with_a_new_cloud(fresh):
    fresh.keep("shop-lake", tables=["customers"])
    process = fresh.start("-m", "local", "up")
    assert process.stdout
    assert any("created" in line for line in process.stdout)
    former = fresh.clone.running()
    process.kill()
    process.communicate(timeout=60)
    done = fresh.local("up")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "was killed before its state was written; a new cloud is started" in done.stdout
    again = fresh.local("up")
    assert again.returncode == 0 and "a new cloud" not in again.stdout, again.stdout + again.stderr
    assert fresh.clone.running()["endpoint"] != former["endpoint"]


def test_a_stale_record_of_another_process_stops_nothing(fresh):
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


def test_status_without_anything_up_fails_and_prints_an_empty_array(fresh):
    done = fresh.local("status", "--format", "json")
    assert done.returncode == 1
    assert json.loads(done.stdout) == []
