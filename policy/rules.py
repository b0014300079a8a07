"""Rules that hold for any stack, as pure functions of what a program asks for.

A resource is its type token, its name and its properties, with keys in snake_case. A property that isn't known yet is
UNKNOWN; a rule that needs it to decide waits: it finds nothing at preview and runs again at the update, before the
resource is made. Rules on one resource run as it is registered; those on several are in `together`.

Sources: "Security best practices in IAM", "The confused deputy problem" and "Grant a user permissions to pass a role"
(https://docs.aws.amazon.com/IAM/latest/UserGuide/), "Security best practices for Amazon S3", "Using dead-letter queues"
and "Asynchronous invocation" (https://docs.aws.amazon.com/lambda/latest/dg/), "Using IAM securely"
(https://cloud.google.com/iam/docs/using-iam-securely).
"""

import contextlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar


class NotKnownYet(Exception):
    """A rule needs a value that is known only after the update."""


def _waits(*_: Any) -> Any:
    raise NotKnownYet


class _Unknown:
    """Whoever needs its value (a truth, a comparison, a key, its text) gets NotKnownYet; `is UNKNOWN` needs none."""

    __bool__: Any = _waits
    __eq__ = __ne__ = __str__ = __iter__ = __contains__ = __getitem__ = __bool__
    __hash__ = object.__hash__

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name) if name.startswith("__") else NotKnownYet

    def __repr__(self) -> str:
        return "(known after the update)"


UNKNOWN: Any = _Unknown()
T = TypeVar("T")
Props = Mapping[str, Any]
Found = Iterator[tuple[str, str]]
"""What was found, and what to write instead."""


@dataclass(frozen=True)
class Resource:
    """One resource of the program; `links` tells which resources (as `<type>::<name>`) a property comes from."""

    type: str
    name: str
    props: Props
    links: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"{self.type}::{self.name}"


@dataclass(frozen=True)
class Violation:
    """A rule that a resource breaks."""

    resource: str
    rule: str
    found: str
    write: str

    def __str__(self) -> str:
        return f"{self.resource} breaks '{self.rule}': {self.found}; {self.write}"


_RULES: list[tuple[re.Pattern[str], Callable[[Props], Found]]] = []


def _rule(types: str) -> Callable[[Callable[[Props], Found]], Callable[[Props], Found]]:
    def keep(function: Callable[[Props], Found]) -> Callable[[Props], Found]:
        _RULES.append((re.compile(types), function))
        return function

    return keep


def check(resource: Resource) -> list[Violation]:
    """What one resource breaks by itself, as far as it is known."""
    return [
        Violation(resource.key, _title(rule), found, write)
        for types, rule in _RULES
        if types.fullmatch(resource.type)
        for found, write in until_unknown(rule(resource.props))
    ]


def until_unknown(found: Iterable[T]) -> Iterator[T]:
    """What a rule finds before it comes to a value that it has to wait for."""
    with contextlib.suppress(NotKnownYet):
        yield from found


def some(items: Iterable[T], test: Callable[[T], object]) -> bool:
    """Whether one of the items passes. Where none does, and one can't be judged yet, that is not known yet."""
    waits = False
    for item in items:
        try:
            if test(item):
                return True
        except NotKnownYet:
            waits = True
    if waits:
        raise NotKnownYet
    return False


def _title(rule: Callable[..., Any]) -> str:
    return rule.__name__.replace("_", " ")


# --- statements of policies and trusts -------------------------------------------------------------------------------

_IDENTITY_POLICIES = r"aws:iam/(rolePolicy|policy|userPolicy|groupPolicy):\w+"
_RESOURCE_POLICIES = r"aws:(s3/bucketPolicy|sqs/queuePolicy|sns/topicPolicy|kms/key|kms/keyPolicy):\w+"
_ANY_STATEMENTS = rf"({_IDENTITY_POLICIES}|{_RESOURCE_POLICIES}|aws:iam/role:Role)"

# Actions that know no resource narrower than '*' (https://docs.aws.amazon.com/service-authorization/latest/reference/).
NO_NARROWER_RESOURCE = frozenset({
    "aoss:BatchGetCollection", "aoss:GetSecurityPolicy", "aoss:UpdateSecurityPolicy", "cloudwatch:PutMetricData",
    "dynamodb:ListTables", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets", "ec2:DescribeVpcs", "kms:ListAliases", "lambda:ListEventSourceMappings",
    "logs:DescribeLogGroups", "s3:CreateJob", "s3:ListAllMyBuckets", "s3:ListJobs", "xray:PutTraceSegments",
})  # fmt: skip


