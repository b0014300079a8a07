"""What a run of an export keeps in S3: for its later steps, for the next run, and for `make status`. Pure.

JSON objects below state/<table or source>/, by the keys of landing_folders.py; what does not grow with the data stands
in the state machine's state instead (run_steps.py).
"""

from typing import Any, NotRequired, TypedDict

GLUE_COLUMNS = "glue_columns"
"""The field of a schema's record that has the columns as Glue takes them, beside those of the schema itself."""


class TableShape(TypedDict):
    """A table of a database's export, as RDS describes it."""

    table: str
    """The database's own name of it."""
    location: str
    """The folder of its files, ending with '/'."""
    schema: dict[str, Any]
    columns: list[dict[str, str]]
    """As Glue has them: {"Name", "Type"}."""
    source_types: dict[str, str]
    """Column -> the database's own type."""


class DatabaseTable(TableShape):
    """A table of a database's export with what its files hold."""

    files: int
    rows: int


class DatabaseTables(TypedDict):
    """The tables of a database's export, which publishing reads."""

    tables: list[DatabaseTable]
    skipped: dict[str, str]
    """Table -> why RDS left it out."""
    refused: dict[str, str]
    """Table -> why it can't be published."""


class PublishedTable(TypedDict):
    """What became of a table."""

    table: str
    rows: int | None
    set_aside: int | None
    """Items with a value that no column holds, where they are counted."""
    exported_to: str
    moved: bool
    """Whether readers were moved to it: not to what is older than the published one."""
    snapshot: str | None
    """Of an Iceberg table: the id of the snapshot that it then had, by which a query reads it as it was."""
    written: NotRequired[str | None]
    """Of an Iceberg table: what wrote it, and the sizes by which that was chosen."""


class Result(TypedDict):
    """What became of an export, which the run's report reads."""

    source: str
    tables: list[PublishedTable]
    notice: str | None
    conflicts: list[str]
    skipped: dict[str, str]
    """Table -> why RDS left it out."""
    refused: dict[str, str]
    """Table -> why it can't be published."""


class PublishedRecord(TypedDict):
    """What is published of a table: landing_folders.published_record, which the next run reads."""

    table: str
    source: NotRequired[str]
    """Without it, and without `of`, an earlier release wrote the record."""
    of: NotRequired[str]
    """The source's own name of the table."""
    export_id: str
    export_date: str
    exported_to: str
    location: str
    schema_key: str | None
    rows: int | None


class HandedOver(TypedDict):
    """What a run hands to the replicas of its landing with an export that it has published: all that a run there needs
    beside the export itself, so that the same tables come of it."""

    source: str
    kind: str
    """Of the source (run_sources.py)."""
    due: str
    """The time that the run was for."""
    export: dict[str, Any]
    """A TableExport or a SnapshotExport (run_steps.py)."""
    work: dict[str, Any]
    """A TableWork or a DatabaseWork."""
    schema: NotRequired[dict[str, Any]]
    """Of a table: the DerivedSchema."""
    columns: NotRequired[dict[str, Any]]
    """Of a table: what lies at its `schema_key`."""
    names: NotRequired[dict[str, str]]
    """Of a database: its tables' names in the catalog."""
    files: NotRequired[dict[str, int]]
    """Of a database: key -> bytes of each file of the export, since nothing that RDS writes names them all."""
