"""Whatever bytes come, a reader of foreign bytes gives a right result or one of the refusals that it documents."""

import base64
import gzip
import hashlib
import importlib
import io
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.contract.normaliser import HANDLER, data_file, full, normalise, schema_of
from tests.typed import pa, pq

HANDLERS = HANDLER.parent
MODULES = {"normalise": ("export", "footer", "rds_export", "table_schema"), "arrival": ("arrival",),
           "replay": ("failed",), "transform": ("transforming",)}  # fmt: skip
for folder in MODULES:
    sys.path.append(str(HANDLERS / folder))
export, footer, rds_export, table_schema, arrival, failed, transforming = (
    importlib.import_module(name) for names in MODULES.values() for name in names
)
for folder in MODULES:
    if folder != "normalise":
        sys.path.remove(str(HANDLERS / folder))

fuzzed = settings(max_examples=150, deadline=None)
texts = st.text(max_size=8) | st.sampled_from(["N", "S", "L", "M", "AWSDynamoDB/", "1e9", "\ud800", "-", "é"])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
values = st.recursive(
    scalars, lambda v: st.lists(v, max_size=3) | st.dictionaries(texts, v, max_size=3), max_leaves=8
)
DEEP = "[" * 100_000


def written(value: Any) -> str:
    return json.dumps(value)


@st.composite
def mutated(draw: Any, seed: bytes) -> bytes:
    """The seed with some bytes replaced, taken out or put in."""
    content = bytearray(seed)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        cut = draw(st.integers(0, 4))
        content[at : at + cut] = draw(st.binary(max_size=4))
    return bytes(content)


@st.composite
def changed(draw: Any, seed: Any):
    """A JSON value with one of its members replaced or taken away, at any depth."""
    value: Any = json.loads(json.dumps(seed))
    key: Any = 0
    place: Any = [value]
    while isinstance(place[key], dict | list) and place[key] and draw(st.integers(0, 3)):
        place = cast("Any", place[key])
        key = (
            draw(st.sampled_from(sorted(cast("dict[str, Any]", place))))
            if isinstance(place, dict)
            else draw(st.integers(0, len(cast("list[Any]", place)) - 1))
        )
    if isinstance(place, dict) and draw(st.booleans()):
        del place[key]
    elif place == [value] and key == 0 and place[0] is value:
        return draw(values)
    else:
        place[key] = draw(values)
    return value


def parquet() -> bytes:
    table = pa.table({"id": pa.array(range(5), pa.int64()), "s": [["a"], [], None, ["b", "c"], []]})
    out = io.BytesIO()
    pq.write_table(table, out, row_group_size=2)
    return out.getvalue()


PARQUET = parquet()
FOOTER = PARQUET[-footer.length(PARQUET) :]


@fuzzed
@given(
    mutated(FOOTER[:-8]).map(lambda body: body + len(body).to_bytes(4, "little") + b"PAR1")
    | st.binary(max_size=80)
)
@example(b"\x15\x02\x19\x1c\x18\x01a\x15\x02\x00\x16\x00\x19\x0c\x00" + (15).to_bytes(4, "little") + b"PAR1")
def test_a_footer_is_read_or_refused(tail: Any):
    try:
        answer = footer.read(tail)
    except footer.FooterError:
        return
    assert isinstance(answer.rows, int) and all(isinstance(name, str) for name in answer.columns)


NOTIFICATION = {
    "Records": [
        {
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "b"}, "object": {"key": "raw/AWSDynamoDB/1/manifest-summary.json"}},
        }
    ]
}


@fuzzed
@given(
    changed(NOTIFICATION).map(written)
    | mutated(written(NOTIFICATION).encode()).map(lambda b: b.decode("latin-1"))
)
@example(DEEP)
@example("[]")
def test_a_notification_is_read_or_refused(body: Any):
    with suppress(arrival.Corrupt):
        for bucket, key in arrival.arrivals(body, "raw/"):
            assert isinstance(bucket, str) and key.startswith("raw/")


