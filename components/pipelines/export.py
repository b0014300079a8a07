"""Export: DynamoDB tables and RDS snapshots, on a schedule, into a landing in S3 and from there into a catalog."""

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import pulumi
import pulumi_aws as aws
from pydantic import AfterValidator, Field

from components import catalog_columns, times
from components.arguments import arguments, matching, nearest, together
from components.blocks.bucket import LifecycleArgs, SecureBucket
from components.blocks.catalog import CrawlerArgs
from components.blocks.function import LambdaFunction
from components.blocks.key import KmsKey, KmsKeyArn, stands_in
from components.blocks.lake_formation import LakeFormationArgs
from components.blocks.object_events import ObjectEvents
from components.blocks.schedule import Schedule, ScheduleExpression, Timezone
from components.blocks.table import NewTableArgs, SourceTable, TableName, decrypt_tables, source_table
from components.blocks.workgroup import QueryArgs
from components.iam import Statement
from components.landing import Landing, TypedTable
from components.pipelines.export_run import VIEW_NAME, VIEW_SQL, ExportRun, Place, table_arns, told
from components.pipelines.pipeline import Accounts, Deployed, PipelineArgs
from components.shared.catalog_names import RESERVED, REST, file_columns, table_names
from components.shared.rds_folders import folder, is_mysql
from components.views import check_view

PREFIX = "raw/"
# Days until what a run leaves on its way into a snapshot is deleted: it is of use until the run is over.
ON_ITS_WAY = {"windows/": 7}


ExportedPart = Annotated[
    str,
    matching(
        r"[A-Za-z0-9_$-]{1,255}(\.[A-Za-z0-9_$-]{1,255}){0,2}",
        "'{value}' names no part of a database; write 'database', 'database.table' (MySQL), "
        "'database.schema' or 'database.schema.table' (PostgreSQL)",
    ),
]
_PLAIN = r"string|binary|boolean|bigint|double|json|decimal\((\d+),\s*(\d+)\)"


def _type(value: Any) -> Any:
    """A column's type as the normaliser declares it (handlers/normalise/table_schema.py)."""
    found = re.fullmatch(_PLAIN, value) if isinstance(value, str) else None
    if found and (not found[1] or (1 <= int(found[1]) <= 38 and int(found[2]) <= int(found[1]))):
        return value
    if isinstance(value, Mapping) and len(value) == 1:
        ((kind, inner),) = value.items()
        if (
            kind == "set"
            and isinstance(inner, str)
            and re.match("string|binary|bigint|double|decimal", inner)
        ):
            return {kind: _type(inner)}  # a set holds text, bytes or numbers
        if kind == "list":
            return {kind: _type(inner)}
        if kind == "struct" and isinstance(inner, Mapping) and inner:
            return {kind: {name: _type(field) for name, field in inner.items()}}
    raise ValueError(
        f"{value!r} is not a type; write one of string, binary, boolean, bigint, double, json, 'decimal(p,s)' with "
        "p at most 38, {set: string|binary|bigint|double|'decimal(p,s)'}, {list: type} or {struct: {name: type}}"
    )


def exported_type(value: str, *, mysql: bool = True) -> str:
    """What RDS writes into a column's files (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/
    USER_ExportSnapshot.data-types.html): of MySQL and PostgreSQL alike, dates, times, intervals and arrays are text,
    and decimals of more than 38 digits; of PostgreSQL every decimal."""
    low = value.lower()
    decimal = re.match(r"(?:decimal|numeric)\s*(?:\(\s*([0-9]+))?", low)
    if re.match(r"date\b|datetime|time|interval|array|struct|map|row|enum|set\b|uuid|xml|money", low) or (
        decimal and (not mysql or int(decimal[1] or 0) > 38)
    ):
        raise ValueError(f"RDS exports '{value}' as text; write 'string'")
    if not mysql and re.search("unsigned|uint", low):
        raise ValueError(
            f"PostgreSQL has no '{value}'; write the type without a sign of its own, such as 'bigint'"
        )
    return value


