"""What becomes of each record that Firehose hands over."""

import base64
import json
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.typed import fake

ARRIVED = 1767283200123  # 2026-01-01T16:00:00.123Z


@pytest.fixture
def app(load: Callable[..., ModuleType]) -> ModuleType:
    return load("transform", TIMESTAMP="EVENT_TIME", DROP='{"TICKER": ["TEST", "7"]}')


def record(data: Any, number: str = "1", **more: Any):
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    metadata = {"kinesisRecordMetadata": {"approximateArrivalTimestamp": ARRIVED}}
    return {"recordId": number, "data": base64.b64encode(raw).decode(), **metadata, **more}


def answer(app: ModuleType, context: SimpleNamespace, *records: Any):
    return app.handler({"records": list(records)}, context)["records"]


def document(answered: Any):
    return json.loads(base64.b64decode(answered["data"]))


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("2026-01-01T17:00:00+01:00", "2026-01-01T16:00:00.000Z"),
        ("2026-01-01T16:00:00.5Z", "2026-01-01T16:00:00.500Z"),
        (1767283200, "2026-01-01T16:00:00.000Z"),
        (1767283200.25, "2026-01-01T16:00:00.250Z"),
        (ARRIVED, "2026-01-01T16:00:00.123Z"),
    ],
)
def test_a_time_is_made_iso_8601_in_utc(app: ModuleType, context: SimpleNamespace, given: Any, made: str):
    [answered] = answer(app, context, record({"TICKER": "AMZN", "EVENT_TIME": given}))
    assert answered["result"] == "Ok"
    assert document(answered) == {"TICKER": "AMZN", "EVENT_TIME": made}


def test_a_record_without_a_time_gets_that_of_its_arrival(app: ModuleType, context: SimpleNamespace):
    [answered] = answer(app, context, record({"TICKER": "AMZN"}))
    assert document(answered)["EVENT_TIME"] == "2026-01-01T16:00:00.123Z"


def test_a_record_of_direct_put_has_its_arrival_beside_its_data(app: ModuleType, context: SimpleNamespace):
    direct = record({"PRICE": 1}, approximateArrivalTimestamp=ARRIVED)
    del direct["kinesisRecordMetadata"]
    assert document(answer(app, context, direct)[0])["EVENT_TIME"] == "2026-01-01T16:00:00.123Z"


@pytest.mark.parametrize("ticker", ["TEST", 7])
def test_a_record_with_a_value_to_drop_is_dropped(
    app: ModuleType, context: SimpleNamespace, ticker: int | str
):
    given = record({"TICKER": ticker, "EVENT_TIME": "never parsed"})
    [answered] = answer(app, context, given)
    assert answered == {"recordId": "1", "result": "Dropped", "data": given["data"]}


DROPS = {
    '{"TEST": ["true"]}': (['{"TEST": true}', '{"TEST": "true"}'], ['{"TEST": "True"}', '{"TEST": 1}', "{}"]),
    '{"TEST": ["None"]}': (['{"TEST": "None"}'], ["{}", '{"TEST": null}']),
    '{"TEST": ["null"]}': (['{"TEST": null}', '{"TEST": "null"}'], ["{}"]),
    '{"TEST": ["7"]}': (
        ['{"TEST": 7}', '{"TEST": 7.0}', '{"TEST": "7"}'],
        ['{"TEST": 70}', '{"TEST": "7.0"}'],
    ),
    '{"TEST": ["1"]}': (
        ['{"TEST": 1}', '{"TEST": 10e-1}', '{"TEST": "1"}'],
        ['{"TEST": true}', '{"TEST": [1]}', '{"TEST": {"TEST": 1}}'],
    ),
    '{"TEST": ["0.1"]}': (
        ['{"TEST": 0.1}', '{"TEST": 0.10}'],
        ['{"TEST": 0.1000000000000000055511151231257827}'],
    ),
    '{"TEST": ["[7, true]"]}': (
        ['{"TEST": [7.0, true]}', '{"TEST": "[7, true]"}'],
        ['{"TEST": ["7", true]}', '{"TEST": [7, 1]}', '{"TEST": [7]}', '{"TEST": [[7, true]]}'],
    ),
    '{"TEST": ["{\\"b\\": 7, \\"a\\": null}"]}': (
        ['{"TEST": {"a": null, "b": 70e-1}}'],
        ['{"TEST": {"a": null, "b": "7"}}', '{"TEST": {"b": 7}}'],
    ),
}


@pytest.mark.parametrize("drop", DROPS)
def test_values_to_drop_are_compared_as_json_values_and_a_missing_field_has_none(
    load: Callable[..., ModuleType], context: SimpleNamespace, drop: Any
):
    app = load("transform", TIMESTAMP="EVENT_TIME", DROP=drop)
    dropped, kept = DROPS[drop]
    answered = answer(app, context, *(record(text.encode()) for text in [*dropped, *kept]))
    assert [a["result"] for a in answered] == ["Dropped"] * len(dropped) + ["Ok"] * len(kept)


