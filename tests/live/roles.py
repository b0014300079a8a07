"""How long after IAM has made a role the services accept it, and the role what it is granted."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from tests.live.life import Life, accepted, until
from tests.live.place import Place
from tests.live.queues import queue

NEW = "how long after a role's creation does a service accept it, and is the deployment's wait enough"
# How long the AWS provider tries again while a role is not known: `propagationTimeout` and `iamPropagationTimeout` in
# https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/iam/propagation.go
PROVIDER_WAITS = 120.0  # seconds
# How each service says that it can't assume a role, by its API's reference.
REFUSALS = ("AccessDeniedException", "InvalidParameterValueException", "ValidationException", "AccessDenied",
            "AccessDeniedExceptionException")  # fmt: skip


def new_role(place: Place, name: str, undo: ExitStack) -> None:
    """A role a service, handed over at once and again until it is accepted; and one of this account, until it may do
    what it is granted (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#
    troubleshoot_general_eventual-consistency)."""
    waits = {
        service: measured(made(place, f"{name}-{service}", undo))
        for service, made in (("states", _machine), ("lambda", _function), ("scheduler", _schedule))
    }
    waits["a grant"] = measured(_granted(place, f"{name}-granted", undo))
    slow = {service: seconds for service, seconds in waits.items() if seconds > PROVIDER_WAITS}
    answer = {"seconds": waits, "longer than the provider waits": slow}
    place.settle(NEW, answer, **{"longer than the provider waits": {}})


def measured(ready: Callable[[], Any]) -> float:
    """The seconds from now on, when a role has just been made, until it is accepted."""
    began = time.monotonic()
    until(ready, 3 * PROVIDER_WAITS)
    return round(time.monotonic() - began, 1)


def role(place: Place, name: str, principal: dict[str, str], undo: ExitStack, *grants: dict[str, Any]) -> str:
    """The ARN of a role that the principal may take on."""
    iam = place("iam")
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    undo.callback(iam.delete_role, RoleName=name)
    if grants:
        policy = json.dumps({"Version": "2012-10-17", "Statement": list(grants)})
        iam.put_role_policy(RoleName=name, PolicyName="only", PolicyDocument=policy)
        undo.callback(iam.delete_role_policy, RoleName=name, PolicyName="only")
    return arn


def _machine(place: Place, name: str, undo: ExitStack) -> Callable[[], Any]:
    states = place("stepfunctions")
    arn = role(place, name, {"Service": "states.amazonaws.com"}, undo)
    definition = {"StartAt": "Only", "States": {"Only": {"Type": "Pass", "End": True}}}

    def create() -> Any:
        made = accepted(
            states.create_state_machine, *REFUSALS, name=name, roleArn=arn, definition=json.dumps(definition)
        )
        if made:
            undo.callback(states.delete_state_machine, stateMachineArn=made["stateMachineArn"])
        return made

    return create


def function(place: Place, name: str, role_arn: str, undo: ExitStack) -> Any:
    """What makes a function that does nothing; None while its role is not known."""
    client, code = place("lambda"), io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", "def handler(event, context): pass")
    made = accepted(
        client.create_function, *REFUSALS, FunctionName=name, Role=role_arn, Runtime="python3.13",
        Handler="app.handler", Code={"ZipFile": code.getvalue()},
    )  # fmt: skip
    if made:
        undo.callback(client.delete_function, FunctionName=name)
    return made


def _function(place: Place, name: str, undo: ExitStack) -> Callable[[], Any]:
    arn = role(place, name, {"Service": "lambda.amazonaws.com"}, undo)
    return lambda: function(place, name, arn, undo)


def _schedule(place: Place, name: str, undo: ExitStack) -> Callable[[], Any]:
    scheduler = place("scheduler")
    _, queue_arn = queue(place, name, undo)
    grant = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue_arn}
    arn = role(place, name, {"Service": "scheduler.amazonaws.com"}, undo, grant)

    def create() -> Any:
        made = accepted(
            scheduler.create_schedule, *REFUSALS, Name=name, ScheduleExpression="rate(1 days)", State="DISABLED",
            FlexibleTimeWindow={"Mode": "OFF"}, Target={"Arn": queue_arn, "RoleArn": arn},
        )  # fmt: skip
        if made:
            undo.callback(scheduler.delete_schedule, Name=name)
        return made

    return create


def _granted(place: Place, name: str, undo: ExitStack) -> Callable[[], Any]:
    """A call with the role's own credentials, which is allowed from the moment on that the policy is known."""
    sts = place("sts")
    url, queue_arn = queue(place, name, undo)
    grant = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue_arn}
    arn = role(place, name, {"AWS": f"arn:aws:iam::{place.account()}:root"}, undo, grant)

    def send() -> Any:
        given = accepted(sts.assume_role, *REFUSALS, RoleArn=arn, RoleSessionName="live")
        if not given:
            return None
        keys = given["Credentials"]
        client = place.sandbox.client("sqs", place.account(), keys)
        return accepted(client.send_message, *REFUSALS, QueueUrl=url, MessageBody="allowed")

    return send


LIVES = {
    "new-role": Life(
        new_role, (NEW,), makes="four roles, a function, a state machine, a schedule, two queues"
    )
}
