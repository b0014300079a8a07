"""A run of an export pipeline: a schedule, a state machine, the functions that its steps call, and what it fills."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws

from components import names
from components.blocks.alarm import alarm
from components.blocks.catalog import Catalog
from components.blocks.function import LambdaFunction
from components.blocks.lake_formation import LakeFormation
from components.blocks.queue import Queue
from components.blocks.reader import reader_policy
from components.blocks.schedule import Schedule
from components.blocks.state_machine import StateMachine
from components.blocks.table import SourceTable, decrypt_tables
from components.blocks.workgroup import Workgroup
from components.iam import Statement, document, fitting, pass_role, trust
from components.pipelines.export_steps import AT_ONCE, definition

if TYPE_CHECKING:
    from components.pipelines.export import ExportArgs

# Characters of a named query's name and text, and what is left of them for a view's
# (https://docs.aws.amazon.com/athena/latest/APIReference/API_CreateNamedQuery.html).
QUERY_NAME, QUERY_TEXT = 128, 262_144
VIEW_NAME, VIEW_SQL = QUERY_NAME - len("view-"), QUERY_TEXT - 1024
NAMESPACE = "tributary"  # of the metrics that handlers/catalog puts
WHOLE_CPU = 1769  # MB of memory that bring one: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
# An automated snapshot of an instance, and of a cluster, is there:
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html
SNAPSHOT_EVENTS = {
    "rds_instance": ("RDS DB Snapshot Event", "RDS-EVENT-0091"),
    "rds_cluster": ("RDS DB Cluster Snapshot Event", "RDS-EVENT-0169"),
}


@dataclass(frozen=True)
class Place:
    """Where a run works: the landing's bucket and key. `raw/` holds exports, `lake/` published snapshots, `windows/`
    what is on its way into one, `state/` what a run must know of the last, `results/` Athena's."""

    bucket: pulumi.Input[str]
    bucket_arn: str
    key_arn: pulumi.Input[str] | None

    def read(self, *prefixes: str) -> Statement:
        return Statement(
            "ReadLanding", ["s3:GetObject"], [f"{self.bucket_arn}/{prefix}/*" for prefix in prefixes]
        )

    def write(self, *prefixes: str, parts: bool = False) -> Statement:
        actions = ["s3:AbortMultipartUpload", "s3:PutObject"] if parts else ["s3:PutObject"]
        return Statement("WriteLanding", actions, [f"{self.bucket_arn}/{prefix}/*" for prefix in prefixes])

    def find(self) -> Statement:
        # Without it a key that is not there would be a 403, like one that must not be read.
        return Statement("FindInLanding", ["s3:ListBucket"], [self.bucket_arn])

    def use_key(self, *actions: str) -> list[Statement]:
        if self.key_arn is None:
            return []
        return [Statement("UseLandingKey", [f"kms:{action}" for action in actions], [self.key_arn])]