ExportedType = Annotated[str, AfterValidator(exported_type)]
ColumnType = Annotated[Any, AfterValidator(_type)]
DatabaseName = Annotated[
    str,
    matching(
        r"[a-z](?!.*--)[a-z0-9-]{0,61}[a-z0-9]|[a-z]",
        "'{value}' is not an instance's or a cluster's identifier (1-63 of a-z 0-9 '-', starting with a letter, "
        "without a double or a last hyphen); write the identifier, not the ARN",
    ),
]


CatalogName = Annotated[
    str,
    matching(
        rf"(?!({'|'.join(sorted(RESERVED))})\Z)[a-z_][a-z0-9_]{{0,199}}",
        "'{value}' is not a name for a table in the catalog (1-200 of a-z, 0-9 and '_', not starting with a digit)"
        "; write one like 'order_items'",
    ),
]


@arguments
class ExportSourceArgs:
    """One source of an export: a DynamoDB table, or what an RDS instance or cluster holds."""

    dynamodb: TableName | None = None
    """The table's name. An existing table is adopted and never changed; `create` makes a new one."""
    rds_instance: DatabaseName | None = None
    """The identifier of an RDS instance (not Aurora) whose snapshots are exported."""
    rds_cluster: DatabaseName | None = None
    """The identifier of an RDS or Aurora cluster whose snapshots are exported."""
    create: NewTableArgs | None = None
    """Makes the DynamoDB table rather than adopting it."""
    mode: Literal["full", "incremental"] = "full"
    """Of a table: all of it on each run, or the first time and then what changed, folded into the last snapshot."""
    columns: dict[str, ColumnType] = Field(default_factory=dict)
    """Of a table: types of attributes that are not left to the data: {attribute: type}."""
    only: list[ExportedPart] = Field(default_factory=list)
    """Of a database: what to export of it; all of it without."""
    leave_out: list[str] = Field(default_factory=list)
    """Of a database: tables, as 'database.table' or 'database.schema.table', that are exported and not published."""
    catalog_name: CatalogName | None = None
    """Of a table: what it is called in the catalog; without it by its own name, in lower case and with '_'."""
    catalog_names: dict[str, CatalogName] = Field(default_factory=dict)
    """Of a database: what tables are called in the catalog, {database.table: name}; the others by their own names."""
    tables: dict[str, dict[str, ExportedType]] = Field(default_factory=dict)
    """Of a database: the tables it holds, {database.table: {column: type}}, for queries and `only` to be checked."""
    snapshot: Literal["latest-automated", "made-for-the-run", "event"] = "latest-automated"
    """Of a database: which snapshot; `event` exports each automated one as soon as it is there."""

    @together
    def _is_one_source(self) -> Iterator[str]:
        named = [key for key in ("dynamodb", "rds_instance", "rds_cluster") if getattr(self, key)]
        if len(named) != 1:
            yield "a source is one of dynamodb, rds_instance and rds_cluster; name one of them"
            return
        foreign = (
            ("only", "tables", "snapshot", "leave_out", "catalog_names")
            if self.dynamodb
            else ("create", "columns", "catalog_name")
        )
        for key in foreign:
            if getattr(self, key) not in (None, {}, [], "latest-automated"):
                yield f"{key}: not a key of a {named[0]} source; leave it out"
        if not self.dynamodb and self.mode != "full":
            yield "mode: a snapshot is exported in full; leave it out"

    @together
    def _only_is_of_the_tables(self) -> Iterator[str]:
        for index, pattern in enumerate(self.only if self.tables else []):
            if not any(table == pattern or table.startswith(f"{pattern}.") for table in self.tables):
                yield f"only[{index}]: '{pattern}' matches nothing in 'tables'; {nearest(pattern, self.tables)}"

    @together
    def _tables_left_out_are_not_asked_for(self) -> Iterator[str]:
        for index, table in enumerate(self.leave_out):
            if table in self.only or table in self.tables or table in self.catalog_names:
                yield f"leave_out[{index}]: '{table}' is in only, tables or catalog_names, too; take it away there"

    @together
    def _columns_are_exported_so(self) -> Iterator[str]:
        if is_mysql(list(self.tables)):
            return
        for table, columns in self.tables.items():
            for column, kind in columns.items():
                try:
                    exported_type(kind, mysql=False)
                except ValueError as error:
                    yield f"tables.{table}.{column}: {error}"

    @together
    def _columns_can_be_read(self) -> Iterator[str]:
        for table, columns in self.tables.items():
            for fault in file_columns(columns)[1]:
                yield (
                    f"tables.{table}: {fault}, and RDS writes the file, so it can't be renamed; "
                    "leave the table out ('leave_out'), or rename the column in the database"
                )

    @property
    def name(self) -> str:
        """What the source is called, and its folder."""
        return self.dynamodb or self.rds_instance or self.rds_cluster or ""

    @property
    def kind(self) -> str:
        return "dynamodb" if self.dynamodb else "rds_instance" if self.rds_instance else "rds_cluster"

    def exported_tables(self) -> dict[str, Mapping[str, Any] | None]:
        """The tables that the catalog will hold of it, by the source's names, as far as the config knows, each with
        its columns as the catalog names them, or None where none are declared."""
        if self.dynamodb:
            return {self.dynamodb: catalog_columns.columns(self.columns) or None}
        exported = [
            table
            for table in self.tables
            if not self.only or any(table == only or table.startswith(f"{only}.") for only in self.only)
        ]
        return {
            table: {column.lower(): kind for column, kind in self.tables[table].items()} or None
            for table in exported
        }

    def typed_tables(self, table: str) -> dict[str, TypedTable]:
        """Its tables as they lie in the landing as Parquet: a DynamoDB table, called `table` in the catalog, as the run
        normalises it, a database's as RDS exports them (`<database>/<schema.table>/<batch>/`, of MySQL the whole name
        again). A transfer's path takes a folder for each of several wildcards."""
        if self.dynamodb:
            # The run knows a table's keys without any data; a number's digits are left to the data.
            made = [self.create.hash_key, self.create.range_key] if self.create else []
            keys = {k.name: {"S": "string", "B": "binary"}[k.type] for k in made if k and k.type != "N"}
            declared = keys | self.columns
            return {
                self.dynamodb: TypedTable(
                    files=f"lake/{table}/*.parquet",
                    # Where none is declared, the run takes the columns from the data.
                    columns=catalog_columns.columns(declared) | {REST: "string"} if self.columns else {},
                    attributes=catalog_columns.attributes(declared),
                    incremental=self.mode == "incremental",
                )
            }
        found = {}
        for name, columns in self.tables.items():
            if name in self.exported_tables():
                place = folder(name, mysql=is_mysql(list(self.tables)))
                found[name] = TypedTable(
                    files=f"{PREFIX}{self.name}/*/{place}/*/*.parquet", columns=dict(columns)
                )
        return found


