"""An upgrade of the program loses nothing of a running stack that CHANGELOG.md does not name."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tests.cli import recordings
from tests.recording import record, stack_config
from tests.unit.delivery.recordings import recorded
from tests.unit.stack import upgrade
from tests.unit.stack.upgrade import CHANGELOG, STACKS, Loss

QUEUE = "aws:sqs/queue:Queue"
Config = dict[str, Any]
JUDGED = (  # of the changes with a preview of the engine, each kind; the others show the same and take their time
    ("dev", recordings.key_on),
    ("dev", recordings.next_generation),
    ("dev", recordings.region_moved),
    ("dev", recordings.removed_pipeline),
    ("dev", recordings.renamed_table),
    ("prod", recordings.region_moved),
)


def losses(before: upgrade.State, stack: str, config: Config | None = None) -> list[Loss]:
    return upgrade.losses(before, record(stack, config), lambda: record(stack, config, preview=True))


@pytest.mark.parametrize("stack", STACKS)
def test_an_upgrade_replaces_and_deletes_only_what_the_changelog_names(stack: str) -> None:
    before = upgrade.kept(stack)
    assert len(before) > 200
    markers = upgrade.named(upgrade.since(CHANGELOG.read_text(), upgrade.last()))
    assert upgrade.unnamed(losses(before, stack), markers) == []


def test_what_the_changelog_names_is_lost_indeed() -> None:
    lost = [loss for stack in STACKS for loss in losses(upgrade.kept(stack), stack)]
    for marker in upgrade.named(upgrade.since(CHANGELOG.read_text(), upgrade.last())):
        assert upgrade.unnamed(lost, [marker]) != lost, f"nothing is lost that {marker} names"


@pytest.mark.parametrize(("stack", "change"), JUDGED, ids=lambda part: getattr(part, "__name__", part))
def test_what_is_lost_is_what_the_engine_previews(stack: str, change: Callable[[Config], None]) -> None:
    """Those previews are a real engine's, with the local providers, of the same change to a stack that was deployed."""
    config = {f"tributary:{key}": deepcopy(value) for key, value in stack_config(stack).items()}
    change(config)
    changed = {key.removeprefix("tributary:"): value for key, value in config.items()}
    before = upgrade.state(record(stack))
    previewed = recorded(f"{stack}/{change.__name__.replace('_', '-')}")
    assert not previewed.failed
    assert losses(before, stack, changed) == sorted(
        Loss(each.kind, f"{each.type}::{each.name}", each.forced_by)
        for each in previewed.changes
        if each.kind in ("replace", "delete")
    )


def test_the_released_state_is_of_one_version_and_never_written_again() -> None:
    assert upgrade.is_released("x\n## [0.1.0] - 2027-01-31\n", "0.1.0")
    assert not upgrade.is_released("x\n## [0.1.0] - Unreleased\n## [0.1.1] - 2027-01-31\n", "0.1.0")
    assert (
        upgrade.since("new\n## [0.2.0] - x\nnewer\n## [0.1.0] - y\nold", "0.1.0")
        == "new\n## [0.2.0] - x\nnewer"
    )


def test_a_resource_that_goes_is_lost_and_an_alias_keeps_it() -> None:
    before = upgrade.kept("dev")
    queue = next(each for each in before if f"{QUEUE}::" in each)
    removed = f"{queue}-of-before"
    assert losses({**before, removed: before[queue]}, "dev") == [
        Loss("delete", f"{QUEUE}::{removed.partition('::')[2]}")
    ]
    were = "tributary:pipelines:BigQueryTransferPipeline$tributary:blocks:LambdaFunction"
    former = f"{were}$aws:iam/role:Role::shop-warehouse-reconcile"
    now = next(each for each, formers in upgrade.aliases(record("dev")).items() if former in formers)
    renamed = {each: row for each, row in before.items() if each != now} | {former: before[now]}
    assert losses(renamed, "dev") == []


def test_another_name_replaces_a_resource_and_what_is_made_of_what_its_service_makes_up() -> None:
    before = deepcopy(upgrade.kept("dev"))
    queue = next(each for each in before if f"{QUEUE}::" in each)
    name = queue.partition("::")[2]
    before[queue]["inputs"]["name"] += "-of-before"
    lost = losses(before, "dev")
    assert Loss("replace", f"{QUEUE}::{name}", ("name",)) in lost
    assert Loss("replace", f"aws:sqs/queuePolicy:QueuePolicy::{name}", ("queueUrl",)) in lost
    before[queue]["inputs"] = {**upgrade.kept("dev")[queue]["inputs"], "visibilityTimeoutSeconds": 7}
    assert losses(before, "dev") == []  # it is changed in place


def test_a_marker_names_by_type_and_name() -> None:
    text = "- Queues have other names. <!-- upgrade: replaces aws:sqs/queue:Queue::* -->\n"
    [marker] = upgrade.named(text)
    lost = [
        Loss("replace", f"{QUEUE}::a"),
        Loss("delete", f"{QUEUE}::a"),
        Loss("replace", "aws:s3/bucket:Bucket::a"),
    ]
    assert upgrade.unnamed(lost, [marker]) == lost[1:]
    code = Loss("replace", "aws:s3/bucketObjectv2:BucketObjectv2::fold", ("key",))
    assert upgrade.unnamed([code], []) == [] and upgrade.unnamed(
        [Loss("replace", code.resource, ("bucket",))], []
    )
