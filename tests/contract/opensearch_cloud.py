"""The embedded cloud with an OpenSearch node, and what the tests of its two services make there."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import boto3  # pyright: ignore[reportMissingTypeStubs] - has none
import pytest
from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs] - has none
from opensearchpy import AWSV4SignerAuth, OpenSearch, RequestsHttpConnection

from local import opensearch, secret
from tests.contract.embedded_cloud import SECRET
from tests.waiting import PATIENCE, eventually

ACCOUNT, REGION = "111111111111", "us-east-1"
ROOT = Path(__file__).resolve().parents[2]


class Cloud:
    """A running cloud of the module's own; `settings` are variables of its environment."""

    def __init__(self, state: Path, **settings: str):
        opensearch.install()
        self.clock = state / "clock"
        port = opensearch.free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local.cloud", "--port", str(port), "--state", str(state)],
            cwd=ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=(state / "cloud.log").open("w"),
            env={**os.environ, secret.VARIABLE: SECRET, **settings},
        )
        assert self.process.stdout
        self.endpoint = json.loads(self.process.stdout.readline())["endpoint"]
        self.session: Any = boto3.Session(ACCOUNT, SECRET, region_name=REGION)

    def client(self, service: str, session: Any = None) -> Any:
        """A client of the account's administrator, or of a session."""
        return (session or self.session).client(
            service,
            endpoint_url=self.endpoint,
            config=Config(retries={"total_max_attempts": 2}, s3={"addressing_style": "path"}),
        )

    @contextlib.contextmanager
    def ahead(self, seconds: float) -> Generator[None]:
        """Puts the cloud's time ahead until the block ends, in one step: the cloud reads it at any moment."""
        self.clock.with_name("clock.new").write_text(str(seconds))
        self.clock.with_name("clock.new").replace(self.clock)
        try:
            yield
        finally:
            self.clock.unlink()

    def stop(self) -> None:
        """Ends it."""
        self.process.terminate()
        self.process.wait(PATIENCE)

    def role(
        self, name: str, statements: list[dict[str, Any]], service: str = "osis-pipelines.amazonaws.com"
    ) -> str:
        """A role with one inline policy, assumed by the account and by a service."""
        iam = self.client("iam")
        trust = [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}},
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            },
        ]
        iam.create_role(
            RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust})
        )
        self.allow(name, statements)
        return f"arn:aws:iam::{ACCOUNT}:role/{name}"

    def allow(self, name: str, statements: list[dict[str, Any]]) -> None:
        """Gives a role these statements and no other."""
        self.client("iam").put_role_policy(
            RoleName=name,
            PolicyName="only",
            PolicyDocument=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [{"Effect": "Allow", **statement} for statement in statements],
                }
            ),
        )

    def assume(self, role_arn: str) -> boto3.Session:
        """A session of a role."""
        given = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="test")["Credentials"]
        return boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], REGION)

    def collection(self, name: str, kind: str = "SEARCH", public: bool = True) -> dict[str, Any]:
        """A collection with its encryption and network policies, awake."""
        aoss = self.client("opensearchserverless")
        rule = [{"ResourceType": "collection", "Resource": [f"collection/{name}"]}]
        aoss.create_security_policy(
            name=name, type="encryption", policy=json.dumps({"Rules": rule, "AWSOwnedKey": True})
        )
        network = (
            {"AllowFromPublic": True} if public else {"AllowFromPublic": False, "SourceVPCEs": ["vpce-1"]}
        )
        aoss.create_security_policy(
            name=name, type="network", policy=json.dumps([{"Rules": rule, **network}])
        )
        aoss.create_collection(name=name, type=kind)
        return eventually(
            lambda: next(
                (
                    c
                    for c in aoss.batch_get_collection(names=[name])["collectionDetails"]
                    if c["status"] == "ACTIVE"
                ),
                None,
            )
        )

    def grant(
        self,
        policy: str,
        principal: str,
        permissions: list[str],
        collection: str,
        index: str = "*",
        kind: str = "index",
    ) -> None:
        """A data access policy for one principal, on an index or the collection."""
        resource = f"index/{collection}/{index}" if kind == "index" else f"collection/{collection}"
        self.client("opensearchserverless").create_access_policy(
            name=policy,
            type="data",
            policy=json.dumps(
                [
                    {
                        "Principal": [principal],
                        "Rules": [
                            {
                                "ResourceType": kind,
                                "Resource": [resource],
                                "Permission": [f"aoss:{permission}" for permission in permissions],
                            }
                        ],
                    }
                ]
            ),
        )

    def search(self, collection: dict[str, Any], session: boto3.Session) -> OpenSearch:
        """An OpenSearch client of a collection that signs as a session."""
        return OpenSearch(
            collection["collectionEndpoint"],
            connection_class=RequestsHttpConnection,
            max_retries=0,
            http_auth=AWSV4SignerAuth(session.get_credentials(), REGION, "aoss"),
        )


def running(folders: pytest.TempPathFactory, **settings: str) -> Iterator[Cloud]:
    """An embedded cloud with a node, for as long as the fixture that yields from it."""
    cloud = Cloud(folders.mktemp("cloud"), **settings)
    yield cloud
    cloud.stop()
