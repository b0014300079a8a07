"""A run: the state machine, the functions that its steps call, and the database and workgroup that it fills."""

from collections.abc import Mapping
from typing import Any

import pulumi

from components import names
from components.blocks.function import LambdaFunction
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
        child_opts, account = pulumi.ResourceOptions(parent=self), args.account
        refuse_too_many_sources(name, args, place)
        catalog = Catalog(
            f"{name}",
            account,
            bucket=place.bucket,
            bucket_arn=place.bucket_arn,
            key_arn=place.key_arn,
            crawler=args.crawler if args.catalog == "crawler" else None,
            retain=args.retain_data,
            opts=child_opts,
        )

        def function(
            part: str, handler: str, does: str, statements: list[Statement], **more: Any
        ) -> LambdaFunction:
            return LambdaFunction(
                f"{name}-{part}",
                account,
                args.functions,
                handler=handler,
                description=f"{does} {name}",
                statements=statements,
                environment={"BUCKET": place.bucket} | more.pop("environment", {}),
                topic=args.alarm_topic_arn,
                asynchronous=False,
                reserved_concurrency=args.reserved_concurrency,
                code_bucket=place.bucket,
                opts=child_opts,
                **more,
            )

        source = function(
            "source",
            "export_source",
            "Starts and follows the exports of",
            [*source_statements(name, args, place), *decrypt_source_tables(name, args, place, tables)],
            environment=_source_environment(name, args, place, self),
            timeout_seconds=300,
        )
        normalise = function(
            "normalise",
            "normalise",
            "Makes Parquet of what was exported by",
            [
                place.read("raw", "state", "windows"),
                place.write("lake", "state", "windows", parts=True),
                place.find(),
                *place.use_key("Decrypt", "GenerateDataKey"),
            ],
            memory_mb=WHOLE_CPU,
            timeout_seconds=900,
        )
        fold = None
        if args.folds():
            fold = function(
                "fold",
                "fold",
                "Folds changes into the last snapshot of",
                [
                    place.read("lake", "state", "windows"),
                    place.write("lake", parts=True),
                    place.find(),
                    *place.use_key("Decrypt", "GenerateDataKey"),
                ],
                environment={"MEMORY": "2GB"},
                memory_mb=2 * WHOLE_CPU,
                storage_mb=10_240,
                timeout_seconds=900,
            )
        database, catalog_arns = Catalog.planned(name, account)
        publish = function(
            "catalog",
            "catalog",
            "Publishes and reports what was exported by",
            catalog_statements(place, catalog_arns if args.catalog == "registered" else []),
            environment={"PIPELINE": name, "DATABASE": catalog.database, "CATALOG": args.catalog},
            timeout_seconds=900,  # a database of a thousand tables takes a few minutes
        )

        # Where tables lie; RDS exports are Parquet where they are.
        locations = ["lake", *(f"raw/{source.name}" for source in args.rds())]
        if args.lake_formation:
            LakeFormation.check_account_settings(name, account, self)
            LakeFormation(
                name,
                account,
                args.lake_formation,
                bucket_arn=place.bucket_arn,
                locations=locations,
                key_arn=place.key_arn,
                database=catalog.database,
                writer=catalog.crawls_as or publish.role_arn,
                opts=child_opts,
            )

        parts = {"source": source, "normalise": normalise, "catalog": publish} | (
            {"fold": fold} if fold else {}
        )
        functions = list(parts.values())
        machine = StateMachine(
            f"{name}-run",
            account,
            definition=pulumi.Output.json_dumps(
                args.run_sources({name: table.arn for name, table in tables.items()})
            ).apply(
                lambda sources: run_definition(
                    args, sources, place.bucket_arn, {part: f.arn for part, f in parts.items()}
                )
            ),
            statements=[
                Statement("CallTheSteps", ["lambda:InvokeFunction"], [f.arn for f in functions]),
                *(
                    [
                        Statement("ReadManifests", ["s3:GetObject"], [f"{place.bucket_arn}/raw/*"]),
                        *place.use_key("Decrypt"),
                    ]
                    if tables
                    else []
                ),
            ],
            distributed=bool(tables),
            topic=args.alarm_topic_arn,
            meaning="The last step's error names each source that failed, with the reason; the others were published. "
            "Correct the cause and start the state machine with the same input again (aws stepfunctions "
            "start-execution): what was done is not done twice.",
            opts=pulumi.ResourceOptions(parent=self, depends_on=functions),
        )
        start_runs(self, name, args, machine, child_opts)
        watch_sources(name, args, child_opts)
        workgroup = Workgroup(
            name,
            args.queries,
            results=pulumi.Output.concat("s3://", place.bucket, "/results/"),
            key_arn=place.key_arn,
            owner_id=account.id,
            database=catalog.database,
            queries=named_queries(args, database),
            retain=args.retain_data,
            opts=child_opts,
        )
        known = list(args.catalog_tables())
        self.described = {
            "state_machine": machine.deployed_arn,
            "database": catalog.database,
            "catalog": args.catalog,
            "crawler": catalog.crawler,
            "sources": {s.name: s.kind for s in args.sources},
            "catalog_tables": known,
            "workgroup": workgroup.name,
            "reader_policy": reader_policy(
                account,
                workgroup=names.workgroup(name),
                catalog=catalog_arns,
                bucket_arn=place.bucket_arn,
                locations=locations,
                key_arn=place.key_arn,
                governed=args.lake_formation is not None,
            ),
        }
        self.register_outputs(self.described)


def run_definition(
    args: ExportArgs, sources: str, bucket_arn: str, functions: Mapping[str, str]
) -> dict[str, Any]:
    """The state machine of a run; `sources`: `args.run_sources` as JSON;
    `functions`: part -> ARN, `fold` among them where `args.folds()`."""
    return definition(
        {"dynamodb" if source.dynamodb else "rds" for source in args.sources},
        sources=sources,
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
        "PIPELINE": name,
        "BUCKET_OWNER": args.account.id,
    }
    if place.key_arn is not None:
        environment["KMS_KEY_ARN"] = place.key_arn
    if args.rds():
        environment["EXPORT_ROLE_ARN"] = rds_role(name, args, place, parent)
    return environment
