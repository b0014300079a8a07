"""The local providers without a cloud: what Check refuses, what Diff sees, what a preview knows."""

import json
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from pulumi.runtime.proto import provider_pb2

from local.providers import schema, shapes, values
from local.providers.aws import Aws
from local.providers.aws_rows import Refused, loopback
from local.providers.aws_types import INVOKES, ROWS
from local.providers.gcp import ENDPOINT, Gcp
from local.providers.gcp_answers import finished
from local.providers.gcp_types import ROWS as GCP_ROWS
from local.providers.servicer import Servicer
from local.providers.values import ARCHIVE, ASSET, SIGNATURE, UNKNOWN, wire

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}
QUEUE, ROLE, FUNCTION = "aws:sqs/queue:Queue", "aws:iam/role:Role", "aws:lambda/function:Function"
JOB, NAME = "gcp:storage/transferJob:TransferJob", "transferJobs/shop-copy-AROA1"
TABLE, BUCKET = "aws:dynamodb/table:Table", "aws:s3/bucket:Bucket"


class Aborted(Exception):
    pass


class Context:
    def abort(self, code: Any, details: Any):
        raise Aborted(details)

    def set_trailing_metadata(self, trailing_metadata: Any):
        pass


SESSION = botocore.session.Session()  # which reads a service's model once


@pytest.fixture
def servicer() -> Servicer:
    """Configured, but for the call that would ask the cloud who it is."""
    cloud: Any = Aws(ROWS, INVOKES)  # its session is of botocore's own class, not of the stub's
    cloud.endpoint, cloud.account, cloud.region = "http://127.0.0.1:9", "111111111111", "us-east-1"
    cloud.session, cloud.default_tags = SESSION, {"stack": "test"}
    return Servicer(cloud)


def urn(kind: Any):
    return f"urn:pulumi:s::p::{kind}::thing"


def check(servicer: Servicer, kind: Any, inputs: Any):
    answer = servicer.Check(
        provider_pb2.CheckRequest(urn=urn(kind), news=wire(inputs), randomSeed=b"\1\2\3\4"), Context()
    )
    return values.plain(answer.inputs), {f.property: f.reason for f in answer.failures}


def diff(servicer: Servicer, kind: Any, old: Any, new: Any, state: Any = None):
    request = provider_pb2.DiffRequest(
        urn=urn(kind), id="x", news=wire(new), old_inputs=wire(old),
        olds=wire({**old, "tagsAll": {"stack": "test"}, **(state or {})}),
    )  # fmt: skip
    return servicer.Diff(request, Context())


@pytest.mark.parametrize(
    ("kind", "inputs", "where", "expected_message"),
    [
        (BUCKET, {"bucket": "Orders"}, "bucket", "not a bucket name"),
        (BUCKET, {"bucket": "a..b"}, "bucket", "not a bucket name"),
        (ROLE, {"name": "r" * 65, "assumeRolePolicy": "{}"}, "name", "not an IAM name"),
        (ROLE, {"name": "r"}, "assumeRolePolicy", "is required"),
        (FUNCTION, {"name": "f" * 65, "role": "arn:aws:iam::1:role/r"}, "name", "not a function name"),
        (FUNCTION, {"name": "f", "role": "arn:aws:iam::1:role/r", "runtime": "cobol"}, "runtime", "is not one of"),
        (QUEUE, {"name": "q" * 81}, "name", "not a queue name"),
        (QUEUE, {"name": "q", "visibility": 3}, "visibility", "no such property"),
        (TABLE, {"name": "t"}, "name", "not a table name"),
        (TABLE, {"name": "tbl", "attributes": [{"name": "id"}]}, "attributes[0].type", "is required"),
        (TABLE, {"name": "tbl", "billingMode": "FREE"}, "billingMode", "is not one of"),
        ("aws:cloudwatch/logGroup:LogGroup", {"name": "a b"}, "name", "not a log group name"),
        ("aws:kms/alias:Alias", {"name": "shop", "targetKeyId": "k"}, "name", "not an alias"),
        ("aws:s3/bucketVersioning:BucketVersioning", {"bucket": "bbb"}, "versioningConfiguration", "is required"),
    ],
)  # fmt: skip
def test_check_refuses_what_the_service_would_refuse_and_says_where(
    servicer: Servicer, kind: Any, inputs: dict[str, Any], where: str, expected_message: str
):
    _, failures = check(servicer, kind, inputs)
    assert expected_message in failures[where]


