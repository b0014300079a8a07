"""How tables and columns are called in the Glue catalog, in Parquet files, in Athena and in BigQuery. Pure.

Glue takes any text of 1 to 255 bytes; Athena lowers names, and promises nothing but letters, digits and '_'
(https://docs.aws.amazon.com/athena/latest/ug/tables-databases-columns-names.html). Two cases:

- The program writes the file (a DynamoDB export): a column is named by the attribute in lower case, with '_' for every
  other character, and 8 hex digits of the attribute's SHA-256 behind where that name is taken (`column_names`).
- RDS writes the file: its columns have the database's names, and Athena matches Parquet columns by name, case aside
  (https://docs.aws.amazon.com/athena/latest/ug/handling-schema-updates-chapter.html), so another name would read as
  NULL. A column keeps its name in lower case, or its table is refused (`file_columns`).
"""

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

REST = "_rest"
"""The last column of a table of a DynamoDB export: what no column of its own could hold, as JSON."""
MICROS, DELETED = "_write_micros", "_deleted"
"""Columns of an increment that is on its way into a snapshot."""
EXPORT_DATE = "export_date"
"""The partition of every table: the date of the run, in UTC."""
RUN = "run"
"""The partition below it, where a crawler keeps the catalog."""
LATEST = "_latest"
"""How the name of a table's view ends, which shows the last export that was published."""
RESERVED = frozenset({REST, MICROS, DELETED, EXPORT_DATE, RUN})
"""Names that no column of the data can have."""

NAME_BYTES = 255
_CUT_TO = 200  # characters of a name that is cut or gets a hash, so that both fit


def column_names(
    attributes: Iterable[str],
    *,
    taken: Iterable[str] = (),
    first: Iterable[str] = (),
    reserved: Collection[str] = RESERVED,
) -> dict[str, str]:
    """Attribute -> column, the same for the same attributes in any order. Those in `first`, which a config declares,
    choose before the others; no name is in `taken` or `reserved`. Inside a struct nothing is reserved."""
    chosen = set(first)
    named: dict[str, str] = {}
    used = {*taken, *reserved}
    attributes = set(attributes)
    for group in (sorted(attributes & chosen), sorted(attributes - chosen)):
        named |= _unique(group, used)
        used |= set(named.values())
    return named


def field_names(attributes: Iterable[str]) -> dict[str, str]:
    """Attribute -> field of a struct, in which no name is reserved."""
    return column_names(attributes, reserved=())


def file_columns(names: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Column of a file that somebody else writes -> column of the catalog; and a sentence for each that can't be
    read under its name, which makes the table unreadable."""
    names = list(names)
    lowered = {name: name.lower() for name in names}
    users = Counter(name.lower() for name in names)
    faults: list[str] = []
    for name, column in lowered.items():
        if column in RESERVED:
            faults.append(f"column {name!r} has the name of a column that every table gets")
        elif users[column] > 1:
            faults.append(f"column {name!r} and another differ in case only; Glue knows lower case alone")
        elif not 1 <= len(column.encode()) <= NAME_BYTES or re.search(r"[\x00-\x08\x0a-\x1f]", column):
            faults.append(f"column {name!r} has a name that Glue refuses (1 to {NAME_BYTES} bytes, one line)")
    return lowered, faults


def latest_view(table: str) -> str:
    """The view on what was published last of a table."""
    return table + LATEST


STAGED_DIGITS = 16
STAGED = "_".join(["merging", *["?" * STAGED_DIGITS] * 2])
"""The pattern of the names of tables of rows that a run stages, to be merged into an Iceberg table."""


def staged_prefix(table: str) -> str:
    """What the names begin with of what runs stage for this table."""
    return f"merging_{_digest(table)}_"


def staged_table(table: str, export_id: str) -> str:
    """The name of what a run stages for this table: the same whenever the run comes again."""
    return staged_prefix(table) + _digest(export_id)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:STAGED_DIGITS]


def viewed_table(view: str) -> str:
    """The table of a view; a table's own name stays as it is."""
    return view.removesuffix(LATEST)


def partition_folder(export_date: str, run: str) -> str:
    """The folder of a partition below its table's, as Hive writes it: `export_date=2026-01-01/run=<export>/`."""
    return f"{EXPORT_DATE}={export_date}/{RUN}={run}/"


def table_name(source: str) -> str:
    """A source's table as the catalog names it where nothing else is called so: `shop.order-lines` is
    `shop_order_lines`."""
    return re.sub(r"[^a-z0-9_]+", "_", source.lower())[:_CUT_TO] or "_"


def table_names(
    sources: Iterable[str], chosen_names: Mapping[str, str] | None = None, *, published: Iterable[str] = ()
) -> dict[str, str]:
    """Source table -> table of the catalog. `given` are the names that a config chooses; no two tables have one name,
    and none has the name of another's view (`<table>_latest`), nor a view the name of one of those `published`."""
    chosen_names = dict(chosen_names or {})
    sources = set(sources)
    named = {source: chosen_names[source] for source in sources if source in chosen_names}
    used = {name for chosen in chosen_names.values() for name in _with_view(chosen)}
    for source, name in _unique(sorted(sources - set(named)), used, "table").items():
        named[source] = name
    views = {latest_view(name) for name in named.values()}
    tables = set(published)
    return {
        source: _hashed(name, source)
        if source not in chosen_names and (name in views or latest_view(name) in tables)
        else name
        for source, name in named.items()
    }


def _unique(names: Iterable[str], used: Collection[str], kind: str = "column") -> dict[str, str]:
    """Each name as the catalog writes it. Where two would be one, the one that is written so keeps it (of tables also
    `shop.a_b`, whose dots become '_'); the others, and whatever is used already, get a hash of the whole behind."""
    fit = table_name if kind == "table" else _column_name
    named: dict[str, str] = {}
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(fit(name), []).append(name)
    for fitting, group in groups.items():
        exact = [name for name in group if name == fitting]
        exact += [name for name in group if kind == "table" and name.replace(".", "_") == fitting]
        keeper = group[0] if len(group) == 1 else exact[0] if exact else None
        for name in group:
            keeps = name == keeper and fitting not in used
            named[name] = fitting if keeps else _hashed(fitting, name)
    return named


def _column_name(attribute: str) -> str:
    return re.sub(r"[^a-z0-9_]", "_", attribute.lower())[:_CUT_TO] or "_"


def _hashed(name: str, whole: str) -> str:
    return f"{name}_{hashlib.sha256(whole.encode()).hexdigest()[:8]}"


def _with_view(name: str) -> tuple[str, str]:
    return name, latest_view(name)
