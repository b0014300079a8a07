"""What the recipes say to change in files that are there, for the toy pipeline `heart-beat`."""

import re
from pathlib import Path

PIPELINE = "    pulse:\n      kind: heart-beat\n      {account}stream: orders\n"
ROW = "| [heart-beat](docs/heart-beat.md) | a schedule | a stream | a beat | alarms | nothing |\n"
LIMITS = """
[HeartBeatArgs]
stream = { api = "kinesis.PutRecord: StreamName", such_as = "orders" }
every_minutes = { none = "a part of the schedule's expression", such_as = 5 }
"""
NAME = '''def beat(name: str) -> str:
    """A beat: at most 32 of A-Z a-z 0-9 '_-'."""
    return _fit(name, 32, _WORDS)


'''
NAME_TEST = "test_component.py::test_its_name_follows_the_rule"
NAME_ROW = f"| a long name of a beat | cut to 32, with digits of its hash | `{NAME_TEST}` |\n"
ROOM = "components.pipelines.heart_beat"

Edit = tuple[str, str, str]
"""A file, the text behind which something is written, and that text. An edit whose anchor is gone fails."""

EDITS: list[Edit] = [
    ("pyproject.toml", '  "components.pipelines.firehose",\n', f'  "{ROOM}",\n'),
    (
        "components/stack/kinds.py",
        "from components.pipelines.firehose.args import FirehoseArgs\n",
        f"from {ROOM}.args import HeartBeatArgs\n",
    ),
    (
        "components/stack/kinds.py",
        "KINDS: dict[str, Kind] = {\n",
        '    "heart-beat": Kind(HeartBeatArgs, "heart_beat"),\n',
    ),
    (
        "components/plugin/__init__.py",
        "from components.pipelines.firehose.component import FirehosePipeline\n",
        f"from {ROOM}.args import HeartBeatArgs\nfrom {ROOM}.component import HeartBeatPipeline\n",
    ),
    (
        "components/plugin/__init__.py",
        '    "FirehosePipeline": (FirehosePipeline, FirehoseArgs),\n',
        '    "HeartBeatPipeline": (HeartBeatPipeline, HeartBeatArgs),\n',
    ),
    (
        "operate/kinds/__init__.py",
        "from operate.kinds import bigquery_transfer, export, firehose, ",
        "heart_beat, ",
    ),
    (
        "delivery/touched.py",
        "HANDLERS: Mapping[str, tuple[str, ...]] = {\n",
        '    "beat": ("heart-beat",),\n',
    ),
    ("operate/kinds/__init__.py", "KINDS: Mapping[str, Any] = {\n", '    "heart-beat": heart_beat,\n'),
    ("components/cost/usage.py", "USAGE: dict[str, type[UsageArgs]] = {\n", '    "heart-beat": UsageArgs,\n'),
    (
        "components/cost/by_use.py",
        "BY_USE: dict[str, Callable[[Used[Any, Any]], Iterator[Quantity]]] = {\n",
        '    "heart-beat": lambda _: iter(()),\n',
    ),
    ("docs/config-limits.toml", 'alarm_topic_arn = "cloudwatch.PutMetricAlarm: AlarmActions[]"\n', ""),
    ("Pulumi.dev.yaml", "  tributary:pipelines:\n", PIPELINE.format(account="account: workload\n      ")),
    ("Pulumi.prod.yaml", "  tributary:pipelines:\n", PIPELINE.format(account="account: workload\n      ")),
    ("Pulumi.local.yaml", "  tributary:pipelines:\n", PIPELINE.format(account="account: workload\n      ")),
    ("bootstrap/why.py", "WHY = {\n", '    "PutBeat": "puts a beat on the stream",\n'),
    (
        "tests/contract/iam/stacks.py",
        "    table_export_run,\n    table_firehose,\n",
        "    table_heart_beat,\n",
    ),
    ("tests/contract/iam/stacks.py", "PROVEN = (\n", "    table_heart_beat,\n"),
    (
        "tests/unit/stack/test_bad_configs.py",
        "from tests.unit.pipelines.firehose import bad_configs as firehose\n",
        "from tests.unit.pipelines.heart_beat import bad_configs as heart_beat\n",
    ),
    ("tests/unit/stack/test_bad_configs.py", "ROOMS = (stack, ", "heart_beat, "),
    (
        "components/shared/variables.py",
        'STREAM = "STREAM"\n',
        '"""The Kinesis stream."""\n\n# beat\nBEAT = "BEAT"\n',
    ),
    ("components/names.py", '_WORDS = "A-Za-z0-9_-"\n\n\n', NAME),
]


def follow(root: Path) -> set[str]:
    """Makes the edits in the tree `root`; returns the files that were changed."""
    changed: set[str] = set()
    for name, anchor, text in EDITS:
        path = root / name
        before = path.read_text()
        assert before.count(anchor) == 1, f"{name}: {anchor!r} is there {before.count(anchor)} times"
        path.write_text(before.replace(anchor, anchor + text))
        changed.add(name)
    limits = root / "docs/config-limits.toml"
    limits.write_text(limits.read_text() + LIMITS)
    _add_row(root / "README.md", "](docs/bigquery-transfer.md) |", ROW)
    _add_row(root / "docs/names.md", "`test_catalog_columns.py::", NAME_ROW)
    return changed | {"README.md", "docs/names.md"}


def _add_row(path: Path, within: str, row: str) -> None:
    """Writes `row` behind the first row of a table that has `within`."""
    text = path.read_text()
    match = re.search(rf"^\|.*{re.escape(within)}.*\n", text, re.M)
    assert match, f"{path.name}: no row with {within!r}"
    path.write_text(text[: match.end()] + row + text[match.end() :])
