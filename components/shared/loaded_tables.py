"""The tables whose loads are checked, as the component hands them to the load check. Pure."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class LoadedTable:
    """A table of BigQuery and the transfer that loads it."""

    table: str
    transfer: Any
    """The transfer's resource name, as text; in a program an output of it."""
    prefix: str | None = None
    """Of the exports that count its rows; None: its loads are checked, its rows are not."""

    newest: bool = False
    """Whether a load replaces its day's partition by all rows of the newest export, as a copy of an Iceberg table has
    them; else it appends those of each export since the load before."""

    def json(self) -> dict[str, Any]:
        """Its keys as JSON has them; LoadedTable(**those) is this one again."""
        keys: dict[str, Any] = {"table": self.table, "transfer": self.transfer}
        keys |= {"prefix": self.prefix} if self.prefix is not None else {}
        return keys | ({"newest": True} if self.newest else {})
