"""What is read of a preview's events: changes, what forces them, findings, why it failed; and what strip keeps."""

import json
import re
from typing import Any

import pytest

from delivery import preview, reasons, strip
from delivery.comment import Report, comment
from delivery.drift import Stranger, body, marker
from delivery.losses import HOLDS, READS, loss
from delivery.picture import picture, touched
from delivery.preview import Change, Preview, Property
from delivery.settings import Masking
from tests.recording import record, stack_config
from tests.unit.delivery.recordings import NAMES, recorded, text

URN = "urn:pulumi:dev::tributary::tributary:pipelines:ExportPipeline$"


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_holds_no_machines_folder_and_no_secret(name: str) -> None:
    assert re.findall(r"/(?:home|root|tmp|work|usr)/\S*", text(name)) == []
    assert strip.stripped(text(name)) == text(name), "what is stripped is stripped once"


@pytest.mark.parametrize("name", NAMES)
def test_the_engines_own_counts_are_those_of_the_changes(name: str) -> None:
    """What is not a cloud's resource, components and providers, the engine counts too."""
    read = recorded(name)
    summary = next(
        json.loads(line)["summaryEvent"] for line in text(name).splitlines() if "summaryEvent" in line
    )
    counts: dict[str, int] = summary["resourceChanges"] or {}
    assert read.failed == (summary["result"] == "failed")
    for kind in ("update", "replace", "delete", "create") if not read.failed else ():
        assert read.count(kind) <= counts.get(kind, 0)
        assert bool(read.count(kind)) == bool(counts.get(kind)) or kind == "create"


def test_a_moved_region_is_what_forces_a_replacement() -> None:
    read = recorded("dev/region-moved")
    [table] = [
        change for change in read.changes if change.name == "shop-lake-orders" and "dynamodb" in change.type
    ]
    assert (table.kind, table.forced_by, table.provider) == ("replace", ("provider",), "workload")
    assert Property("region", "eu-central-1", "eu-west-3") in read.providers["workload"]


def test_a_removed_pipeline_is_still_known_by_its_name() -> None:
    read = recorded("dev/removed-pipeline")
    assert {change.pipeline for change in read.changes} == {"stock-ticks"}
    assert touched(read) == {"stock-ticks": "removed"}
    assert touched(recorded("dev/new-pipeline")) == {"product-archive": "new"}
    assert touched(recorded("dev/key-on"))["shop-lake"] == "changed"
    assert touched(recorded("dev/region-moved"))["shop-lake"] == "replaced"


def test_collections_that_move_to_the_next_generation_are_shown_as_lost_with_their_documents() -> None:
    """Made in groups, they are other collections (docs/collections.md)."""
    read = recorded("dev/next-generation")
    lost = {change.name: removed.text for change in read.changes if (removed := loss(change))}
    assert lost == dict.fromkeys(("catalog-search", "stock-ticks"), "all documents are deleted with it")
    groups = {change.name: change.kind for change in read.changes if "CollectionGroup" in change.type}
    assert groups == {"catalog-search-group": "create", "stock-ticks-group": "create"}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "dev/misspelt-key",
            "the config is refused: pipelines.shop-lake.shedule: no such key; did you mean 'schedule'?",
        ),
        (
            "dev/late-schedule",
            "the config is refused: pipelines.shop-warehouse.schedule: the load at 05:00 UTC comes",
        ),
        (
            "prod/renamed-table",
            "the role deploy lacks a right, dynamodb:DescribeTable: a new source or pipeline needs",
        ),
    ],
)
def test_a_preview_that_failed_says_why_in_a_sentence(name: str, sentence: str) -> None:
    why = reasons.why(recorded(name))
    assert why.startswith(sentence)
    assert "\n" not in why and "Traceback" not in why