def test_check_takes_what_is_right_and_what_is_not_known_yet(servicer: Servicer):
    assert check(servicer, BUCKET, {"bucket": "orders-111111111111", "tags": {"a": "b"}})[1] == {}
    assert check(servicer, ROLE, {"name": UNKNOWN, "assumeRolePolicy": UNKNOWN})[1] == {}
    assert check(servicer, QUEUE, {"name": "q", "redrivePolicy": UNKNOWN})[1] == {}


def test_a_name_that_is_left_out_is_made_of_the_resources_own(servicer: Servicer):
    inputs, failures = check(servicer, QUEUE, {})
    assert inputs["name"] == "thing-0102030" and failures == {}


def test_an_unknown_type_is_named_with_the_file_to_add_it_to(servicer: Servicer):
    with pytest.raises(
        Aborted, match=r"unknown type aws:ec2/vpc:Vpc: add it to local/providers/aws_types\.py"
    ):
        check(servicer, "aws:ec2/vpc:Vpc", {})


def test_a_policy_that_means_the_same_is_no_difference(servicer: Servicer):
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["a:B", "a:C"], "Resource": "*"}],
    }
    two: dict[str, Any] = {
        "Statement": {"Action": ["a:C", "a:B"], "Resource": ["*"], "Effect": "Allow"},
        "Version": "2012-10-17",
    }
    name = {"name": "r"}
    same = diff(
        servicer,
        ROLE,
        name | {"assumeRolePolicy": json.dumps(policy)},
        name | {"assumeRolePolicy": json.dumps(two)},
    )
    assert same.changes == provider_pb2.DiffResponse.DIFF_NONE
    two["Statement"]["Action"] = "a:B"
    other = diff(
        servicer,
        ROLE,
        name | {"assumeRolePolicy": json.dumps(policy)},
        name | {"assumeRolePolicy": json.dumps(two)},
    )
    assert list(other.diffs) == ["assumeRolePolicy"] and not other.replaces


def test_the_order_in_a_document_that_is_no_policy_is_a_difference(servicer: Servicer):
    rule = "aws:cloudwatch/eventRule:EventRule"
    differences = diff(
        servicer,
        rule,
        {"name": "r", "eventPattern": '{"a":["x"]}'},
        {"name": "r", "eventPattern": '{"a":"x"}'},
    )
    assert list(differences.diffs) == ["eventPattern"]


def test_an_archive_is_compared_by_its_hash(servicer: Servicer):
    code = {SIGNATURE: ARCHIVE, "path": "/a", "hash": "1"}
    moved: dict[str, Any] = {"name": "f", "role": "r", "code": {**code, "path": "/b"}}
    assert not diff(servicer, FUNCTION, {"name": "f", "role": "r", "code": code}, moved).diffs
    moved["code"]["hash"] = "2"
    differences = diff(servicer, FUNCTION, {"name": "f", "role": "r", "code": code}, moved)
    assert list(differences.diffs) == ["code"] and not differences.replaces


