"""A run's tag: its export's id, as a name of the snapshot that it left, for who reads the table as it was then.

DuckDB makes no tags, so it is a commit of its own (catalog_commits.py), after the run's; without it nothing is lost but
the name, and a run that comes again makes it (https://iceberg.apache.org/spec/#snapshot-references).
"""

from typing import Any

from catalog_commits import CatalogTable
from iceberg_table import RUN
from lake_catalog import Access

MILLISECONDS = 24 * 60 * 60 * 1000
"""Of a day."""


def add(access: Access, database: str, table: str, export_id: str, days: int) -> bool:
    """Gives the table's snapshot the run's tag; False where it has it, or the table holds another run. `days`: how long
    it keeps the snapshot, 0: for good. Raises NotCommitted, as where somebody commits at the same time."""
    standing = CatalogTable.load(access, database, table)
    metadata = standing.metadata
    current = metadata.get("current-snapshot-id") or -1
    holds = metadata.get("properties", {}).get(RUN) == export_id
    if not holds or current == -1 or export_id in metadata.get("refs", {}):
        return False
    reference: dict[str, Any] = {
        "action": "set-snapshot-ref",
        "ref-name": export_id,
        "type": "tag",
        "snapshot-id": current,
    }
    standing.commit(
        [
            {"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": current},
            {"type": "assert-ref-snapshot-id", "ref": export_id, "snapshot-id": None},
        ],
        [reference | ({"max-ref-age-ms": days * MILLISECONDS} if days else {})],
    )
    return True
