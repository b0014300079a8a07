"""The normaliser's steps against a bucket: schema, files, reconciliation; nothing is visible of what is not sound."""

import contextlib
import gzip
import io
import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from tests.contract.normaliser import data_file, digest, full, handler_on, library
from tests.typed import fake

CONTEXT = SimpleNamespace(
    function_name="normalise",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:x",
    aws_request_id="1",
)
SEEN = "state/orders/seen.json"
MANIFEST = "raw/orders/AWSDynamoDB/01-a/manifest-files.json"
ITEMS = [{"id": {"S": str(n)}, "n": {"N": str(n)}} for n in range(100)]


class Bucket:
    """What the handler asks of S3; a multipart upload shows when it is completed."""

    def __init__(self):
        self.objects: dict[Any, Any] = {}
        self.uploads: dict[Any, Any] = {}

    def get_object(self, Bucket: str, Key: str):
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": StreamingBody(io.BytesIO(self.objects[Key]), len(self.objects[Key]))}

    def put_object(self, Bucket: str, Key: str, Body: Any, ContentType: Any):
        self.objects[Key] = Body

    def create_multipart_upload(self, Bucket: str, Key: str):
        self.uploads[Key] = {}
        return {"UploadId": Key}

    def upload_part(self, Bucket: str, Key: str, UploadId: str, PartNumber: Any, Body: Any):
        self.uploads[UploadId][PartNumber] = Body
        return {"ETag": str(PartNumber)}

    def complete_multipart_upload(self, Bucket: str, Key: str, UploadId: str, MultipartUpload: Any):
        parts = self.uploads.pop(UploadId)
        self.objects[Key] = b"".join(parts[part["PartNumber"]] for part in MultipartUpload["Parts"])

    def abort_multipart_upload(self, Bucket: str, Key: str, UploadId: str):
        del self.uploads[UploadId]

    def copy_object(self, Bucket: str, Key: str, CopySource: Any):
        assert CopySource["Bucket"] == Bucket
        self.objects[Key] = self.objects[CopySource["Key"]]

    def get_paginator(self, operation: Any):
        def paginate(Bucket: str, Prefix: str, **_: Any):
            return [{"Contents": [{"Key": key} for key in sorted(self.objects) if key.startswith(Prefix)]}]

        return SimpleNamespace(paginate=paginate)


