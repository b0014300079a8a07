"""A stack as a Mermaid flowchart, from its config: accounts as boxes, data as arrows, what a change touches marked.

https://mermaid.js.org/syntax/flowchart.html. GitHub draws a chart of at most 50,000 characters and 500 arrows
(`maxTextSize`, `maxEdges`: https://mermaid.js.org/config/schema-docs/config.html); a larger stack has its touched
pipelines only.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from delivery.preview import Preview
from delivery.values import is_mapping, mapping

EDGES, CHARACTERS = 500, 50_000
STYLES = {
    "new": "stroke:#1a7f37,stroke-width:3px",
    "changed": "stroke:#9a6700,stroke-width:3px",
    "replaced": "stroke:#cf222e,stroke-width:3px",
    "removed": "stroke:#cf222e,stroke-width:3px,stroke-dasharray:6 4",
}
SHAPES = {"source": ('[("', '")]'), "pipeline": ('["', '"]'), "store": ('[("', '")]')}


def picture(preview: Preview) -> list[str]:
    """The lines of the chart in its fence; none of a stack without pipelines."""
    marks = touched(preview)
    whole = _chart(preview, preview.pipelines, marks)
    if len(whole) > EDGES or sum(map(len, whole)) > CHARACTERS:
        whole = _chart(preview, {k: v for k, v in preview.pipelines.items() if k in marks}, marks)
    if not preview.pipelines or len(whole) > EDGES or sum(map(len, whole)) > CHARACTERS:
        return []
    return ["```mermaid", *whole, "```"]


def touched(preview: Preview) -> dict[str, str]:
    """What happens to the pipelines that change: pipeline -> a key of STYLES."""
    marks: dict[str, str] = {}
    for name in sorted({change.pipeline for change in preview.changes if change.pipeline}):
        kinds = {change.kind for change in preview.changes if change.pipeline == name}
        if name not in preview.pipelines:
            marks[name] = "removed"
        elif kinds == {"create"} and name not in preview.standing:
            marks[name] = "new"
        else:
            marks[name] = "replaced" if "replace" in kinds else "changed"
    return marks


def _chart(preview: Preview, pipelines: Mapping[str, Any], marks: Mapping[str, str]) -> list[str]:
    accounts = mapping(preview.config.get("tributary:accounts"))
    lines, edges = ["flowchart LR"], list(_edges(pipelines))
    shown = dict.fromkeys(pipelines) | {name: None for name, mark in marks.items() if mark == "removed"}
    boxes: dict[str, list[str]] = {}
    for name in shown:
        kind = mapping(pipelines.get(name)).get("kind", "removed")
        boxes.setdefault(_account(pipelines.get(name), accounts), []).append(
            f"    {_id('p', name)}" + _shape("pipeline", f"{name}<br>{kind}")
        )
    for pipeline in pipelines.values():
        for source in _sources(pipeline):
            node = f"    {_id('s', source)}" + _shape("source", source)
            box = boxes.setdefault(_account(pipeline, accounts), [])
            if not any(node in nodes for nodes in boxes.values()):
                box.append(node)
    for number, (account, nodes) in enumerate(boxes.items()):
        region = mapping(accounts.get(account)).get("region", "")
        title = f"account {account}, {region}" if account else "no longer in the config"
        lines += [f'  subgraph a{number}["{_label(title)}"]', *nodes, "  end"]
    stores = sorted({end for _, end in edges if end.startswith("store ")})
    if stores:
        lines += [f"  {_id('t', end)}{_shape('store', end.removeprefix('store '))}" for end in stores]
    lines += [f"  {_id(*_node(start))} --> {_id(*_node(end))}" for start, end in edges]
    used = {mark for name, mark in marks.items() if name in shown}
    lines += [f"  classDef {mark} {style}" for mark, style in STYLES.items() if mark in used]
    lines += [f"  class {_id('p', name)} {mark}" for name, mark in marks.items() if name in shown]
    return lines


def _edges(pipelines: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """From what to what data goes: `source …`, `pipeline …`, `store …`."""
    for name, pipeline in pipelines.items():
        for source in _sources(pipeline):
            yield f"source {source}", f"pipeline {name}"
        upstream = pipeline.get("from")
        if upstream in pipelines:
            yield f"pipeline {upstream}", f"pipeline {name}"
        if pipeline.get("kind") == "bigquery-transfer":
            yield f"pipeline {name}", "store BigQuery"
        if pipeline.get("kind") in ("zero-etl", "firehose"):
            owner = pipeline.get("collection_of") or name
            yield f"pipeline {name}", f"store OpenSearch {owner}"
        if pipeline.get("kind") == "export":
            yield f"pipeline {name}", "store Athena"


def _sources(pipeline: Mapping[str, Any]) -> Iterator[str]:
    kind = pipeline.get("kind")
    for source in pipeline.get("sources") or ():
        for key in ("dynamodb", "rds_instance", "rds_cluster"):
            if key in source:
                yield f"{'RDS ' if key != 'dynamodb' else 'DynamoDB '}{source[key]}"
    if kind == "zero-etl":
        for table in pipeline.get("tables") or ():
            yield f"DynamoDB {table.get('name')}"
    if kind == "firehose":
        yield f"Kinesis {mapping(pipeline.get('stream')).get('adopt') or pipeline.get('index', '')}"
    if is_mapping(landing := pipeline.get("landing")):
        yield f"S3 {landing.get('bucket')}"


def _account(pipeline: Any, accounts: Mapping[str, Any]) -> str:
    if pipeline is None:
        return ""
    return str(pipeline.get("account") or next(iter(accounts), ""))


def _node(end: str) -> tuple[str, str]:
    what, _, name = end.partition(" ")
    return ("t", end) if what == "store" else (what[0], name)


def _id(what: str, name: str) -> str:
    """A node's id: letters, digits and `_`, and another one for another name."""
    return f"{what}_" + "".join(
        char if re.fullmatch("[A-Za-z0-9]", char) else f"_{ord(char):x}_" for char in name
    )


def _shape(what: str, label: str) -> str:
    start, end = SHAPES[what]
    parts = label.split("<br>")
    return start + "<br>".join(_label(part) for part in parts) + end


def _label(text: str) -> str:
    """Text in quotes (https://mermaid.js.org/syntax/flowchart.html#special-characters-that-break-syntax)."""
    return "".join(char if re.fullmatch(r"[\w ,./+-]", char) else f"#{ord(char)};" for char in text)
