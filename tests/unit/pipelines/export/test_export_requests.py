"""A run's requests: windows that tile time, identifiers and tokens that the service takes and that are its own."""

import importlib
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.shared.run_sources import RunSource

Modules = dict[str, ModuleType]
HANDLER = Path(__file__).resolve().parents[4] / "handlers" / "export_source"
ORDERS = "arn:aws:dynamodb:us-east-1:111111111111:table/orders"
DUE = "2026-01-02T03:00:00+00:00"


@pytest.fixture(scope="module", autouse=True)
def modules() -> Iterator[Modules]:
    """The handler's pure modules, as its folder is a bundle's root."""
    before = set(sys.modules)
    sys.path.insert(0, str(HANDLER))
    try:
        yield {name: importlib.import_module(name) for name in ("sources", "dynamodb_source", "rds_source")}
    finally:
        sys.path.remove(str(HANDLER))
        for name in set(sys.modules) - before:
            if str(HANDLER) in str(getattr(sys.modules[name], "__file__", None)):
                del sys.modules[name]


@given(st.lists(st.integers(min_value=1, max_value=60 * 24 * 40), min_size=1, max_size=30))
def test_windows_tile_time_exactly_whatever_the_gaps_between_runs(modules: Modules, gaps: Any):
    span, source = (
        modules["dynamodb_source"].span,
        RunSource("orders", "dynamodb", mode="incremental"),
    )
    due = datetime(2026, 1, 1, tzinfo=UTC)
    published = span(source, None, due)
    assert (published.since, published.until) == (None, due)
    for minutes in gaps:
        due += timedelta(minutes=minutes)
        while (window := span(source, {"exported_to": published.until.isoformat()}, due)) is not None:
            if window.since is None:  # too old to reach: all of the table, from which the next one begins
                assert due - published.until > timedelta(days=34)
            else:
                assert window.since == published.until
                assert timedelta(minutes=15) <= window.until - window.since <= timedelta(hours=24)
            assert window.until <= due
            published = window
            if not window.export("arn", "")["more"]:
                break
        assert due - published.until < timedelta(minutes=15)


@given(
    source=st.text(max_size=80), due=st.datetimes().map(lambda d: d.isoformat()), attempt=st.integers(0, 9)
)
def test_an_identifier_is_one_that_the_service_takes(modules: Modules, source: Any, due: Any, attempt: Any):
    made = modules["rds_source"].identifier(source, due, attempt)
    assert re.fullmatch(r"[a-zA-Z](-?[a-zA-Z0-9])*", made) and len(made) <= 60


@given(
    st.lists(
        st.tuples(st.text(max_size=70), st.sampled_from([DUE, "2026-01-03T03:00:00"]), st.integers(0, 3)),
        unique=True,
    )
)
def test_no_two_exports_share_an_identifier(modules: Modules, exports: Any):
    assert len({modules["rds_source"].identifier(*export) for export in exports}) == len(exports)


ELSEWHERE = [{"bucket": "other-landing"}, {"pipeline": "other-lake"}, {"kms_key_arn": ""}]


@pytest.mark.parametrize("other", ELSEWHERE)
@pytest.mark.parametrize("since", [None, datetime(2026, 1, 1, tzinfo=UTC)])
def test_another_pipelines_export_of_a_table_at_the_same_time_has_a_token_of_its_own(
    modules: Modules, other: Any, since: Any
):
    tables, settings = modules["dynamodb_source"], settings_of(modules)
    source = RunSource("orders", "dynamodb", arn=ORDERS, table="orders")
    span = tables.Span(datetime(2026, 1, 2, tzinfo=UTC), since, datetime(2026, 1, 2, tzinfo=UTC))
    requests = [
        tables.request(source, span, 0, stack) for stack in (settings, settings, replace(settings, **other))
    ]
    assert requests[0] == requests[1] and requests[0]["ClientToken"] != requests[2]["ClientToken"]
    assert tables.request(source, span, 1, settings)["ClientToken"] != requests[0]["ClientToken"]


@pytest.mark.parametrize("other", ELSEWHERE[:2])
@pytest.mark.parametrize("name", ["shop", "a-database-whose-identifier-is-as-long-as-the-service-permits-it"])
def test_each_pipeline_makes_a_snapshot_of_its_own_that_its_role_may_make(
    modules: Modules, other: Any, name: str
):
    databases, settings = modules["rds_source"], settings_of(modules)
    source = RunSource(name, "rds_instance", snapshot="made-for-the-run")
    made = {databases.snapshot_name(source, DUE, stack) for stack in (settings, replace(settings, **other))}
    assert len(made) == 2
    # What the role is granted: arn:…:snapshot:<source>-*
    assert all(snapshot.startswith(f"{name}-2026") and len(snapshot) <= 255 for snapshot in made)


def settings_of(modules: Modules):
    return modules["sources"].Settings(
        pipeline="lake",
        bucket="landing",
        bucket_owner="111111111111",
        kms_key_arn="arn:aws:kms:us-east-1:111111111111:key/1",
        export_role_arn="",
    )


@pytest.mark.parametrize("since", [None, "2026-01-01T03:00:00+00:00"])
def test_what_is_not_reconciled_yet_lies_outside_the_lake(modules: Modules, since: str | None):
    source = RunSource("orders", "dynamodb", table="orders")
    span = {"arn": f"{ORDERS}/export/01-a", "since": since, "until": DUE, "more": False}
    export = {"ItemCount": 1, "ExportManifest": "raw/orders/AWSDynamoDB/01-a/manifest-summary.json"}
    work = modules["dynamodb_source"].work(source, span, export, {"id": "S"}, None)
    assert work["output_prefix"] == "windows/orders/01-a/"
    assert work["location"] == "lake/orders/export_date=2026-01-02/run=01-a/"
    assert work["incremental"] is (since is not None)