@_rule(_ANY_STATEMENTS)
def a_statement_says_by_a_sid_what_it_lets_happen(props: Props) -> Found:
    for index, statement in enumerate(_statements(props)):
        if statement is UNKNOWN:
            continue
        if not statement.get("Sid"):
            yield f"statement {index} has no Sid", "give it one, like 'ReadStream'"


@_rule(_ANY_STATEMENTS)
def a_grant_names_its_actions(props: Props) -> Found:
    for statement in _allows(props):
        wide = [action for action in _known(statement.get("Action")) if "*" in action]
        if wide or "NotAction" in statement:
            yield (
                f"{_sid(statement)} grants {', '.join(wide) or 'NotAction'}",
                "name the actions that are used",
            )


@_rule(_IDENTITY_POLICIES)
def a_grant_names_its_resources(props: Props) -> Found:
    for statement in _allows(props):
        actions = _known(statement.get("Action"))
        narrower = [action for action in actions if action not in NO_NARROWER_RESOURCE]
        if ("*" in _known(statement.get("Resource")) and narrower) or "NotResource" in statement:
            yield (
                f"{_sid(statement)} grants {', '.join(narrower)} on '*'",
                "name the resources, or, if the service knows none, add the action to NO_NARROWER_RESOURCE",
            )


@_rule(_ANY_STATEMENTS)
def a_service_acts_for_this_account_only(props: Props) -> Found:
    for statement in _allows(props):
        services = _known(_principal(statement).get("Service"))
        keys = {key.lower() for tests in statement.get("Condition", {}).values() for key in tests}
        if services and not keys & {"aws:sourceaccount", "aws:sourcearn"}:
            yield (
                f"{_sid(statement)} lets {', '.join(services)} act for anybody",
                'add the condition "StringEquals": {"aws:SourceAccount": <the account\'s id>}',
            )


@_rule(_ANY_STATEMENTS)
def nothing_is_granted_to_everybody(props: Props) -> Found:
    for statement in _allows(props):
        principal = statement.get("Principal")
        everybody = principal == "*" or "*" in [
            who for each in _principal(statement).values() for who in _known(each)
        ]
        if everybody or "NotPrincipal" in statement:
            yield f"{_sid(statement)} grants to '*'", "name the role or the account that needs it"


@_rule(_IDENTITY_POLICIES)
def a_role_is_passed_to_one_service_only(props: Props) -> Found:
    for statement in _allows(props):
        keys = {key.lower() for tests in statement.get("Condition", {}).values() for key in tests}
        if "iam:PassRole" in _known(statement.get("Action")) and "iam:passedtoservice" not in keys:
            yield (
                f"{_sid(statement)} passes a role to any service",
                'add the condition "StringEquals": {"iam:PassedToService": <the service>}',
            )


# --- single resources ------------------------------------------------------------------------------------------------


@_rule(r"aws:s3/bucketPublicAccessBlock:\w+")
def a_bucket_blocks_all_public_access(props: Props) -> Found:
    for key in ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"):
        if (blocks := props.get(key)) is not UNKNOWN and not blocks:
            yield f"{key} is {blocks}", f"write {key}=True"


@_rule(r"aws:s3/bucketPolicy:\w+")
def a_bucket_is_reached_by_tls_only(props: Props) -> Found:
    if not some(_statements(props), _denies_plain_http):
        yield (
            "no statement denies plain HTTP",
            'deny "s3:*" on the bucket and its objects to everybody when "aws:SecureTransport" is "false"',
        )


def _denies_plain_http(statement: Props) -> bool:
    insecure = statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport") in ("false", False)
    everybody = statement.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]})
    ends = {str(resource).endswith("/*") for resource in _listed(statement.get("Resource"))}
    everything = _listed(statement.get("Action")) == ["s3:*"] and ends == {True, False}
    return statement.get("Effect") == "Deny" and insecure and everybody and everything


@_rule(r"aws:sqs/queue:Queue")
def a_queue_is_encrypted(props: Props) -> Found:
    if not props.get("sqs_managed_sse_enabled") and not props.get("kms_master_key_id"):
        yield "it has no encryption", "write sqs_managed_sse_enabled=True, or a kms_master_key_id"


