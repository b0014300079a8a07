"""A Firehose pipeline on the embedded cloud, alone in its stack: what is poison, or not allowed yet, is not lost.

The collection answers 401 and 503 first, so every test also stands on a deployment that has waited for it. It is one of
the next generation, and sleeps when a test says so.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import os
import re
import signal
import subprocess
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from opensearchpy.exceptions import TransportError

from local import opensearch, samples
from local.samples import firehose
from tests.e2e.conftest import WAKING, Run, clone_into, units
from tests.waiting import eventually

NAME, RETRY_SECONDS = "stock-ticks", 6
ASLEEP = "indexing of the collection group "  # ... is waking
DELIVERY = "tributary-local-stock-ticks-delivery"


class Ticks:
    """The pipeline of the stack that is up, seen by its account's administrator and the index's reader."""

    def __init__(self, run: Run):
        ready, outputs = run.clone.running(), run.clone.outputs()
        assert ready and outputs
        self.run, self.cloud, self.pipeline = (
            run,
            samples.Cloud(ready["endpoint"], outputs),
            outputs["pipelines"][NAME],
        )
        self.bucket, _, self.prefix = self.pipeline["backup"].removeprefix("s3://").partition("/")
        self.reader = self.cloud.search(self.pipeline, self.pipeline["reader_role"])
        self.index = "ticks"

    def client(self, service: str) -> Any:
        return self.cloud.client(service, self.pipeline)

    def put(self, *records: bytes) -> None:
        entries = [{"Data": record, "PartitionKey": str(number)} for number, record in enumerate(records)]
        self.client("kinesis").put_records(StreamName=self.pipeline["stream"], Records=entries)

    def arrived(self, run: str) -> list[int]:
        """The numbers of the run's documents, each as often as it is there."""
        body = {"query": {"match": {"run": run}}, "size": 1_000}
        return sorted(
            hit["_source"]["seq"] for hit in self.reader.search(index=self.index, body=body)["hits"]["hits"]
        )

    def failed(self, run: str) -> list[dict[str, Any]]:
        """The failed records of a run in the backup bucket, with their kind."""
        s3 = self.client("s3")
        failed_lines: list[dict[str, Any]] = []
        for shown in s3.list_objects_v2(Bucket=self.bucket, Prefix=self.prefix).get("Contents", []):
            body = gzip.decompress(s3.get_object(Bucket=self.bucket, Key=shown["Key"])["Body"].read())
            kind = shown["Key"].removeprefix(self.prefix).split("/")[0]
            lines = [json.loads(line) | {"kind": kind} for line in body.splitlines()]
            failed_lines += [line for line in lines if run.encode() in base64.b64decode(line["rawData"])]
        return failed_lines

    def replay(self, **event: Any) -> dict[str, Any]:
        answer = self.client("lambda").invoke(
            FunctionName=self.pipeline["replay"], Payload=json.dumps(event).encode()
        )
        report = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, report
        return report

    def asleep(self) -> dict[str, float]:
        """Lets the collection sleep; its units by part."""
        return self.run.asleep(self.client("opensearchserverless"))

    def units(self) -> dict[str, float]:
        """The units that the collection has, by part."""
        return units(self.client("opensearchserverless"))

    def logged(self, group: str) -> str:
        pages = self.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
        return "\n".join(event["message"] for page in pages for event in page["events"])

    @contextlib.contextmanager
    def without_grant(self) -> Generator[None]:
        """Takes the data access policy's right to write away, until the block ends."""
        aoss = self.client("opensearchserverless")
        [name] = [summary["name"] for summary in aoss.list_access_policies(type="data")["accessPolicySummaries"]
                  if "Writes the index" in summary.get("description", "")]  # fmt: skip

        def change(permissions: list[str]) -> None:
            before = aoss.get_access_policy(name=name, type="data")["accessPolicyDetail"]
            policy = json.loads(json.dumps(before["policy"]))
            policy[0]["Rules"][0]["Permission"] = permissions
            aoss.update_access_policy(
                name=name, type="data", policyVersion=before["policyVersion"], policy=json.dumps(policy)
            )

        change(["aoss:DescribeIndex"])
        try:
            yield
        finally:
            change(["aoss:DescribeIndex", "aoss:UpdateIndex", "aoss:WriteDocument"])


