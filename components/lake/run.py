"""A run: the state machine, the functions that its steps call, and the database and workgroup that it fills."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components import names
from components.blocks.function import Execution, LambdaFunction, Task
from components.iam import Statement, pass_role
from components.lake.alarms import of_runs, watch_sources
from components.lake.filling import Filling
from components.lake.glue_database import Catalog
from components.lake.lake_formation import LakeFormation
from components.lake.merging import merge_statements, staging_statements
from components.lake.place import Place
from components.lake.queries import named_queries
from components.lake.reader import reader_policy
from components.lake.state_machine import StateMachine
from components.lake.upkeep import Upkeep
from components.lake.workgroup import Workgroup
from components.shared import metric_names, variables
from components.shared.landing_folders import HANDED_OVER, LAKE, RAW, STATE, WINDOWS, copy_key, lake

WRITES = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"]
WHOLE_CPU = 1769  # MB of memory that bring one: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html


@dataclass(frozen=True)
class Exports:
    """Where the exports of a run come from."""

    part: str
    """What the function is called that plans the run and finds each export."""
    task: Callable[[pulumi.Resource], Task]
    """That function; the argument is the parent of what belongs to it."""
    of: Mapping[str, pulumi.Input[str]]
    """What the definition names and is not known before it is deployed."""
    definition: Callable[[Mapping[str, str], Mapping[str, str]], Mapping[str, Any]]
    """The state machine, by what `of` turned out to be and by the functions' ARNs: `source`, `normalise`, `catalog`
    and, where changes are folded, `fold`, and where a table is Iceberg, `iceberg`; and the name of the `workgroup`."""
    start: Callable[[pulumi.Resource, StateMachine], None]
    """Makes what starts the machine."""
    hands_over: bool
    """Whether replicas of the bucket get what they need to fill the same tables."""


def step_task(
    name: str,
    place: Place,
    handler: str,
    does: str,
    statements: Sequence[Statement],
    environment: Mapping[str, pulumi.Input[str]] | None = None,
) -> Task:
    """What a function of the run `name` does, which finds its bucket in its environment and its code there.

    `place`: the landing's bucket and key. `handler`: its folder in handlers/. `does`: the beginning of its description,
    which the run's name ends. `statements`: the rights of its role. `environment`: variables beside the bucket."""
    return Task(
        handler=handler,
        description=f"{does} {name}",
        statements=statements,
        environment={variables.BUCKET: place.bucket, **(environment or {})},
        code_bucket=place.bucket,
    )


