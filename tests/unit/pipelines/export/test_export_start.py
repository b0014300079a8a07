"""Starting exports: the request, and what each refusal leads to."""

import json
import os
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import scheduled_time
from botocore.exceptions import ReadTimeoutError

from tests.unit.pipelines.conftest import Wire

ORDERS = "arn:aws:dynamodb:us-east-1:111111111111:table/orders"
CUSTOMERS = "arn:aws:dynamodb:us-east-1:111111111111:table/customers"
EVENT = {"scheduled_time": "2026-01-01T16:00:00Z"}
EXPORT = "ExportTableToPointInTime"


def start(path: Any, query: Any, body: Any) -> tuple[int, dict[str, str], bytes]:
    table = json.loads(body)["TableArn"]
    answer = {"ExportDescription": {"ExportArn": f"{table}/export/01", "ExportStatus": "IN_PROGRESS"}}
    return 200, {}, json.dumps(answer).encode()


@pytest.fixture
def app(load: Callable[..., ModuleType], wire: Wire) -> ModuleType:
    wire.answers[EXPORT] = start
    return load(
        "export_start",
        TABLES=json.dumps([ORDERS, CUSTOMERS]),
        BUCKET="landing",
        BUCKET_OWNER="111111111111",
        PREFIX="raw/",
        KMS_KEY_ARN="",
    )


def test_every_table_is_exported_in_full_as_of_the_scheduled_time(
    app: ModuleType, wire: Wire, context: SimpleNamespace
):
    answer = app.handler(EVENT, context)
    assert [export["table_arn"] for export in answer["exports"]] == [ORDERS, CUSTOMERS]
    request = wire.sent(EXPORT)[0]
    token = request.pop("ClientToken")
    assert 16 <= len(token) <= 36
    assert request == {
        "TableArn": ORDERS,
        "ExportTime": 1767283200,
        "ExportType": "FULL_EXPORT",
        "ExportFormat": "DYNAMODB_JSON",
        "S3Bucket": "landing",
        "S3BucketOwner": "111111111111",
        "S3Prefix": "raw/orders",
        "S3SseAlgorithm": "AES256",
    }


def test_a_key_makes_the_export_be_encrypted_with_it(
    load: Callable[..., ModuleType], wire: Wire, context: SimpleNamespace
):
    wire.answers[EXPORT] = start
    key = "arn:aws:kms:us-east-1:111111111111:key/1"
    app = load(
        "export_start",
        TABLES=json.dumps([ORDERS]),
        BUCKET="landing",
        BUCKET_OWNER="111111111111",
        PREFIX="",
        KMS_KEY_ARN=key,
    )
    app.handler(EVENT, context)
    [request] = wire.sent(EXPORT)
    assert (request["S3SseAlgorithm"], request["S3SseKmsKeyId"], request["S3Prefix"]) == (
        "KMS",
        key,
        "orders",
    )


def test_a_run_repeated_asks_with_the_same_tokens_and_another_run_with_others(
    app: ModuleType, wire: Wire, context: SimpleNamespace
):
    app.handler(EVENT, context)
    app.handler({"scheduled_time": "2026-01-01T17:00:00+01:00"}, context)  # the same instant
    app.handler({"scheduled_time": "2026-01-02T16:00:00Z"}, context)
    tokens = [request["ClientToken"] for request in wire.sent(EXPORT)]
    assert tokens[:2] == tokens[2:4]
    assert len(set(tokens)) == 4


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("BUCKET", "other"),
        ("PREFIX", "elsewhere/"),
        ("KMS_KEY_ARN", "arn:aws:kms:us-east-1:111111111111:key/1"),
    ],
)
def test_another_stacks_export_of_the_table_at_the_same_time_has_a_token_of_its_own(
    app: ModuleType, key: str, value: str
):
    exports = sys.modules["exports"]
    settings = {key: os.environ[key] for key in ("TABLES", "BUCKET", "BUCKET_OWNER", "PREFIX", "KMS_KEY_ARN")}
    due = scheduled_time.planned(EVENT)
    tokens = {
        exports.request(ORDERS, due, exports.Settings.read(environ))["ClientToken"]
        for environ in (settings, settings | {key: value})
    }
    assert len(tokens) == 2


def test_throttling_is_waited_out(app: ModuleType, wire: Wire, context: SimpleNamespace):
    wire.fault(EXPORT, (400, "ThrottlingException"), (400, "ThrottlingException"))
    assert len(app.handler(EVENT, context)["exports"]) == 2
    assert wire.calls[EXPORT] == 4


def test_a_call_that_timed_out_is_repeated_with_its_token(
    app: ModuleType, wire: Wire, context: SimpleNamespace
):
    wire.fault(EXPORT, ReadTimeoutError(endpoint_url="https://dynamodb"))
    assert len(app.handler(EVENT, context)["exports"]) == 2
    first, again, _ = wire.sent(EXPORT)
    assert first == again


def test_one_table_without_recovery_does_not_keep_the_others_from_being_exported(
    app: ModuleType, wire: Wire, context: SimpleNamespace
):
    wire.fault(EXPORT, (400, "PointInTimeRecoveryUnavailableException"))
    with pytest.raises(
        Exception, match=r"1 of 2 exports did not start\. orders: PointInTimeRecovery.*turn it on"
    ):
        app.handler(EVENT, context)
    assert [request["TableArn"] for request in wire.sent(EXPORT)] == [ORDERS, CUSTOMERS]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("TableNotFoundException", "no such table"),
        ("InvalidExportTimeException", "recovery window"),
        ("ExportConflictException", "another write to landing/raw/ was under way"),
        ("AccessDeniedException", "s3:PutObjectAcl.* on landing/raw/"),
        ("SomethingNewException", "orders: SomethingNewException: no"),
    ],
)
def test_a_refusal_is_named_with_what_to_do_for_every_table(
    app: ModuleType, wire: Wire, context: SimpleNamespace, code: str, says: str
):
    wire.fault(EXPORT, (400, code), (400, code))
    with pytest.raises(Exception, match=says) as raised:
        app.handler(EVENT, context)
    assert str(raised.value).startswith("2 of 2")
    assert wire.calls[EXPORT] == 2


def test_too_many_exports_at_once_are_waited_for_and_then_reported(
    app: ModuleType, wire: Wire, context: SimpleNamespace
):
    wire.fault(EXPORT, *[(400, "LimitExceededException")] * 6)
    with pytest.raises(Exception, match=r"1 of 2.* orders: LimitExceededException.*300 exports"):
        app.handler(EVENT, context)
    assert wire.calls[EXPORT] == 7


def test_no_answer_at_all_is_reported_with_the_table(app: ModuleType, wire: Wire, context: SimpleNamespace):
    wire.fault(EXPORT, *[ReadTimeoutError(endpoint_url="https://dynamodb")] * 6)
    with pytest.raises(Exception, match="orders: no answer from DynamoDB"):
        app.handler(EVENT, context)
    assert wire.calls[EXPORT] == 7  # six tries of the one, one of the other


@pytest.mark.parametrize(
    "event",
    [
        {},
        None,
        {"scheduled_time": "<aws.scheduler.scheduled-time>"},
        {"scheduled_time": "2026-01-01T16:00:00"},
    ],
)
def test_an_event_without_a_time_starts_nothing(
    app: ModuleType, wire: Wire, context: SimpleNamespace, event: dict[str, Any] | None
):
    with pytest.raises(ValueError, match="expected a time with its zone"):
        app.handler(event, context)
    assert not wire.calls