class Node:
    """The OpenSearch node of the clone's cloud, which can die and come back with its data where it was."""

    def __init__(self, run: Run):
        self.state = run.clone.folder / "cloud" / "opensearch"
        self.again: subprocess.Popen[bytes] | None = None

    def process(self) -> tuple[int, list[str]]:
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                command = (folder / "cmdline").read_text().split("\0")[:-1]
                if "-basePath" in command and str(self.state) in command and "java" in command[0]:
                    return int(folder.name), command
        raise AssertionError(f"no node runs in {self.state}")

    @contextlib.contextmanager
    def dead(self) -> Generator[None]:
        pid, command = self.process()
        known = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")[:-1]  # the cloud's secret among it
        ports = re.findall(r"HttpServerTransport\] publish_address \{127\.0\.0\.1:(\d+)\}",
                          (self.state / "opensearch.log").read_text())  # fmt: skip
        os.kill(pid, signal.SIGKILL)
        try:
            yield
        finally:
            # The runner takes the first free port after this one, which is the one that the cloud knows.
            command[command.index("-baseHttpPort") + 1] = str(int(ports[-1]) - 1)
            self.again = subprocess.Popen(
                command, env=dict(line.split(b"=", 1) for line in known),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip

    def stop(self) -> None:
        if self.again:
            self.again.kill()
            self.again.wait()


def tick(run: str, number: int, **changes: Any) -> bytes:
    record = {"EVENT_TIME": "2026-01-01T16:00:00Z", "TICKER": "AMZN", "PRICE": 1.5, "run": run, "seq": number}
    return json.dumps(record | changes).encode()


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Run, str]]:
    """A clone after `make up`, with this pipeline only and little patience, and what the command printed."""
    opensearch.install()
    run = clone_into(tmp_path_factory.mktemp("clone"))
    run.keep(NAME, retry_seconds=RETRY_SECONDS, collection={"generation": "nextgen"})
    try:
        done = run.local("up", TRIBUTARY_AOSS_FAULTS="401 503 403", **WAKING)
        assert done.returncode == 0, done.stdout + done.stderr
        yield run, done.stdout
    finally:
        run.clone.stop()


@pytest.fixture(scope="module")
def ticks(up: tuple[Run, str]) -> Ticks:
    return Ticks(up[0])


@pytest.fixture(scope="module")
def node(up: tuple[Run, str]) -> Iterator[Node]:
    search_node = Node(up[0])
    yield search_node
    search_node.stop()


def test_every_tick_of_ten_and_of_ten_thousand_is_in_the_index_once(ticks: Ticks) -> None:
    [row] = firehose.rows(ticks.cloud, NAME, ticks.pipeline, None)
    assert (row.sent, row.arrived, row.complete) == (10_010, 10_010, True)


def test_make_up_prints_how_many_ticks_each_ticker_has(up: tuple[Run, str], ticks: Ticks) -> None:
    [row] = firehose.rows(ticks.cloud, NAME, ticks.pipeline, None)
    tickers = {
        name: count for name, count in row.counts.items() if name in ("AAPL", "AMZN", "INTC", "MSFT", "TBV")
    }
    assert len(tickers) == 5
    assert sum(int(count) for count in tickers.values()) == 10_010
    [printed] = [part for part in up[1].split("\n\n") if part.startswith("firehose\n")]
    _, heading, _, counted = printed.splitlines()
    assert heading.split()[-5:] == list(tickers)
    assert [int(count.replace(",", "")) for count in counted.split()[-5:]] == list(tickers.values())


def test_a_collection_that_answers_401_and_503_first_was_waited_for_and_the_mapping_is_there(
    ticks: Ticks,
) -> None:
    log = ticks.logged("/aws/lambda/tributary-local-stock-ticks-index")
    assert log.count("the collection is not ready") == 4
    for answer in ("401 Unauthorized", "503 ServiceUnavailable", "403 Forbidden", ASLEEP):
        assert answer in log
    properties = ticks.reader.indices.get_mapping(index="ticks")["ticks"]["mappings"]["properties"]
    assert {name: properties[name]["type"] for name in ("EVENT_TIME", "TICKER", "PRICE")} == {
        "EVENT_TIME": "date",
        "TICKER": "keyword",
        "PRICE": "double",
    }


