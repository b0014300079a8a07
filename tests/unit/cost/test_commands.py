"""The commands that show what a stack costs, and what it needs, from whatever its files say."""

import json
from typing import Any

import pytest

from bootstrap import registered as running
from bootstrap.cheaper import savings
from bootstrap.cost import compared, estimated
from tests.recording import record, stack_config

TOO_LOW: dict[str, Any] = {"ceiling": 10, "enforcement": "mandatory"}


# --- above a ceiling


@pytest.mark.parametrize("written", [TOO_LOW, json.dumps(TOO_LOW)], ids=["object", "text"])
def test_a_mandatory_ceiling_stops_no_command_that_shows_where_the_money_goes(written: Any) -> None:
    """As `pulumi config set` writes it, an object may stand there as text."""
    config = stack_config("dev") | {"cost": written}
    assert estimated("dev", config) == record("dev").outputs["cost"]
    assert config["cost"] == written
    program = running.registered("dev", config)
    assert program.pipelines == list(config["pipelines"])
    assert len(program.resources) > len(record("dev").counts())


def test_what_changes_is_shown_on_either_side_of_a_mandatory_ceiling() -> None:
    over = stack_config("dev") | {"cost": TOO_LOW}
    assert compared("dev", over, stack_config("dev"))["lines"] == []
    assert compared("dev", stack_config("dev"), over)["lines"] == []


def test_what_could_be_cheaper_is_listed_above_a_mandatory_ceiling() -> None:
    """By one choice alone, as each is a run of the program."""
    config = stack_config("dev") | {"cost": TOO_LOW}
    ticks = config["pipelines"]["stock-ticks"]
    (saved,) = savings("dev", config | {"pipelines": {"stock-ticks": ticks}})
    assert saved.month == (-153.6, -60.0)  # 175.20 at rest against 21.60 to 115.20 by use
