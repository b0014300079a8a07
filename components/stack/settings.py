"""A stack's config, read into frozen settings and checked whole before the first resource is registered.

All errors of a config are reported at once. A pipeline's keys are the arguments of its kind
(`components/stack/kinds.py`), with four differences: `kind` names the kind; `account` is a name from `accounts`; what
the kind takes of another pipeline is that pipeline's name: `from` for a landing, `collection_of` for a collection,
`group_of` for a collection group; `usage` is what it is used for, which only the estimate of its cost reads.
"""

import dataclasses
import graphlib
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeVar

import pulumi
from pydantic import Field

from components.accounts import AccountArgs, GcpArgs
from components.arguments import Email, Refused, arguments, join, matching, nearest, of_the_stack, parse
from components.arguments.config import values_of
from components.arguments.plain import is_mapping
from components.blocks.function import FunctionSettings
from components.cost.usage import USAGE
from components.landing import Landing
from components.pipelines.pipeline import GROUP, HAND_OVERS, LANDING, HandOver
from components.stack import conflicts
from components.stack.copies import with_copies
from components.stack.kinds import KINDS, PipelineSettings
from components.stack.neighbours import meet_no_other_stack

_OF_THE_STACK = frozenset[str]().union(*(of_the_stack(kind.args) for kind in KINDS.values()))
T = TypeVar("T")
# https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
_TAGS = "letters, digits, spaces and '_.:/=+-@'"
TagKey = Annotated[
    str,
    matching(
        r"(?!(?i:aws:|tributary-))[\w .:/=+@-]{1,128}",
        f"'{{value}}' is not a tag's key (1-128 of {_TAGS}; 'aws:' and 'tributary-' are taken); choose another",
        re.UNICODE,
    ),
]
TagValue = Annotated[
    str,
    matching(
        r"[\w .:/=+@-]{0,256}",
        f"'{{value}}' is not a tag's value (at most 256 of {_TAGS}); write it differently",
        re.UNICODE,
    ),
]
_NAME = re.compile(r"[a-z][a-z0-9-]{1,29}")


@arguments
class AlarmArgs:
    """Who hears of an alarm."""

    emails: list[Email] = Field(default_factory=list)
    """The addresses that each account's alarm topic mails to; each has to confirm once."""


@arguments
class CostArgs:
    """What the stack may cost."""

    ceiling: Annotated[float, Field(ge=0, le=10**9)] | None = None
    """US dollars a month, at rest and by use, that the estimate's least must not pass; without it there is none."""
    enforcement: Literal["advisory", "mandatory"] = "advisory"
    """Whether an estimate above the ceiling is a warning, or fails the preview."""


@arguments
class StackArgs:
    """The keys of a stack's config, in the namespace of the project."""

    accounts: dict[str, Any]
    """The AWS accounts by name: {id, region, role}."""
    gcp: GcpArgs | None = None
    """The Google Cloud project: {project, location}; needed by bigquery-transfer."""
    pipelines: dict[str, Any] = Field(default_factory=dict)
    """The pipelines by name: {kind, account, …}."""
    tags: Annotated[dict[TagKey, TagValue], Field(max_length=48)] = Field(default_factory=dict)
    """Tags of every AWS resource, and labels of every Google Cloud one."""
    functions: FunctionSettings = FunctionSettings()
    """What all functions have in common: {runtime, architecture, log_retention_days}."""
    alarms: AlarmArgs = AlarmArgs()
    """Who hears of an alarm: {emails}."""
    dashboard: bool = False
    """Whether each AWS account with pipelines has a CloudWatch dashboard of their alarms and of what arrived."""
    retain_data: bool = True
    """Whether buckets, keys and tables with data outlive the stack."""
    cost: CostArgs = CostArgs()
    """What the stack may cost: {ceiling, enforcement}."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """A stack's settings."""

    accounts: Mapping[str, AccountArgs]
    gcp: GcpArgs | None
    pipelines: Mapping[str, PipelineSettings]
    """Each after the one whose landing it takes."""
    tags: Mapping[str, str]
    alarms: AlarmArgs
    cost: CostArgs
    dashboard: bool = False


def from_pulumi(config: pulumi.Config) -> Settings:
    """The settings of the stack that is being deployed. Raises Refused."""
    settings = read(values_of(config))
    meet_no_other_stack({"accounts": settings.accounts, "pipelines": settings.pipelines})
    return settings


def read(config: Mapping[str, Any]) -> Settings:
    """The settings of plain data. Raises Refused, with every error of the config."""
    # The engine requires a key without a default, and an object's default can't be null.
    written = {key: value for key, value in config.items() if (key, value) != ("gcp", {})}
    # Key by key, so that what is wrong in one does not hide what is wrong in the pipelines.
    sound: dict[str, Any] = {}
    errors: list[str] = []
    for key, value in written.items():
        try:
            parse(StackArgs, {"accounts": {}, key: value})
            sound[key] = value
        except Refused as refused:
            errors.extend(refused.errors)
    if "accounts" not in written:
        try:
            parse(StackArgs, {})
        except Refused as refused:
            errors.extend(refused.errors)
    whole: dict[str, Any] = {"accounts": {}, **sound}
    return _Reading(parse(StackArgs, whole), errors).settings()


