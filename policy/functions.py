"""Rules on functions: who calls them, what stands in their environment, where their failures go."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from policy.parts import has, of
from policy.rule import Problems, Props, Resource, resource_rule, rule, together_rule
from policy.values import UNKNOWN, absent, is_list, is_mapping, some, within

_LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/"
_FUNCTION = "aws:lambda/function:Function"
_FIREHOSE = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"
Question = Iterator[tuple[str, str]]

# What counts as a secret: a name that says so and is not the name of where it is; an access key; a private key.
SECRET_VALUE = re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----")
_SECRET_NAME = re.compile(r"(secret|password|passwd|token|api_?key|private_?key|access_?key)", re.IGNORECASE)
_PASSWORD_IN_A_URL = re.compile(r"://[^/\s:@]+:[^/\s:@]+@")
_NAME_OF_A_PLACE = re.compile(r"_(arn|name|id|path|url)$", re.IGNORECASE)


@rule(
    _FUNCTION,
    write="keep it in Secrets Manager and give the function its ARN",
    page=_LAMBDA + "configuration-envvars.html",
)
def no_secret_stands_in_a_functions_environment(props: Props) -> Problems:
    """A variable of a function whose name (`DB_PASSWORD`) or value (an access key, a private key, a URL with a
    password) is a secret's."""
    environment = props.get("environment")
    variables = environment.get("variables") if is_mapping(environment) else None
    for name, value in variables.items() if is_mapping(variables) else ():
        named = _SECRET_NAME.search(name) and not _NAME_OF_A_PLACE.search(name)
        if value is not UNKNOWN and (
            named or SECRET_VALUE.search(str(value)) or _PASSWORD_IN_A_URL.search(str(value))
        ):
            yield f"{name} looks like a secret"


@resource_rule(
    r"aws(:lambda/permission|-native:lambda):Permission",
    write="write source_arn and source_account, of the account that the function stands in",
    page=_LAMBDA + "permissions-function-services.html",
)
def a_services_call_names_its_source_and_account(resource: Resource) -> Problems:
    """A permission for a service without source_arn or source_account, or on behalf of another account than the
    function's own (the one in its provider's `allowed_account_ids`)."""
    props = resource.props
    missing = [key for key in ("source_arn", "source_account") if absent(props.get(key))]
    if not re.search(r"\.amazonaws\.com(\.cn)?$", str(props.get("principal"))):
        return
    if missing:
        yield f"{' and '.join(missing)} missing: {props['principal']} may call it for every AWS account"
    for key, anybody in (
        ("source_account", r".*[*?].*"),
        ("source_arn", r"[*?]+|arn:[^:]*:[^:]*:[^:]*:[^:]*[*?].*"),
    ):
        value = props.get(key)
        if value and value is not UNKNOWN and re.fullmatch(anybody, str(value)):
            yield f"{key} is {value}, which every AWS account matches"
        account = value and value is not UNKNOWN and re.search(r"(?:^|:)(\d{12})(?::|$)", str(value))
        if account and resource.account and account[1] != resource.account:
            yield f"{key} is of account {account[1]}, and the function is in account {resource.account}"


@rule(
    r"aws(:lambda/(permission|layerVersionPermission)|-native:lambda):\w*Permission",
    write="name the action, 'lambda:InvokeFunction'",
    page=_LAMBDA + "access-control-resource-based.html",
)
def a_call_is_of_one_action(props: Props) -> Problems:
    """A permission whose action has a wildcard (`lambda:*`), which lets the caller change the function as well."""
    action = props.get("action")
    if action is not UNKNOWN and re.search(r"[*?]", str(action)):
        yield f"action is {action}"


@rule(
    r"aws(:lambda/(permission|layerVersionPermission|functionUrl)|-native:lambda):\w+",
    write="write authorization_type='AWS_IAM', and name the role that calls",
    page=_LAMBDA + "urls-auth.html",
)
def a_function_is_called_by_whom_it_names(props: Props) -> Problems:
    """A function URL without authorization (`NONE`), or a permission for `*` or a whole account."""
    for key in ("auth_type", "authorization_type", "function_url_auth_type"):
        if props.get(key) is not UNKNOWN and props.get(key) == "NONE":
            yield f"{key} is NONE"
    principal = props.get("principal")
    if principal is None or principal is UNKNOWN:
        return
    limited = props.get("principal_org_id") or props.get("organization_id")
    if not limited and re.fullmatch(r"\*|(arn:[\w-]+:iam::)?\d{12}(:root)?", principal):
        yield f"principal is {principal}"


@together_rule(
    write="add one; or call it by an event source mapping, a state machine, Firehose or an Invocation only",
    page=_LAMBDA + "invocation-async-retain-records.html",
)
def what_a_function_fails_on_is_kept(resources: Sequence[Resource]) -> Iterable[Question]:
    """A function that is called asynchronously with neither a dead_letter_config nor a FunctionEventInvokeConfig with
    an on_failure destination. One that only an event source mapping, a state machine, an Invocation or Firehose calls
    has its failures kept, or reported, by its caller."""
    return (_loses_failures(function, resources) for function in of(_FUNCTION, resources))


def _loses_failures(function: Resource, resources: Sequence[Resource]) -> Question:
    def part(token: str, by: str, test: Callable[[Resource], object] = lambda _: True) -> Callable[[], bool]:
        return lambda: has(function, f"aws:lambda/{token}", by, resources, test)

    def called(token: str, test: Callable[[Resource, Resource], object]) -> Callable[[], bool]:
        return lambda: some(of(token, resources), lambda caller: test(caller, function))

    receivers = [
        lambda: function.props.get("dead_letter_config"),
        part(
            "functionEventInvokeConfig:FunctionEventInvokeConfig",
            "function_name",
            lambda config: within(config.props, "destination_config").get("on_failure"),
        ),
    ]
    pulled = [
        part("eventSourceMapping:EventSourceMapping", "function_name"),
        part("invocation:Invocation", "function_name"),
        called(_FIREHOSE, _transforms),
        called("aws:sfn/stateMachine:StateMachine", _steps_call),
    ]
    pushed = [
        part("permission:Permission", "function"),
        called("aws:scheduler/schedule:Schedule", _calls),
        lambda: not some(pulled, _answer),
    ]
    if not some(receivers, _answer) and some(pushed, _answer):
        missing = (
            "it has no dead_letter_config and no FunctionEventInvokeConfig with an on_failure destination"
        )
        yield function.key, missing


def _answer(question: Callable[[], object]) -> object:
    return question()


def _calls(schedule: Resource, function: Resource) -> bool:
    if function.key in schedule.links.get("target", ()):
        return True
    arn = within(schedule.props, "target").get("arn")
    return bool(name := function.props.get("name")) and str(arn).endswith(f":function:{name}")


def _transforms(firehose: Resource, function: Resource) -> bool:
    return bool(name := function.props.get("name")) and _text_has(firehose.props, f":function:{name}:")


def _steps_call(machine: Resource, function: Resource) -> bool:
    if function.key in machine.links.get("definition", ()):
        return True
    name = function.props.get("name")
    return bool(name) and f':function:{name}"' in str(machine.props.get("definition"))


def _text_has(value: Any, text: str) -> bool:
    """Whether a text stands somewhere in a value. Raises NotKnownYet."""
    if is_mapping(value):
        value = list(value.values())
    if is_list(value):
        return some(value, lambda inner: _text_has(inner, text))
    return text in str(value)