@arguments
class ExportArgs(PipelineArgs):
    """The arguments of an ExportPipeline."""

    sources: Annotated[list[ExportSourceArgs], Field(min_length=1, max_length=40)]
    """What to export: a list of `{dynamodb: <table>}`, `{rds_instance: <id>}` and `{rds_cluster: <id>}`."""
    run: Literal["state-machine", "simple"] = "state-machine"
    """How a run works: a state machine exports, normalises, publishes and reports; or a function just starts the
    exports (`simple`, DynamoDB only)."""
    schedule: ScheduleExpression = "cron(0 3 * * ? *)"
    """When to export: `cron(minutes hours day-of-month month day-of-week year)` or `rate(n hours)`."""
    timezone: Timezone = "UTC"
    """The time zone of the schedule, like 'Asia/Tokyo'; daylight saving time is followed."""
    key_arn: KmsKeyArn | None = None
    """An existing KMS key to encrypt the landing with; without it, and without `create_key`, SSE-S3."""
    create_key: bool = False
    """Makes a KMS key for the landing. Needed for RDS, and where another account reads it and SSE-S3 will not do."""
    lifecycle: LifecycleArgs = LifecycleArgs()
    """How long the landing keeps what."""
    event_queue: bool = False
    """Makes a queue with an event for each new data file, for an event-driven transfer. Not where the landing is
    replicated: replication sets the bucket's notifications."""
    catalog: Literal["registered", "crawler"] = "registered"
    """Who makes the tables in Glue: the run itself, with a view `<table>_latest`, or a crawler."""
    crawler: CrawlerArgs = CrawlerArgs()
    """When the crawler crawls."""
    lake_formation: LakeFormationArgs | None = None
    """Puts the tables under Lake Formation, where only those named here may read them; without it, IAM decides."""
    files_at_once: Annotated[int, Field(ge=1, le=1000)] = 50
    """How many data files of an export are normalised side by side, a function each."""
    stale_after_hours: Annotated[int, Field(ge=1, le=168)] = 26
    """Hours without a new export of a source after which an alarm rings."""
    queries: QueryArgs = QueryArgs()
    """What a query in Athena may cost."""
    views: dict[
        Annotated[str, Field(pattern=rf"^[a-z][a-z0-9_]{{0,{VIEW_NAME - 1}}}$")],
        Annotated[str, Field(min_length=1, max_length=VIEW_SQL)],
    ] = Field(default_factory=dict)
    """Views that the workgroup offers, {name: SELECT …}; their columns must be declared at the sources."""

    @together
    def _sources_are_several(self) -> Iterator[str]:
        sources = [source.name for source in self.sources]
        for twice in sorted({source for source in sources if sources.count(source) > 1}):
            yield f"sources: '{twice}' is named twice; a landing has one folder a table; name it once"
        tables = [table for name in dict.fromkeys(sources) for table in self._named(self._of(name)).values()]
        for same in sorted({table for table in tables if tables.count(table) > 1}):
            yield (
                f"sources: two tables would be '{same}' in the catalog; give one of them another name by "
                "'catalog_name' (of a DynamoDB table) or 'catalog_names' (of a database)"
            )
        if self.catalog == "crawler" or self.run == "simple":  # which make no views
            return
        views = {f"{table}_latest": table for table in tables}
        for same in sorted(views.keys() & set(tables)):
            yield (
                f"sources: the table '{same}' and the view on '{views[same]}' would be one name in the catalog; give "
                "one of them another name by 'catalog_name' or 'catalog_names'"
            )

    @together
    def _key_is_one(self) -> Iterator[str]:
        if self.key_arn and self.create_key:
            yield "key_arn and create_key: a key is adopted or created, never both; leave one out"

    @together
    def _key_can_encrypt(self) -> Iterator[str]:
        if self.key_arn and stands_in(self.key_arn)[0] != self.account.region:
            yield (
                f"key_arn: '{self.key_arn}' is not in {self.account.region}; S3 takes a key of the bucket's own region"
            )

    @together
    def _a_database_has_a_key(self) -> Iterator[str]:
        if self.rds() and not (self.key_arn or self.create_key):
            yield "create_key: RDS exports nothing without a customer's key; write 'create_key: true', or a key_arn"

    @together
    def _views_can_be_made(self) -> Iterator[str]:
        columns = self.catalog_tables()
        for name, sql in self.views.items():
            if name in columns or name.removesuffix("_latest") in columns:
                yield f"views.{name}: a table of this pipeline is called so; name the view differently"
            try:
                check_view(sql, columns)
            except ValueError as error:
                yield f"views.{name}: {error}"

    @together
    def _run_suits_the_sources(self) -> Iterator[str]:
        if self.run == "simple" and (self.rds() or any(source.mode != "full" for source in self.sources)):
            yield "run: 'simple' exports whole DynamoDB tables only; write 'run: state-machine'"

    @together
    def _run_fills_a_catalog(self) -> Iterator[str]:
        nothing = {"views": {}, "catalog": "registered", "lake_formation": None}
        for key, without in nothing.items() if self.run == "simple" else ():
            if getattr(self, key) != without:
                yield f"{key}: 'run: simple' fills no catalog; write 'run: state-machine'"

    @together
    def _a_run_can_hand_its_sources_over(self) -> Iterator[str]:
        # A step takes 262,144 bytes, and a source's declared columns stand there up to three times
        # (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
        said = told(self, table_arns(self)) if self.run != "simple" else []
        sizes = [len(json.dumps(json.dumps(one))) for one in said]
        for index, size in enumerate(sizes):
            if size > 50_000:
                key = "columns" if self.sources[index].dynamodb else "only"
                yield (
                    f"sources[{index}].{key}: {size:,} bytes of JSON with what else is said of the source, and a run "
                    "hands over 50,000 of one at the most; name fewer"
                )
        if sum(sizes) > 150_000:
            yield (
                f"sources: {sum(sizes):,} bytes of JSON, and a run hands over 150,000 at the most; declare fewer "
                "columns, or spread the sources over two pipelines"
            )

    @together
    def _readers_are_of_the_account(self) -> Iterator[str]:
        for index, reader in enumerate(self.lake_formation.readers if self.lake_formation else ()):
            if reader.split(":")[4] != self.account.id:
                yield (
                    f"lake_formation.readers[{index}]: '{reader}' is not of account {self.account.id}, whose "
                    "catalog it is; name a role of that account, which others may take on"
                )

    @together
    def _crawler_suits(self) -> Iterator[str]:
        if self.catalog == "crawler" and (self.rds() or self.views):
            yield (
                "catalog: a crawler would make new tables of each RDS export, as each has a folder of its own, and "
                "makes no view; write 'catalog: registered'"
            )

    @together
    def _windows_are_long_enough(self) -> Iterator[str]:
        often = [source.name for source in self.sources if source.mode == "incremental"]
        if often and times.least_minutes(self.schedule) < 15:
            yield (
                f"schedule: '{self.schedule}' runs within 15 minutes of the last run, and an incremental export (of "
                f"'{often[0]}') spans 15 minutes at the least; write 'rate(15 minutes)' or more"
            )

    def _of(self, name: str) -> ExportSourceArgs:
        return next(source for source in self.sources if source.name == name)

    def _named(self, source: ExportSourceArgs) -> dict[str, str]:
        """The tables that the config knows of a source, and what the catalog calls them."""
        if not source.dynamodb:
            return table_names(source.exported_tables(), source.catalog_names)
        tables = {s.dynamodb: s.catalog_name for s in self.sources if s.dynamodb}
        chosen = {table: name for table, name in tables.items() if name}
        return {source.dynamodb: table_names(tables, chosen)[source.dynamodb]}

    def names_in_catalog(self) -> dict[str, str]:
        """Table of a source -> table of the catalog, as far as the config knows."""
        return {table: name for source in self.sources for table, name in self._named(source).items()}

    def catalog_tables(self) -> dict[str, Mapping[str, Any] | None]:
        """Table of the catalog -> its declared columns, None where none are."""
        return {
            self._named(source)[table]: columns
            for source in self.sources
            for table, columns in source.exported_tables().items()
        }

    def rds(self) -> list[ExportSourceArgs]:
        """The sources that are databases."""
        return [source for source in self.sources if not source.dynamodb]

    def created_tables(self) -> list[tuple[str, str]]:
        """The tables that the program creates, each with its place in the config."""
        return [
            (f"sources[{index}].create", source.name)
            for index, source in enumerate(self.sources)
            if source.create
        ]

    def landing(self, name: str) -> Landing:
        """The landing as far as it is known before anything is deployed; its key is not yet."""
        bucket, _ = SecureBucket.planned(f"{name}-landing", self.account)
        return Landing(
            name=name,
            account=self.account,
            bucket=bucket,
            prefix=PREFIX,
            key_arn=KmsKey.planned(f"{name}-landing", self.account) if self.create_key else self.key_arn,
            tables=[source.dynamodb for source in self.sources if source.dynamodb],
            layout="dynamodb-export",
            event_queue_arn=ObjectEvents.planned(f"{name}-landing", self.account)
            if self.event_queue
            else None,
            # A simple run leaves the exports as they are.
            typed={
                t: typed
                for s in self.sources
                for t, typed in s.typed_tables(self._named(s).get(s.name, "")).items()
            }
            if self.run != "simple"
            else {},
            schedule=self.schedule if any(source.snapshot != "event" for source in self.sources) else None,
            timezone=self.timezone,
        )


