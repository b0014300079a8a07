"""Each wrong config is refused with its path, what is there, what is expected, and what to write.

The configs stand in the rooms of their pipelines, in `bad_configs.py`.
"""

import copy
import re
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from components.arguments import Refused
from components.stack import settings
from components.stack.kinds import KINDS
from tests.unit.pipelines.bigquery_transfer import bad_configs as bigquery_transfer
from tests.unit.pipelines.export import bad_configs as export
from tests.unit.pipelines.firehose import bad_configs as firehose
from tests.unit.pipelines.replication import bad_configs as replication
from tests.unit.pipelines.zero_etl import bad_configs as zero_etl
from tests.unit.stack import bad_configs as stack

ROOMS = (stack, export, replication, firehose, zero_etl, bigquery_transfer)
BAD = {f"{room.__name__.split('.')[-2]}: {name}": bad for room in ROOMS for name, bad in room.BAD.items()}


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_config_is_refused_with_a_sentence_that_helps(name: str) -> None:
    config, message = BAD[name]
    with pytest.raises(Refused) as refused:
        settings.read(config)
    assert any(message in error for error in refused.value.errors), refused.value


# What a sentence says to write: the text in quotes behind the last "write", as YAML reads it.
_WRITE = re.compile(r"""; (?:leave .*|.*, )?write (?:'([^'<>…]+)'|("[^"<>…]+"|\['[^']+'\]))$""")
_PATH = re.compile(r"^([\w.\[\]-]+): ")


def _advice() -> list[tuple[str, str, str]]:
    advised: list[Any] = []
    for name, (config, _) in BAD.items():
        with pytest.raises(Refused) as refused:
            settings.read(config)
        for error in refused.value.errors:
            path, write = _PATH.search(error), _WRITE.search(error)
            if path and write:
                advised.append((name, path[1], write[1] or write[2]))
    return advised


def _set(config: dict[str, Any], path: str, text: str) -> None:
    """Writes what was advised where it was advised: 'key: value' beside the key, a value in its place."""
    at: Any = config
    rest, written = path, yaml.safe_load(text)
    while True:
        if rest.startswith("["):
            index, _, rest = rest[1:].partition("]")
            step: Any = int(index)
        else:  # a key may hold dots itself
            known = [key for key in at if rest == key or rest.startswith((f"{key}.", f"{key}["))]
            step = max(known, key=len) if known else rest
            rest = rest.removeprefix(step)
        rest = rest.removeprefix(".")
        if not rest:
            break
        at = at[step]
    if isinstance(written, dict):
        at.update(written)
    elif isinstance(at, dict) and isinstance(cast("dict[str, Any]", at).get(step), dict):
        at[written] = cast("dict[str, Any]", at).pop(step)  # the key itself is wrong
    else:
        at[step] = written


@pytest.mark.parametrize(("name", "path", "text"), _advice())
def test_what_a_sentence_says_to_write_is_accepted(name: str, path: str, text: str) -> None:
    config = copy.deepcopy(BAD[name][0])
    _set(config, path, text)
    try:
        settings.read(config)
    except Refused as refused:
        assert not [error for error in refused.errors if error.startswith(f"{path}:")], refused


def test_enough_sentences_say_what_to_write() -> None:
    assert len(_advice()) >= 15


def test_every_kind_has_bad_configs_and_each_of_their_files_is_read() -> None:
    rooms = {room.__name__: room.BAD for room in ROOMS}
    for kind in KINDS:
        assert len(rooms[f"tests.unit.pipelines.{kind.replace('-', '_')}.bad_configs"]) >= 5, kind
    unit = Path(__file__).resolve().parents[1]
    assert len(rooms) == len(list(unit.rglob("bad_configs.py")))
    assert len(BAD) == sum(map(len, rooms.values()))
