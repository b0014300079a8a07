"""The documentation is what the code is: tables, numbers, names, links."""

import re
from pathlib import Path
from typing import Any

import pytest

from components.stack.kinds import KINDS
from docs.__main__ import current
from docs.pictures import PICTURES
from policy.rules import RULES
from tests.recording import PITR_ON, record

ROOT = Path(__file__).resolve().parents[3]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "benchmarks" / "README.md"]
ACCOUNTS = {name: {"id": id * 12, "region": "eu-central-1"} for name, id in (("here", "1"), ("there", "2"))}
KEY = "arn:aws:kms:eu-central-1:111111111111:key/11111111-2222-3333-4444-555555555555"
EXPORT = {"kind": "export", "account": "here", "sources": [{"dynamodb": "orders"}]}
KEYED, ORDERS = EXPORT | {"create_key": True}, {"dynamodb": "orders"}
LANDING = {"account": "here", "bucket": "files", "prefix": "raw/"}
REPLICATION = {"kind": "replication", "account": "there", "landing": LANDING, "take_over": True}
SEARCH = {"kind": "zero-etl", "account": "here", "tables": [{"name": "orders"}]}
TWO = {"tables": [{"name": "orders"}, {"name": "customers"}]}
CLOSED = {"collection": {"network": {"public": False, "vpc_endpoints": ["vpce-1"]}}}
READERS = {"collection": {"readers": ["arn:aws:iam::111111111111:role/analyst"]}}
GROUPED = {"collection": {"generation": "nextgen"}}
COLLECTION = "arn:aws:aoss:eu-central-1:111111111111:collection/other"
OTHERS = {
    "shared_collection": {
        "name": "other",
        "arn": COLLECTION,
        "endpoint": "https://a",
        "dashboards": "https://d",
    }
}
TICKS = {"kind": "firehose", "account": "here", "index": "ticks"}


def warehouse(columns: dict[str, Any], *tables: str, **landing: str) -> dict[str, Any]:
    exported = {"account": "here", "bucket": "files", "prefix": "raw/", "tables": list(tables)} | landing
    declared = {name: {"keys": ["id"], "columns": columns} for name in tables}
    return {"kind": "bigquery-transfer", "account": "here", "landing": exported, "tables": declared}


WAREHOUSE, TWO_TABLES = warehouse({"id": "S"}, "orders"), warehouse({"id": "S"}, "orders", "customers")
OF_FILES = warehouse({"id": "string"}, "orders", layout="objects")
TWO_OF_FILES = warehouse({"id": "string"}, "orders", "customers", layout="objects")


def readers(*more: str) -> dict[str, Any]:
    return {"readers": [f"arn:aws:iam::111111111111:role/{name}" for name in ("analyst", *more)]}


def count(pipeline: dict[str, Any]) -> int:
    """The cloud resources of one pipeline, without those of its accounts."""
    config = {
        "accounts": ACCOUNTS,
        "gcp": {"project": "shop-analytics", "location": "EU"},
        "pipelines": {"pipe": pipeline},
    }
    tables = {"orders": PITR_ON, "customers": PITR_ON}
    streams = {"trades": {"encryptionType": "NONE", "kmsKeyId": ""}}
    recorded = record("test", config, tables=tables, streams=streams)
    return sum(r.type.startswith(("aws:", "gcp:")) and r.name.startswith("pipe") for r in recorded.resources)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_pages_tables_of_keys_are_those_of_the_arguments(page: Path) -> None:
    assert current(page.read_text()) == page.read_text(), "run: python -m docs"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_kind_has_a_page_with_its_keys_and_a_row_in_the_readme(kind: str) -> None:
    assert f"<!-- keys: {kind} -->" in (ROOT / "docs" / f"{kind}.md").read_text()
    assert f"(docs/{kind}.md)" in (ROOT / "README.md").read_text()


def test_a_level_is_set_for_rules_that_there_are() -> None:
    levels = re.findall(r'"([\w-]+)": "(?:advisory|mandatory)"', (ROOT / "docs" / "policies.md").read_text())
    assert set(levels) - {"all"} and set(levels) <= {"all", *(rule.id for rule in RULES)}