def digest(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content).digest()).decode()


LINE = {
    "itemCount": 2,
    "md5Checksum": digest(b"x"),
    "etag": "e",
    "dataFileS3Key": "AWSDynamoDB/1/data/a.json.gz",
}
SUMMARY = {"itemCount": 2, "exportArn": "arn:t/export/1", "tableArn": "arn:table/t",
           "exportTime": "2026-01-01", "billedSizeBytes": 1}  # fmt: skip
MANIFEST_KEY = "raw/AWSDynamoDB/1/manifest-files.json"


@fuzzed
@given(
    changed(LINE).map(written) | mutated(written(LINE).encode()).map(lambda b: b.decode("latin-1")),
    changed(SUMMARY).map(written),
    st.booleans(),
)
@example(DEEP, written(SUMMARY), True)
@example(written(LINE), DEEP, True)
@example(written(LINE | {"dataFileS3Key": "AWSDynamoDB/\ud800"}), written(SUMMARY), True)
def test_an_export_is_complete_waited_for_or_corrupt(line: Any, summary: Any, there: Any):
    lines, key = [line.encode(errors="surrogatepass")], "raw/AWSDynamoDB/1/manifest-summary.json"
    stored = {"raw/AWSDynamoDB/1/data/a.json.gz": arrival.Stored(1, "e")} if there else {}
    verdict = arrival.judge(
        arrival.Export(
            "b", key, summary.encode(), lines, hashlib.md5(lines[0]).digest(), digest(lines[0]), stored, True
        )
    )
    assert isinstance(verdict, arrival.Complete | arrival.Waiting | arrival.Corrupt)
    for named in arrival.files_outside(key, lines):
        assert named.encode().startswith(b"raw/AWSDynamoDB/")


@fuzzed
@given(changed(LINE).map(written) | mutated(written(LINE).encode()).map(lambda b: b.decode("latin-1")))
@example(DEEP)
@example(written(LINE).replace("2", "1e999", 1))
@example(written(LINE | {"itemCount": -1}))
def test_a_manifests_line_is_a_file_below_the_export_or_refused(line: Any):
    with suppress(export.ExportError):
        for file in export.data_files([line.encode()], MANIFEST_KEY):
            assert file.key.startswith("raw/AWSDynamoDB/") and ".." not in file.key and file.items >= 0


@fuzzed
@given(changed(SUMMARY))
def test_a_summary_fits_the_files_or_is_refused(summary: Any):
    with suppress(export.ExportError):
        assert export.reconcile([], summary, {})["items"] == 0


ITEM = {"id": {"S": "a"}, "n": {"N": "1.5"}, "ns": {"NS": ["1", "2"]}, "m": {"M": {"x": {"L": [{"BOOL": True}]}}},
        "b": {"B": "aGk="}, "x": {"NULL": True}}  # fmt: skip
SCHEMA = schema_of([ITEM])
CORPUS = Path(__file__).parent / "corpus"


@pytest.mark.parametrize("seed", sorted(CORPUS.iterdir()), ids=lambda path: path.name)
def test_what_once_went_wrong_is_read_or_refused(seed: Any):
    read_items(seed.read_bytes())


def read_items(lines: bytes) -> None:
    with suppress(data_file.FileError):
        normalise(lines, SCHEMA)
    with suppress(*data_file.UNREADABLE):
        table_schema.derive(table_schema.Observation.of_items(data_file.items_of(lines)))


@settings(max_examples=100, deadline=None)
@given(mutated(full([ITEM, ITEM])) | changed({"Item": ITEM}).map(lambda line: written(line).encode()))
@example(DEEP.encode())
@example(b"[]\n")
@example(b'{"Item":{"n":{"N":"1e999999999999999999999"}}}\n')
@example(b'{"Item":{"n":{"N":[1]}}}\n')
def test_items_are_read_or_the_file_is_refused(lines: Any):
    read_items(lines)


