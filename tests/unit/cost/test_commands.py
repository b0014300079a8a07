"""The commands that show what a stack costs, and what it needs, from whatever its files say."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bootstrap import cheaper, cost
from bootstrap import registered as running
from bootstrap.cheaper import savings
from bootstrap.cost import compared, estimated
from bootstrap.registered import config_in, config_of
from tests.recording import record, stack_config
from tests.typed import as_yaml

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


# --- from what files say


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the declarations of this repository and no stack."""
    (tmp_path / "Pulumi.yaml").write_text((running.ROOT / "Pulumi.yaml").read_text())
    return tmp_path


def in_file(folder: Path, text: str) -> dict[str, Any]:
    (folder / "Pulumi.old.yaml").write_text(text)
    return config_in(folder / "Pulumi.old.yaml", folder)


def test_a_file_has_the_keys_of_the_program_over_the_defaults_and_none_of_others(folder: Path) -> None:
    text = "config: {aws:region: us-east-1, pulumi:x: [], tributary:retain_data: 'false', tags: {a: b}}"
    read = in_file(folder, text)
    assert read["retain_data"] == "false" and read["tags"] == {"a": "b"} and read["gcp"] == {}
    declared = yaml.safe_load((folder / "Pulumi.yaml").read_text())["config"]
    assert {f"tributary:{key}" for key in read} == {key for key in declared if key.startswith("tributary:")}
    assert config_of("old", folder) == read


def test_an_object_that_stands_there_as_text_is_an_object(folder: Path) -> None:
    assert in_file(folder, """config: {tributary:gcp: '{"project": "p"}'}""")["gcp"] == {"project": "p"}
    assert in_file(folder, "config: {tributary:gcp: 'none'}")["gcp"] == "none"


@pytest.mark.parametrize("text", ["", "secretsprovider: passphrase", "config:", "config: {}"])
def test_a_file_without_a_config_has_the_defaults(folder: Path, text: str) -> None:
    assert in_file(folder, text)["pipelines"] == {}


def against(path: Path, *more: str) -> None:
    cost.main(["dev", "--against", str(path), *more])


def test_a_stacks_own_file_with_keys_of_others_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what is the default left out there, and written here."""
    own = yaml.safe_load((running.ROOT / "Pulumi.dev.yaml").read_text())
    own["config"] |= {"aws:region": "us-east-1", "other:key": {"a": 1}}
    path = tmp_path / "before.yaml"
    path.write_text(as_yaml(own))
    against(path)
    assert capsys.readouterr().out == "The cost does not change.\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "before.yaml: can't be read: No such file or directory"),
        ("a: [", "before.yaml: is not YAML: while parsing a flow node"),
        ("[]", "before.yaml: is not a stack's file; expected"),
        ("config: 5", "before.yaml: is not a stack's file; expected"),
        ("just text", "before.yaml: is not a stack's file; expected"),
        ("config: {tributary:pipelines: {a: {kind: exprot}}}", "before.yaml: the config has"),
        ("config: {tributary:pipelines: {a: {kind: exprot}}}", "did you mean 'export'?"),
        ("config: {tributary:pipelines: 5}", "pipelines: 5 "),
        ("config: {1: 2}", "no such key"),
        ("config: []", "before.yaml: is not a stack's file; expected"),
        ("secretsprovider: passphrase", "accounts: "),
    ],
)
def test_what_is_no_config_ends_in_words_and_not_in_a_traceback(
    tmp_path: Path, text: str | None, words: str
) -> None:
    path = tmp_path / "before.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SystemExit) as ended:
        against(path)
    assert words in str(ended.value.code)


@pytest.mark.parametrize("main", [cost.main, cheaper.main])
def test_a_stack_that_is_not_there_ends_in_words(main: Callable[[list[str]], None]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["prd"])
    assert "'prd' is not a stack of this folder: did you mean 'prod'?" in str(ended.value.code)
