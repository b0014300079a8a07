"""The steps of a fold on a bucket: in parts, killed between them, repeated, over what an earlier release published."""

import copy
import importlib
import io
import json
import sys
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.lake.steps import definition
from components.shared.landing_folders import folding, window
from tests.contract.kills.deployed import CONTEXT, CREDENTIALS, HANDLERS
from tests.contract.kills.machine import Failed, Machine
from tests.contract.kills.services import Killed, Services
from tests.contract.normaliser import schema_of

SCHEMA = schema_of([{"id": {"S": "a"}, "n": {"N": "1"}}], keys=["id"])
BEFORE, AFTER = "lake/orders/export_date=2026-01-01/run=01-a/", "lake/orders/export_date=2026-01-02/run=02-b/"
WINDOW, FOLDING = window("orders", "02-b"), folding("orders", "02-b")
STATE: dict[str, Any] = {
    "table": "orders",
    "export_id": "02-b",
    "incremental": True,
    "schema_key": "state/orders/02-b/schema.json",
    "current_prefix": BEFORE,
    "window_prefixes": [WINDOW],
    "output_key": f"{AFTER}snapshot.parquet",
}


def parquet(rows: list[dict[str, Any]], increment: bool = False) -> bytes:
    fields = [("id", pa.string()), ("n", pa.decimal128(38, 0)), ("_rest", pa.string())]
    if increment:
        fields += [("_write_micros", pa.int64()), ("_deleted", pa.bool_())]
    out = io.BytesIO()
    arrow: Any = pq  # whose types are partly unknown
    arrow.write_table(pa.Table.from_pylist(rows, pa.schema(fields)), out)
    return out.getvalue()


class Lake:
    """The fold's function on a bucket, and the machine that calls it."""

    def __init__(self, services: Services, app: Any):
        self.services, self.app = services, app
        self.calls: list[dict[str, Any]] = []
        machine = definition({"dynamodb"}, sources="[]", bucket="landing", files_at_once=4, source="a:b",
                             normalise="n", fold="f", catalog="c")  # fmt: skip
        (branch,) = machine["States"]["Export"]["Branches"]
        states = branch["States"]["Each dynamodb source"]["ItemProcessor"]["States"]
        own = {name: states[name] for name in ("Divide", "Fold", "Gather", "Failed")}
        self.machine = {"StartAt": "Divide", "States": own | {"Publish": {"Type": "Succeed"}}}

    @property
    def objects(self) -> dict[str, bytes]:
        return self.services.objects

    def publish(self, files: dict[str, bytes], prefix: str = BEFORE) -> None:
        self.objects.update({f"{prefix}{name}": content for name, content in files.items()})

    def limit(self, count: int) -> None:
        self.app.limit = count

    def step(self, event: Any) -> Any:
        return self.app.handler(event, CONTEXT)

    def run(self, killed_at: int = 0) -> Any:
        """The state at its end; Failed where the run ends at its n-th call of the function."""
        self.calls = []

        def invoke(_: str, event: Any) -> Any:
            self.calls.append(event)
            if len(self.calls) == killed_at:
                raise Killed
            try:
                return self.step(event)
            except Exception as error:
                raise Failed(type(error).__name__, str(error)) from error

        state = {**STATE, "source": "orders"}
        return Machine(self.machine, invoke, None).run(state)

    def rows(self, prefix: str = AFTER) -> list[tuple[str, int]]:
        """What an independent reader sees in the folder, as queries read all of it."""
        arrow: Any = pq
        return sorted(
            (row["id"], int(row["n"]))
            for key, content in self.objects.items()
            if key.startswith(prefix)
            for row in arrow.read_table(io.BytesIO(content)).to_pylist()
        )


