"""The queries that the workgroup offers."""

import hashlib

from components.lake.filling import Filling
from components.lake.workgroup import QUERY_NAME
from components.shared.catalog_names import latest_view


def named_queries(filling: Filling, database: str) -> dict[str, tuple[str, str]]:
    """The workgroup's named queries, {name: (description, SQL)}: ten rows of each table, and the config's views."""

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
    return queries | {
        f"view-{view}": (f"Makes the view {view}", f'CREATE OR REPLACE VIEW "{database}"."{view}" AS\n{sql}')
        for view, sql in filling.views.items()
    }


def _query_name(whole: str) -> str:
    if len(whole) <= QUERY_NAME:
        return whole
    return f"{whole[: QUERY_NAME - 9]}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"
