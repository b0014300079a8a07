"""Reconciling: which exports a load took, and what is published and raised."""

import json
from datetime import UTC, datetime

import pytest

EVENT = {"scheduled_time": "2026-01-02T06:00:00Z"}
SETTINGS = {
    "TABLES": json.dumps([{"prefix": f"raw/{name}/", "table": name} for name in ("orders", "customers")]),
    "BUCKET": "landing",
    "LOAD_TIME": "04:30",
    "PIPELINE": "shop-warehouse",
    "PROJECT": "shop",
    "DATASET": "shop",
    "LOCATION": "US",
    "AUDIENCE": "//iam.googleapis.com/provider",
    "SERVICE_ACCOUNT": "reconcile@shop.iam.gserviceaccount.com",
}


@pytest.fixture
def app(load, wire):
    wire.answers["ListObjectsV2"] = listing
    wire.answers["GetObject"] = lambda path, query, body: (200, {}, json.dumps({"itemCount": 7}).encode())
    wire.answers["PutMetricData"] = lambda path, query, body: (200, {}, b"{}")
    return load("reconcile", **SETTINGS)


def listing(path, query, body):
    folder = query["prefix"][0]
    written = {
        "new/manifest-summary.json": "2026-01-02T04:30:00Z",
        "new/data/a.json.gz": "2026-01-02T04:00:00Z",
        "new/manifest-files.json": "2026-01-02T04:00:00Z",
        "old/manifest-summary.json": "2026-01-01T04:30:00Z",
        "later/manifest-summary.json": "2026-01-02T04:30:01Z",
    }
    items = "".join(
        f"<Contents><Key>{folder}{key}</Key><LastModified>{at}</LastModified></Contents>"
        for key, at in written.items()
    )
    return 200, {}, f"<ListBucketResult>{items}</ListBucketResult>".encode()


def test_only_what_was_written_between_the_load_before_and_this_one_is_expected(
    app, wire, context, monkeypatch
):
    asked = []
    monkeypatch.setattr(app.google, "count", lambda project, location, sql: asked.append(sql) or 6)
    answer = app.handler(EVENT, context)
    assert answer["tables"][0] == {
        "table": "orders",
        "load_date": "2026-01-02",
        "expected": 7,
        "loaded": 6,
        "difference": -1,
    }
    assert asked[0] == "SELECT COUNT(*) FROM `shop.shop.orders` WHERE _PARTITIONDATE = DATE '2026-01-02'"
    assert wire.calls["PutMetricData"] == 2


def test_a_table_that_cannot_be_counted_is_named_after_the_others_are_published(
    app, wire, context, monkeypatch
):
    def count(project, location, sql):
        if "orders" in sql:
            raise app.GoogleRefused("bigquery: 403")
        return 7

    monkeypatch.setattr(app.google, "count", count)
    with pytest.raises(app.NotReconciled, match=r"^orders: bigquery: 403$"):
        app.handler(EVENT, context)
    assert wire.calls["PutMetricData"] == 1


def test_a_run_before_the_load_of_its_day_looks_at_the_day_before(app):
    load = app.due_load({"scheduled_time": "2026-01-02T04:29:59Z"}, "04:30")
    assert (load.day.isoformat(), load.until) == ("2026-01-01", datetime(2026, 1, 1, 4, 30, tzinfo=UTC))
    assert (
        app.due_load({"scheduled_time": "2026-01-02T05:30:00+01:00"}, "04:30").day.isoformat() == "2026-01-02"
    )


def test_a_load_of_copies_took_what_was_written_before_they_were_made(app):
    load = app.due_load({"scheduled_time": "2026-01-02T06:00:00Z"}, "00:30", 90)
    assert load.day.isoformat() == "2026-01-02"
    assert (load.since, load.until) == (
        datetime(2025, 12, 31, 23, 0, tzinfo=UTC),
        datetime(2026, 1, 1, 23, 0, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"scheduled_time": "2026-01-01T06:00:00"},
        {"scheduled_time": "<aws.scheduler.scheduled-time>"},
        None,
    ],
)
def test_an_event_without_a_time_is_refused(app, context, event):
    with pytest.raises(ValueError, match="scheduled_time is"):
        app.handler(event, context)


def test_the_access_token_is_kept_until_near_its_end(app, monkeypatch):
    asked = []

    def ask(host, path, body, token=""):
        asked.append(host)
        return {"access_token": "f", "accessToken": "t", "expireTime": "2100-01-01T00:00:00Z"}

    monkeypatch.setattr(app.google, "ask", ask)
    assert [app.google.access_token(), app.google.access_token()] == ["t", "t"]
    assert asked == ["sts", "iamcredentials"]
    app.google.until = 0.0
    app.google.access_token()
    assert asked == ["sts", "iamcredentials"] * 2
