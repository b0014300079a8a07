"""The arguments of a BigQuery transfer: the tables to load, the dataset that they go to, and the schedule."""

import contextlib
import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from components.accounts import GcpArgs
from components.arguments import OF_THE_STACK, Email, arguments, nearest, together
from components.landing import Landing
from components.languages import bigquery_schedules, bigquery_types
from components.languages.column_types import exported_type
from components.pipelines.bigquery_transfer.iceberg import lake_problem, may_be_left_out
from components.pipelines.bigquery_transfer.storage_copy_args import DAY, StorageTransferArgs
from components.pipelines.bigquery_transfer.tables import (
    NAME_BYTES,
    DatasetName,
    KmsKeyName,
    TransferTableArgs,
    dataset_location,
    load_schedule,
    same_type,
)
from components.pipelines.pipeline import LANDING, PipelineArgs
from components.shared.catalog_names import latest_view
from components.shared.dynamodb_exports import DATA_FILES
from components.shared.rds_folders import folder

_DAILY = re.compile(r"every day (\d\d?):(\d\d)")


@arguments
class BigQueryTransferArgs(PipelineArgs):
    """The arguments of a BigQueryTransferPipeline; `account` is the landing's."""

    landing: Annotated[Landing, LANDING]
    """What to load."""
    gcp: Annotated[GcpArgs, OF_THE_STACK]
    """The Google Cloud project."""
    tables: Annotated[dict[str, TransferTableArgs], Field(min_length=1)]
    """Each of the landing's tables: `orders: {columns: {order_id: S, total: N}, keys: [order_id]}`."""
    dataset: DatasetName | None = None
    """The dataset's name; without it `<project>_<stack>_<pipeline>`."""
    location: Annotated[str, AfterValidator(dataset_location)] | None = None
    """Where the dataset stands; without it the project's `location`. It can't be changed later."""
    schedule: Annotated[str, AfterValidator(load_schedule)] = "every day 05:00"
    """When to load, in UTC, at least 24 hours apart (15 minutes with `storage_transfer`); an hour or more after the
    day's export starts. A landing of DynamoDB exports is loaded `every day HH:MM`, since each day's load is
    compared with its exports."""
    file_format: Literal["JSON", "PARQUET"] = "JSON"
    """What the files are; a DynamoDB export is JSON."""
    max_bad_records: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    """Records that may be skipped in a load; one more and nothing of it is kept. A Parquet file has none."""
    ignore_unknown: bool = True
    """Whether what `columns` does not name is left out; else such a record is a bad one."""
    expire_days: Annotated[int, Field(ge=2, le=36500)] | None = None
    """Days that a load's partition is kept; without it for ever."""
    kms_key_name: KmsKeyName | None = None
    """A Cloud KMS key to encrypt tables, loads and copies with, where the dataset stands (of EU `europe`). The
    services' agents must be let in; from the first deployment on."""
    readers: list[Email] = Field(default_factory=list)
    """The groups, by e-mail, that may read the dataset."""
    storage_transfer: StorageTransferArgs | None = None
    """Loads without a stored key: Storage Transfer Service copies the landing into Cloud Storage by a federated AWS
    role, and loads take it from there; `{}` is enough. Without it the Data Transfer Service reads S3 by a user's access
    key."""
    access_keys: Annotated[list[str], Field(min_length=1, max_length=2)] | None = None
    """The names of the AWS user's access keys, without it ["1"]; the last one is used. To rotate, write ["1", "2"],
    deploy, write ["2"] and deploy: the old key holds until its successor is in use."""
    compare_after_minutes: Annotated[int, Field(ge=15, le=1200)] = 120
    """Minutes from a load's time to its check: did it run, and do its rows match the exports."""

    @together
    def _landing_can_be_loaded(self) -> Iterator[str]:
        landing = self.landing
        if not self.landed():
            yield (
                f"landing: the landing of '{landing.name}' has no tables, so there is nothing to load; name them in "
                "landing.tables"
            )
        if landing.account != self.account:
            yield (
                f"account: the landing of '{landing.name}' is in account {landing.account.id}, and this "
                "pipeline must be in the same; write that account's name"
            )

    @together
    def _tables_are_the_landings(self) -> Iterator[str]:
        for table in self.landed():
            if table not in self.tables and not may_be_left_out(self.landing.typed.get(table)):
                yield (
                    f"tables: '{table}' of the landing of '{self.landing.name}' is missing; write {table}: "
                    "{columns: {<name>: <type>}, keys: [<name>]}"
                )
        for table in self.tables:
            if problem := self._unreadable(table):
                yield problem

    @together
    def _tables_have_names_of_their_own(self) -> Iterator[str]:
        table_names = [self.physical(table).lower() for table in self.tables]
        table_names += [latest_view(name) for name in table_names]
        for name in sorted({name for name in table_names if table_names.count(name) > 1}):
            yield f"tables: two of them would be '{name}' in BigQuery; give one a 'name'"

    @together
    def _columns_are_declared_once(self) -> Iterator[str]:
        for name in self._readable():
            declared = self.declared(name)
            for column, kind in self.tables[name].columns.items():
                if column in declared and not same_type(column, kind, declared[column], self.exported(name)):
                    yield (
                        f"tables.{name}.columns: '{column}' is {kind} here, and {declared[column]} as the export "
                        "declares it; leave it out here, or change it there"
                    )

    @together
    def _columns_are_those_of_the_files(self) -> Iterator[str]:
        for name in self._readable():
            if name not in self.landing.typed or self.exported(name):
                continue
            declared, lake = self.declared(name), name in self.landing.tables
            for column, kind in self.tables[name].columns.items():
                if lake and column not in declared:
                    yield (
                        f"tables.{name}.columns: '{column}' is declared here only: its type in the lake is left to "
                        "the data, which may change it; write it in 'columns' of its source"
                    )
                elif not lake:
                    try:
                        # Of MySQL a table's folder has its whole name (rds_folders.py).
                        exported_type(kind, mysql=folder(name, mysql=True) in self.files(name))
                    except ValueError as error:
                        yield f"tables.{name}.columns: '{column}': {error}"

    @together
    def _keys_are_columns(self) -> Iterator[str]:
        for name in self._readable():
            table, columns, exported = self.tables[name], self.columns(name), self.exported(name)
            if not columns:
                yield (
                    f"tables.{name}.columns: missing, and the landing of '{self.landing.name}' declares none; write "
                    "{<name>: <type>}"
                )
                continue
            for what, named in (("keys", table.keys), ("cluster", [] if exported else table.cluster)):
                for column in named:
                    if column not in columns:
                        yield f"tables.{name}.{what}: '{column}' is not a column; {nearest(column, columns)}"
            for key in table.keys:
                if exported and columns.get(key, "S") not in ("S", "N", "B"):
                    yield f"tables.{name}.keys: '{key}' is {columns[key]}; a key attribute is S, N or B"

    @together
    def _keys_and_clusters_are_of_types_that_fit(self) -> Iterator[str]:
        for name in self._readable():
            if self.exported(name):
                continue
            try:
                fields = {field["name"]: field for field in self.fields(name)}
            except ValueError:  # another check reports it
                continue
            table = self.tables[name]
            for what, columns, kinds in (
                ("keys", table.keys, bigquery_types.KEYS),
                ("cluster", table.cluster, bigquery_types.CLUSTERS),
            ):
                for field in (fields[column] for column in columns if column in fields):
                    if field["type"] not in kinds or field["mode"] == "REPEATED":
                        fits = [bigquery_types.shown({"type": kind, "mode": ""}) for kind in kinds]
                        yield (
                            f"tables.{name}.{what}: '{field['name']}' is {bigquery_types.shown(field)} in BigQuery, by "
                            f"which it does not {'identify rows' if what == 'keys' else 'cluster'}; name a column of "
                            f"{', '.join(fits)}"
                        )
            for column in sorted({column for column in table.cluster if table.cluster.count(column) > 1}):
                yield f"tables.{name}.cluster: '{column}' is named twice; leave one out"

    @together
    def _rows_of_an_export_have_one_column(self) -> Iterator[str]:
        for name in self._readable():
            if self.exported(name) and self.tables[name].cluster:
                yield (
                    f"tables.{name}.cluster: the rows of a DynamoDB export have one column, `Item`, and BigQuery "
                    "clusters by columns of the top level only; leave it out"
                )

    @together
    def _columns_can_be_loaded(self) -> Iterator[str]:
        for name in self._readable():
            try:
                self.fields(name)
            except ValueError as error:
                yield f"tables.{name}: {error}"

    @together
    def _format_is_the_exports(self) -> Iterator[str]:
        if self.landing.layout == "dynamodb-export" and self.file_format != "JSON":
            yield "file_format: a DynamoDB export is JSON; leave it out"

    @together
    def _loads_are_far_enough_apart(self) -> Iterator[str]:
        copied = self.storage_transfer is not None
        least = bigquery_schedules.LEAST_INTERVALS["google_cloud_storage" if copied else "amazon_s3"]
        if bigquery_schedules.parse(self.schedule).least_interval < least:
            apart, where = ("15 minutes", "Cloud Storage") if copied else ("24 hours", "Amazon S3")
            write = "'every 15 minutes' or less often" if copied else "'every day 05:00'"
            yield (
                f"schedule: '{self.schedule}' comes more often than every {apart}, which is the least that the Data "
                f"Transfer Service allows for {where}; write {write}"
            )

    @together
    def _each_day_can_be_checked(self) -> Iterator[str]:
        if self.counted() and not _DAILY.fullmatch(self.schedule):
            yield (
                f"schedule: '{self.schedule}' is not daily at a time, which the check of each day's load needs;"
                " write 'every day 05:00'"
            )

    @together
    def _loads_come_after_the_exports(self) -> Iterator[str]:
        landing, load, copy = self.landing, self.load_minute(), self.storage_transfer
        if not landing.schedule:
            return
        known = landing.name, landing.schedule, landing.timezone
        if problem := bigquery_schedules.before_export(self.schedule, *known):
            yield f"schedule: the load at {problem[0]}; write 'every day {problem[1]}' or later"
        elif copy and load is not None and not copy.event_driven and not [*copy.lateness_problems(load)]:
            at = (load - copy.lead(load)) % DAY
            if problem := bigquery_schedules.before_export(f"every day {at // 60:02}:{at % 60:02}", *known):
                yield f"storage_transfer.start: the copy at {problem[0]}; write '{problem[1]}' or later"

    @together
    def _access_keys_differ(self) -> Iterator[str]:
        keys = self.access_keys or []
        if len({*keys}) < len(keys):
            yield f"access_keys: '{keys[0]}' is named twice; give the new key a name of its own"

    @together
    def _one_way_to_read(self) -> Iterator[str]:
        if self.storage_transfer and self.access_keys:
            yield (
                "access_keys: with storage_transfer a role reads the landing, and there is no key; leave it out"
            )

    @together
    def _dataset_can_stand_there(self) -> Iterator[str]:
        try:
            self.place()
        except ValueError as error:
            yield f"{error}"

    @together
    def _key_stands_where_it_encrypts(self) -> Iterator[str]:
        if not self.kms_key_name:
            return
        with contextlib.suppress(ValueError):  # another check reports a dataset that can't be there
            place, key_location = self.place(), self.kms_key_name.split("/")[3]
            # https://docs.cloud.google.com/bigquery/docs/customer-managed-encryption
            needed = {"eu": "europe"}.get(place.lower(), place.lower())
            if key_location.lower() != needed:
                yield (
                    f"kms_key_name: the key is in '{key_location}', and what stands in '{place}' is encrypted with one "
                    f"in '{needed}'; write a key of that location"
                )
            bucket = self.storage_transfer.location if self.storage_transfer else None
            if bucket and bucket.lower() != place.lower():
                yield (
                    f"storage_transfer.location: the key of '{place}' does not encrypt a bucket in '{bucket}'; leave "
                    "it out, and the bucket stands where the dataset does"
                )

    @together
    def _copy_hears_of_files(self) -> Iterator[str]:
        for problem in self.storage_transfer.event_problems(self.landing) if self.storage_transfer else ():
            yield f"storage_transfer.{problem}"

    @together
    def _copy_is_there_at_the_load(self) -> Iterator[str]:
        load = self.load_minute()
        for problem in (
            self.storage_transfer.lateness_problems(load)
            if self.storage_transfer and load is not None
            else ()
        ):
            yield f"storage_transfer.{problem}"

    @together
    def _copy_feeds_the_dataset(self) -> Iterator[str]:
        if not self.storage_transfer:
            return
        # Another check reports a dataset that can't be there.
        with contextlib.suppress(ValueError):
            for problem in self.storage_transfer.location_problems(self.place()):
                yield f"storage_transfer.{problem}"

    def load_minute(self) -> int | None:
        """The minute of the day of a load that is checked against its exports."""
        match = _DAILY.fullmatch(self.schedule)
        if match is None or not self.counted():
            return None
        return int(match[1]) * 60 + int(match[2])

    def landed(self) -> list[str]:
        """The landing's tables, those of databases among them."""
        return list(dict.fromkeys([*self.landing.tables, *self.landing.typed]))

    def _unreadable(self, name: str) -> str | None:
        """What is wrong with the place of a table's files; its columns can be checked only once that is right."""
        landing, known, exported = self.landing, self.landing.typed.get(name), self.exported(name)
        if (landed := self.landed()) and name not in landed:
            return f"tables: '{name}' is not in the landing of '{landing.name}'; {nearest(name, landed)}"
        if self.tables[name].lake:
            return lake_problem(name, known, landing.name)
        if exported and known and known.incremental:
            return (
                f"tables.{name}: its exports are incremental, so their files hold changes and not rows; write "
                "lake: true, of which each load is the whole table"
            )
        if not exported and known and not known.files:
            return (
                f"tables.{name}: its files are not in the landing of '{landing.name}'; add their prefix there"
            )
        return None

    def _readable(self) -> list[str]:
        return [table for table in self.tables if not self._unreadable(table)]

    def exported(self, table: str) -> bool:
        """Whether a table is loaded from the files of DynamoDB's exports."""
        return (
            self.landing.layout == "dynamodb-export"
            and (table in self.landing.tables or table not in self.landing.typed)
            and not self.tables[table].lake
        )

    def is_copy(self, table: str) -> bool:
        """Whether a table is loaded from the plain copy of an Iceberg table."""
        return not self.exported(table) and table in self.landing.typed and self.landing.typed[table].iceberg

    def counted(self) -> list[str]:
        """The tables whose exports count the rows that a load must have."""
        if self.landing.layout != "dynamodb-export":
            return []
        changes = [table for table, known in self.landing.typed.items() if known.incremental]
        return [table for table in self.tables if table in self.landing.tables and table not in changes]

    def declared(self, table: str) -> dict[str, str]:
        """The columns that the landing knows a table by."""
        if not (known := self.landing.typed.get(table)):
            return {}
        return known.attributes if self.exported(table) else known.columns

    def columns(self, table: str) -> dict[str, str]:
        """All columns of a table, declared by the landing or here; what a row didn't fit into comes last."""
        return self.tables[table].columns | self.declared(table)

    def format(self, table: str) -> Literal["JSON", "PARQUET"]:
        """What a table's files are."""
        return "PARQUET" if table in self.landing.typed and not self.exported(table) else self.file_format

    def files(self, table: str) -> str:
        """The pattern of the keys of a table's files; one wildcard spans folders."""
        known = self.landing.typed.get(table)
        if known and (files := known.copy_key or known.files) and not self.exported(table):
            return files
        # The manifests beside the data files end in .json and .md5.
        file = "*.parquet" if self.file_format == "PARQUET" else "*"
        file = DATA_FILES if self.exported(table) else file
        return f"{self.landing.prefix}{table}/{file}"

    def prefixes(self) -> list[str]:
        """The prefixes that what is loaded lies below: the landing's, and of what lies beside it each table's."""
        own, patterns = self.landing.prefix, [self.files(table) for table in self.tables]
        return sorted({own if key.startswith(own) else key.split("*")[0] for key in patterns})

    def fields(self, table: str) -> list[dict[str, Any]]:
        """The BigQuery schema of a table."""
        if self.exported(table):
            return bigquery_types.dynamodb_item(self.columns(table))
        return bigquery_types.fields(self.columns(table).items(), self.format(table))

    def physical(self, table: str) -> str:
        """A table's name in BigQuery."""
        return self.tables[table].name or bigquery_types.table_name(table, NAME_BYTES)

    def place(self) -> str:
        """Where the dataset stands."""
        return self.location or dataset_location(self.gcp.location)