@fuzzed
@given(mutated(gzip.compress(full([ITEM]) * 20)))
def test_a_compressed_file_is_read_or_refused(compressed: Any):
    with suppress(data_file.FileError):
        normalise(full([ITEM]) * 20, SCHEMA, compressed=compressed)


INFO = {
    "perTableStatus": [
        {
            "target": "shop.orders",
            "status": "COMPLETE",
            "schemaMetadata": {
                "originalTypeMappings": [
                    {"columnName": "id", "originalType": "bigint", "expectedExportedType": "int64"},
                    {
                        "columnName": "d",
                        "originalType": "decimal",
                        "expectedExportedType": "int32 (DECIMAL(9,2))",
                    },
                ]
            },
        }
    ]
}
BAD_TYPE = json.loads(written(INFO).replace("DECIMAL(9,2)", "DECIMAL(99,2)"))


@fuzzed
@given(
    changed(INFO)
    | st.text(max_size=9).map(lambda t: json.loads(written(INFO).replace('"int64"', json.dumps(t))))
)
@example(BAD_TYPE)
def test_a_description_of_an_rds_export_is_read_or_refused(info: Any):
    with suppress(rds_export.ExportInfoError):
        described = rds_export.describe(
            "raw/shop/", {"raw/shop/export_tables_info_x_from_1_to_1.json": info}, []
        )
        assert len(described.tables) + len(described.skipped) + len(described.refused) == 1


def test_a_table_of_a_type_that_is_none_is_refused_and_its_neighbour_is_not():
    both = {
        "perTableStatus": [*BAD_TYPE["perTableStatus"], INFO["perTableStatus"][0] | {"target": "shop.stock"}]
    }
    described = rds_export.describe("raw/shop/", {"raw/shop/export_tables_info_x_from_1_to_2.json": both}, [])
    assert ([t.target for t in described.tables], list(described.refused)) == (
        ["shop.stock"],
        ["shop.orders"],
    )


FAILED_LINE = {"errorCode": "403", "rawData": "aGk="}
FAILED = gzip.compress((written(FAILED_LINE) + "\n").encode() * 5)


@fuzzed
@given(
    mutated(FAILED)
    | st.binary(max_size=50)
    | changed({"errorCode": "403", "rawData": "aGk="}).map(lambda v: written(v).encode())
)
@example(DEEP.encode())
def test_a_backup_object_is_read_or_damaged(body: Any):
    with suppress(OSError, EOFError):
        assert all(line.data is None or isinstance(line.data, bytes) for line in failed.lines_of(body))


RECORD = {"EVENT_TIME": "2026-01-01T16:00:00.000Z", "PRICE": 7, "nested": {"a": [1.0, "x"]}}
DROPPING = transforming.Settings.read({"TIMESTAMP": "EVENT_TIME", "DROP": '{"PRICE": ["8"]}'})


@fuzzed
@given(
    mutated(written(RECORD).encode())
    | changed(RECORD).map(lambda v: written(v).encode())
    | st.binary(max_size=50),
    st.integers(0, 2**43),
)
@example(DEEP.encode(), 0)
@example(b'{"PRICE": 1e9999999999999999999}', 0)
@example(b'{"EVENT_TIME": 1e400}', 0)
@example(b'{"PRICE": ' + b"9" * 5000 + b"}", 0)
def test_a_record_is_transformed_dropped_or_kept_as_failed(data: Any, arrived: Any):
    record = {
        "recordId": "1",
        "data": base64.b64encode(data).decode(),
        "approximateArrivalTimestamp": arrived,
    }
    answer, reason = transforming.transformed(record, DROPPING)
    assert answer["recordId"] == "1" and answer["result"] in ("Ok", "Dropped", "ProcessingFailed")
    assert bool(reason) is (answer["result"] == "ProcessingFailed")
    if answer["result"] == "Ok":
        assert isinstance(json.loads(base64.b64decode(answer["data"]), parse_int=str), dict)
