"""What is wanted, where it is looked for, the import file that is filled in, what an import leaves to be changed."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from adoption import differences, google, import_file, looking, wanted
from adoption.kinds import Kind, Search
from adoption.looking import Seen

STACK = "urn:pulumi:prod::tributary::"
ROOT = f"{STACK}pulumi:pulumi:Stack::tributary-prod"
PROVIDER = f"{STACK}pulumi:providers:aws::workload"
LAKE = f"{STACK}tributary:pipelines:Lake::lake"
BLOCK = f"{STACK}tributary:pipelines:Lake$tributary:blocks:Queue::failed"
WITHIN = "tributary:pipelines:Lake$tributary:blocks:Queue"
QUEUE = f"{STACK}{WITHIN}$aws:sqs/queue:Queue::failed"
POLICY = f"{STACK}{WITHIN}$aws:sqs/queuePolicy:QueuePolicy::failed"
KEY, ALIAS = f"{STACK}aws:kms/key:Key::k", f"{STACK}aws:kms/alias:Alias::k"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def goal(parent: str = ROOT, provider: str = f"{PROVIDER}::1", steps: str = "create", **more: Any) -> Any:
    made_of = more.pop("made_of", {})
    planned = {"custom": True, "parent": parent, "provider": provider, "inputDiff": {"adds": more}}
    return {"goal": {**planned, "propertyDependencies": made_of}, "steps": [steps]}


PLAN = {
    "resourcePlans": {
        PROVIDER: goal(provider="", region="eu-central-1", allowedAccountIds='["111111111111"]'),
        LAKE: {"goal": {"custom": False}, "steps": ["create"]},
        QUEUE: goal(BLOCK, name="q"),
        POLICY: goal(BLOCK, queueUrl=UNKNOWN, policy="{}", made_of={"queueUrl": [QUEUE]}),
        KEY: goal(description="x"),
        ALIAS: goal(name="alias/k", targetKeyId=UNKNOWN, made_of={"targetKeyId": [KEY]}),
        f"{STACK}aws:s3/bucket:Bucket::there": goal(bucket="b", steps="same"),
    }
}
FILE: dict[str, Any] = {
    "nameTable": {"workload": PROVIDER},
    "providerInputs": {"workload": {"region": "eu-central-1"}},
    "resources": [
        {"type": "tributary:pipelines:Lake", "name": "lake", "component": True},
        {"type": "tributary:pipelines:Other", "name": "other", "component": True},
        {"type": "tributary:blocks:Queue", "name": "failed", "parent": "lake", "component": True},
        {"type": "aws:sqs/queue:Queue", "name": "failedQueue", "logicalName": "failed", "parent": "failed",
         "provider": "workload", "id": "<PLACEHOLDER>"},
        {"type": "aws:sqs/queuePolicy:QueuePolicy", "name": "failedPolicy", "logicalName": "failed",
         "parent": "failed", "provider": "workload", "id": "<PLACEHOLDER>"},
    ],
}  # fmt: skip


def answering(monkeypatch: pytest.MonkeyPatch, **answers: Any) -> list[str]:
    """Makes the services answer by operation; the accounts' clients that were entered."""
    entered: list[str] = []

    class Client:
        def can_paginate(self, operation: str) -> bool:
            return False

        def __getattr__(self, operation: str) -> Any:
            def call(**arguments: Any) -> Any:
                answer = answers[operation]
                if isinstance(answer, str):
                    raise ClientError({"Error": {"Code": answer, "Message": "m"}}, operation)
                return answer

            return call

    def client(self: Any, service: str, resource: Any) -> Any:
        entered.append(f"{service} {resource['provider']}")
        return Client()

    monkeypatch.setattr(looking.Accounts, "client", client)
    return entered


def search() -> dict[str, Seen]:
    resources = wanted.read(PLAN)
    assert set(resources) == {QUEUE, POLICY, KEY, ALIAS}
    return {each.wanted.urn: each for each in looking.search(resources, wanted.providers(PLAN, []))}