class ExportRun(pulumi.ComponentResource):
    """Schedule, or event -> state machine -> a Glue database, tables and views, and an Athena workgroup. The steps are
    those of steps.py. A source that fails, or brings nothing new for `stale_after_hours`, raises an alarm.

    Costs at rest: its alarms, at 0.10 dollars a month each. A run costs fractions of a cent for its steps, and for
    normalising about 0.25 dollars a GB of compressed export at most (a vCPU for each file, as long as it takes).

    `filling`: the sources, their tables, limits and alarms. `place`: the landing's bucket and key. `exports`: where the
    exports come from, and what starts a run.
    """

    described: dict[str, pulumi.Input[Any]]

    def __init__(
        self,
        name: str,
        filling: Filling,
        place: Place,
        exports: Exports,
        opts: pulumi.ResourceOptions | None = None,
    ):
        super().__init__("tributary:pipelines:ExportRun", name, None, opts)
        self.pipeline, self.filling, self.place, self.exports = name, filling, place, exports
        self.child_opts = pulumi.ResourceOptions(parent=self)
        account = filling.account
        self.database, self.catalog_arns = Catalog.planned(name, account)

        catalog = Catalog(
            f"{name}",
            account,
            place,
            crawler=filling.crawler,
            retain=filling.retain,
            opts=self.child_opts,
        )
        functions = {"source": self._source(), "normalise": self._normalise()}
        functions["catalog"] = self._publish(catalog)
        if filling.folds:
            functions["fold"] = self._fold()
        if filling.iceberg:
            functions["iceberg"] = self._iceberg(catalog)
        if filling.lake_formation:
            LakeFormation.check_account_settings(name, account, self)
            LakeFormation(
                name,
                account,
                filling.lake_formation,
                place,
                filling.locations,
                database=catalog.database,
                writer=catalog.crawls_as or functions["catalog"].role_arn,
                opts=self.child_opts,
            )
        machine = self._machine(functions)
        exports.start(self, machine)
        watch_sources(name, filling, self.child_opts)
        workgroup = Workgroup(
            name,
            filling.queries,
            place,
            owner_id=account.id,
            database=catalog.database,
            queries=named_queries(filling, self.database),
            retain=filling.retain,
            opts=self.child_opts,
        )
        self.described = {
            "state_machine": machine.deployed_arn,
            "database": catalog.database,
            "catalog": "crawler" if filling.crawler else "registered",
            "crawler": catalog.crawler,
            "sources": dict(filling.sources),
            "catalog_tables": list(filling.tables),
            "workgroup": workgroup.name,
            "reader_policy": reader_policy(
                account,
                workgroup=names.workgroup(name),
                catalog=self.catalog_arns,
                bucket_arn=place.bucket_arn,
                locations=filling.locations,
                key_arn=place.key_arn,
                governed=filling.lake_formation is not None,
            ),
        }
        self.register_outputs(self.described)

    def _function(self, part: str, task: Task, execution: Execution) -> LambdaFunction:
        return LambdaFunction(
            f"{self.pipeline}-{part}",
            self.filling.account,
            self.filling.functions,
            task,
            execution,
            topic=self.filling.topic,
            opts=self.child_opts,
        )

    def _execution(self, seconds: int, memory_mb: int = 256, storage_mb: int = 512) -> Execution:
        return Execution(
            timeout_seconds=seconds,
            memory_mb=memory_mb,
            storage_mb=storage_mb,
            reserved_concurrency=self.filling.reserved_concurrency,
        )

    def _source(self) -> LambdaFunction:
        return self._function(self.exports.part, self.exports.task(self), self._execution(300))

    def _normalise(self) -> LambdaFunction:
        place = self.place
        task = step_task(
            self.pipeline,
            place,
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
        task = step_task(
            self.pipeline,
            place,
            "fold",
            "Folds changes into the last snapshot of",
            [
                place.read(LAKE, STATE, WINDOWS),
                place.write(LAKE, WINDOWS, parts=True),
                place.find(),
                *place.use_key("Decrypt", "GenerateDataKey"),
            ],
            {variables.MEMORY: "2GB", variables.PART_BYTES: str(int(self.filling.fold_mb * (1 << 20)))},
        )
        return self._function("fold", task, self._execution(900, 2 * WHOLE_CPU, 10_240))

    def _iceberg(self, catalog: Catalog) -> LambdaFunction:
        place, filling = self.place, self.filling
        # Data, deletes, manifests and metadata.
        files = [f"{place.bucket_arn}/{lake(table)}*" for table in filling.iceberg]
        keeping: dict[str, pulumi.Input[str]] = {}
        keeps: list[Statement] = []
        if filling.copies:
            copies = [f"{place.bucket_arn}/{copy_key(table)}" for table in filling.copies]
            keeps.append(Statement("WriteCopies", WRITES, copies))
            keeping[variables.COPIES] = json.dumps(list(filling.copies))
        if filling.past_days is not None:
            upkeep = Upkeep(
                self.pipeline, filling.account, place, filling.iceberg, self.catalog_arns, self.child_opts
            )
            keeping |= {
                variables.UPKEEP_ROLE_ARN: upkeep.role_arn,
                variables.PAST_DAYS: str(filling.past_days),
            }
            keeps += keep_up_statements(self.catalog_arns, upkeep.role_arn)
        task = step_task(
            self.pipeline,
            place,
            "iceberg",
            "Commits what was exported to the Iceberg tables of",
            [
                place.read(STATE, WINDOWS),
                Statement("WriteTables", WRITES, files),
                place.find(),
                *place.use_key("Decrypt", "GenerateDataKey"),
                *iceberg_statements(self.catalog_arns),
                *staging_statements(filling.account, self.catalog_arns),
                *keeps,
            ],
            {
                **keeping,
                variables.DATABASE: catalog.database,
                variables.ACCOUNT_ID: filling.account.id,
                variables.MEMORY: "2GB",
                variables.MERGE_TABLE_ROWS: str(filling.merge_beyond.table_rows),
                variables.COMPACT_AFTER: str(filling.compact_after),
                variables.MERGE_CHANGES_MB: str(filling.merge_beyond.changes_mb),
            },
        )
        return self._function("iceberg", task, self._execution(900, 2 * WHOLE_CPU, 10_240))

    def _publish(self, catalog: Catalog) -> LambdaFunction:
        name, registered = self.pipeline, not self.filling.crawler
        task = step_task(
            name,
            self.place,
            "catalog",
            "Publishes and reports what was exported by",
            catalog_statements(
                self.place, self.catalog_arns if registered else [], hands_over=self.exports.hands_over
            ),
            {
                variables.PIPELINE: name,
                variables.DATABASE: catalog.database,
                variables.CATALOG: "registered" if registered else "crawler",
                **({variables.HANDS_OVER: "1"} if self.exports.hands_over else {}),
            },
        )
        # A database of a thousand tables takes a few minutes.
        return self._function("catalog", task, self._execution(900))

    def _machine(self, functions: Mapping[str, LambdaFunction]) -> StateMachine:
        place, exports = self.place, self.exports
        filling, workgroup = self.filling, names.workgroup(self.pipeline)
        arns = {part: function.arn for part, function in functions.items()}
        statements = [Statement("CallTheSteps", ["lambda:InvokeFunction"], list(arns.values()))]
        if filling.has_tables:
            uses = ["Decrypt", *(["GenerateDataKey"] if filling.iceberg else [])]
            statements += [
                Statement("ReadManifests", ["s3:GetObject"], [f"{place.bucket_arn}/{RAW}*"]),
                *place.use_key(*uses),
            ]
        if filling.iceberg:
            statements += merge_statements(
                filling.account, place, workgroup, self.catalog_arns, filling.iceberg
            )
        return StateMachine(
            f"{self.pipeline}-run",
            self.filling.account,
            definition=pulumi.Output.all(**exports.of).apply(
                lambda known: exports.definition(known, arns | {"workgroup": workgroup})
            ),
            statements=statements,
            distributed=self.filling.has_tables,
            topic=self.filling.topic,
            meanings=of_runs(self.pipeline, self.filling.account),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(functions.values())),
        )


