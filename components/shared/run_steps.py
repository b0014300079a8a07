"""What the steps of an export's run hand to each other: the event of each function, and the state that grows between
them. Pure.

The state machine (components/lake/steps.py) makes its parameters and paths of these classes, and the
functions that it calls are typed by them. All that the state holds is small: a state machine's state has 262,144 bytes
at the most (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html), so what may be large lies in S3
and its key is handed on.
"""

from typing import Any, NotRequired, TypedDict

# The field `step` of an event: what the function shall do.
PLAN, START, STATUS, FORGET = "plan", "start", "status", "forget"
SCHEMA, NORMALISE, RECONCILE, TABLES = "schema", "normalise", "reconcile", "rds"
COMMIT, MARK, PUBLISH, REPORT = "commit", "mark", "publish", "report"
# The field `engine` of what a commit returns: what writes the run.
FUNCTION, ATHENA = "function", "athena"

# The fields of an event that a snapshot's rule writes, beside the scheduled time.
ONLY, SNAPSHOT_ARN = "only", "snapshot_arn"

# The field `state` of an item: what the state machine does next.
NOTHING, BUSY, RUNNING, AGAIN, DONE = "NOTHING", "BUSY", "RUNNING", "AGAIN", "DONE"


class PlanEvent(TypedDict):
    """PLAN: which sources are exported. What an event of a snapshot starts has `only` and `snapshot_arn`."""

    step: str
    sources: str
    """A list of sources (run_sources.py), as JSON."""
    scheduled_time: str
    only: NotRequired[str]
    """The snapshot's name."""
    snapshot_arn: NotRequired[str]


# The field of an event that the arrival of an export writes.
RECORD = "record"


class ArrivedEvent(TypedDict):
    """PLAN of a replica's run: which export has arrived."""

    step: str
    record: str
    """The key of what the source's run handed over with it (run_records.py)."""


class Item(TypedDict):
    """What a source's way through the run begins with."""

    source: str
    """Its name."""
    of: dict[str, Any]
    """The source itself (run_sources.py); in a replica {RECORD: key}."""
    due: str
    """The time that the run is for."""
    attempt: int
    """Exports of it that failed before, in this run."""
    polls: int
    """Times that it was waited for since the last change."""
    snapshot_arn: str
    """Of the snapshot whose event started the run; empty on a schedule."""


class Plan(TypedDict):
    """What PLAN returns."""

    due: str
    dynamodb: list[Item]
    rds: list[Item]


class TableExport(TypedDict):
    """An export of a DynamoDB table."""

    arn: str
    until: str
    since: str | None
    """Where an increment begins; None: all of the table."""
    more: bool
    """Whether another window is due after this one."""
    notice: str
    """What the run shall report of it; empty: nothing."""


class SnapshotExport(TypedDict):
    """An export of an RDS snapshot."""

    identifier: str
    snapshot_arn: str


class Progress(Item):
    """What START and STATUS return."""

    state: str
    wait: NotRequired[int]
    """Seconds until the next call."""
    export: NotRequired[TableExport | SnapshotExport]
    tables: NotRequired[list[Any]]
    """Of NOTHING: none."""


class TableItem(Item):
    """A table whose export was started."""

    export: TableExport


class DatabaseItem(Item):
    """A database whose export was started."""

    export: SnapshotExport


class StartEvent(TypedDict):
    """START: the source's next export is started, or the one that an earlier call started is found."""

    step: str
    item: Item


class FollowEvent(TypedDict):
    """STATUS and FORGET: what became of the export; the snapshot made for it is deleted."""

    step: str
    item: Any
    """All of the state: a TableItem or a DatabaseItem."""


class TableWork(TypedDict):
    """Where everything of a table's finished export stands; keys and prefixes are of the landing's bucket."""

    table: str
    """Its name in the catalog."""
    export_id: str
    export_date: str
    exported_to: str
    more: bool
    notice: str
    incremental: bool
    format: str
    """PARQUET or ICEBERG (run_sources.py)."""
    manifest_key: str
    summary_key: str
    keys: list[str]
    declared: dict[str, Any]
    schema_key: str
    seen_key: str
    published_key: str | None
    """Of the schema of what is published; None: the table is new."""
    report_prefix: str
    output_prefix: str
    """Where the normalised files are written, before anybody may read them."""
    location: str
    """Where readers find them."""
    current_prefix: str | None
    """Of the published snapshot's files; None: there is none."""
    window_prefixes: list[str]
    output_key: str
    """The first file of the next snapshot, folded."""


class DatabaseWork(TypedDict):
    """Where everything of a database's finished export stands."""

    export_id: str
    export_date: str
    exported_to: str
    export_prefix: str
    only: list[str]
    leave_out: list[str]
    catalog_names: dict[str, str]
    tables_key: str