@pytest.mark.parametrize(
    ("errors", "sentence"),
    [
        ((), "it came to no end; the job's log has what it printed"),
        (("error: a\nTypeError: b",), "TypeError: b"),
        (("operation error STS: AssumeRole, https response error, no identity may assume "
          "arn:aws:iam::111111111111:role/nobody",),
         "the role arn:aws:iam::111111111111:role/nobody can't be assumed: it is not there, or"),
        (("error: the config has 2 errors:\n  a: 1\n  b: 2\n",), "the config is refused: a: 1; and b: 2"),
    ],
)  # fmt: skip
def test_other_errors_have_a_sentence_too(errors: tuple[str, ...], sentence: str) -> None:
    assert reasons.why(Preview("dev", errors=errors, failed=True)).startswith(sentence)


def event(**more: Any) -> str:
    return json.dumps(more) + "\n"


def test_what_policies_find_is_read_from_the_pack_and_from_the_program() -> None:
    pack = {
        "resourceUrn": URN + "aws:s3/bucket:Bucket::landing", "policyName": "a-log-is-kept",
        "enforcementLevel": "warning",
        "message": "A log.\n for ever; write a time", "color": "", "policyPackName": "tributary",
    }  # fmt: skip
    refused = "the policies refuse this:\n  urn:pulumi:a::b::t::n breaks 'a grant names its actions': s3:*; name them\n"
    events = event(policyEvent=pack) + event(diagnosticEvent={"severity": "error", "message": refused}) * 2
    read = preview.read("dev", strip.stripped(events))
    reported = [(finding.level, finding.rule, finding.message) for finding in read.findings]
    assert reported == [
        ("advisory", "a log is kept", "for ever; write a time"),
        ("mandatory", "a grant names its actions", "s3:*; name them"),
    ]
    assert reasons.why(read) == "1 policy is broken, see below"


def of(type: str, kind: str = "delete", **more: Any) -> Change:
    return Change(f"urn:pulumi:dev::tributary::{type}::one", kind, **more)


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        (of("aws:s3/bucket:Bucket"), False),
        (of("aws:s3/bucket:Bucket", before={"forceDestroy": True}), True),
        (of("aws:s3/bucket:Bucket", before={"forceDestroy": True}, retained=True), False),
        (of("aws:dynamodb/table:Table"), True),
        (of("aws:dynamodb/table:Table", "replace"), True),
        (of("aws:dynamodb/table:Table", protected=True), False),
        (of("aws:dynamodb/table:Table", before={"deletionProtectionEnabled": True}), False),
        (of("aws:dynamodb/table:Table", "update"), None),
        (of("aws:dynamodb/table:Table", "create"), None),
        (of("aws:iam/role:Role"), None),
        (of("gcp:bigquery/table:Table"), False),
        (of("gcp:bigquery/table:Table", before={"deletionProtection": False}), True),
        (
            of(
                "gcp:bigquery/table:Table",
                before={"deletionProtection": False, "view": {"query": "SELECT 1"}},
            ),
            None,
        ),
        (of("gcp:bigquery/dataset:Dataset", before={"deleteContentsOnDestroy": True}), True),
        (
            of(
                "aws:cloudwatch/logGroup:LogGroup",
                "update",
                properties=(Property("retentionInDays", 30, 14),),
            ),
            True,
        ),
        (
            of(
                "aws:cloudwatch/logGroup:LogGroup",
                "update",
                properties=(Property("retentionInDays", 14, 30),),
            ),
            None,
        ),
        (
            of(
                "aws:cloudwatch/logGroup:LogGroup", "update", properties=(Property("retentionInDays", 14, 0),)
            ),
            None,
        ),
        (
            of(
                "aws:cloudwatch/logGroup:LogGroup",
                "update",
                properties=(Property("retentionInDays", None, 14),),
            ),
            True,
        ),
    ],
)
def test_whether_data_is_lost(change: Change, lost: bool | None) -> None:
    judged = loss(change)
    assert (judged and judged.lost) == lost


def test_objects_that_expire_sooner_are_lost() -> None:
    rules = [[{"id": "all", "expiration": {"days": days}}] for days in (400, 30)]
    type = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
    sooner = loss(of(type, "update", properties=(Property("rules", *rules),)))
    assert sooner and sooner.text == "objects expire sooner: 400 days become 30"
    assert loss(of(type, "update", properties=(Property("rules", *reversed(rules)),))) is None