def catalog_statements(place: Place, catalog_arns: list[str], *, hands_over: bool) -> list[Statement]:
    """Lets tables and views be kept in the pipeline's own database, and exports be handed over to replicas."""
    keeps = [
        "glue:CreatePartition",
        "glue:CreateTable",
        "glue:GetTable",
        "glue:UpdatePartition",
        "glue:UpdateTable",
    ]
    return [
        place.read(STATE),
        place.write(STATE),
        *(
            [Statement("HandOver", ["s3:PutObject"], [f"{place.bucket_arn}/{RAW}*{HANDED_OVER}"])]
            if hands_over
            else []
        ),
        place.find(),
        *place.use_key("Decrypt", "GenerateDataKey"),
        *([Statement("KeepCatalog", keeps, catalog_arns)] if catalog_arns else []),
        Statement(
            "CountWhatHappened",
            ["cloudwatch:PutMetricData"],
            ["*"],
            {"StringEquals": {"cloudwatch:namespace": metric_names.NAMESPACE}},
            every_resource_because="metrics have no ARN; the namespace narrows it",
        ),
    ]


def keep_up_statements(catalog_arns: Sequence[str], role_arn: pulumi.Input[str]) -> list[Statement]:
    """Lets the optimizers of the pipeline's own tables be read, made and changed, and get their role
    (https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsglue.html)."""
    keeps = ["glue:CreateTableOptimizer", "glue:GetTableOptimizer", "glue:UpdateTableOptimizer"]
    return [
        Statement("KeepOptimizers", keeps, catalog_arns),
        pass_role("HandOverTheUpkeepRole", role_arn, "glue.amazonaws.com"),
    ]


def iceberg_statements(catalog_arns: Sequence[str]) -> list[Statement]:
    """Lets the tables of the pipeline's own database be made, read and committed to by Glue's Iceberg REST catalog,
    whose operations are Glue's actions (https://docs.aws.amazon.com/glue/latest/dg/iceberg-rest-apis.html): GetConfig
    is GetCatalog, LoadTable is GetTable, a commit is UpdateTable. `catalog_arns`: of the catalog, the database and its
    tables, in this order."""
    return [
        Statement("FindCatalog", ["glue:GetCatalog"], catalog_arns[:1]),
        Statement("FindOwnDatabase", ["glue:GetDatabase"], catalog_arns[:2]),
        Statement("CommitTables", ["glue:CreateTable", "glue:GetTable", "glue:UpdateTable"], catalog_arns),
    ]
