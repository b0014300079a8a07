"""The queries that the workgroup offers."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from components.lake.filling import Filling
from components.lake.workgroup import QUERY_NAME
from components.shared.catalog_names import latest_view, viewed_table


def named_queries(filling: Filling, database: str) -> dict[str, tuple[str, str]]:
    """The workgroup's named queries, {name: (description, SQL)}: ten rows of each table, of an Iceberg table also its
    snapshots and ten rows of a day ago, and the config's views. Sources:
    https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-time-travel-and-version-travel-queries.html,
    https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-table-metadata.html."""

    def latest(table: str) -> str:
        # A crawler makes no view, and a partition of each run; an export's id begins with its time.
        if filling.crawler:
            return f'"{database}"."{table}" WHERE run = (SELECT max(run) FROM "{database}"."{table}")'
        return f'"{database}"."{latest_view(table)}"'

    tables = list(filling.tables)
    queries = {
        _query_name(f"sample-{table}"): (f"Ten rows of {table}", f"SELECT * FROM {latest(table)} LIMIT 10")
        for table in tables
    }
    for table in filling.iceberg:
        queries[_query_name(f"snapshots-{table}")] = (
            f"The snapshots of {table}, and the exports whose runs left them, to read by FOR VERSION AS OF",
            f'SELECT made_current_at, past.snapshot_id, name AS run FROM "{database}"."{table}$history" AS past '
            f'LEFT JOIN "{database}"."{table}$refs" AS refs ON refs.snapshot_id = past.snapshot_id AND type = \'TAG\' '
            "WHERE is_current_ancestor ORDER BY made_current_at DESC",
        )
        queries[_query_name(f"day-ago-{table}")] = (
            f"Ten rows of {table} as it was a day ago",
            f'SELECT * FROM "{database}"."{table}" FOR TIMESTAMP AS OF '
            "(current_timestamp - interval '1' day) LIMIT 10",
        )
    return queries | {
        f"view-{view}": (f"Makes the view {view}", f'CREATE OR REPLACE VIEW "{database}"."{view}" AS\n{sql}')
        for view, sql in filling.views.items()
    }


def unfit_views(views: Mapping[str, str], columns: Mapping[str, Mapping[str, Any] | None]) -> Iterator[str]:
    """What is wrong with a config's views on these tables, {table: its declared columns}."""
    if not views:
        return
    # sqlglot is a tenth of a program's start, and few stacks have a view of their own.
    from components.languages.athena_views import check_view  # noqa: PLC0415

    for name, sql in views.items():
        if name in columns or viewed_table(name) in columns:
            yield f"views.{name}: a table of this pipeline is called so; name the view differently"
        try:
            check_view(sql, columns)
        except ValueError as error:
            yield f"views.{name}: {error}"


def _query_name(whole: str) -> str:
    if len(whole) <= QUERY_NAME:
        return whole
    return f"{whole[: QUERY_NAME - 9]}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"