def test_what_is_made_of_a_resource_that_is_there_is_looked_for_by_its_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    aliases = {"Aliases": [{"AliasName": "alias/k", "TargetKeyId": "1234"}]}
    policy = {"Attributes": {"Policy": "{}"}}
    answering(
        monkeypatch,
        get_queue_url={"QueueUrl": "https://q"},
        get_queue_attributes=policy,
        list_aliases=aliases,
    )
    assert {urn: each.id for urn, each in search().items()} == {
        QUEUE: "https://q", POLICY: "https://q", KEY: "1234", ALIAS: "alias/k",
    }  # fmt: skip


def test_what_is_not_there_is_made_and_what_may_not_be_seen_is_no_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    missing = "AWS.SimpleQueueService.NonExistentQueue"
    entered = answering(monkeypatch, get_queue_url=missing, list_aliases="AccessDenied")
    seen = search()
    assert set(entered) == {f"sqs {PROVIDER}::", f"kms {PROVIDER}::"}
    assert (seen[QUEUE].reason, seen[QUEUE].failed) == ("it is not there", False)
    assert seen[POLICY].reason == "queueUrl is not known before the deployment"
    assert seen[KEY].failed and "AccessDenied" in seen[KEY].reason


def test_several_that_could_be_meant_are_not_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    only = looking.aws._only  # pyright: ignore[reportPrivateUsage] - how each search ends
    mapping = Kind("{found}", "sqs", Search(("list",), lambda client, values: only(["1", "2"], "arn")))
    answering(monkeypatch, list_aliases={"Aliases": []})
    monkeypatch.setattr(looking, "KINDS", {**looking.KINDS, "aws:sqs/queue:Queue": mapping})
    seen = search()
    assert (seen[QUEUE].id, seen[QUEUE].reason) == ("", "arn is not known before the deployment")


def test_the_file_has_what_is_there_with_all_that_it_stands_in() -> None:
    queue = ("aws:sqs/queue:Queue", "failed", import_file.way(BLOCK))
    filled = import_file.fill(FILE, {queue: "https://q"})
    assert [spec["name"] for spec in filled["resources"]] == ["lake", "failed", "failedQueue"]
    assert filled["resources"][-1]["id"] == "https://q"
    assert filled["nameTable"] == {"workload": PROVIDER} and filled["providerInputs"]["workload"]
    other = ("aws:sqs/queue:Queue", "failed", import_file.way(LAKE))  # of the same name, elsewhere
    assert import_file.fill(FILE, {other: "https://q"})["resources"] == []
    standing: dict[str, Any] = {
        **FILE,
        "nameTable": {**FILE["nameTable"], "failed": BLOCK},
        "resources": FILE["resources"][3:],
    }
    assert import_file.fill(standing, {queue: "https://q"})["nameTable"]["failed"] == BLOCK


SHA256 = hashlib.sha256(b"a function's package").digest()


def step(op: str, was: Any, now: Any, **more: Any) -> Any:
    old = SimpleNamespace(inputs=was, outputs={"codeSha256": base64.b64encode(SHA256).decode()})
    new = SimpleNamespace(inputs=now)
    return SimpleNamespace(
        op=op,
        urn=KEY,
        type="aws:kms/key:Key",
        old=old,
        new=new,
        **{"detailed_diff": None, "diffs": [], **more},
    )