@pytest.mark.parametrize(
    ("kind", "old", "new", "replaced"),
    [
        (QUEUE, {"name": "a"}, {"name": "b"}, ["name"]),
        (QUEUE, {"name": "a"}, {"name": "a", "delaySeconds": 5}, []),
        (TABLE, {"name": "tbl", "hashKey": "a"}, {"name": "tbl", "hashKey": "b"}, ["hashKey"]),
        (TABLE, {"name": "tbl"}, {"name": "tbl", "streamEnabled": True}, []),
        (TABLE, {"name": "tbl"}, {"name": "tbl", "ttl": {"enabled": True, "attributeName": "e"}}, []),
        (FUNCTION, {"name": "f"}, {"name": "f", "memorySize": 512, "reservedConcurrentExecutions": 1}, []),
        ("aws:lambda/permission:Permission", {"action": "a"}, {"action": "b"}, ["action"]),
        ("aws:lambda/invocation:Invocation", {"input": "1"}, {"input": "2"}, ["input"]),
        ("aws:lambda/invocation:Invocation", {"input": "1"}, {"input": "2", "lifecycleScope": "CRUD"}, []),
    ],
)  # fmt: skip
def test_what_no_operation_updates_replaces_the_resource(
    servicer: Servicer, kind: Any, old: dict[str, Any], new: dict[str, Any], replaced: list[Any]
):
    assert list(diff(servicer, kind, old, new).replaces) == replaced


def test_a_classic_collection_is_replaced_by_one_of_the_next_generation(servicer: Servicer):
    collection = "aws:opensearch/serverlessCollection:ServerlessCollection"
    classic = {"name": "books", "type": "SEARCH", "standbyReplicas": "DISABLED"}
    moved = classic | {"standbyReplicas": "ENABLED", "collectionGroupName": "books-group"}
    differences = diff(servicer, collection, classic, moved)
    assert sorted(differences.replaces) == ["collectionGroupName", "standbyReplicas"]
    assert differences.deleteBeforeReplace  # its documents are gone before the new one is there
    group = "aws:opensearch/serverlessCollectionGroup:ServerlessCollectionGroup"
    limits = [{"minSearchCapacityInOcu": 0, "maxSearchCapacityInOcu": 4}]
    small = {
        "name": "books-group",
        "generation": "NEXTGEN",
        "standbyReplicas": "ENABLED",
        "capacityLimits": limits,
    }
    larger = small | {"capacityLimits": [limits[0] | {"maxSearchCapacityInOcu": 8}]}
    assert not diff(servicer, group, small, larger).replaces
    assert list(diff(servicer, group, small, small | {"generation": "CLASSIC"}).replaces) == ["generation"]


def test_a_replacement_deletes_first_where_the_name_stays(servicer: Servicer):
    kept = diff(servicer, TABLE, {"name": "tbl", "hashKey": "a"}, {"name": "tbl", "hashKey": "b"})
    renamed = diff(servicer, TABLE, {"name": "one"}, {"name": "two"})
    assert kept.deleteBeforeReplace and not renamed.deleteBeforeReplace


def test_a_change_of_the_default_tags_updates_what_has_tags(servicer: Servicer):
    differences = diff(servicer, QUEUE, {"name": "q"}, {"name": "q"}, {"tagsAll": {"stack": "before"}})
    assert list(differences.diffs) == ["tagsAll"] and not differences.replaces


def test_a_preview_keeps_inputs_and_leaves_what_the_service_decides_unknown(servicer: Servicer):
    inputs = {"name": "q", "redrivePolicy": UNKNOWN, "tags": {"a": "b"}}
    request = provider_pb2.CreateRequest(urn=urn(QUEUE), properties=wire(inputs), preview=True)
    properties = values.plain(servicer.Create(request, Context()).properties)
    assert (properties["name"], properties["redrivePolicy"], properties["arn"]) == ("q", UNKNOWN, UNKNOWN)
    assert properties["tagsAll"] == {"a": "b", "stack": "test"}