@pytest.fixture
def lake(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    bucket = Bucket()
    app = handler_on(monkeypatch, bucket)
    decoder = data_file.Decoder
    monkeypatch.setattr(
        data_file, "Decoder", fake(lambda schema, incremental: decoder(schema, incremental, library()))
    )
    lines: list[Any] = []
    for name, items in (("a", ITEMS[:60]), ("b", ITEMS[60:]), ("c", [])):
        content = gzip.compress(full(items))
        bucket.objects[f"raw/orders/AWSDynamoDB/01-a/data/{name}.json.gz"] = content
        lines.append({"itemCount": len(items), "md5Checksum": digest(content), "etag": "x",
                      "dataFileS3Key": f"raw/orders/AWSDynamoDB/01-a/data/{name}.json.gz"})  # fmt: skip
    bucket.objects[MANIFEST] = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    bucket.objects["raw/summary"] = json.dumps({"itemCount": 100}).encode()
    always: dict[str, Any] = {
        "manifest_key": MANIFEST,
        "seen_key": SEEN,
        "incremental": False,
        "declared": {},
    }

    def call(step: str, **event: Any) -> dict[str, Any]:
        return app.handler({"step": step, **always, **event}, CONTEXT)

    return SimpleNamespace(bucket=bucket, lines=lines, call=call)


def columns(lake: Any, key: str = "s.json"):
    return [tuple(c.values()) for c in json.loads(lake.bucket.objects[key])["glue_columns"]]


def normalise(lake: Any, line: Any):
    return lake.call(
        "normalise", file=line, schema_key="s.json", output_prefix="windows/o/", report_prefix="reports/"
    )


def reconcile(lake: Any, incremental: bool = False):
    return lake.call(
        "reconcile",
        summary_key="raw/summary",
        report_prefix="reports/",
        incremental=incremental,
        output_prefix="windows/o/",
        location="lake/o/run=1/",
    )


def below(lake: Any, prefix: Any):
    return {key.removeprefix(prefix) for key in lake.bucket.objects if key.startswith(prefix)}


def test_an_export_becomes_parquet_whose_counts_are_the_summarys(lake: SimpleNamespace):
    lake.call("schema", schema_key="s.json", published_key=None, keys=["id"], declared={})
    assert columns(lake) == [("id", "string"), ("n", "decimal(38,0)"), ("_rest", "string")]
    results = [normalise(lake, line) for line in lake.lines]
    assert [r["items"] for r in results] == [60, 40, 0]
    parquet = {"a-00000.parquet", "b-00000.parquet"}
    assert (below(lake, "windows/o/"), below(lake, "lake/")) == (parquet, set())
    report = reconcile(lake)
    assert (report["items"], report["files"], report["outputs"]) == (100, 3, 2)
    assert below(lake, "lake/o/run=1/") == parquet
    objects = lake.bucket.objects
    assert all(objects[f"lake/o/run=1/{name}"] == objects[f"windows/o/{name}"] for name in parquet)


def test_an_increment_is_left_for_folding(lake: SimpleNamespace):
    lake.call("schema", schema_key="s.json", published_key=None, keys=["id"], declared={})
    for line in lake.lines:
        normalise(lake, line)
    assert reconcile(lake, incremental=True)["items"] == 100
    assert below(lake, "lake/") == set()


def test_what_no_report_of_the_export_names_is_not_copied(lake: SimpleNamespace):
    lake.call("schema", schema_key="s.json", published_key=None, keys=["id"], declared={})
    for line in lake.lines:
        normalise(lake, line)
    lake.bucket.objects["windows/o/a-00001.parquet"] = b"of an attempt that broke off"
    reconcile(lake)
    assert below(lake, "lake/o/run=1/") == {"a-00000.parquet", "b-00000.parquet"}


def test_what_is_declared_after_a_table_was_published_is_heeded(lake: SimpleNamespace):
    lake.call("schema", schema_key="s.json", published_key=None, keys=["id"], declared={})
    again = {"schema_key": "t.json", "published_key": "s.json", "keys": ["id"]}
    lake.call("schema", declared={"id": "string", "n": "decimal(38,2)", "later": "boolean"}, **again)
    assert columns(lake, "t.json") == [
        ("id", "string"), ("n", "decimal(38,2)"), ("later", "boolean"), ("_rest", "string")
    ]  # fmt: skip
    with pytest.raises(Exception, match=r"n is declared as 'string' and published as 'decimal\(38,0\)'"):
        lake.call("schema", declared={"n": "string"}, **again)


def test_an_export_of_no_items_leaves_a_published_key_as_it_is(lake: SimpleNamespace):
    lake.call("schema", schema_key="s.json", published_key=None, keys=["n"], declared={"n": "bigint"})
    lake.bucket.objects[MANIFEST] = b""
    lake.call(
        "schema", schema_key="t.json", published_key="s.json", keys=["n"], declared={"n": "decimal(38,0)"}
    )
    assert ("n", "bigint") in columns(lake, "t.json")


def test_a_file_that_is_not_sound_leaves_nothing_and_stops_the_reconciliation(lake: SimpleNamespace):
    lake.call("schema", schema_key="s.json", published_key=None, keys=["id"], declared={})
    normalise(lake, lake.lines[0])
    with pytest.raises(data_file.FileError, match=r"b\.json\.gz"):
        normalise(lake, lake.lines[1] | {"itemCount": 41})
    assert not lake.bucket.uploads and "windows/o/b-00000.parquet" not in lake.bucket.objects
    with pytest.raises(Exception, match=r"1 of 3 files are not normalised: .*c\.json\.gz"):
        reconcile(lake)
    normalise(lake, lake.lines[2])
    with pytest.raises(Exception, match=r"1 of 3 files are not sound: .*b\.json\.gz"):
        reconcile(lake)


def cut_short(lake: Any, line: Any):
    lake.bucket.objects[line["dataFileS3Key"]] = lake.bucket.objects[line["dataFileS3Key"]][:-9]


def wrong_md5(lake: Any, line: Any):
    line["md5Checksum"] = digest(b"another file")


def unknown_type(lake: Any, line: Any):
    content = gzip.compress(full([{"id": {"S": "1"}, "n": {"Q": "1"}}] * line["itemCount"]))
    lake.bucket.objects[line["dataFileS3Key"]] = content
    line["md5Checksum"] = digest(content)


def deleted(lake: Any, line: Any):
    del lake.bucket.objects[line["dataFileS3Key"]]


@pytest.mark.parametrize("fault", [cut_short, wrong_md5, unknown_type, deleted])
def test_an_export_with_such_a_file_is_never_reconciled_and_the_error_names_the_file(
    lake: SimpleNamespace, fault: Any
):
    lake.call("schema", schema_key="s.json", published_key=None, keys=["id"], declared={})
    fault(lake, lake.lines[1])
    for line in lake.lines:  # as the map does, which goes on with the others
        with contextlib.suppress(Exception):
            normalise(lake, line)
    with pytest.raises(Exception, match=r"1 of 3 files are not (sound|normalised): .*/data/b\.json\.gz"):
        reconcile(lake)
    assert below(lake, "windows/o/") == {"a-00000.parquet"}
    assert below(lake, "lake/") == set()


def test_an_export_of_which_the_manifest_leaves_a_file_out_is_never_reconciled(lake: SimpleNamespace):
    lake.call("schema", schema_key="s.json", published_key=None, keys=["id"], declared={})
    del lake.lines[1]
    lake.bucket.objects[MANIFEST] = b"".join(json.dumps(line).encode() + b"\n" for line in lake.lines)
    for line in lake.lines:
        normalise(lake, line)
    with pytest.raises(Exception, match=r"60 items were normalised; manifest-summary\.json says 100"):
        reconcile(lake)
    assert below(lake, "lake/") == set()


def test_a_manifest_that_points_outside_its_export_is_refused(lake: SimpleNamespace):
    for key in ("secrets/a.json.gz", "AWSDynamoDB/../secrets"):
        with pytest.raises(Exception, match="no file of an export"):
            normalise(lake, lake.lines[0] | {"dataFileS3Key": key})


def test_of_thousands_of_attributes_in_the_rest_a_reconciliation_tells_a_number_and_a_few_names(
    lake: SimpleNamespace,
):
    lake.call("schema", schema_key="s.json", published_key=None, keys=["id"], declared={})
    reports = [normalise(lake, line) for line in lake.lines]
    seen = {f"attribute_{n:04}": {"S": {"items": 1}} for n in range(5000)}
    wide = reports[0] | {"rest": {"items": 60, "attributes": seen}}
    lake.bucket.objects["reports/a.json"] = json.dumps(wide).encode()
    outcome = reconcile(lake)
    assert outcome["rest"] == {"items": 60, "attributes": 5000, "named": sorted(seen)[:20]}


def test_of_many_columns_that_can_not_be_widened_a_few_are_reported(lake: SimpleNamespace):
    content = gzip.compress(full([{"id": {"S": "1"}} | {f"a{n}": {"S": "text"} for n in range(30)}]))
    lake.bucket.objects["raw/orders/AWSDynamoDB/01-a/data/a.json.gz"] = content
    columns = [{"attribute": "id", "name": "id", "type": "string"}]
    columns += [{"attribute": f"a{n}", "name": f"a{n}", "type": "boolean"} for n in range(30)]
    lake.bucket.objects["old.json"] = json.dumps({"columns": columns, "keys": ["id"]}).encode()
    answer = lake.call("schema", schema_key="s.json", published_key="old.json", keys=["id"], declared={})
    assert len(answer["conflicts"]) == 20


def export_of(lake: Any, *files: Any):
    """Puts an export of these files (lists of items) in the place of the one that is there."""
    lake.lines.clear()
    for number, items in enumerate(files):
        content, key = gzip.compress(full(items)), f"raw/orders/AWSDynamoDB/01-a/data/f{number}.json.gz"
        lake.bucket.objects[key] = content
        lake.lines.append(
            {"itemCount": len(items), "md5Checksum": digest(content), "etag": "x", "dataFileS3Key": key}
        )
    lake.bucket.objects[MANIFEST] = b"".join(json.dumps(line).encode() + b"\n" for line in lake.lines)
    lake.bucket.objects["raw/summary"] = json.dumps({"itemCount": sum(map(len, files))}).encode()


def run(lake: Any, published: Any = None, declared: Any = None):
    """A run's steps as the state machine takes them; the schema's key of a run that went through."""
    for key in [key for key in lake.bucket.objects if key.startswith(("reports/", "windows/"))]:
        del lake.bucket.objects[key]
    event: dict[str, Any] = {
        "schema_key": "s.json",
        "published_key": published,
        "keys": ["n"],
        "declared": declared or {},
    }
    lake.call("schema", **event)
    for line in lake.lines:
        with contextlib.suppress(Exception):
            normalise(lake, line)
    return reconcile(lake)


def behind_the_sample(last: Any):
    """Items of which the last is beyond what the schema is derived from."""
    return [{"n": {"N": str(n)}, "pad": {"S": "x" * 1000}} for n in range(1200)] + [last]


def test_a_key_that_the_sample_did_not_hold_fails_one_run_and_no_other(lake: SimpleNamespace):
    export_of(lake, behind_the_sample({"n": {"N": "1100.5"}, "pad": {"S": "x"}}))
    with pytest.raises(
        Exception, match=r"column 'n' cannot hold the key of an item .*the next run takes into account"
    ):
        run(lake)
    assert run(lake)["items"] == 1201
    assert ("n", "decimal(38,1)") in columns(lake)


def test_all_keys_of_a_failing_file_are_seen_by_the_next_run(lake: SimpleNamespace):
    items = behind_the_sample({"n": {"N": "1100.5"}}) + behind_the_sample({"n": {"N": "7.12345"}})[600:]
    export_of(lake, items, [{"n": {"N": "0.125"}}])
    with pytest.raises(Exception, match="column 'n' cannot hold"):
        run(lake)
    assert run(lake)["items"] == len(items) + 1
    assert ("n", "decimal(38,5)") in columns(lake)


def test_what_no_column_could_hold_has_one_from_the_next_run_on(lake: SimpleNamespace):
    late = {"n": {"N": "7000"}, "price": {"N": "9.99"}, "pad": {"S": "x"}}
    export_of(lake, behind_the_sample(late))
    assert run(lake)["rest"] == {"items": 1, "attributes": 1, "named": ["price"]}
    lake.bucket.objects["old.json"] = lake.bucket.objects["s.json"]
    assert run(lake, published="old.json")["rest"]["items"] == 0
    assert ("price", "decimal(38,2)") in columns(lake)


def test_a_declared_key_that_can_not_be_stored_is_refused_with_what_to_do(lake: SimpleNamespace):
    export_of(lake, behind_the_sample({"n": {"N": "1100.5"}}))
    for _ in range(2):
        with pytest.raises(Exception, match="or of another type than is declared"):
            run(lake, declared={"n": "bigint"})


LIMIT = 262_144  # https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html


def test_no_step_answers_with_more_than_a_state_machine_takes_however_wide_the_items(lake: SimpleNamespace):
    name = "attribute_" + "x" * 200
    wide = {f"{name}{n}": {"S": "1"} for n in range(6000)}
    export_of(
        lake, [{"n": {"N": "1"}} | wide, {"n": {"N": "2"}} | {f"{name}{n}": {"N": "1"} for n in range(6000)}]
    )
    event: dict[str, Any] = {"schema_key": "s.json", "published_key": None, "keys": ["n"], "declared": {}}
    answers = [lake.call("schema", **event)]
    assert answers[0]["columns"] == 6002 and len(columns(lake)) == 6002
    old = [{"attribute": a, "name": f"c{i}", "type": "boolean"} for i, a in enumerate(wide)]
    old += [{"attribute": "n", "name": "n", "type": "bigint"}]
    lake.bucket.objects["old.json"] = json.dumps({"columns": old, "keys": ["n"]}).encode()
    answers.append(lake.call("schema", **event | {"published_key": "old.json"}))
    assert len(answers[1]["conflicts"]) == 20
    answers += [normalise(lake, line) for line in lake.lines]
    del answers[2:]  # a map keeps none of them
    answers.append(reconcile(lake))
    assert [len(json.dumps(answer)) < 20_000 for answer in answers] == [True] * 3
    assert LIMIT > 20_000 * 5  # the steps' answers stand side by side in one state