def test_ticks_that_come_while_the_collection_sleeps_are_in_the_index_once(ticks: Ticks) -> None:
    assert ticks.asleep() == {"indexing": 0, "search": 0}
    ticks.put(*(tick("asleep", number) for number in range(20)))
    eventually(lambda: ticks.units()["indexing"])
    assert ticks.units()["search"] == 0  # each part wakes by its own requests
    eventually(lambda: ASLEEP in ticks.logged("/aws/kinesisfirehose/tributary-local-stock-ticks"))
    assert eventually(lambda: len(seen := ticks.arrived("asleep")) >= 20 and seen) == list(range(20))
    assert ticks.failed("asleep") == []


def test_a_poison_record_is_kept_with_its_reason_and_its_neighbours_arrive(ticks: Ticks) -> None:
    ticks.put(tick("poison", 1), b"not json: poison", tick("poison", 2, PRICE="cheap"), tick("poison", 3))
    kept = eventually(lambda: len(failed := ticks.failed("poison")) == 2 and failed)
    failed = {line["kind"]: line for line in kept}
    unprocessed, refused = failed["processing-failed"], failed["AmazonOpenSearchService-failed"]
    assert base64.b64decode(unprocessed["rawData"]) == b"not json: poison"
    assert unprocessed["errorCode"] == "Lambda.ProcessingFailedStatus"
    assert unprocessed["lambdaArn"].endswith(":function:tributary-local-stock-ticks-transform:$LATEST")
    assert (refused["errorCode"], refused["esIndexName"]) == ("400", "ticks")
    assert "failed to parse field [PRICE] of type [double]" in refused["errorMessage"]
    assert json.loads(base64.b64decode(refused["rawData"]))["seq"] == 2
    assert eventually(lambda: len(seen := ticks.arrived("poison")) == 2 and seen) == [1, 3]


def test_a_replay_on_its_own_leaves_what_would_be_refused_again(ticks: Ticks) -> None:
    assert ticks.replay(errors="transient")["replayed"] == 0
    assert len(ticks.failed("poison")) == 2


def test_once_the_mapping_is_mended_by_a_deployment_the_replay_brings_the_record_in(ticks: Ticks) -> None:
    ticks.run.edit("Pulumi.local.yaml", "type: double", "type: double\n            ignore_malformed: true")
    assert ticks.asleep()["indexing"] == 0  # what changes the index waits until the collection is awake
    before = ticks.logged("/aws/lambda/tributary-local-stock-ticks-index").count(ASLEEP)
    ticks.run.operation("up")
    assert ticks.logged("/aws/lambda/tributary-local-stock-ticks-index").count(ASLEEP) == before + 1
    assert ticks.asleep()["indexing"] == 0  # and so does what a replay brings
    report = ticks.replay(prefix="AmazonOpenSearchService-failed/")
    assert (report["replayed"], report["left"]) == (1, 0)
    assert eventually(lambda: len(seen := ticks.arrived("poison")) == 3 and seen) == [1, 2, 3]
    assert [line["kind"] for line in ticks.failed("poison")] == ["processing-failed"]


def test_a_renamed_index_is_there_and_the_former_one_is_gone(ticks: Ticks) -> None:
    ticks.run.edit("Pulumi.local.yaml", "index: ticks", "index: quotes")
    ticks.run.operation("up")
    ticks.index = "quotes"  # from here on
    assert '"deleted":["ticks"]' in ticks.logged("/aws/lambda/tributary-local-stock-ticks-index")
    properties = ticks.reader.indices.get_mapping(index="quotes")["quotes"]["mappings"]["properties"]
    assert properties["TICKER"] == {"type": "keyword"}


def test_while_the_grant_is_away_nothing_arrives_and_all_does_once_when_it_is_back(ticks: Ticks) -> None:
    with ticks.without_grant():
        ticks.put(*(tick("waiting", number) for number in range(20)))
        eventually(
            lambda: "aoss:WriteDocument" in ticks.logged("/aws/kinesisfirehose/tributary-local-stock-ticks")
        )
        assert ticks.arrived("waiting") == []
        assert ticks.failed("waiting") == []
    assert eventually(lambda: len(seen := ticks.arrived("waiting")) >= 20 and seen) == list(range(20))
    assert ticks.failed("waiting") == []