def test_the_pictures_are_those_that_are_drawn() -> None:
    for name, drawn in PICTURES.items():
        assert (ROOT / "docs" / "pictures" / f"{name}.svg").read_text() == drawn, (
            "run: python -m docs.pictures"
        )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_link_to_a_file_leads_to_one(page: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", page.read_text())  # a regular expression may hold what a link looks like
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []


def anchors(text: str) -> set[str]:
    """What the headings of a page are reached by, as GitHub makes it of their words."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_a_link_to_a_heading_leads_to_one() -> None:
    links = [
        (page, file, anchor)
        for page in PAGES
        for file, anchor in re.findall(
            r"\]\((?!https?:)([^)#]*)#([\w-]+)\)", re.sub(r"`[^`\n]*`", "", page.read_text())
        )
    ]
    assert len(links) > 30
    assert [
        f"{page.name}: {file}#{anchor}"
        for page, file, anchor in links
        if (leads_to := page.parent / file if file else page).suffix == ".md"
        and anchor not in anchors(leads_to.read_text())
    ] == []
    assert anchors("# What a table's key is\n```\n# none\n```\n## `run: simple`, once") == {
        "what-a-tables-key-is",
        "run-simple-once",
    }


# Page, config, the row of its table, the config changed, and by how many resources.
COUNTED: list[tuple[str, dict[str, Any], str, dict[str, Any], int]] = [
    ("export", EXPORT, "one table adopted, SSE-S3 | 42", EXPORT, 42),
    ("export", EXPORT, "`run: simple`: tables adopted, SSE-S3 | 21", EXPORT | {"run": "simple"}, 21),
    (
        "export",
        EXPORT,
        "a further table | + 3",
        EXPORT | {"sources": [ORDERS, {"dynamodb": "customers"}]},
        3,
    ),
    ("export", EXPORT, "of any | + 7", EXPORT | {"sources": [ORDERS | {"mode": "incremental"}]}, 7),
    ("export", KEYED, "a database | + 4", KEYED | {"sources": [ORDERS, {"rds_instance": "shop"}]}, 4),
    (
        "export",
        KEYED | {"sources": [ORDERS, {"rds_instance": "shop"}]},
        "`snapshot: event` of any | + 4",
        KEYED | {"sources": [ORDERS, {"rds_instance": "shop", "snapshot": "event"}]},
        4,
    ),
    ("export", EXPORT, "`catalog: crawler` | + 3", EXPORT | {"catalog": "crawler"}, 3),
    ("export", KEYED, "with a key + 4", KEYED | {"catalog": "crawler"}, 4),
    (
        "export",
        EXPORT,
        "`lake_formation` with one reader | + 8",
        EXPORT | {"lake_formation": readers()},
        8,
    ),
    (
        "export",
        EXPORT | {"lake_formation": readers()},
        "… each further reader | + 2",
        EXPORT | {"lake_formation": readers("second")},
        2,
    ),
    ("export", EXPORT, "`create_key: true` | + 2", EXPORT | {"create_key": True}, 2),
    (
        "export",
        EXPORT,
        "each table created | + 1",
        EXPORT | {"sources": [{"dynamodb": "orders", "create": {"hash_key": {"name": "id"}}}]},
        1,
    ),
    ("replication", REPLICATION, "SSE-S3, one prefix | 30", REPLICATION, 30),
    (
        "replication",
        REPLICATION,
        "`existing_objects: true` | + 9",
        REPLICATION | {"existing_objects": True},
        9,
    ),
    (
        "replication",
        REPLICATION,
        "further prefix | + 3",
        REPLICATION | {"prefixes": ["raw/a/", "raw/b/"]},
        3,
    ),
    (
        "replication",
        REPLICATION,
        "`turn_on_versioning: true` | + 1",
        REPLICATION | {"turn_on_versioning": True},
        1,
    ),
    (
        "replication",
        REPLICATION,
        "`create_key: true` | + 2",
        REPLICATION | {"create_key": True, "landing": LANDING | {"key_arn": KEY}},
        2,
    ),
    (
        "replication",
        REPLICATION,
        "each object is an event of its own) | 17",
        REPLICATION | {"landing": LANDING | {"layout": "objects"}},
        17,
    ),
    ("zero-etl", SEARCH, "one table adopted | 20", SEARCH, 20),
    ("zero-etl", SEARCH, "each further table, `pipelines: per-table` | + 10", SEARCH | TWO, 10),
    (
        "zero-etl",
        SEARCH,
        "each further table, `pipelines: shared` | + 5",
        SEARCH | TWO | {"pipelines": "shared"},
        5,
    ),
    (
        "zero-etl",
        SEARCH,
        "each table created | + 1",
        SEARCH | {"tables": [{"name": "orders", "create": {"hash_key": {"name": "id"}}}]},
        1,
    ),
    ("zero-etl", SEARCH, "`collection.readers` | + 1", SEARCH | READERS, 1),
    (
        "zero-etl",
        SEARCH,
        "`collection_of` another pipeline | - 3",
        SEARCH | {"shared_collection": OTHERS["shared_collection"] | {"type": "SEARCH"}},
        -3,
    ),
    (
        "zero-etl",
        SEARCH | TWO,
        "each ingestion pipeline | + 1 (a network policy)",
        SEARCH | TWO | CLOSED,
        2,
    ),
    ("zero-etl", SEARCH, "or `group.adopt` | + 1", SEARCH | GROUPED, 1),
    ("firehose", TICKS, "or `group.adopt` | + 1", TICKS | GROUPED, 1),
    ("firehose", TICKS, "the least: a new stream, a new collection | 44", TICKS, 44),
    ("firehose", TICKS, "`transform` | + 6", TICKS | {"transform": {}}, 6),
    ("firehose", TICKS, "`generator: true` | + 10", TICKS | {"generator": True}, 10),
    ("firehose", TICKS, "`retention` | + 1", TICKS | {"retention": "9d"}, 1),
    (
        "firehose",
        TICKS,
        "`dashboards.assumed_by` | + 3",
        TICKS | {"dashboards": {"assumed_by": READERS["collection"]["readers"]}},
        3,
    ),
    (
        "firehose",
        TICKS,
        "`dashboards.console_user` alone | + 4",
        TICKS | {"dashboards": {"console_user": True}},
        4,
    ),
    ("firehose", TICKS, "`replay_schedule` | + 4", TICKS | {"replay_schedule": "rate(1 hour)"}, 4),
    ("firehose", TICKS, "`stream.adopt` | - 1", TICKS | {"stream": {"adopt": "trades"}}, -1),
    (
        "firehose",
        TICKS,
        "`collection_of` | - 3",
        TICKS | {"shared_collection": OTHERS["shared_collection"] | {"type": "TIMESERIES"}},
        -3,
    ),
    ("firehose", TICKS, "`collection.readers` | + 1", TICKS | READERS, 1),
    ("firehose", TICKS, "`backup: AllDocuments` | + 1", TICKS | {"backup": "AllDocuments"}, 1),
    ("bigquery-transfer", WAREHOUSE, "for each table | + 6 (table", TWO_TABLES, 6),
    ("bigquery-transfer", WAREHOUSE, "a landing of exports, whatever its tables | 29", WAREHOUSE, 29 + 6),
    (
        "bigquery-transfer",
        OF_FILES,
        "`layout: objects`, for each table | + 4",
        TWO_OF_FILES,
        4,
    ),
    ("bigquery-transfer", OF_FILES, "`layout: objects`, whatever its tables | 29", OF_FILES, 29 + 4),
    (
        "bigquery-transfer",
        WAREHOUSE,
        "a key being rotated | + 1",
        WAREHOUSE | {"access_keys": ["1", "2"]},
        1,
    ),
]


@pytest.mark.parametrize(
    ("page", "base", "row", "changed", "by"),
    COUNTED,
)
def test_a_page_counts_the_resources_of_an_option(
    page: str, base: dict[str, Any], row: str, changed: dict[str, Any], by: int
) -> None:
    assert row in (ROOT / "docs" / f"{page}.md").read_text()
    assert count(changed) - (count(base) if "+" in row or "-" in row.rsplit("|", maxsplit=1)[-1] else 0) == by


@pytest.mark.parametrize("page", sorted(KINDS))
def test_a_page_names_every_statement_of_its_roles(page: str) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text()
    parts = (ROOT / "components" / "pipelines" / page.replace("-", "_")).glob("*.py")
    source = "".join(path.read_text() for path in parts)
    sids = re.findall(r'(?:Statement|pass_role)\(\s*"(\w+)"', source)
    assert len(sids) >= 2
    assert [sid for sid in sids if sid not in text and sid != "HandOverTheJobsRole"] == []


def test_the_page_of_replication_counts_its_alarms() -> None:
    replication = {key: value for key, value in REPLICATION.items() if key != "landing"} | {"from": "lake"}
    config = {"accounts": ACCOUNTS, "pipelines": {"lake": EXPORT, "pipe": replication}}
    alarms = record("test", config).of("aws:cloudwatch/metricAlarm:MetricAlarm")
    counted = sum(name.startswith("pipe-") for name in alarms)
    assert (
        f"the alarms ({counted}, 0.10 dollars each a month)" in (ROOT / "docs" / "replication.md").read_text()
    )


@pytest.mark.parametrize(
    ("run", "service", "type"),
    [
        (
            "state-machine",
            "stateMachine:tributary-<stack>-<pipeline>-run ",
            "aws:sfn/stateMachine:StateMachine",
        ),
        ("simple", "--function-name tributary-<stack>-<pipeline>-export ", "aws:lambda/function:Function"),
    ],
)
def test_the_first_export_is_started_by_what_the_kind_of_run_has(run: str, service: str, type: str) -> None:
    first = (ROOT / "docs" / "accounts.md").read_text().partition("## The first run")[2]
    assert service in first
    recorded = record("test", {"accounts": ACCOUNTS, "pipelines": {"pipe": EXPORT | {"run": run}}})
    named = service.rpartition(" ")[0].rpartition(":")[2].rpartition(" ")[2]
    physical = named.replace("<stack>", "test").replace("<pipeline>", "pipe")
    assert [resource["name"] for resource in recorded.of(type).values() if resource["name"] == physical] == [
        physical
    ]


def test_what_a_page_says_is_shown_by_a_test_is() -> None:
    text = (ROOT / "docs" / "names.md").read_text()
    shown = re.findall(r"`((?:\w+/)*(?:test_\w+|bad_configs)\.py)(?:::(\w+)|\[(\".+?\")\])`", text)
    assert len(shown) > 50
    sources = {path: path.read_text() for path in (ROOT / "tests").rglob("*.py")}
    missing = [
        (file, name or case)
        for file, name, case in shown
        if not any(
            path.match(file) and (f"def {name}(" if name else f"{case}: (") in source
            for path, source in sources.items()
        )
    ]
    assert missing == []
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert [row for row in rows if ".py" not in row and not row.startswith("| what |")] == []