def test_what_decides_about_a_loss_is_kept_by_strip() -> None:
    for type, keys in READS.items():
        state = {"inputs": dict.fromkeys([*keys, "other"], True), "retainOnDelete": True}
        step = {"op": "delete", "urn": f"urn:pulumi:a::b::{type}::n", "type": type, "old": state, "new": None}
        kept = json.loads(strip.stripped(event(resourcePreEvent={"metadata": step})))
        assert kept["resourcePreEvent"]["metadata"]["old"] == {
            "inputs": dict.fromkeys(keys, True),
            "retainOnDelete": True,
        }
    assert set(READS) <= set(HOLDS)


def test_a_picture_has_the_accounts_as_boxes_and_the_data_as_arrows() -> None:
    lines = [line.strip() for line in picture(recorded("prod/new-pipeline"))]
    assert 'subgraph a0["account workload, ap-northeast-1"]' in lines
    assert 'subgraph a1["account analytics, ap-northeast-1"]' in lines
    assert "p_shop_2d_lake --> p_shop_2d_replica" in lines
    assert "p_shop_2d_replica --> p_shop_2d_warehouse" in lines
    assert "class p_product_2d_archive new" in lines
    assert not [line for line in lines if line.startswith("class p_shop")]


def test_a_large_stack_is_drawn_with_its_touched_pipelines_only() -> None:
    many = {f"lake-{n}": {"kind": "export", "sources": [{"dynamodb": f"t{n}"}]} for n in range(400)}
    change = Change(f"{URN}aws:sqs/queue:Queue::lake-7-failed", "update", "lake-7")
    lines = picture(Preview("dev", {"tributary:pipelines": many}, (change,), standing=frozenset(many)))
    assert 0 < len(lines) < 20
    assert any("lake-7" in line for line in lines)


def test_drift_is_an_issue_until_nothing_differs() -> None:
    same = recorded("dev/unchanged")
    assert body(same, [], "https://a", Masking()) is None
    statement = Stranger(
        "arn:aws:sqs:eu-central-1:111111111111:queue", "statement", "Sid Anybody: sqs:SendMessage"
    )
    issue = body(same, [statement], "https://a", Masking())
    assert issue and issue.startswith(marker("dev"))
    assert "Sid Anybody" in issue and "111111111111" not in issue
    assert "could not be compared" in (body(recorded("dev/misspelt-key"), [], "https://a", Masking()) or "")
    long = body(recorded("dev/region-moved"), [statement] * 2_000, "https://a", Masking())
    assert long and len(long.encode()) <= 65_536


def test_what_the_program_estimates_is_what_the_comment_shows() -> None:
    """The program's own output, of two configs, as the engine hands it over: by pipeline, before and after."""
    config = stack_config("dev")
    before = record("dev", config).outputs["cost"]
    without = {k: v for k, v in config["pipelines"].items() if k != "stock-ticks"}
    after = record("dev", config | {"pipelines": without}).outputs["cost"]
    sides: dict[str, Any] = {
        "old": {"outputs": {"cost": before}},
        "new": {"outputs": {"cost": after, "pipelines": {}}},
    }
    step: dict[str, Any] = {"type": "pulumi:pulumi:Stack", "urn": "u", **sides}
    events = strip.stripped(event(resOutputsEvent={"metadata": step}))
    assert '"lines"' not in events
    cost = preview.read("dev", events).cost
    assert cost is not None
    [(name, (was, now))] = [changed for changed in cost.changed().items() if changed[0] == "stock-ticks"]
    assert was[1] > 0 and now == (0.0, 0.0)
    assert cost.total_before == tuple(before["month"]["all"]) and cost.total_after == tuple(
        after["month"]["all"]
    )
    table = comment(Report([preview.read("dev", events)], "0" * 40, "https://a"), Masking())
    assert "### Cost a month, in US dollars" in table and f"`{name}`" in table