def test_when_the_grant_is_away_for_longer_the_records_are_kept_and_a_scheduled_replay_brings_them(
    ticks: Ticks,
) -> None:
    with ticks.without_grant():
        ticks.put(*(tick("given-up", number) for number in range(20)))
        kept = eventually(lambda: len(failed := ticks.failed("given-up")) == 20 and failed)
        assert ticks.arrived("given-up") == []
    assert {line["errorCode"] for line in kept} == {"403"}
    assert min(line["attemptsMade"] for line in kept) > 1
    assert ticks.replay(errors="transient")["replayed"] == 20
    assert eventually(lambda: len(seen := ticks.arrived("given-up")) >= 20 and seen) == list(range(20))
    assert ticks.failed("given-up") == []


def test_when_the_node_is_gone_the_records_are_kept_and_a_replay_brings_them_once_it_is_back(
    ticks: Ticks, node: Node
) -> None:
    with node.dead():
        ticks.put(*(tick("unreachable", number) for number in range(20)))
        kept = eventually(lambda: len(failed := ticks.failed("unreachable")) == 20 and failed)
    assert {(line["kind"], line["errorCode"]) for line in kept} == {("AmazonOpenSearchService-failed", "503")}
    assert all("Connection refused" in line["errorMessage"] for line in kept)
    assert min(line["attemptsMade"] for line in kept) > 1

    def arrived() -> list[int]:
        with contextlib.suppress(TransportError):
            return ticks.arrived("unreachable")
        return [-1]  # the node is not back yet

    assert eventually(lambda: arrived() == [])
    assert ticks.replay(errors="transient")["replayed"] == 20
    assert eventually(lambda: len(seen := arrived()) >= 20 and seen) == list(range(20))
    assert ticks.failed("unreachable") == []
    # What was there before is there still.
    assert ticks.arrived("given-up") == list(range(20))


def test_a_backup_that_may_not_be_written_loses_nothing(ticks: Ticks) -> None:
    iam = ticks.client("iam")
    whole = {"RoleName": DELIVERY, "PolicyName": "delivery"}
    before = iam.get_role_policy(**whole)["PolicyDocument"]
    before = json.loads(before) if isinstance(before, str) else before
    fewer = [statement for statement in before["Statement"] if statement["Sid"] != "WriteBackup"]
    iam.put_role_policy(**whole, PolicyDocument=json.dumps(before | {"Statement": fewer}))
    try:
        ticks.put(b"not json: unkept", tick("unkept", 1))
        eventually(
            lambda: "S3.AccessDenied" in ticks.logged("/aws/kinesisfirehose/tributary-local-stock-ticks")
        )
        assert ticks.failed("unkept") == []
    finally:
        iam.put_role_policy(**whole, PolicyDocument=json.dumps(before))
    assert len(eventually(lambda: ticks.failed("unkept"))) == 1
    assert eventually(lambda: ticks.arrived("unkept")) == [1]


def test_a_role_that_firehose_may_not_take_on_is_refused_as_the_stream_is_made(ticks: Ticks) -> None:
    client = ticks.client("firehose")
    description = client.describe_delivery_stream(DeliveryStreamName=ticks.pipeline["delivery_stream"])[
        "DeliveryStreamDescription"
    ]
    destination = description["Destinations"][0]["AmazonOpenSearchServerlessDestinationDescription"]
    backup = {"BucketARN": f"arn:aws:s3:::{ticks.bucket}", "RoleARN": destination["RoleARN"]}
    # The role trusts the delivery stream of the pipeline, and no other.
    with pytest.raises(client.exceptions.InvalidArgumentException, match=r"unable to assume role.*delivery"):
        client.create_delivery_stream(
            DeliveryStreamName="neighbour",
            DeliveryStreamType="KinesisStreamAsSource",
            KinesisStreamSourceConfiguration={
                "KinesisStreamARN": description["Source"]["KinesisStreamSourceDescription"][
                    "KinesisStreamARN"
                ],
                "RoleARN": description["Source"]["KinesisStreamSourceDescription"]["RoleARN"],
            },
            AmazonOpenSearchServerlessDestinationConfiguration={
                "RoleARN": destination["RoleARN"],
                "CollectionEndpoint": destination["CollectionEndpoint"],
                "IndexName": "ticks",
                "S3Configuration": backup,
            },
        )
