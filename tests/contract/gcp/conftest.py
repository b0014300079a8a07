"""The embedded AWS and the local Google Cloud, started as `make up` starts them, one each for the whole directory."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from delivery import arrived
from local import secret
from tests.contract.embedded_cloud import SECRET
from tests.order import end_with_group
from tests.typed import pa, pq
from tests.waiting import PATIENCE, eventually

BEARER = {"authorization": f"Bearer {SECRET}"}
ROOT = Path(__file__).parents[3]
PROJECT = "tributary-local"
NUMBER = itertools.count(1)


def free_port() -> int:
    """A port of loopback that nothing listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def process(config: pytest.Config, module: str, *arguments: str, log: Path) -> Generator[str]:
    """Runs a module of `local`, and yields the endpoint that it prints; its log goes into a file."""
    with log.open("w") as stderr:
        started = subprocess.Popen(
            [sys.executable, "-m", module, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=stderr, text=True,
            env={**os.environ, secret.VARIABLE: SECRET},
        )  # fmt: skip
    end_with_group(config, started.terminate)
    try:
        assert started.stdout
        line = started.stdout.readline()
        assert line, log.read_text()
        yield json.loads(line)["endpoint"]
    finally:
        started.terminate()
        started.wait(PATIENCE)


@pytest.fixture(scope="session")
def aws_endpoint(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[str]:
    """The embedded AWS."""
    state = tmp_path_factory.mktemp("aws")
    words = ("--port", str(free_port()), "--state", str(state))
    with process(pytestconfig, "local.cloud", *words, log=state / "log") as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def google_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the local Google Cloud."""
    return tmp_path_factory.mktemp("gcp")


@pytest.fixture(scope="session")
def endpoint(google_state: Path, aws_endpoint: str, pytestconfig: pytest.Config) -> Iterator[str]:
    """The local Google Cloud, beside the embedded AWS."""
    where = str(google_state)
    with process(
        pytestconfig,
        "local.gcp",
        "--port",
        str(free_port()),
        "--state",
        where,
        "--aws-endpoint",
        aws_endpoint,
        log=google_state / "log",
    ) as url:
        secret.remember(url, SECRET)
        yield url


@pytest.fixture(scope="session")
def gcp(endpoint: str) -> Iterator[httpx.Client]:
    """A client that brings a token."""
    with httpx.Client(base_url=endpoint, timeout=PATIENCE, headers=BEARER) as client:
        yield client


@pytest.fixture
def ahead(google_state: Path) -> Iterator[Callable[[timedelta], None]]:
    """Puts the time of the local Google Cloud so far ahead; after the test it is the machine's again."""

    def put(by: timedelta) -> None:
        (google_state / "clock.new").write_text(str(by.total_seconds()))
        (google_state / "clock.new").replace(google_state / "clock")  # in one step: it is read at any moment

    yield put
    (google_state / "clock").unlink(missing_ok=True)


Denials = Callable[[str], list[tuple[str, str]]]


@pytest.fixture
def denials(google_state: Path) -> Denials:
    """(principal, permission) of what the log of the local Google Cloud says was refused on a resource."""

    def read(resource: str) -> list[tuple[str, str]]:
        logged = arrived.denials((google_state / "log").read_text())
        return [(each.principal, each.action) for each in logged if each.resource == resource]

    return read


class Warehouse:
    """A dataset of its own for each test, and what a test says about its tables."""

    def __init__(self, gcp: httpx.Client, dataset: str):
        self.gcp, self.dataset, self.base = gcp, dataset, f"/bigquery/v2/projects/{PROJECT}"
        self.ok(
            "POST",
            f"{self.base}/datasets",
            json={"datasetReference": {"datasetId": dataset}, "location": "US"},
        )

    def ok(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """A request that must succeed; its answer."""
        answer = self.gcp.request(method, path, **request)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else {}

    def table(self, name: str, fields: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        """A new table with these fields of BigQuery."""
        body = {"tableReference": {"tableId": name}, "schema": {"fields": fields}, **more}
        return self.ok("POST", f"{self.base}/datasets/{self.dataset}/tables", json=body)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """A query's rows, in which `$` stands for the dataset."""
        answer = self.ok(
            "POST",
            f"{self.base}/queries",
            json={"query": sql.replace("$", self.dataset), "useLegacySql": False},
        )
        assert "errors" not in answer, answer["errors"]
        return [tuple(cell["v"] for cell in row["f"]) for row in answer.get("rows", [])]

    def load(self, table: str, data: bytes, fmt: str, **options: Any) -> dict[str, Any]:
        """A load job from a file, as the transfers' own; the job as it ended."""
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            load = {
                "destinationTable": {"projectId": PROJECT, "datasetId": self.dataset, "tableId": table},
                "sourceUris": [f"file://{file.name}"],
                "sourceFormat": fmt,
                **options,
            }
            return self.ok("POST", f"{self.base}/jobs", json={"configuration": {"load": load}})


@pytest.fixture
def warehouse(gcp: httpx.Client) -> Warehouse:
    """A dataset for the test alone."""
    return Warehouse(gcp, f"shop_{next(NUMBER)}")


def parquet(**columns: Any) -> bytes:
    """A Parquet file of these columns."""
    made = io.BytesIO()
    pq.write_table(pa.table(columns), made)
    return made.getvalue()


def lines(*records: Any) -> bytes:
    """A file of JSON lines; a record that is text stands there as it is."""
    return "\n".join(r if isinstance(r, str) else json.dumps(r) for r in records).encode()


class Landing:
    """A bucket of its own, and a user that may read exactly one prefix of it."""

    def __init__(self, aws_endpoint: str):
        def client(service: str, key: str = "111111111111", secret: str = SECRET) -> Any:
            return boto3.client(
                service,
                endpoint_url=aws_endpoint,
                region_name="us-east-1",
                aws_access_key_id=key,
                aws_secret_access_key=secret,
            )

        self.s3, self.iam, self.sts, self.sqs = (client(s) for s in ("s3", "iam", "sts", "sqs"))
        self.bucket, self.user = f"landing-{next(NUMBER)}", f"bigquery-{next(NUMBER)}"
        self.s3.create_bucket(Bucket=self.bucket)
        self.iam.create_user(UserName=self.user)
        self.statements: list[dict[str, Any]] = [
            {
                "Sid": "ListLanding",
                "Effect": "Allow",
                "Action": ["s3:ListBucket", "s3:GetBucketLocation"],
                "Resource": f"arn:aws:s3:::{self.bucket}",
            },
            {
                "Sid": "ReadLanding",
                "Effect": "Allow",
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{self.bucket}/raw/*",
            },
        ]
        self.iam.put_user_policy(
            UserName=self.user,
            PolicyName="read",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": self.statements}),
        )
        self.key = self.iam.create_access_key(UserName=self.user)["AccessKey"]

    def put(self, key: str, data: bytes) -> None:
        """Writes an object."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=data)


@pytest.fixture
def landing(aws_endpoint: str) -> Landing:
    """A bucket at AWS for the test alone, with a user who may read it."""
    return Landing(aws_endpoint)


class Transfer:
    """A transfer config from a landing to a warehouse's table, and its runs."""

    def __init__(self, warehouse: Warehouse, landing: Landing):
        self.warehouse, self.landing, self.parent = warehouse, landing, f"/v1/projects/{PROJECT}/locations/us"
        self.name = ""

    def body(self, **params: Any) -> dict[str, Any]:
        """The request that makes the transfer, with some of its parameters changed."""
        return {
            "displayName": "orders",
            "dataSourceId": "amazon_s3",
            "destinationDatasetId": self.warehouse.dataset,
            "schedule": "every day 04:30",
            "params": {
                "data_path": f"s3://{self.landing.bucket}/raw/*",
                "destination_table_name_template": "orders",
                "file_format": "JSON",
                "access_key_id": self.landing.key["AccessKeyId"],
                "secret_access_key": self.landing.key["SecretAccessKey"],
                **params,
            },
        }

    def create(self, *, more: dict[str, Any] | None = None, **params: Any) -> dict[str, Any]:
        """Makes the transfer; its description."""
        made = self.warehouse.ok(
            "POST", f"{self.parent}/transferConfigs", json=self.body(**params) | (more or {})
        )
        self.name = made["name"]
        return made

    def run(self, at: str = "2026-01-02T04:30:00Z") -> dict[str, Any]:
        """A run by hand as of a time, once it has ended."""
        started = self.warehouse.ok(
            "POST", f"/v1/{self.name}:startManualRuns", json={"requestedRunTime": at}
        )["runs"][0]
        return self.ended(started["name"])

    def ended(self, run: str) -> dict[str, Any]:
        """A run by its name, once it has succeeded or failed."""

        def over() -> dict[str, Any] | None:
            run_read = self.warehouse.ok("GET", f"/v1/{run}")
            return run_read if run_read["state"] in ("SUCCEEDED", "FAILED") else None

        return eventually(over)


@pytest.fixture
def transfer(warehouse: Warehouse, landing: Landing) -> Transfer:
    """A transfer of the landing into the warehouse, which is still to be made."""
    return Transfer(warehouse, landing)