@pytest.mark.parametrize(
    ("came", "left"),
    [
        ('{"b": 1.10, "a": 12345678901234567890.1234567890, "EVENT_TIME": 0, "z": -0}',
         '{"b":1.10,"a":12345678901234567890.1234567890,"EVENT_TIME":"1970-01-01T00:00:00.000Z","z":-0}'),
        ('{"n": 1e400, "i": 1E+2, "EVENT_TIME": 0}', '{"n":1e400,"i":1E+2,"EVENT_TIME":"1970-01-01T00:00:00.000Z"}'),
        ('{"EVENT_TIME": 0, "m": {"EVENT_TIME": 0, "x": [ ]}}',
         '{"EVENT_TIME":"1970-01-01T00:00:00.000Z","m":{"EVENT_TIME":0,"x":[]}}'),
        ('{ }', '{"EVENT_TIME":"2026-01-01T16:00:00.123Z"}'),
        ('{"\\u0045VENT_TIME": 0, "q": "a \\" , : b"}', '{"EVENT_TIME":"1970-01-01T00:00:00.000Z","q":"a \\" , : b"}'),
    ],
)  # fmt: skip
def test_only_the_time_changes_to_the_digit(app: ModuleType, context: SimpleNamespace, came: str, left: str):
    [answered] = answer(app, context, record(came.encode()))
    assert base64.b64decode(answered["data"]).decode() == left


@pytest.mark.parametrize(
    "poison",
    [
        b"not json",
        b"\xff\xfe",
        b"",
        b"[" * 100_000,
        b'{"PRICE": NaN}',
        rb'{"NAME": "\ud800"}',
        [1],
        "text",
        None,
        {"EVENT_TIME": "2026-01-01T16:00:00"},
        {"EVENT_TIME": "yesterday"},
        {"EVENT_TIME": True},
        {"EVENT_TIME": {}},
        {"EVENT_TIME": 1e40},
        {"EVENT_TIME": float("inf")},
        b'{"EVENT_TIME": 1e400}',
        b'\xef\xbb\xbf{"PRICE": 1}',
    ],
)
def test_a_poison_record_fails_alone_and_keeps_its_data(
    app: ModuleType, context: SimpleNamespace, poison: Any
):
    bad = record(poison, "2")
    answered = answer(app, context, record({"PRICE": 1}, "1"), bad, record({"PRICE": 3}, "3"))
    assert [(a["recordId"], a["result"]) for a in answered] == [
        ("1", "Ok"),
        ("2", "ProcessingFailed"),
        ("3", "Ok"),
    ]
    assert answered[1]["data"] == bad["data"]


@pytest.mark.parametrize(("open", "close"), ["[]", ('{"a":', "}")])
def test_no_depth_of_a_value_to_drop_stops_its_neighbours(
    load: Callable[..., ModuleType], context: SimpleNamespace, open: Any, close: Any
):
    app = load("transform", TIMESTAMP="EVENT_TIME", DROP='{"TEST": ["7"]}')
    deep = [f'{{"TEST": {open * depth}1{close * depth}}}' for depth in range(900, 1000)]
    answered = answer(app, context, *(record(text.encode()) for text in [*deep, "{}"]))
    assert {a["result"] for a in answered} <= {"Ok", "ProcessingFailed"} and answered[-1]["result"] == "Ok"


@pytest.mark.parametrize("data", ["§", "e30=$"])
def test_data_that_is_no_base64_fails_its_record(app: ModuleType, context: SimpleNamespace, data: str):
    assert answer(app, context, record({}) | {"data": data})[0]["result"] == "ProcessingFailed"


def test_a_document_takes_no_more_bytes_than_it_needs(app: ModuleType, context: SimpleNamespace):
    [answered] = answer(app, context, record({"NAME": "Ström", "EVENT_TIME": ARRIVED}))
    made = base64.b64decode(answered["data"]).decode()
    assert made == '{"NAME":"Ström","EVENT_TIME":"2026-01-01T16:00:00.123Z"}'


def test_why_a_record_failed_is_in_the_log(
    app: ModuleType, context: SimpleNamespace, caplog: pytest.LogCaptureFixture
):
    answer(app, context, record({"EVENT_TIME": "2026-01-01T16:00:00"}))
    reasons = [vars(line)["reason"] for line in caplog.records if "reason" in vars(line)]
    assert reasons == ["EVENT_TIME is '2026-01-01T16:00:00', a time without its zone"]


def test_what_comes_out_goes_in_again_unchanged(app: ModuleType, context: SimpleNamespace):
    [once] = answer(
        app, context, record({"TICKER": "AMZN", "NAME": "Ström", "EVENT_TIME": "2026-01-01T17:00:00+01:00"})
    )
    [twice] = answer(app, context, record(base64.b64decode(once["data"])))
    assert twice["data"] == once["data"]


# A string of JSON may escape half a surrogate pair, which no UTF-8 text can hold.
NAMES = st.text(st.characters(categories=["L", "N", "Cs"]), max_size=3)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | NAMES,
    lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
)
TIMES = st.fixed_dictionaries({}, optional={"EVENT_TIME": VALUES})


@given(
    st.binary()
    | VALUES.map(json.dumps).map(str.encode)
    | st.tuples(st.dictionaries(NAMES, VALUES), TIMES).map(lambda two: json.dumps(two[0] | two[1]).encode())
)
def test_every_record_is_answered_whatever_it_holds(data: Any):
    import sys
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "handlers" / "transform"))
    try:
        from transforming import Settings, transformed
    finally:
        sys.path.pop(0)
    answered, _ = transformed(record(data), Settings("EVENT_TIME", {}))
    assert answered["recordId"] == "1"
    assert answered["result"] in {"Ok", "ProcessingFailed"}
    if answered["result"] == "Ok":
        assert isinstance(document(answered)["EVENT_TIME"], str)
        assert members(base64.b64decode(answered["data"])) == members(data)


def members(text: Any):
    """All that a record holds besides its time: keys in their order, every number as it is written."""
    exact: dict[str, Any] = {
        "parse_int": fake(lambda digits: ["number", digits]),
        "parse_float": fake(lambda digits: ["number", digits]),
    }
    pairs = json.loads(text, object_pairs_hook=lambda pairs: ["object", pairs], **exact)[1]
    return [(name, value) for name, value in pairs if name != "EVENT_TIME"]
