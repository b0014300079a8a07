"""A run: the state machine, the functions that its steps call, and the database and workgroup that it fills."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components import names
from components.blocks.function import Execution, LambdaFunction, Task
from components.blocks.table import SourceTable
from components.iam import Statement
from components.pipelines.export.alarms import watch_sources
from components.pipelines.export.args import ExportArgs
from components.pipelines.export.glue_database import Catalog
from components.pipelines.export.lake_formation import LakeFormation
from components.pipelines.export.place import Place
from components.pipelines.export.queries import named_queries
from components.pipelines.export.reader import reader_policy
from components.pipelines.export.start import start_runs
from components.pipelines.export.state_machine import StateMachine
from components.pipelines.export.statements import (
    catalog_statements,
    decrypt_source_tables,
    rds_role,
    refuse_too_many_sources,
    source_statements,
)
from components.pipelines.export.steps import definition
from components.pipelines.export.workgroup import Workgroup
from components.shared import variables
from components.shared.landing_folders import LAKE, RAW, STATE, WINDOWS, raw

WHOLE_CPU = 1769  # MB of memory that bring one: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html


class ExportRun(pulumi.ComponentResource):
    """Schedule -> state machine -> a Glue database, tables and views, and an Athena workgroup. The steps are those of
    steps.py. A source that fails, or brings nothing new for `stale_after_hours`, rings.

    Costs at rest: its alarms, at 0.10 dollars a month each. A run costs fractions of a cent for its steps, and for
    normalising about 0.25 dollars a GB of compressed export at most (a vCPU for each file, as long as it takes).
    """

    described: dict[str, pulumi.Input[Any]]

    def __init__(
        self,
        name: str,
        args: ExportArgs,
        place: Place,
        tables: Mapping[str, SourceTable],
        opts: pulumi.ResourceOptions | None = None,
    ):
        super().__init__("tributary:pipelines:ExportRun", name, None, opts)
        self.pipeline, self.args, self.place, self.tables = name, args, place, tables
        self.child_opts = pulumi.ResourceOptions(parent=self)
        refuse_too_many_sources(name, args, place)
        # Where tables lie; RDS exports are Parquet where they are.
        self.locations = [LAKE.rstrip("/"), *(raw(source.name) for source in args.rds())]
        self.database, self.catalog_arns = Catalog.planned(name, args.account)

        catalog = Catalog(
            f"{name}",
            args.account,
            place,
            crawler=args.crawler if args.catalog == "crawler" else None,
            retain=args.retain_data,
            opts=self.child_opts,
        )
        functions = {"source": self._source(), "normalise": self._normalise()}
        functions["catalog"] = self._publish(catalog)
        if args.folds():
            functions["fold"] = self._fold()
        if args.lake_formation:
            LakeFormation.check_account_settings(name, args.account, self)
            LakeFormation(
                name,
                args.account,
                args.lake_formation,
                place,
                self.locations,
                database=catalog.database,
                writer=catalog.crawls_as or functions["catalog"].role_arn,
                opts=self.child_opts,
            )
        machine = self._machine(functions)
        start_runs(self, name, args, machine, self.child_opts)
        watch_sources(name, args, self.child_opts)
        workgroup = Workgroup(
            name,
            args.queries,
            place,
            owner_id=args.account.id,
            database=catalog.database,
            queries=named_queries(args, self.database),
            retain=args.retain_data,
            opts=self.child_opts,
        )
        self.described = {
            "state_machine": machine.deployed_arn,
            "database": catalog.database,
            "catalog": args.catalog,
            "crawler": catalog.crawler,
            "sources": {source.name: source.kind for source in args.sources},
            "catalog_tables": list(args.catalog_tables()),
            "workgroup": workgroup.name,
            "reader_policy": reader_policy(
                args.account,
                workgroup=names.workgroup(name),
                catalog=self.catalog_arns,
                bucket_arn=place.bucket_arn,
                locations=self.locations,
                key_arn=place.key_arn,
                governed=args.lake_formation is not None,
            ),
        }
        self.register_outputs(self.described)

    def _function(self, part: str, task: Task, execution: Execution) -> LambdaFunction:
        return LambdaFunction(
            f"{self.pipeline}-{part}",
            self.args.account,
            self.args.functions,
            task,
            execution,
            topic=self.args.alarm_topic_arn,
            opts=self.child_opts,
        )

    def _task(
        self,
        handler: str,
        does: str,
        statements: Sequence[Statement],
        environment: Mapping[str, pulumi.Input[str]] | None = None,
    ) -> Task:
        return Task(
            handler=handler,
            description=f"{does} {self.pipeline}",
            statements=statements,
            environment={variables.BUCKET: self.place.bucket, **(environment or {})},
            code_bucket=self.place.bucket,
        )

    def _execution(self, seconds: int, memory_mb: int = 256, storage_mb: int = 512) -> Execution:
        return Execution(
            timeout_seconds=seconds,
            memory_mb=memory_mb,
            storage_mb=storage_mb,
            reserved_concurrency=self.args.reserved_concurrency,
        )

    def _source(self) -> LambdaFunction:
        name, args, place = self.pipeline, self.args, self.place
        task = self._task(
            "export_source",
            "Starts and follows the exports of",
            [*source_statements(name, args, place), *decrypt_source_tables(name, args, place, self.tables)],
            _source_environment(name, args, place, self),
        )
        return self._function("source", task, self._execution(300))

    def _normalise(self) -> LambdaFunction:
        place = self.place
        task = self._task(
            "normalise",
            "Makes Parquet of what was exported by",
            [
                place.read(RAW, STATE, WINDOWS),
                place.write(LAKE, STATE, WINDOWS, parts=True),
                place.find(),
                *place.use_key("Decrypt", "GenerateDataKey"),
            ],
        )
        return self._function("normalise", task, self._execution(900, WHOLE_CPU))

    def _fold(self) -> LambdaFunction:
        place = self.place
        task = self._task(
            "fold",
            "Folds changes into the last snapshot of",
            [
                place.read(LAKE, STATE, WINDOWS),
                place.write(LAKE, parts=True),
                place.find(),
                *place.use_key("Decrypt", "GenerateDataKey"),
            ],
            {variables.MEMORY: "2GB"},
        )
        return self._function("fold", task, self._execution(900, 2 * WHOLE_CPU, 10_240))

    def _publish(self, catalog: Catalog) -> LambdaFunction:
        name, registered = self.pipeline, self.args.catalog == "registered"
        task = self._task(
            "catalog",
            "Publishes and reports what was exported by",
            catalog_statements(self.place, self.catalog_arns if registered else []),
            {
                variables.PIPELINE: name,
                variables.DATABASE: catalog.database,
                variables.CATALOG: self.args.catalog,
            },
        )
        # A database of a thousand tables takes a few minutes.
        return self._function("catalog", task, self._execution(900))

    def _machine(self, functions: Mapping[str, LambdaFunction]) -> StateMachine:
        args, place = self.args, self.place
        table_arns = {name: table.arn for name, table in self.tables.items()}
        arns = {part: function.arn for part, function in functions.items()}
        statements = [Statement("CallTheSteps", ["lambda:InvokeFunction"], list(arns.values()))]
        if self.tables:
            statements += [
                Statement("ReadManifests", ["s3:GetObject"], [f"{place.bucket_arn}/{RAW}*"]),
                *place.use_key("Decrypt"),
            ]
        return StateMachine(
            f"{self.pipeline}-run",
            args.account,
            definition=pulumi.Output.all(**table_arns).apply(
                lambda known: run_definition(args, known, place.bucket_arn, arns)
            ),
            statements=statements,
            distributed=bool(self.tables),
            topic=args.alarm_topic_arn,
            meaning="The last step's error names each source that failed, with the reason; the others were published. "
            "Correct the cause and start the state machine with the same input again (aws stepfunctions "
            "start-execution): what was done is not done twice.",
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(functions.values())),
        )


def run_definition(
    args: ExportArgs, table_arns: Mapping[str, str], bucket_arn: str, functions: Mapping[str, str]
) -> dict[str, Any]:
    """The state machine of a run. `table_arns`: DynamoDB table -> ARN; `functions`: part -> ARN, `fold` among them
    where `args.folds()`."""
    sources = args.run_sources(table_arns)
    return definition(
        {source.branch for source in sources},
        sources=json.dumps([source.json() for source in sources]),
        bucket=bucket_arn.rpartition(":")[2],
        files_at_once=args.normalised_side_by_side(),
        source=functions["source"],
        normalise=functions["normalise"],
        fold=functions.get("fold"),
        catalog=functions["catalog"],
    )


def _source_environment(
    name: str, args: ExportArgs, place: Place, parent: pulumi.Resource
) -> dict[str, pulumi.Input[str]]:
    environment: dict[str, pulumi.Input[str]] = {
        variables.PIPELINE: name,
        variables.BUCKET_OWNER: args.account.id,
    }
    if place.key_arn is not None:
        environment[variables.KMS_KEY_ARN] = place.key_arn
    if args.rds():
        environment[variables.EXPORT_ROLE_ARN] = rds_role(name, args, place, parent)
    return environment