@pytest.mark.parametrize(
    "endpoint", ["", "https://sts.amazonaws.com", "http://10.0.0.1:4566", "http://127.0.0.1.evil.example"]
)
def test_an_endpoint_that_is_not_loopback_is_refused(monkeypatch: pytest.MonkeyPatch, endpoint: str):
    monkeypatch.setenv("TRIBUTARY_LOCAL_ENDPOINT", endpoint)
    with pytest.raises(Refused, match=r"127\.0\.0\.1"):
        loopback("TRIBUTARY_LOCAL_ENDPOINT")


@pytest.mark.parametrize(
    "config",
    [{"region": "us-east-1"}, {"region": "r", "allowedAccountIds": ["1", "2"]}, {"allowedAccountIds": ["111111111111"]},
     {"region": "r", "allowedAccountIds": ["111111111111"], "accessKey": "AKIA"}],
)  # fmt: skip
def test_a_provider_without_one_account_and_a_region_or_with_keys_is_refused(config: dict[str, Any]):
    assert Aws(ROWS, INVOKES).refuse_config(config)


def test_a_refresh_keeps_what_the_service_only_adds_to_and_tells_what_it_changed():
    declared: dict[str, Any] = {"rules": [{"id": "a", "days": 3}, {"id": "b", "days": 4}], "on": False}
    added: dict[str, Any] = {"rules": [{"id": "b", "days": 4, "x": 1}, {"id": "a", "days": 3, "filter": {}}]}
    assert values.seen(declared, added) == declared
    assert values.seen(declared, {"rules": [{"id": "a", "days": 9}]})["rules"] == [{"id": "a", "days": 9}]
    assert values.seen(declared, {"rules": declared["rules"] + [{"id": "c"}]})["rules"][2] == {"id": "c"}
    assert values.seen("text", None) is None and values.seen(False, None) is False


def test_an_archive_is_the_same_bytes_wherever_it_lies(tmp_path: Path):
    made: list[Any] = []
    for name in ("one", "two"):
        (tmp_path / name / "inner").mkdir(parents=True)
        for file in ("b.py", "inner/a.py") if name == "one" else ("inner/a.py", "b.py"):
            (tmp_path / name / file).write_text(file)
        made.append(values.archive({SIGNATURE: ARCHIVE, "path": str(tmp_path / name)}))
    assert made[0] == made[1]
    mixed = {
        "assets": {
            "x.py": {SIGNATURE: ASSET, "text": "1"},
            "lib": {SIGNATURE: ARCHIVE, "path": str(tmp_path / "one")},
        }
    }
    names = zipfile.ZipFile(BytesIO(values.archive({SIGNATURE: ARCHIVE, **mixed}))).namelist()
    assert names == ["lib/b.py", "lib/inner/a.py", "x.py"]


@pytest.mark.parametrize("kind", sorted({**ROWS, **GCP_ROWS}))
def test_every_row_is_a_type_of_the_sdk_and_names_its_operations(kind: Any, servicer: Servicer):
    given = schema.inputs(kind)
    assert given and schema.outputs(kind)
    if kind in ROWS:
        cloud: Any = servicer.cloud
        row, client = ROWS[kind], cloud.client(ROWS[kind].service)
        for step in (*row.create, *row.read, *row.update, *row.delete, *([row.untag] if row.untag else [])):
            assert not isinstance(step, str) or step in client.meta.method_to_api_mapping, step
        known = {*given, *schema.outputs(kind)}
        assert {*row.replace, *row.read_by_function, *row.withheld, *row.volatile} <= known


def test_a_property_finds_its_member_whatever_the_case_and_number():
    def structure(**members: Any) -> Any:
        return SimpleNamespace(type_name="structure", members=members)

    leaf: Any = SimpleNamespace(type_name="string")
    shape = structure(KMSKeyId=leaf, Rules=SimpleNamespace(type_name="list", member=structure(ID=leaf)))
    assert shapes.resolve(shape, "kmsKeyId", {}) == (["KMSKeyId"], leaf)
    assert shapes.resolve(shape, "rule", {})[0] == ["Rules"]  # type: ignore[index]  # a failure here is the test's
    assert shapes.resolve(shape, "first", {"first": "Rules.Id"}) == (["Rules", "ID"], leaf)
    assert shapes.resolve(shape, "other", {}) is None