class SchemaEvent(TypedDict):
    """SCHEMA: the table's columns are derived, or widened."""

    step: str
    manifest_key: str
    schema_key: str
    published_key: str | None
    keys: list[str]
    declared: dict[str, Any]
    seen_key: str
    format: str


class DerivedSchema(TypedDict):
    """What SCHEMA returns."""

    schema_key: str
    columns: int
    conflicts: list[str]
    sampled: int


class FileEvent(TypedDict):
    """NORMALISE: one data file becomes Parquet."""

    step: str
    file: Any
    """A line of the manifest."""
    manifest_key: str
    schema_key: str
    output_prefix: str
    report_prefix: str
    incremental: bool


class ReconcileEvent(TypedDict):
    """RECONCILE: all files are there, and their items are as many as were exported."""

    step: str
    manifest_key: str
    summary_key: str
    report_prefix: str
    incremental: bool
    format: str
    output_prefix: str
    location: str
    seen_key: str


class RestOfRows(TypedDict):
    """What no column of its own could hold: items, how many attributes, and the first names of those."""

    items: int
    attributes: int
    named: list[str]


class Reconciled(TypedDict):
    """What RECONCILE returns: totals of all files."""

    items: int
    deleted: int
    files: int
    outputs: int
    bytes: int
    rest: RestOfRows


class Divided(TypedDict):
    """What DIVIDE returns: where it stands what each part does, where they are written, and their numbers."""

    plan_key: str
    folder: str
    parts: list[int]


class PartFolded(TypedDict):
    """What FOLD returns, and writes beside the part."""

    rows: int
    changes: int
    deletes: int


class Folded(PartFolded):
    """What GATHER returns: totals of all parts."""

    bytes: int
    parts: int


class CommitEvent(TypedDict):
    """COMMIT: what was exported goes into the Iceberg table, or Athena gets a statement by which it does."""

    step: str
    table: str
    schema_key: str
    export_id: str
    exported_to: str
    export: TableExport
    incremental: bool
    output_prefix: str
    reconciled: Reconciled
    failed: NotRequired[dict[str, str]]
    """What was caught of a statement before: {"Error", "Cause"}."""


class Merging(TypedDict):
    """What COMMIT returns where Athena shall write the run."""

    engine: str
    why: str
    query: str


class Merged(TypedDict):
    """What is kept of Athena's answer."""

    query_id: str
    scanned_bytes: int


class MarkEvent(CommitEvent):
    """MARK: the table is marked as holding the run that Athena has merged."""

    committed: Merging
    merged: Merged


class Committed(TypedDict):
    """What the commit, or the marking, returns."""

    rows: int
    """Of the table, now."""
    changes: int
    """Rows put in or taken away; 0 where Athena did, which does not count them."""
    deletes: int
    committed: bool
    """False where the table held the run, or a later one, already."""
    snapshot: str
    """The table's current one; an id has more digits than a number of JSON keeps everywhere."""
    engine: str
    why: str
    compact: NotRequired[str]
    """The statement by which Athena compacts the table; not there where that is not due."""
    copy_key: NotRequired[str]
    """Of the plain copy, where one is kept: it has the rows of this run, or of a later one."""


class TablesEvent(TypedDict):
    """TABLES: the tables of a database's export, if it is whole."""

    step: str
    export_prefix: str
    only: list[str]
    leave_out: list[str]
    tables_key: str


class DescribedTables(TypedDict):
    """What TABLES returns: where the description lies, and how many tables and rows it has."""

    tables_key: str
    tables: int
    skipped: int
    refused: int
    rows: int


class FinishedTable(TableItem, TableWork):
    """The state of a table that can be published."""

    schema: DerivedSchema
    reconciled: Reconciled
    divided: NotRequired[Divided]
    folded: NotRequired[Folded]
    committed: NotRequired[Committed]
    """Until Athena has merged the run, its Merging."""
    merged: NotRequired[Merged]


class FinishedDatabase(DatabaseItem, DatabaseWork):
    """The state of a database that can be published."""

    described: DescribedTables


class PublishEvent(TypedDict):
    """PUBLISH: the tables of an export are put into the catalog."""

    step: str
    export: FinishedTable | FinishedDatabase


class Published(TypedDict):
    """What PUBLISH returns."""

    source: str
    published_key: str
    tables: int


class Failure(TypedDict):
    """A source that failed, with what the state machine caught: {"Error", "Cause"}."""

    source: str
    error: dict[str, str]


class ReportEvent(TypedDict):
    """REPORT: the metrics of a run. `results`: of each branch the Published or Failure of each source, or
    {"source", "tables": []} where nothing was due."""

    step: str
    due: str
    results: list[list[Any]]
