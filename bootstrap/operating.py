"""The policies of who sees how a running stack does, and of who runs, pauses and resumes its pipelines (operate/), one
account at a time. Made of the stack's outputs, as `operate` is driven by them.

`status` reads the records that runs leave, the services' descriptions and metrics: no table, no stream, no index, and
of a bucket the record of each published table and the manifest of each export alone. `operate` starts and stops.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from bootstrap.roles import Grant, Stack, bucket_keys
from components.shared import dynamodb_exports, landing_folders

Described = Mapping[str, Any]
RECORDS = landing_folders.published_record("*")
MANIFESTS = f"{dynamodb_exports.MARK}*/{dynamodb_exports.SUMMARY}"


def status(stack: Stack, place: Mapping[str, str]) -> list[Grant]:
    """What reading how the pipelines of this account do takes; nothing where none concerns it."""
    own = list(_of(stack, place))
    watched = own + [p for p in _every(stack) if p not in own and _is(p.get("source"), place)]
    if not watched:
        return []
    grants = [
        *_measures(place, own, watched),
        Grant(
            "SeeAlarms", "asked for by the beginning of their names, alarms are all of the account's",
            ["cloudwatch:DescribeAlarms"], [_arn(place, "cloudwatch", "alarm:*")],
        ),
    ]  # fmt: skip
    grants += _records(stack, place, own)
    machines = [str(p["state_machine"]) for p in own if p.get("state_machine")]
    if machines:
        runs = [f"{machine.replace(':stateMachine:', ':execution:')}:*" for machine in machines]
        grants.append(Grant("FindRuns", "the runs of an export", ["states:ListExecutions"], machines))
        grants.append(Grant("ReadRuns", "why a run failed", ["states:DescribeExecution"], runs))
    tables = [
        _arn(place, "dynamodb", f"table/{table}")
        for p in own if p["kind"] == "export" and not p.get("state_machine")
        for table in p["landing"]["tables"]
    ]  # fmt: skip
    if tables:
        exports = [f"{table}/export/*" for table in tables]
        grants.append(Grant("FindExports", "the exports of a table", ["dynamodb:ListExports"], tables))
        grants.append(Grant("ReadExports", "what became of each", ["dynamodb:DescribeExport"], exports))
    return grants + _described(place, own)


def operate(stack: Stack, place: Mapping[str, str]) -> list[Grant]:
    """What running, pausing and resuming the pipelines of this account takes."""
    own = list(_of(stack, place))
    grants = _described(place, own)
    if machines := [str(p["state_machine"]) for p in own if p.get("state_machine")]:
        grants.append(Grant("StartRuns", "starts a run", ["states:StartExecution"], machines))
    called = [
        str(p[key]) for p in own for key in ("function", "replay") if p["kind"] in CALLED and p.get(key)
    ]
    if called:
        functions = [_arn(place, "lambda", f"function:{name}") for name in called]
        grants.append(
            Grant("CallFunctions", "starts exports, or a replay", ["lambda:InvokeFunction"], functions)
        )
    if pipelines := _ingestion(place, own):
        both = ["osis:StartPipeline", "osis:StopPipeline"]
        grants.append(Grant("SwitchIngestion", "stops ingestion pipelines, and starts them", both, pipelines))
    if schedules := _schedules(place, own):
        grants.append(
            Grant(
                "SwitchSchedules",
                "a schedule's state is sent with all of it",
                ["scheduler:UpdateSchedule"],
                schedules,
            )
        )
        roles = [
            f"arn:{place['partition']}:iam::{place['account']}:role/{name}"
            for name in sorted({name for p in own for name in _names(p, "schedules")})
        ]
        to_scheduler = {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}
        grants.append(
            Grant("HandOverTheirRoles", "with its role, as it has it", ["iam:PassRole"], roles, to_scheduler)
        )
    if rules := _rules(place, own):
        grants.append(
            Grant("SwitchRules", "rules that start runs", ["events:DisableRule", "events:EnableRule"], rules)
        )
    return grants


CALLED = ("export", "firehose")
"""The kinds whose `run` calls a function."""


def _measures(place: Mapping[str, str], own: list[Described], watched: list[Described]) -> Iterator[Grant]:
    """What CloudWatch measured, where no record says what arrived."""
    by_rule = [
        p for p in watched if p["kind"] == "replication" and _is(p["source"], place) and not _listed(p)
    ]
    if by_rule or any(p["kind"] in MEASURED for p in own):
        names = ["cloudwatch:ListMetrics"] if by_rule else []
        yield Grant("Measure", "metrics have no ARN", ["cloudwatch:GetMetricData", *names], ["*"])


MEASURED = ("zero-etl", "firehose")
"""The kinds that carry without runs, so that metrics alone say what arrived."""


def _listed(replication: Described) -> bool:
    """Whether what it carries is exports, whose manifests say what came."""
    return replication["landing"]["layout"] == "dynamodb-export" and bool(replication["landing"]["tables"])


def _described(place: Mapping[str, str], own: list[Described]) -> list[Grant]:
    """Whether each switch is on or off."""
    grants: list[Grant] = []
    for sid, action, arns in (
        ("SeeIngestion", "osis:GetPipeline", _ingestion(place, own)),
        ("SeeSchedules", "scheduler:GetSchedule", _schedules(place, own)),
        ("SeeRules", "events:DescribeRule", _rules(place, own)),
    ):
        if arns:
            grants.append(Grant(sid, "whether it is on", [action], arns))
    return grants


def _records(stack: Stack, place: Mapping[str, str], own: list[Described]) -> Iterator[Grant]:
    """The records of what arrived, in the buckets that the runs write."""
    lists: dict[str, list[str]] = {}
    objects: list[str] = []
    for p in own:
        bucket = f"arn:{place['partition']}:s3:::{p.get('bucket')}"
        if p.get("state_machine"):
            lists.setdefault(bucket, []).append(f"{landing_folders.STATE}*")
            objects.append(f"{bucket}/{RECORDS}")
        if p["kind"] == "replication" and _listed(p):
            for table in p["landing"]["tables"]:
                folder = f"{p['landing']['prefix']}{table}/"
                lists.setdefault(bucket, []).append(f"{folder}{dynamodb_exports.MARK}*")
                objects.append(f"{bucket}/{folder}{MANIFESTS}")
    for bucket, prefixes in sorted(lists.items()):
        yield Grant(
            "FindRecords", "finds the records of what arrived", ["s3:ListBucket"], [bucket],
            {"StringLike": {"s3:prefix": sorted(prefixes)}},
        )  # fmt: skip
    if not objects:
        return
    yield Grant(
        "ReadRecords", "what was published, and which exports came", ["s3:GetObject"], sorted(objects)
    )
    buckets = {arn.rpartition(":")[2] for arn in lists}
    yield from _keys(stack, place, buckets)


def _keys(stack: Stack, place: Mapping[str, str], buckets: set[str]) -> Iterator[Grant]:
    """The keys of these buckets, used through S3, which lets read no more than the records."""
    created, adopted = bucket_keys(stack.of(place), buckets)
    suffix = ".cn" if place["partition"] == "aws-cn" else ""
    through_s3 = {"kms:ViaService": f"s3.{place['region']}.amazonaws.com{suffix}"}
    why = "records are encrypted with the bucket's key"
    if created:
        tags = stack.tags("ResourceTag")["StringEquals"]
        every = [_arn(place, "kms", "key/*")]
        yield Grant("DecryptRecords", why, ["kms:Decrypt"], every, {"StringEquals": {**tags, **through_s3}})
    if adopted:
        yield Grant("DecryptAdopted", why, ["kms:Decrypt"], adopted, {"StringEquals": through_s3})


def _ingestion(place: Mapping[str, str], own: list[Described]) -> list[str]:
    of_tables: list[dict[str, str]] = [p.get("ingestion_pipelines") or {} for p in own]
    named = {name for tables in of_tables for name in tables.values()}
    return [_arn(place, "osis", f"pipeline/{name}") for name in sorted(named)]


def _schedules(place: Mapping[str, str], own: list[Described]) -> list[str]:
    named = {name for p in own for name in _names(p, "schedules")}
    return [_arn(place, "scheduler", f"schedule/{name}/{name}") for name in sorted(named)]


def _rules(place: Mapping[str, str], own: list[Described]) -> list[str]:
    named = {name for p in own for name in _names(p, "rules")}
    return [_arn(place, "events", f"rule/{name}") for name in sorted(named)]


def _names(described: Described, key: str) -> list[str]:
    return described.get(key) or []


def _every(stack: Stack) -> list[Described]:
    return list(stack.program.outputs["pipelines"].values())


def _of(stack: Stack, place: Mapping[str, str]) -> Iterator[Described]:
    return (p for p in _every(stack) if _is(p, place))


def _is(described: Described | None, place: Mapping[str, str]) -> bool:
    return described is not None and (described["account"], described["region"]) == (
        place["account"],
        place["region"],
    )


def _arn(place: Mapping[str, str], service: str, resource: str) -> str:
    return f"arn:{place['partition']}:{service}:{place['region']}:{place['account']}:{resource}"