def test_a_refresh_of_a_google_resource_does_not_expect_its_identity_in_the_answer():
    given = {"datasetId": "shop", "description": "d", "deleteContentsOnDestroy": True}
    assert Gcp().readable("gcp:bigquery/dataset:Dataset", given) == {"description"}


def test_googles_64_bit_integers_are_numbers_at_every_depth():
    """expirationMs: https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/tables#TimePartitioning."""
    cloud = Gcp(GCP_ROWS)
    cloud.project = "p"
    answer = {"timePartitioning": {"type": "DAY", "expirationMs": "1209600000"}, "numBytes": "12"}
    cloud.call = lambda method, path, body=None: answer
    key = "projects/p/datasets/d/tables/t"
    read = cloud.read("gcp:bigquery/table:Table", key, {})
    assert read
    assert read["timePartitioning"] == {"type": "DAY", "expirationMs": 1209600000}
    assert read["numBytes"] == 12


def test_a_transfer_job_that_is_deleted_is_gone_though_the_service_has_it_still():
    cloud = Gcp(GCP_ROWS)
    cloud.project = "p"
    paths: list[Any] = []
    cloud.call = lambda method, path, body=None: paths.append(path) or {"name": NAME, "status": "DELETED"}
    assert cloud.read(JOB, NAME, {}) is None
    assert paths == [f"/v1/{NAME}?projectId=p"]


@pytest.mark.parametrize("name", ["shop-copy-1a2b3c4", "transferJobs/shop-", "transferJobs/" + "x" * 116])
def test_a_transfer_jobs_name_is_refused_at_preview(name: Any):
    assert [path for path, _ in Gcp(GCP_ROWS).refuse(JOB, {"name": name})] == ["name"]
    assert Gcp(GCP_ROWS).refuse(JOB, {"name": NAME}) == []
    assert Gcp(GCP_ROWS).refuse(JOB, {"name": UNKNOWN}) == []


def test_a_provider_waits_for_a_long_running_operation_and_tells_its_error():
    name = "projects/p/locations/global/workloadIdentityPools/pool/operations/o"
    states = iter([{"name": name}, {"name": name, "done": True, "response": {"name": "the pool"}}])
    calls: list[Any] = []

    def call(method: Any, path: Any):
        calls.append((method, path))
        return next(states)

    assert finished(call, {"name": name}) == {"name": "the pool"}
    assert calls == [("GET", f"/v1/{name}")] * 2
    assert finished(call, {"name": "projects/p/topics/t"}) == {"name": "projects/p/topics/t"}
    with pytest.raises(Refused, match="quota is used up"):
        finished(call, {"name": name, "done": True, "error": {"code": 8, "message": "the quota is used up"}})


class _Nothing(BaseHTTPRequestHandler):
    """A service that has nothing."""

    def do_GET(self):
        self.send_error(404)

    do_POST = do_GET

    def log_message(self, format: Any, *args: Any):
        pass


def test_a_member_of_what_is_gone_is_gone_too(monkeypatch: pytest.MonkeyPatch):
    with HTTPServer(("127.0.0.1", 0), _Nothing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv(ENDPOINT, f"http://127.0.0.1:{server.server_port}")
        google = Gcp()
        google.project = "shop"
        account, member = "projects/shop/serviceAccounts/a@b", "serviceAccount:c@d"
        state = {"serviceAccountId": account, "role": "roles/iam.workloadIdentityUser", "member": member}
        kind = "gcp:serviceaccount/iAMMember:IAMMember"
        assert google.read(kind, f"{account}/{state['role']}/{member}", state) is None
        google.delete(kind, f"{account}/{state['role']}/{member}", state)
        server.shutdown()