class ExportPipeline(pulumi.ComponentResource):
    """DynamoDB tables and RDS snapshots -> exports on a schedule -> a landing in S3 -> Parquet -> Glue -> Athena.

    A DynamoDB export reads the table's point-in-time backup, so it takes none of the table's read capacity
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.HowItWorks.html); an RDS export
    reads a snapshot. A schedule starts a run (export_run.py), or with `run: simple` a function that starts an export
    of each table as of the planned time; a call that comes twice starts nothing new. Each table must have point-in-time
    recovery: an adopted one without it is refused at preview.

    Costs at rest: the stored objects, the alarms (0.10 dollars each a month), and the key where there is one
    (1 dollar a month). A DynamoDB export costs 0.10 dollars a GB of table, an RDS one 0.010 dollars a GB of snapshot.
    """

    bucket: pulumi.Output[str]
    """The landing's bucket."""
    key_arn: pulumi.Output[str] | None
    """The customer's KMS key that the landing is encrypted with, where there is one."""
    event_queue_arn: pulumi.Output[str] | None
    """The SQS queue with an event for each data file, with `event_queue`."""
    function: pulumi.Output[str] | None
    """The function that starts the exports, with `run: simple`."""
    state_machine: pulumi.Output[str] | None
    """The ARN of the state machine that is a run, without `run: simple`."""
    database: pulumi.Output[str] | None
    """The Glue database of the tables, without `run: simple`."""
    workgroup: pulumi.Output[str] | None
    """The Athena workgroup that asks them, without `run: simple`."""

    def __init__(self, name: str, args: ExportArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("tributary:pipelines:ExportPipeline", name, None, opts)
        mine = pulumi.ResourceOptions(parent=self)
        account = args.account

        tables = {
            source.dynamodb: source_table(
                name, source.dynamodb, source.create, account, self, retain=args.retain_data
            )
            for source in args.sources
            if source.dynamodb
        }

        key_arn: pulumi.Input[str] | None = args.key_arn
        if args.create_key:
            key = KmsKey(
                f"{name}-landing", account, f"Encrypts the landing {name}", retain=args.retain_data, opts=mine
            )
            key_arn = key.arn
        bucket = SecureBucket(
            f"{name}-landing",
            account,
            lifecycle=args.lifecycle,
            expire_prefixes=ON_ITS_WAY if args.run != "simple" else None,
            key_arn=key_arn,
            retain=args.retain_data,
            opts=mine,
        )
        _, bucket_arn = SecureBucket.planned(f"{name}-landing", account)

        self.bucket, self.function = bucket.name, None
        # Not annotated in the class, where other languages find the outputs: what it holds goes by the kind of run.
        self.described: dict[str, pulumi.Input[Any]]
        if args.run == "simple":
            self.described = self._simple(name, args, tables, bucket, bucket_arn, key_arn)
        else:
            place = Place(bucket.name, bucket_arn, key_arn)
            self.described = ExportRun(name, args, place, tables, mine).described

        planned, events = args.landing(name), None
        if args.event_queue:
            events = ObjectEvents(
                f"{name}-landing",
                account,
                bucket_arn=bucket_arn,
                landing=planned,
                opts=mine,
            )
            aws.s3.BucketNotification(
                f"{name}-landing",
                bucket=bucket.name,
                queues=events.notifications,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[events]),
            )
        self.landing = dataclasses.replace(
            planned, bucket=bucket.name, key_arn=key_arn, event_queue_arn=events.arn if events else None
        )
        self.key_arn = None if key_arn is None else pulumi.Output.from_input(key_arn)
        self.event_queue_arn = events.arn if events else None
        self.state_machine, self.database, self.workgroup = (
            pulumi.Output.from_input(self.described[what]) if what in self.described else None
            for what in ("state_machine", "database", "workgroup")
        )
        self.register_outputs({"bucket": self.bucket, **self.described})

    def _simple(
        self,
        name: str,
        args: ExportArgs,
        tables: Mapping[str, SourceTable],
        bucket: SecureBucket,
        bucket_arn: str,
        key_arn: pulumi.Input[str] | None,
    ) -> dict[str, pulumi.Input[Any]]:
        mine, account = pulumi.ResourceOptions(parent=self), args.account
        function = LambdaFunction(
            f"{name}-export",
            account,
            args.functions,
            handler="export_start",
            description=f"Starts an export of each table of {name}",
            statements=[
                *_export_statements([table.arn for table in tables.values()], bucket_arn, key_arn),
                decrypt_tables(account, tables),
            ],
            environment={
                "TABLES": pulumi.Output.json_dumps([table.arn for table in tables.values()]),
                "BUCKET": bucket.name,
                "BUCKET_OWNER": account.id,
                "PREFIX": PREFIX,
            }
            | ({"KMS_KEY_ARN": key_arn} if key_arn is not None else {}),
            topic=args.alarm_topic_arn,
            asynchronous=True,
            timeout_seconds=300,
            reserved_concurrency=args.reserved_concurrency,
            opts=mine,
        )
        assert function.failed is not None  # asynchronous
        Schedule(
            f"{name}-schedule",
            account,
            expression=args.schedule,
            timezone=args.timezone,
            target_arn=function.arn,
            event={"scheduled_time": "<aws.scheduler.scheduled-time>"},
            dead_letter_arn=function.failed.arn,
            meaning=f"Exports the tables of {name}",
            opts=pulumi.ResourceOptions(parent=self, depends_on=[function]),
        )
        self.function = function.name
        return {"function": function.name}


def deploy(name: str, args: ExportArgs, accounts: Accounts) -> Deployed:
    """The pipeline of a stack."""
    pipeline = ExportPipeline(name, args, pulumi.ResourceOptions(provider=accounts[args.account].provider))
    return Deployed({"bucket": pipeline.bucket, **pipeline.described}, pipeline.landing)


def _export_statements(
    tables: list[pulumi.Input[str]], bucket_arn: str, key_arn: pulumi.Input[str] | None
) -> list[Statement]:
    """What the function that starts exports needs: the service writes to the bucket with the caller's rights
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport_Requesting.html)."""
    statements = [
        Statement("StartExport", ["dynamodb:ExportTableToPointInTime"], tables),
        Statement(
            "WriteLanding",
            ["s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl"],
            [f"{bucket_arn}/{PREFIX}*"],
        ),
    ]
    if key_arn is not None:
        statements.append(Statement("EncryptLanding", ["kms:GenerateDataKey", "kms:Decrypt"], [key_arn]))
    return statements
