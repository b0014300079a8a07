"""A stack's config, read into frozen settings and checked whole before the first resource is registered.

Every error of a config is told at once. A pipeline's keys are the arguments of its kind (`components/pipelines`), with
three differences: `kind` says which; `account` is a name from `accounts`; and where the kind takes a landing, `from`
names the pipeline that yields it.
"""

import dataclasses
import graphlib
import json
import re
from collections.abc import Mapping
from typing import Annotated, Any

import pulumi
from pydantic import Field

from components.accounts import AccountArgs, GcpArgs
from components.arguments import Refused, arguments, join, nearest, parse
from components.blocks.function import FunctionSettings
from components.landing import Landing
from components.pipelines import KINDS
from components.pipelines.export import ExportArgs

# Stands in for an account whose own keys are wrong, so that the rest of the config is checked all the same.
_UNKNOWN = AccountArgs(id="0" * 12, region="us-east-1")
_NAME = re.compile(r"[a-z][a-z0-9-]{1,29}")


@arguments
class AlarmArgs:
    """Who hears of an alarm."""

    emails: list[Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]] = Field(default_factory=list)
    """The addresses that each account's alarm topic mails to; each has to confirm once."""


@arguments
class StackArgs:
    """The keys of a stack's config, in the namespace of the project."""

    accounts: dict[str, Any]
    """The AWS accounts by name: {id, region, role}."""
    gcp: GcpArgs | None = None
    """The Google Cloud project: {project, location}; needed by bigquery-transfer."""
    pipelines: dict[str, Any] = Field(default_factory=dict)
    """The pipelines by name: {kind, account, …}."""
    tags: dict[str, str] = Field(default_factory=dict)
    """Tags of every AWS resource, and labels of every Google Cloud one."""
    functions: FunctionSettings = FunctionSettings()
    """What all functions have in common: {runtime, architecture, log_retention_days}."""
    alarms: AlarmArgs = AlarmArgs()
    """Who hears of an alarm: {emails}."""
    retain_data: bool = True
    """Whether buckets, keys and tables with data outlive the stack."""


@dataclasses.dataclass(frozen=True)
class PipelineSettings:
    """One pipeline of a stack."""

    kind: str
    args: Any
    source: str | None
    """The pipeline whose landing it takes."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """A stack's settings."""

    accounts: Mapping[str, AccountArgs]
    gcp: GcpArgs | None
    pipelines: Mapping[str, PipelineSettings]
    """Each after the one whose landing it takes."""
    tags: Mapping[str, str]
    alarms: AlarmArgs


def from_pulumi(config: pulumi.Config) -> Settings:
    """The settings of the stack that is being deployed. Raises Refused."""
    prefix = f"{config.name}:"
    found: dict[str, Any] = {}
    # The engine hands the config over in the environment; a program run in process (Automation API, tests) sets it.
    for key in {**pulumi.runtime.config.get_config_env(), **pulumi.runtime.config.CONFIG.get()}:
        if key.startswith(prefix):
            text = config.require(key.removeprefix(prefix))
            try:
                found[key.removeprefix(prefix)] = json.loads(text)
            except json.JSONDecodeError:
                found[key.removeprefix(prefix)] = text
    if found.get("gcp") == {}:  # Pulumi.yaml's default: the engine takes a key without one for required
        del found["gcp"]
    return read(found)


def read(config: Mapping[str, Any]) -> Settings:
    """The settings of plain data. Raises Refused, with every error of the config."""
    errors: list[str] = []

    def checked(cls: type, value: Any, path: str) -> Any:
        try:
            return parse(cls, value, path)
        except Refused as refused:
            errors.extend(refused.errors)
            return None

    stack: StackArgs | None = checked(StackArgs, config, "")
    if stack is None:
        raise Refused(errors)
    if not stack.accounts:
        errors.append(
            'accounts: empty; write at least one: {workload: {id: "<12 digits>", region: <region>}}'
        )
    accounts = {
        name: checked(AccountArgs, value, join("accounts", name)) or _UNKNOWN
        for name, value in stack.accounts.items()
    }
    errors += [
        f"{join('accounts', name)}: '{name}' is not a name (2-30 of a-z, 0-9, '-', starting with a letter)"
        for name in accounts
        if not _NAME.fullmatch(name)
    ]
    pipelines: dict[str, PipelineSettings] = {}
    landings: dict[str, Landing | None] = {}
    for name in _upstream_first(stack.pipelines, errors):
        value, path = stack.pipelines[name], join("pipelines", name)
        keys = _resolve(name, value, path, stack, accounts, landings, errors)
        if keys is None:
            landings[name] = None
            continue
        kind = KINDS[value["kind"]]
        args = checked(kind.args, keys, path)
        pipelines[name] = PipelineSettings(value["kind"], args, value.get("from"))
        landings[name] = kind.yields(args, name) if args and kind.yields else None
    if not errors:
        errors += _conflicts(pipelines)
    if errors:
        raise Refused(errors)
    return Settings(accounts, stack.gcp, pipelines, stack.tags, stack.alarms)


