"""Which stacks a change touches: a pure function of the changed files and the stacks' configs.

On the safe side: a file that no line below names touches every stack. What only tests, documents or the embedded cloud
use touches none; a pipeline's room and its handlers touch the stacks that have a pipeline of that kind.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from delivery.values import is_mapping, mapping

# What a deployment does not read. `local/` is the embedded cloud; `policy/levels/` says how findings count.
UNREAD = re.compile(
    r"(?:tests|docs|local|benchmarks|bootstrap|delivery|operate|\.ci|\.github|policy/levels)/.*"
    r"|[^/]*\.(?:md|toml)|LICENSE|Makefile|delivery\.yaml|\.git(?:ignore|attributes)|\.[\w-]+\.ya?ml"
)
STACK_FILE = re.compile(r"Pulumi\.([^/]+)\.yaml")
ROOM = re.compile(r"components/pipelines/([a-z_]+)/.*")
HANDLER = re.compile(r"handlers/([a-z_]+)/.*")
# Which kinds of pipeline run a handler.
HANDLERS: Mapping[str, tuple[str, ...]] = {
    "arrival": ("replication",),
    "backfill": ("replication",),
    "catalog": ("export", "replication"),
    "export_source": ("export",),
    "export_start": ("export",),
    "fold": ("export", "replication"),
    "generate_ticks": ("firehose",),
    "iceberg": ("export", "replication"),
    "index": ("firehose",),
    "load_check": ("bigquery-transfer",),
    "normalise": ("export", "replication"),
    "replay": ("firehose",),
    "replica_source": ("replication",),
    "transform": ("firehose",),
}


def stacks(changed: Iterable[str], configs: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The stacks among `configs` that the changed files touch, in the order of `configs`. `changed` are paths from the
    repository's root; a config is the mapping `config` of Pulumi.<stack>.yaml."""
    touched: set[str] = set()
    for path in changed:
        touched |= set(_of_file(path, configs))
    return [name for name in configs if name in touched]


def removed(changed: Iterable[str], names: Sequence[str]) -> list[str]:
    """The stacks whose file a change takes away: what they made stays in the accounts until `pulumi destroy`."""
    files = [match[1] for path in changed if (match := STACK_FILE.fullmatch(path))]
    return sorted(set(files) - set(names))


def kinds(config: Mapping[str, Any]) -> set[str]:
    """The kinds of a stack's pipelines."""
    pipelines = mapping(config.get("tributary:pipelines"))
    return {str(pipeline.get("kind")) for pipeline in pipelines.values() if is_mapping(pipeline)}


def _of_file(path: str, configs: Mapping[str, Mapping[str, Any]]) -> Iterable[str]:
    if stack := STACK_FILE.fullmatch(path):
        return [stack[1]]
    if UNREAD.fullmatch(path):
        return []
    of_kinds: set[str] | None = None
    if room := ROOM.fullmatch(path):
        of_kinds = {room[1].replace("_", "-")}
    elif (handler := HANDLER.fullmatch(path)) and handler[1] in HANDLERS:
        of_kinds = set(HANDLERS[handler[1]])
    return [name for name, config in configs.items() if of_kinds is None or kinds(config) & of_kinds]