class _Reading:
    """One reading of a stack's config: names become what they stand for, errors gather."""

    def __init__(self, stack: StackArgs, errors: list[str]):
        self.stack = stack
        self.errors = errors
        # None where its own keys are wrong.
        self.accounts: dict[str, AccountArgs | None] = {}
        # What each pipeline yields that another can take, None where its own config is wrong.
        self.yielded: dict[str, Mapping[HandOver, Any] | None] = {}

    def settings(self) -> Settings:
        self._read_accounts()
        pipelines: dict[str, PipelineSettings] = {}
        for name in self._upstream_first():
            pipeline = self._pipeline(name, self.stack.pipelines[name], join("pipelines", name))
            self.yielded[name] = None
            if pipeline:
                pipelines[name] = pipeline
                self.yielded[name] = {
                    key: planned(pipeline.args, name) for key, planned in KINDS[pipeline.kind].yields.items()
                }
        self.errors += [
            *conflicts.between_pipelines(pipelines),
            *conflicts.in_shared_collections(pipelines),
            *conflicts.in_shared_groups(pipelines),
            *conflicts.in_adopted_groups(pipelines),
            *conflicts.tags_as_labels(self.stack.tags if self.stack.gcp else {}),
        ]
        if self.errors:
            raise Refused(self.errors)
        accounts = {name: account for name, account in self.accounts.items() if account}
        return Settings(
            accounts,
            self.stack.gcp,
            pipelines,
            self.stack.tags,
            self.stack.alarms,
            self.stack.cost,
            self.stack.dashboard,
        )

    def _checked(self, cls: type[T], value: Any, path: str, already_reported: Iterable[str] = ()) -> T | None:
        try:
            return parse(cls, value, path, already_reported)
        except Refused as refused:
            self.errors.extend(refused.errors)
            return None

    def _read_accounts(self) -> None:
        if not self.stack.accounts and not self._has_error("accounts"):
            self.errors.append(
                'accounts: empty; write at least one: {workload: {id: "<12 digits>", region: <region>}}'
            )
        for name, value in self.stack.accounts.items():
            path = join("accounts", name)
            self.accounts[name] = self._checked(AccountArgs, value, path)
            if not _NAME.fullmatch(name):
                self.errors.append(
                    f"{path}: '{name}' is not a name (2-30 of a-z, 0-9, '-', starting with a letter)"
                )

    def _upstream_first(self) -> list[str]:
        graph: dict[str, set[str]] = {}
        for name, value in self.stack.pipelines.items():
            named = [value.get(each.reference) for each in HAND_OVERS] if is_mapping(value) else []
            graph[name] = {
                other for other in named if isinstance(other, str) and other in self.stack.pipelines
            }
        while True:
            try:
                return list(graphlib.TopologicalSorter(graph).static_order())
            except graphlib.CycleError as cycle:
                ring = list(reversed(cycle.args[1]))
                self.errors.append(
                    f"pipelines: {' -> '.join(ring)} feed each other; one of them must start from a source"
                )
                for name in ring:
                    graph[name], self.yielded[name] = set(), None

    def _pipeline(self, name: str, value: Any, path: str) -> PipelineSettings | None:
        if not _NAME.fullmatch(name):
            fitting = re.sub("[^a-z0-9-]+", "-", name.lower()).strip("-")[:30]
            self.errors.append(
                f"{path}: '{name}' is not a pipeline's name (2-30 of a-z, 0-9, '-', starting with a letter)"
                + (f"; write '{fitting}'" if _NAME.fullmatch(fitting) else "")
            )
        if not is_mapping(value):
            self.errors.append(f"{path}: {value!r} is not a mapping of keys; write {{kind: export, …}}")
            return None
        kind = value.get("kind")
        if not isinstance(kind, str) or kind not in KINDS:
            self.errors.append(
                f"{path}.kind: {kind!r} is not a kind of pipeline; {nearest(str(kind), KINDS, listed=True)}"
            )
            return None
        of_the_config = {"kind", "usage", *(hand_over.reference for hand_over in HAND_OVERS)}
        # An empty key (`landing:`) is one that is left out; further on None stands for what is reported already.
        empty = {each.argument for each in HAND_OVERS if value.get(each.argument) is None}
        keys = {key: setting for key, setting in value.items() if key not in of_the_config | empty}
        usage = self._checked(USAGE[kind], value["usage"], f"{path}.usage") if "usage" in value else None
        for reserved in sorted(_OF_THE_STACK):
            if keys.pop(reserved, None) is not None:
                self.errors.append(
                    f"{path}.{reserved}: the stack's own key, not a pipeline's; write it beside 'pipelines'"
                )
        own = {
            "functions": self.stack.functions,
            "retain_data": self.stack.retain_data,
            "gcp": self.stack.gcp,
        }
        # What the kind's arguments are marked with; None where the stack's own keys are wrong.
        filled: dict[str, Any] = {
            "account": self._account(keys.get("account"), f"{path}.account"),
            **{key: own[key] for key in own if key in of_the_stack(KINDS[kind].args)},
        }
        known = {field.name for field in dataclasses.fields(KINDS[kind].args)}
        if KINDS[kind].google and not self.stack.gcp and not self._has_error("gcp"):
            self.errors.append(
                f"{path}: the kind '{kind}' needs a Google Cloud project; write gcp: {{project: <id>, "
                "location: EU} beside 'pipelines'"
            )
        keys |= filled
        if GROUP.argument in known & keys.keys() and GROUP.reference not in value:
            # What is handed over within a program; of a name that is only written nothing is read.
            self.errors.append(
                f"{path}.{GROUP.argument}: a program of your own hands it over; write {GROUP.reference}: <pipeline> "
                "for the group that another pipeline of this stack makes, or collection: {group: {adopt: <name>}} for "
                "one that is there already"
            )
            keys[GROUP.argument] = None
        takes = {each: value[each.reference] for each in HAND_OVERS if each.reference in value}
        for hand_over, upstream in takes.items():
            if problem := _not_taken(hand_over, kind, known, keys):
                self.errors.append(f"{path}.{hand_over.reference}: {problem}")
                keys[hand_over.argument] = None
            else:
                keys[hand_over.argument] = self._taken(name, hand_over, upstream, path)
        if LANDING.argument in known:
            self._one_landing(keys, "from" in value, path)
        keys = dict(with_copies(name, kind, keys, self.stack.pipelines))
        # An error of these is reported already: the other keys are checked all the same.
        already_reported = [
            key
            for key in (*filled, *(each.argument for each in HAND_OVERS))
            if key in keys and keys[key] is None
        ]
        keys = {key: setting for key, setting in keys.items() if key in known or key not in already_reported}
        args = self._checked(KINDS[kind].args, keys, path, [key for key in already_reported if key in known])
        return PipelineSettings(kind, args, takes, usage) if args and not already_reported else None

    def _has_error(self, key: str) -> bool:
        """Whether an error of the key itself is reported already."""
        return any(error.startswith((f"{key}: ", f"{key}.")) for error in self.errors)

    def _account(self, account: Any, where: str) -> AccountArgs | None:
        if not self.accounts:
            return None  # the errors of `accounts` are reported already
        if account is None and len(self.accounts) == 1:
            return next(iter(self.accounts.values()))
        if isinstance(account, str) and account in self.accounts:
            return self.accounts[account]
        if account is None:
            self.errors.append(f"{where}: missing; write one of {', '.join(sorted(self.accounts))}")
        else:
            near = nearest(str(account), self.accounts, listed=True)
            self.errors.append(f"{where}: '{account}' is not an account of this stack; {near}")
        return None

    def _taken(self, name: str, hand_over: HandOver, upstream: Any, path: str) -> Any:
        """What another pipeline yields; None where that is not known."""
        where = f"{path}.{hand_over.reference}"
        if not isinstance(upstream, str) or upstream not in self.yielded:
            near = nearest(str(upstream), [other for other in self.stack.pipelines if other != name])
            self.errors.append(f"{where}: '{upstream}' is not a pipeline of this stack; {near}")
            return None
        yielded = self.yielded[upstream]
        if yielded is not None and hand_over not in yielded:
            kinds = " or ".join(f"'{kind}'" for kind, each in KINDS.items() if hand_over in each.yields)
            self.errors.append(f"{where}: '{upstream}' yields no {hand_over.what}; name one of kind {kinds}")
            return None
        if yielded is None:
            return None  # its own errors are reported already
        if yielded[hand_over] is None:
            self.errors.append(f"{where}: '{upstream}' {hand_over.lacking}")
        return yielded[hand_over]

    def _one_landing(self, keys: dict[str, Any], taken: bool, path: str) -> None:
        if "landing" not in keys and not taken:
            keys["landing"] = None
            self.errors.append(
                f"{path}.from: one landing is taken; write either 'from: <pipeline>' or "
                "'landing: {account, bucket, prefix, tables, layout}' for a bucket that exists"
            )
        elif isinstance(keys.get("landing"), Mapping):
            adopted = dict(keys["landing"]) | {"adopted": True}
            adopted["account"] = self._account(adopted.get("account"), f"{path}.landing.account")
            adopted.setdefault("name", adopted.get("bucket", "landing"))
            already_reported = [] if adopted["account"] else ["account"]
            keys["landing"] = self._checked(Landing, adopted, f"{path}.landing", already_reported)


def _not_taken(hand_over: HandOver, kind: str, known: set[str], keys: Mapping[str, Any]) -> str | None:
    """Why a kind does not take it, or not besides what is written."""
    if hand_over.argument not in known:
        return f"no {hand_over.what} is taken by the kind '{kind}'; leave it out"
    if hand_over.argument in keys:
        return f"one {hand_over.what} is taken; leave out '{hand_over.reference}' or '{hand_over.argument}'"
    return None