def _upstream_first(pipelines: Mapping[str, Any], errors: list[str]) -> list[str]:
    graph: dict[str, set[str]] = {}
    for name, value in pipelines.items():
        upstream = value.get("from") if isinstance(value, Mapping) else None
        graph[name] = {upstream} if isinstance(upstream, str) and upstream in pipelines else set()
    try:
        return list(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as cycle:
        ring = " -> ".join(reversed(cycle.args[1]))
        errors.append(f"pipelines: {ring} feed each other; one of them must start from a source")
        return []


def _resolve(
    name: str,
    value: Any,
    path: str,
    stack: StackArgs,
    accounts: Mapping[str, AccountArgs],
    landings: Mapping[str, Landing | None],
    errors: list[str],
) -> dict[str, Any] | None:
    """The arguments of a pipeline from its config: names of accounts and pipelines become what they stand for.
    None where that can't be told, so that its arguments can't be checked."""
    before = len(errors)
    if not _NAME.fullmatch(name):
        errors.append(
            f"{path}: '{name}' is not a pipeline's name (2-30 of a-z, 0-9, '-', starting with a letter); "
            f"write '{re.sub('[^a-z0-9-]+', '-', name.lower()).strip('-')[:30]}'"
        )
    if not isinstance(value, Mapping):
        errors.append(f"{path}: {value!r} is not a mapping of keys; write {{kind: export, …}}")
        return None
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        errors.append(
            f"{path}.kind: {kind!r} is not a kind of pipeline; {nearest(str(kind), KINDS)}; known: {', '.join(KINDS)}"
        )
        return None

    def account(found: Any, where: str) -> AccountArgs | None:
        if found is None and len(accounts) == 1:
            return next(iter(accounts.values()))
        if found is None:
            errors.append(f"{where}: missing; write one of {', '.join(sorted(accounts))}")
        elif not isinstance(found, str) or found not in accounts:
            errors.append(
                f"{where}: '{found}' is not an account of this stack; {nearest(str(found), accounts)}; "
                f"known: {', '.join(sorted(accounts))}"
            )
        else:
            return accounts[found]
        return None

    keys = {key: found for key, found in value.items() if key not in ("kind", "from")}
    for reserved in ("alarm_topic_arn", "functions", "retain_data"):
        if reserved in keys:
            errors.append(
                f"{path}.{reserved}: the stack's own key, not a pipeline's; write it beside 'pipelines'"
            )
    keys |= {
        "account": account(keys.get("account"), f"{path}.account"),
        "functions": stack.functions,
        "retain_data": stack.retain_data,
    }
    takes = "landing" in {field.name for field in dataclasses.fields(KINDS[kind].args)}
    upstream = value.get("from")
    if takes and ("landing" in keys) == (upstream is not None):
        errors.append(
            f"{path}.from: one landing is taken; write either 'from: <pipeline>' or "
            "'landing: {account, bucket, prefix, tables, layout}' for a bucket that exists"
        )
    elif not takes and upstream is not None:
        errors.append(f"{path}.from: no landing is taken by the kind '{kind}'; leave it out")
    elif takes and upstream is not None:
        yielding = [other for other in stack.pipelines if other != name]
        if upstream not in landings:
            errors.append(
                f"{path}.from: '{upstream}' is not a pipeline of this stack; {nearest(str(upstream), yielding)}"
            )
        elif landings[upstream] is None:
            if not any(error.startswith(f"pipelines.{upstream}") for error in errors):
                errors.append(f"{path}.from: '{upstream}' yields no landing; name an export or a replication")
            return None
        else:
            keys["landing"] = landings[upstream]
    elif takes and isinstance(keys["landing"], Mapping):
        adopted = dict(keys["landing"])
        adopted["account"] = account(adopted.get("account"), f"{path}.landing.account") or _UNKNOWN
        adopted.setdefault("name", adopted.get("bucket", "landing"))
        try:
            keys["landing"] = parse(Landing, adopted, f"{path}.landing")
        except Refused as refused:
            errors.extend(refused.errors)
    return keys if len(errors) == before else None


def _conflicts(pipelines: Mapping[str, PipelineSettings]) -> list[str]:
    """What is right in each pipeline and wrong in two together."""
    errors = []
    replicated: dict[str, str] = {}
    created: dict[tuple[AccountArgs, str], str] = {}
    for name, pipeline in pipelines.items():
        if pipeline.kind == "replication":
            bucket = str(pipeline.args.landing.bucket)
            if bucket in replicated:
                errors.append(
                    f"pipelines.{name}.from: the landing is replicated by '{replicated[bucket]}' already, and a bucket "
                    f"has one set of rules; chain the two (from: {replicated[bucket]}), or give one its own landing"
                )
            replicated.setdefault(bucket, name)
        if isinstance(pipeline.args, ExportArgs):
            for index, source in enumerate(pipeline.args.sources):
                table = (pipeline.args.account, source.dynamodb)
                if source.create and table in created:
                    errors.append(
                        f"pipelines.{name}.sources[{index}].create: table '{source.dynamodb}' is created by "
                        f"'{created[table]}' already; leave 'create' out here"
                    )
                elif source.create:
                    created[table] = name
    return errors
