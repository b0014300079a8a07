"""Runs that Athena merges into a lake's Iceberg table, as the state machine does: prepared, merged, marked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.contract.embedded_cloud import WORKLOAD
from tests.contract.iceberg_lake import Lake, iceberg_table
from tests.waiting import eventually

# handlers/iceberg is on the path since iceberg_lake was imported.
import merge_statement  # isort: skip
import merging  # isort: skip
from catalog_names import staged_table  # isort: skip
from duckdb_rows import Shape  # isort: skip


class NotMerged(Exception):
    """What Athena says of a statement that failed."""


class MergingLake(Lake):
    """A lake whose table Athena writes, too."""

    def done(self, work: Callable[[Any], Any]) -> Any:
        """What the work returns, which gets a connection."""
        connection = self.connect()
        try:
            return work(connection)
        finally:
            connection.close()

    def prepare(self, schema: Any, run: iceberg_table.Run) -> iceberg_table.Written | str:
        """The statement, with the run's rows staged; or what the table holds already."""
        shape = Shape.of(schema.json())
        prepared = self.done(lambda lake: merging.prepare(lake, self.target(), shape, run))
        if not isinstance(prepared, int):
            return prepared
        name = staged_table(self.table, run.export_id)
        # Each run's files are in one folder, which nothing else is in.
        folder = f"windows/{name}/"
        for address in run.files:
            key = address.removeprefix(f"s3://{self.bucket}/")
            self.s3.copy_object(
                Bucket=self.bucket,
                Key=folder + key.rpartition("/")[2],
                CopySource={"Bucket": self.bucket, "Key": key},
            )
        location = f"s3://{self.bucket}/{folder}"
        table_input = merging.staged_input(name, schema.glue_columns(), location, run, 1)
        try:
            self.glue.create_table(DatabaseName=self.database, TableInput=table_input)
        except self.glue.exceptions.AlreadyExistsException:
            self.glue.update_table(DatabaseName=self.database, TableInput=table_input)
        merge = merge_statement.Merge(self.database, self.table, name, run.since is not None)
        return merge_statement.statement(merge, shape, prepared)

    def athena(self, statement: str) -> str:
        """Runs the statement; the query's id. Raises NotMerged, with what GetQueryExecution answers."""
        return self.merged(self.begin(statement))

    def begin(self, statement: str) -> str:
        """Starts the statement; the query's id."""
        return self.cloud.client("athena", WORKLOAD).start_query_execution(
            QueryString=statement, ResultConfiguration={"OutputLocation": f"s3://{self.bucket}/results/"}
        )["QueryExecutionId"]

    def merged(self, query: str) -> str:
        """Waits for a query; its id. Raises as `athena`."""
        athena = self.cloud.client("athena", WORKLOAD)

        def over() -> Any:
            execution = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
            return execution["Status"]["State"] in ("SUCCEEDED", "FAILED") and execution

        execution = eventually(over)
        if execution["Status"]["State"] == "FAILED":
            raise NotMerged(json.dumps({"QueryExecution": execution}, default=str))
        return query

    def mark(self, run: iceberg_table.Run) -> iceberg_table.Written:
        """Marks the table as holding the run."""
        return self.done(lambda lake: merging.mark(lake, self.target(), run))

    def merge(self, schema: Any, run: iceberg_table.Run) -> iceberg_table.Written:
        """All three."""
        prepared = self.prepare(schema, run)
        if isinstance(prepared, iceberg_table.Written):
            return prepared
        self.athena(prepared)
        return self.mark(run)