@pytest.fixture
def lake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    services = Services()
    for key, value in (CREDENTIALS | {"BUCKET": "landing", "MEMORY": "256MB", "PART_BYTES": "1"}).items():
        monkeypatch.setenv(key, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(sys, "path", [str(HANDLERS / "fold"), *sys.path])
    for module in ("app", "parts", "folding"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    app = importlib.import_module("app")
    services.attach(app)
    made = Lake(services, app)
    made.objects[STATE["schema_key"]] = json.dumps(SCHEMA.json()).encode()
    yield made
    for module in ("app", "parts", "folding"):
        sys.modules.pop(module, None)


def rows(first: int, last: int) -> list[dict[str, Any]]:
    return [{"id": f"{number:03}", "n": number} for number in range(first, last)]


def change(number: int, value: int | None, at: int = 1) -> dict[str, Any]:
    return {"id": f"{number:03}", "n": value, "_write_micros": at, "_deleted": value is None}


# 001 and 150 are changed, one of them twice; 002 and 199 are gone, 300 and 301 are new.
CHANGES = [
    [change(1, 1000, at=5), change(2, None), change(300, 300)],
    [change(1, 999, at=4), change(150, 1150), change(199, None), change(301, 301)],
]
EXPECTED = sorted(
    {
        **{f"{number:03}": number for number in range(200) if number not in (2, 199)},
        "001": 1000, "150": 1150, "300": 300, "301": 301,
    }.items()
)  # fmt: skip


def begun(lake: Lake, files: int = 4) -> Lake:
    """A published snapshot of 200 rows in as many files, and a window of changes."""
    each = 200 // files
    lake.publish(
        {f"{number}.parquet": parquet(rows(number * each, number * each + each)) for number in range(files)}
    )
    lake.publish({f"{n}.parquet": parquet(changes, True) for n, changes in enumerate(CHANGES)}, WINDOW)
    return lake


def test_a_fold_in_parts_leaves_the_rows_that_a_fold_in_one_does(lake: Lake) -> None:
    begun(lake).limit(1 << 30)
    alone = lake.run()["folded"]
    assert (alone["rows"], alone["changes"], alone["deletes"], alone["parts"]) == (200, 6, 2, 1)
    assert [key for key in lake.objects if key.startswith(AFTER)] == [STATE["output_key"]]
    assert lake.rows() == EXPECTED
    for key in [key for key in lake.objects if key.startswith((AFTER, FOLDING))]:
        del lake.objects[key]
    lake.limit(2000)
    several = lake.run()["folded"]
    assert several["parts"] > 4
    assert {**several, "bytes": 0, "parts": 0} == {**alone, "bytes": 0, "parts": 0}
    assert len([key for key in lake.objects if key.startswith(AFTER)]) == several["parts"]
    assert lake.rows() == EXPECTED
    assert lake.rows(BEFORE) == [(f"{number:03}", number) for number in range(200)]


def test_a_run_that_is_killed_at_any_call_leaves_nothing_to_read_and_the_next_one_is_whole(
    lake: Lake,
) -> None:
    begun(lake).limit(2000)
    before = copy.deepcopy(lake.objects)
    lake.run()
    calls = len(lake.calls)
    assert calls > 6
    for number in range(1, calls + 1):
        lake.services.objects = copy.deepcopy(before)
        with pytest.raises(Killed):
            lake.run(killed_at=number)
        assert lake.rows() == []
        assert lake.rows(BEFORE) == [(f"{n:03}", n) for n in range(200)]
        assert lake.run()["folded"]["rows"] == 200
        assert lake.rows() == EXPECTED


def test_a_copy_that_breaks_off_is_made_whole_by_the_next_try(lake: Lake) -> None:
    begun(lake).limit(2000)
    whole = lake.app.copy
    copied: list[str] = []

    def break_off(key: str, target: str) -> None:
        copied.append(target)
        if len(copied) == 3:
            raise OSError("gone")
        whole(key, target)

    lake.app.copy = break_off
    with pytest.raises(OSError, match="gone"):
        lake.step({"step": "gather", "output_key": STATE["output_key"], **_divided_and_folded(lake)})
    lake.app.copy = whole
    lake.run()
    assert lake.rows() == EXPECTED


def _divided_and_folded(lake: Lake) -> dict[str, str]:
    divided = lake.step({"step": "divide", **STATE})
    where = {key: divided[key] for key in ("plan_key", "folder")}
    for part in divided["parts"]:
        lake.step({"step": "fold", "part": part, **where, **STATE})
    return where


def test_a_run_that_is_started_again_under_another_limit_leaves_no_part_of_the_first(lake: Lake) -> None:
    begun(lake).limit(2000)
    first = lake.run()["folded"]["parts"]
    lake.limit(1 << 30)
    assert lake.run()["folded"]["parts"] == first
    assert lake.rows() == EXPECTED


def test_a_snapshot_that_an_earlier_release_published_is_folded_in_parts_as_it_is(lake: Lake) -> None:
    begun(lake, files=1)
    lake.objects[f"{BEFORE}snapshot.parquet"] = lake.objects.pop(f"{BEFORE}0.parquet")
    lake.limit(len(lake.objects[f"{BEFORE}snapshot.parquet"]) // 2)
    # Its run had folded already, and was killed before it published.
    lake.objects[STATE["output_key"]] = b"the fold of an earlier release"
    assert lake.run()["folded"]["parts"] > 1
    assert lake.rows() == EXPECTED


def test_a_snapshot_grows_from_one_part_to_several_and_back(lake: Lake) -> None:
    begun(lake, files=1).limit(1 << 30)
    assert lake.run()["folded"]["parts"] == 1
    published, counts = str(AFTER), [1]
    for number, limit in enumerate((2500, 2500, 1 << 30)):
        run = f"03-{number}"
        state: dict[str, Any] = STATE | {
            "export_id": run,
            "current_prefix": published,
            "window_prefixes": [window("orders", run)],
            "output_key": f"lake/orders/export_date=2026-01-03/run={run}/snapshot.parquet",
        }
        changed = [change(400 + number * 50 + n, n) for n in range(50)]
        lake.publish({"0.parquet": parquet(changed, True)}, window("orders", run))
        lake.limit(limit)
        divided = lake.step({"step": "divide", **state})
        where = {key: divided[key] for key in ("plan_key", "folder")}
        for part in divided["parts"]:
            lake.step({"step": "fold", "part": part, **where, **state})
        folded = lake.step({"step": "gather", **where, **state})
        published = str(state["output_key"]).rpartition("/")[0] + "/"
        assert folded["rows"] == len(lake.rows(published)) == 250 + 50 * number
        assert dict(EXPECTED).items() <= dict(lake.rows(published)).items()
        counts.append(folded["parts"])
    assert counts[1] > 1
    assert counts[-1] == 1


def test_a_part_that_fails_is_named_with_its_reason_and_nothing_is_published(lake: Lake) -> None:
    begun(lake).limit(2000)
    lake.objects[f"{BEFORE}1.parquet"] = b"PAR1 no more PAR1" * 100
    failed = lake.run()
    assert failed["error"]["Error"] == "FoldError"
    assert "1 of 6 parts are not folded: part 1: 00001.parquet: " in failed["error"]["Cause"] or (
        "parts are not folded: part 1: " in failed["error"]["Cause"]
    )
    assert lake.rows() == []


def test_a_result_of_a_try_with_other_columns_is_not_taken_for_this_ones(lake: Lake) -> None:
    begun(lake).limit(2000)
    _divided_and_folded(lake)
    wider = schema_of([{"id": {"S": "a"}, "n": {"N": "1"}, "new": {"S": "x"}}], keys=["id"])
    lake.objects[STATE["schema_key"]] = json.dumps(wider.json()).encode()
    divided = lake.step({"step": "divide", **STATE})
    where = {key: divided[key] for key in ("plan_key", "folder")}
    with pytest.raises(Exception, match=f"{len(divided['parts'])} of {len(divided['parts'])} parts are not"):
        lake.step({"step": "gather", "output_key": STATE["output_key"], **where})


def test_a_file_of_nobodys_among_the_parts_is_named_and_nothing_is_copied(lake: Lake) -> None:
    begun(lake).limit(2000)
    lake.objects[f"{AFTER}snapshot-00077.parquet"] = parquet(rows(0, 1))
    assert "snapshot-00077.parquet; delete them" in lake.run()["error"]["Cause"]
    assert [key for key in lake.objects if key.startswith(AFTER)] == [f"{AFTER}snapshot-00077.parquet"]


def test_a_fold_is_not_divided_by_what_is_no_longer_published(lake: Lake) -> None:
    begun(lake).limit(2000)
    lake.step({"step": "divide", **STATE})
    lake.publish({"9.parquet": parquet(rows(500, 510))})
    with pytest.raises(Exception, match=f"{FOLDING}parts.json divides other files than {BEFORE} has"):
        lake.step({"step": "divide", **STATE})


def test_a_run_that_an_earlier_release_started_is_folded_in_its_one_call(lake: Lake) -> None:
    begun(lake)
    event = {key: STATE[key] for key in ("schema_key", "current_prefix", "window_prefixes", "output_key")}
    assert lake.step(event)["rows"] == 200
    assert [key for key in lake.objects if key.startswith(AFTER)] == [STATE["output_key"]]
    assert lake.rows() == EXPECTED


def test_the_first_fold_of_a_table_with_nothing_published_is_its_window(lake: Lake) -> None:
    begun(lake).limit(1 << 30)
    state = STATE | {"current_prefix": None}
    divided = lake.step({"step": "divide", **state})
    assert divided["parts"] == [0]
    lake.step(
        {"step": "fold", "part": 0, **state, "plan_key": divided["plan_key"], "folder": divided["folder"]}
    )
    (written,) = [
        key for key in lake.objects if key.startswith(divided["folder"]) and key.endswith(".parquet")
    ]
    assert lake.rows(written) == [("001", 1000), ("150", 1150), ("300", 300), ("301", 301)]


def test_only_a_few_files_of_the_windows_are_on_the_disk_at_a_time(lake: Lake, tmp_path: Any) -> None:
    lake.publish({f"{n}.parquet": b"x" for n in range(40)}, "windows/many/")
    most = 0
    for path in lake.app.passing((f"windows/many/{n}.parquet" for n in range(40)), tmp_path / "files"):
        assert path.read_bytes() == b"x"
        most = max(most, len(list((tmp_path / "files").iterdir())))
    assert 1 <= most <= 2 * lake.app.FETCHED_AT_ONCE
    assert list((tmp_path / "files").iterdir()) == []