class ExportRun(pulumi.ComponentResource):
    """Schedule -> state machine -> a Glue database, tables and views, and an Athena workgroup. The steps are those of
    export_steps.py. A source that fails, or brings nothing new for `stale_after_hours`, rings.

    Costs at rest: its alarms, at 0.10 dollars a month each. A run costs fractions of a cent for its steps, and for
    normalising about 0.25 dollars a GB of compressed export at most (a vCPU for each file, as long as it takes).
    """

    described: dict[str, pulumi.Input[Any]]

    def __init__(
        self,
        name: str,
        args: "ExportArgs",
        place: Place,
        tables: Mapping[str, SourceTable],
        opts: pulumi.ResourceOptions | None = None,
    ):
        super().__init__("tributary:pipelines:ExportRun", name, None, opts)
        mine, account = pulumi.ResourceOptions(parent=self), args.account
        _role_names_all_sources(name, args, place)
        catalog = Catalog(
            f"{name}",
            account,
            bucket=place.bucket,
            bucket_arn=place.bucket_arn,
            key_arn=place.key_arn,
            crawler=args.crawler if args.catalog == "crawler" else None,
            retain=args.retain_data,
            opts=mine,
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
                opts=mine,
                **more,
            )

        source = function(
            "source",
            "export_source",
            "Starts and follows the exports of",
            [*_source_statements(name, args, place), *_decrypt_tables(name, args, place, tables)],
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
        if folds(args):
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
            _catalog_statements(place, catalog_arns if args.catalog == "registered" else []),
            environment={"PIPELINE": name, "DATABASE": catalog.database, "CATALOG": args.catalog},
            timeout_seconds=900,  # a database of a thousand tables takes a few minutes
        )

        # Where tables lie; RDS exports are Parquet where they are.
        locations = ["lake", *(f"raw/{source.name}" for source in args.rds())]
        if args.lake_formation:
            LakeFormation.look(name, account, self)
            LakeFormation(
                name,
                account,
                args.lake_formation,
                bucket_arn=place.bucket_arn,
                locations=locations,
                key_arn=place.key_arn,
                database=catalog.database,
                writer=catalog.crawls_as or publish.role_arn,
                opts=mine,
            )

        parts = {"source": source, "normalise": normalise, "catalog": publish} | (
            {"fold": fold} if fold else {}
        )
        functions = list(parts.values())
        machine = StateMachine(
            f"{name}-run",
            account,
            definition=pulumi.Output.json_dumps(
                told(args, {name: table.arn for name, table in tables.items()})
            ).apply(
                lambda sources: steps(
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
            meaning="The last step's error names each source that failed, and why; the others were published. Mend the "
            "cause and start it again with the same input: what was done is not done twice.",
            opts=pulumi.ResourceOptions(parent=self, depends_on=functions),
        )
        self._start(name, args, machine, mine)
        self._watch(name, args, mine)
        workgroup = Workgroup(
            name,
            args.queries,
            results=pulumi.Output.concat("s3://", place.bucket, "/results/"),
            key_arn=place.key_arn,
            owner_id=account.id,
            database=catalog.database,
            queries=_queries(args, database),
            retain=args.retain_data,
            opts=mine,
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

    def _start(
        self, name: str, args: "ExportArgs", machine: StateMachine, mine: pulumi.ResourceOptions
    ) -> None:
        """The schedule and, where a source follows snapshots, the events that start the machine."""
        account = args.account
        followed = [source for source in args.rds() if source.snapshot == "event"]
        rule_name = names.rule(f"{name}-snapshot")
        rule_arn = account.arn("events", f"rule/{rule_name}")
        unstarted = Queue(
            f"{name}-unstarted",
            account,
            topic=args.alarm_topic_arn,
            meaning=f"A run of {name} could not be started; the queue keeps its input. See the schedule's role, and "
            "start the state machine with that input.",
            senders={"events.amazonaws.com": rule_arn} if followed else {},
            opts=mine,
        )
        if len(followed) < len(args.sources):
            Schedule(
                f"{name}-schedule",
                account,
                expression=args.schedule,
                timezone=args.timezone,
                target_arn=machine.arn,
                action="states:StartExecution",
                event={"scheduled_time": "<aws.scheduler.scheduled-time>"},
                dead_letter_arn=unstarted.arn,
                meaning=f"Exports the sources of {name}",
                opts=pulumi.ResourceOptions(parent=self, depends_on=[machine]),
            )
        if not followed:
            return
        part = f"{name}-snapshot"
        events = [SNAPSHOT_EVENTS[source.kind] for source in followed]
        rule = aws.cloudwatch.EventRule(
            part,
            name=rule_name,
            description=f"Automated snapshots of the sources of {name}",
            event_pattern=json.dumps(
                {
                    "source": ["aws.rds"],
                    "detail-type": sorted({kind for kind, _ in events}),
                    "detail": {
                        "EventID": sorted({event for _, event in events}),
                        # rds:<identifier>-yyyy-mm-dd-hh-mm; the function looks at the whole of it.
                        "SourceIdentifier": [{"prefix": f"rds:{source.name}-2"} for source in followed],
                    },
                }
            ),
            opts=mine,
        )
        role = aws.iam.Role(
            part,
            name=names.role(part),
            description=f"Starts {name} for a snapshot",
            assume_role_policy=trust("events.amazonaws.com", account.id, rule_arn),
            opts=mine,
        )
        policy = aws.iam.RolePolicy(
            part,
            name="start",
            role=role.name,
            policy=document(Statement("StartTheRun", ["states:StartExecution"], [machine.arn])),
            opts=mine,
        )
        transformer = aws.cloudwatch.EventTargetInputTransformerArgs(
            input_paths={
                "at": "$.time",
                "snapshot": "$.detail.SourceIdentifier",
                "arn": "$.detail.SourceArn",
            },
            input_template='{"scheduled_time": <at>, "only": <snapshot>, "snapshot_arn": <arn>}',
        )
        aws.cloudwatch.EventTarget(
            part,
            rule=rule.name,
            target_id="run",
            arn=machine.deployed_arn,
            role_arn=role.arn,
            input_transformer=transformer,
            dead_letter_config=aws.cloudwatch.EventTargetDeadLetterConfigArgs(arn=unstarted.arn),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )

    def _watch(self, name: str, args: "ExportArgs", mine: pulumi.ResourceOptions) -> None:
        topic = args.alarm_topic_arn
        for source in args.sources:
            of = {"Pipeline": name, "Source": source.name}
            alarm(
                f"{name}-{source.name}-failed",
                f"{NAMESPACE}/Failed",
                of,
                topic=topic,
                meaning=f"The export of {source.name} failed after its retries. The log of {name}-catalog says why "
                "('source failed'), and so does the state machine's last execution; readers still see "
                "the last good export.",
                opts=mine,
            )
            alarm(
                f"{name}-{source.name}-stale",
                f"{NAMESPACE}/Published",
                of,
                below=1,
                minutes=60,
                periods=args.stale_after_hours,
                # No run at all is what this alarm is for.
                missing="breaching",
                topic=topic,
                meaning=f"Nothing of {source.name} was published for {args.stale_after_hours} hours. See the schedule, "
                "and the state machine's executions.",
                opts=mine,
            )


def _query_name(whole: str) -> str:
    if len(whole) <= QUERY_NAME:
        return whole
    return f"{whole[: QUERY_NAME - 9]}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"


def _queries(args: "ExportArgs", database: str) -> dict[str, tuple[str, str]]:
    """The named queries: a look at each table, and the views that the config declares."""

    def latest(table: str) -> str:
        # A crawler makes no view, and a partition of each run; an export's id begins with its time.
        if args.catalog == "crawler":
            return f'"{database}"."{table}" WHERE run = (SELECT max(run) FROM "{database}"."{table}")'
        return f'"{database}"."{table}_latest"'

    tables = list(args.catalog_tables())
    queries = {
        _query_name(f"sample-{table}"): (f"Ten rows of {table}", f"SELECT * FROM {latest(table)} LIMIT 10")
        for table in tables
    }
    return queries | {
        f"view-{view}": (f"Makes the view {view}", f'CREATE OR REPLACE VIEW "{database}"."{view}" AS\n{sql}')
        for view, sql in args.views.items()
    }


def told(args: "ExportArgs", tables: Mapping[str, pulumi.Input[str]]) -> list[dict[str, Any]]:
    """What a run is told of its sources: see handlers/export_source/sources.py."""
    found: list[dict[str, Any]] = []
    for source in args.sources:
        one: dict[str, Any] = {"name": source.name, "kind": source.kind}
        if source.dynamodb:
            one |= {"arn": tables[source.dynamodb], "table": args.names_in_catalog()[source.dynamodb]}
            one |= {"mode": source.mode, "declared": source.columns}
        else:
            one |= {"only": source.only, "snapshot": source.snapshot}
            one |= {"leave_out": source.leave_out, "catalog_names": source.catalog_names}
        found.append(one)
    return found


def folds(args: "ExportArgs") -> bool:
    """Whether a source's changes are folded into its last snapshot."""
    return any(source.mode == "incremental" for source in args.sources)


def steps(args: "ExportArgs", sources: str, bucket_arn: str, functions: Mapping[str, str]) -> dict[str, Any]:
    """The state machine of a run; `sources` is `told` as JSON, and `functions` are ARNs, of `fold` where it `folds`."""
    return definition(
        {"dynamodb" if source.dynamodb else "rds" for source in args.sources},
        sources=sources,
        bucket=bucket_arn.rpartition(":")[2],
        files_at_once=_files_at_once(args),
        source=functions["source"],
        normalise=functions["normalise"],
        fold=functions.get("fold"),
        catalog=functions["catalog"],
    )


def _source_environment(
    name: str, args: "ExportArgs", place: Place, parent: pulumi.Resource
) -> dict[str, pulumi.Input[str]]:
    environment: dict[str, pulumi.Input[str]] = {
        "PIPELINE": name,
        "BUCKET_OWNER": args.account.id,
    }
    if place.key_arn is not None:
        environment["KMS_KEY_ARN"] = place.key_arn
    if args.rds():
        environment["EXPORT_ROLE_ARN"] = _rds_role(name, args, place, parent)
    return environment


def _rds_role(name: str, args: "ExportArgs", place: Place, parent: pulumi.Resource) -> pulumi.Output[str]:
    """The role that RDS writes exports under
    (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ExportSnapshot.Setup.html); the key is used by a grant
    that the caller makes."""
    mine, part = pulumi.ResourceOptions(parent=parent), f"{name}-rds"
    role = aws.iam.Role(
        part,
        name=names.role(part),
        description=f"Writes the RDS exports of {name}",
        assume_role_policy=trust("export.rds.amazonaws.com", args.account.id),
        opts=mine,
    )
    folders = [f"{place.bucket_arn}/raw/{source.name}/*" for source in args.rds()]
    policy = aws.iam.RolePolicy(
        part,
        name="export",
        role=role.name,
        policy=document(
            Statement("WriteExports", ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], folders),
            Statement("FindLanding", ["s3:GetBucketLocation", "s3:ListBucket"], [place.bucket_arn]),
        ),
        opts=mine,
    )
    # Whoever gets the ARN can rely on the rights.
    return pulumi.Output.all(role.arn, policy.id).apply(lambda both: both[0])


def table_arns(args: "ExportArgs") -> dict[str, str]:
    """The tables' ARNs by their names, as they are known before a table is looked at or made."""
    named = [source.dynamodb for source in args.sources if source.dynamodb]
    return {name: args.account.arn("dynamodb", f"table/{name}") for name in named}


def _files_at_once(args: "ExportArgs") -> int:
    """How many files of one table are normalised side by side: with reserved concurrency, a share of that for each of
    the sources that may be at it at once, as a call more than there are would be throttled."""
    if args.reserved_concurrency is None:
        return args.files_at_once
    tables, databases = len(table_arns(args)), len(args.rds())
    side_by_side = min(AT_ONCE["dynamodb"], tables) + min(AT_ONCE["rds"], databases)
    return max(1, min(args.files_at_once, args.reserved_concurrency // side_by_side))


def _role_names_all_sources(name: str, args: "ExportArgs", place: Place, *more: Statement) -> None:
    key = args.account.arn("kms", "key/00000000-0000-0000-0000-000000000000")  # as long as any
    known = dataclasses.replace(place, key_arn=None if place.key_arn is None else key)
    policy = document(*_source_statements(name, args, known), *more)
    assert isinstance(policy, str)
    # Beside them, the function's own log.
    fitting(
        policy,
        f"pipelines.{name}.sources",
        "spread the sources over two pipelines of kind 'export'",
        beside=400,
    )


def _decrypt_tables(
    name: str, args: "ExportArgs", place: Place, tables: Mapping[str, SourceTable]
) -> list[Statement]:
    """The right to the tables' keys, refused where the role's policy would be too long with it."""
    if not tables:
        return []
    arns = [pulumi.Output.from_input(table.key_arn) for table in tables.values()]

    def measured(keys: list[str | None]) -> list[str | None]:
        known = {table: SourceTable("", key) for table, key in zip(tables, keys, strict=True)}
        _role_names_all_sources(name, args, place, decrypt_tables(args.account, known))
        return keys

    keys = pulumi.Output.all(*arns).apply(measured)
    checked = {table: SourceTable("", keys[index]) for index, table in enumerate(tables)}
    return [decrypt_tables(args.account, checked)]


def _source_statements(name: str, args: "ExportArgs", place: Place) -> list[Statement]:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport_Requesting.html: the service writes
    with the caller's rights. RDS writes with a role of its own, and needs a grant on the key."""
    granted = [place.read("state"), place.find()]
    uses = []
    if arns := list(table_arns(args).values()):
        granted += [
            Statement("StartExport", ["dynamodb:DescribeTable", "dynamodb:ExportTableToPointInTime"], arns),
            Statement("FollowExport", ["dynamodb:DescribeExport"], [f"{arn}/export/*" for arn in arns]),
            # Not a folder a table: 40 tables would not fit into the role's policy.
            Statement(
                "WriteLanding",
                ["s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl"],
                [f"{place.bucket_arn}/raw/*"],
            ),
        ]
    if args.rds():
        granted += _rds_statements(name, args)
        if place.key_arn is not None:
            own = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
            granted.append(Statement("LetRdsUseLandingKey", ["kms:CreateGrant"], [place.key_arn], own))
        uses = ["DescribeKey"]
    return granted + place.use_key("Decrypt", "GenerateDataKey", *uses)


# What follows a database's name, a '?' for each character, so that no pattern reaches the snapshots of a database whose
# name begins alike: of an automated snapshot the day and the minute, which a snapshot made by hand can't be called
# (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithAutomatedBackups.html); of one made for a run
# the run's time and a hash (handlers/export_source/rds_source.py).
_AUTOMATED = "????-??-??-??-??"
_MADE_FOR_A_RUN = f"{'?' * 14}-{'?' * 10}"


def _rds_statements(name: str, args: "ExportArgs") -> list[Statement]:
    account, granted = args.account, []
    kinds = {
        "rds_instance": ("db", "snapshot", "DBSnapshot"),
        "rds_cluster": ("cluster", "cluster-snapshot", "DBClusterSnapshot"),
    }
    for kind, (owner, noun, call) in kinds.items():
        sources = [source for source in args.rds() if source.kind == kind]
        if not sources:
            continue
        made = [source for source in sources if source.snapshot == "made-for-the-run"]
        of = [account.arn("rds", f"{owner}:{source.name}") for source in sources]
        own = [account.arn("rds", f"{noun}:{source.name}-{_MADE_FOR_A_RUN}") for source in made]
        snapshots = [
            account.arn("rds", f"{noun}:rds:{source.name}-{_AUTOMATED}")
            for source in sources
            if source not in made
        ] + own
        granted += [
            Statement(f"Export{call}", ["rds:DescribeExportTasks", "rds:StartExportTask"], snapshots),
            Statement(f"Find{call}", [f"rds:Describe{call}s"], of + own),
        ]
        if made:
            owners = [account.arn("rds", f"{owner}:{source.name}") for source in made]
            granted += [
                Statement(f"Make{call}", [f"rds:Create{call}"], owners + own),
                Statement(f"Forget{call}", [f"rds:Delete{call}"], own),
            ]
    return [
        *granted,
        pass_role(
            "HandOverTheExportRole", account.role_arn(names.role(f"{name}-rds")), "export.rds.amazonaws.com"
        ),
    ]


def _catalog_statements(place: Place, catalog_arns: list[str]) -> list[Statement]:
    keeps = [
        "glue:CreatePartition",
        "glue:CreateTable",
        "glue:GetTable",
        "glue:UpdatePartition",
        "glue:UpdateTable",
    ]
    return [
        place.read("state"),
        place.write("state"),
        place.find(),
        *place.use_key("Decrypt", "GenerateDataKey"),
        *([Statement("KeepCatalog", keeps, catalog_arns)] if catalog_arns else []),
        Statement(
            "CountWhatHappened",
            ["cloudwatch:PutMetricData"],
            ["*"],
            {"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
            every_resource_because="metrics have no ARN; the namespace narrows it",
        ),
    ]