def test_what_no_service_keeps_is_completed_and_all_else_is_a_difference() -> None:
    own = step("update", {}, {"deletionWindowInDays": 30}, diffs=["deletionWindowInDays"])
    [difference] = differences.read([own])
    assert difference.of_the_provider
    state = {"resources": [{"urn": KEY, "inputs": {"a": 1}, "outputs": {}}, {"urn": ALIAS}]}
    completed = differences.completed(state, [difference])
    assert completed["resources"][0]["inputs"] == {"a": 1, "deletionWindowInDays": 30}
    assert completed["resources"][1] == {"urn": ALIAS}
    both = step("update", {"p": 1}, {"deletionWindowInDays": 30, "p": 2}, diffs=["deletionWindowInDays", "p"])
    [difference] = differences.read([both])
    assert not difference.of_the_provider and "p: 1 -> 2" in str(difference)
    assert differences.completed(state, [difference]) == state
    replaced = [
        step("create-replacement", {"p": 1}, {"p": 2}, detailed_diff={"p[0].x": None}),
        step("delete-replaced", {"p": 1}, None),
    ]
    [difference] = differences.read(replaced)
    assert (difference.kind, difference.properties) == ("replace", {"p": (1, 2)})


@pytest.mark.parametrize(
    "program", [{"code": {"hash": SHA256.hex()}}, {"s3Bucket": "b", "s3Key": f"code/{SHA256.hex()}.zip"}]
)
def test_a_functions_code_is_no_difference_where_the_account_has_the_same_by_its_hash(
    program: dict[str, Any],
) -> None:
    """No import reads a function's code, so that its properties are always among the changes."""
    [same] = differences.read([step("update", {}, program, diffs=[*program])])
    assert same.of_the_provider
    other = json.loads(json.dumps(program).replace(SHA256.hex(), "0" * 64))
    [another] = differences.read([step("update", {}, other, diffs=[*other])])
    assert not another.of_the_provider
    [more] = differences.read([step("update", {}, program | {"timeout": 3}, diffs=[*program, "timeout"])])
    assert not more.of_the_provider


def test_a_tables_protection_is_pulumis_at_bigquery_alone() -> None:
    table = step("update", {}, {"deletionProtection": False}, diffs=["deletionProtection"])
    assert not differences.read([table])[0].of_the_provider
    table.urn = table.urn.replace("aws:kms/key:Key", "gcp:bigquery/table:Table")
    assert differences.read([table])[0].of_the_provider


class Api(HTTPServer):
    answers: dict[str, Any]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server: Any = self.server
        status, body = server.answers.get(self.path, (404, b"{}"))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def api() -> Iterator[Api]:
    with Api(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_google_is_read_by_get_and_by_who_has_a_role(api: Api) -> None:
    client = google.Google(f"http://127.0.0.1:{api.server_port}")
    bindings = (
        b'{"bindings": [{"role": "r", "members": ["m"]}, {"role": "s", "members": ["m"], "condition": {}}]}'
    )
    api.answers = {
        "/v1/projects/p/roles/live": (200, b"{}"),
        "/v1/projects/p/roles/gone": (200, b'{"deleted": true}'),
        "/storage/v1/b/bucket/iam": (200, bindings),
        "/bigquery/v2/projects/p/datasets/secret": (403, b"{}"),
        "/v1/projects/p/locations/eu/transferConfigs": (200, b'{"nextPageToken": "2"}'),
        "/v1/projects/p/locations/eu/transferConfigs?pageToken=2": (
            200, b'{"transferConfigs": [{"displayName": "d", "name": "n"}]}',
        ),
    }  # fmt: skip

    def there(token: str, **values: str) -> str | None:
        kind = google.KINDS[token]
        assert kind.search
        return kind.search.run(client, {"project": "p", **values})

    role, member = "gcp:projects/iAMCustomRole:IAMCustomRole", "gcp:storage/bucketIAMMember:BucketIAMMember"
    assert there(role, roleId="live") == "there"
    assert there(role, roleId="gone") is None and there(role, roleId="never") is None
    assert there(member, bucket="bucket", role="r", member="m") == "there"
    assert there(member, bucket="bucket", role="r", member="n") is None
    transfer = "gcp:bigquery/dataTransferConfig:DataTransferConfig"
    assert there(transfer, location="eu", displayName="d") == "n"
    assert there(transfer, location="eu", displayName="e") is None
    with pytest.raises(OSError, match="403"):
        there("gcp:bigquery/dataset:Dataset", datasetId="secret")