@_rule(r"aws:cloudwatch/logGroup:LogGroup")
def a_log_is_kept_for_a_time(props: Props) -> Found:
    if not props.get("retention_in_days"):
        yield "logs are kept for ever", "write retention_in_days, like 90"


# What looks like a secret: a name that says so and is not the name of where it is; an access key; a private key.
_SECRET_NAME = re.compile(r"(secret|password|passwd|token|api_?key|private_?key|access_?key)", re.IGNORECASE)
_NAME_OF_A_PLACE = re.compile(r"_(arn|name|id|path|url)$", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----")


@_rule(r"aws:lambda/function:Function")
def no_secret_stands_in_a_functions_environment(props: Props) -> Found:
    environment = props.get("environment")
    variables = environment.get("variables") if isinstance(environment, Mapping) else None
    for name, value in variables.items() if isinstance(variables, Mapping) else ():
        told_by_name = _SECRET_NAME.search(name) and not _NAME_OF_A_PLACE.search(name)
        if value is not UNKNOWN and (told_by_name or _SECRET_VALUE.search(str(value))):
            yield f"{name} looks like a secret", "keep it in Secrets Manager and give the function its ARN"


@_rule(r"aws:lambda/permission:Permission")
def a_services_call_names_its_source_and_account(props: Props) -> Found:
    keys = ("source_arn", "source_account")
    missing = [key for key in keys if (value := props.get(key)) is not UNKNOWN and not value]
    if str(props.get("principal")).endswith(".amazonaws.com") and missing:
        yield (
            f"{' and '.join(missing)} not given, so anybody's {props['principal']} may call",
            f"write {missing[0]}",
        )


@_rule(r".*")
def no_access_key_is_written_down(props: Props) -> Found:
    for path, value in _leaves(props):
        name, text = path.split(".")[-1], str(value)
        # A key's id where an id belongs opens nothing; as a secret it would hide what stands beside it from previews.
        told = _SECRET_VALUE.search(text) and not (name == "access_key_id" and _SECRET_VALUE.fullmatch(text))
        if name in ("secret_key", "secret_access_key") or told:
            yield (
                f"{path} holds a credential in plain text",
                "take it from the environment, or pass a Pulumi secret",
            )


@_rule(r"gcp:.*")
def nothing_at_google_is_public(props: Props) -> Found:
    for path, value in _leaves(props):
        if value in ("allUsers", "allAuthenticatedUsers"):
            yield f"{path} is {value}", "name the service account or the group that needs it"


@_rule(r"gcp:.*(IAM|Iam).*")
def no_primitive_role_at_google(props: Props) -> Found:
    if props.get("role") in ("roles/owner", "roles/editor", "roles/viewer"):
        yield (
            f"role is {props['role']}",
            "grant the predefined roles that are needed, like 'roles/bigquery.dataEditor'",
        )


@_rule(r"gcp:storage/bucket:Bucket")
def a_google_bucket_has_one_kind_of_access_and_is_private(props: Props) -> Found:
    uniform, prevention = props.get("uniform_bucket_level_access"), props.get("public_access_prevention")
    if uniform is not UNKNOWN and not uniform:
        yield "objects can have ACLs of their own", "write uniform_bucket_level_access=True"
    if prevention is not UNKNOWN and prevention != "enforced":
        yield "it can be made public", "write public_access_prevention='enforced'"


# --- reading properties ----------------------------------------------------------------------------------------------


def _statements(props: Props) -> list[Props]:
    document = props.get("policy") or props.get("assume_role_policy")
    if document is None:
        return []
    if isinstance(document, str):
        document = json.loads(document)
    return _listed(document.get("Statement"))


def _allows(props: Props) -> list[Props]:
    return [statement for statement in _known(_statements(props)) if statement.get("Effect") == "Allow"]


def _principal(statement: Props) -> Props:
    principal = statement.get("Principal")
    return principal if isinstance(principal, Mapping) else {}


def _sid(statement: Props) -> str:
    return f"statement {statement.get('Sid') or '(without Sid)'}"


def _known(value: Any) -> list[Any]:
    """What of a list is known: enough for a rule that one bad item breaks."""
    return [] if value is UNKNOWN else [item for item in _listed(value) if item is not UNKNOWN]


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    if value is UNKNOWN:
        raise NotKnownYet
    return list(value) if isinstance(value, list | tuple) else [value]


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{index}]")
    elif value is not None and value is not UNKNOWN:
        yield path, value
