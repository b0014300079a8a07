"""An event that starts a run."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components import names
from components.accounts import AccountArgs
from components.blocks.queue import Queue
from components.iam import Statement, document, trust
from components.lake.state_machine import StateMachine


@dataclass(frozen=True, kw_only=True)
class Events:
    """The events that start a run."""

    pattern: Mapping[str, Any]
    """EventBridge's pattern of the events."""
    inputs: Mapping[str, tuple[str, str]]
    """Field of the run's input -> name and path of what the event has for it."""
    what: str
    """Describes the rule."""
    starts: str
    """Describes the role."""


def start_for_events(
    parent: pulumi.Resource,
    part: str,
    account: AccountArgs,
    machine: StateMachine,
    unstarted: Queue,
    on: Events,
) -> None:
    """Creates an EventBridge rule on the account's default bus that starts the state machine.

    `part` is the resources' logical name, `on` the events and the texts that describe the rule and its role.
    `machine` is started once an event; `unstarted` gets the events whose start failed.
    """
    opts = pulumi.ResourceOptions(parent=parent)
    rule_name = names.rule(part)
    rule = aws.cloudwatch.EventRule(
        part,
        name=rule_name,
        description=on.what,
        event_pattern=json.dumps(on.pattern),
        opts=opts,
    )
    role = aws.iam.Role(
        part,
        name=names.role(part),
        permissions_boundary=account.permissions_boundary,
        description=on.starts,
        assume_role_policy=trust("events.amazonaws.com", account.id, rule_arn(part, account)),
        opts=opts,
    )
    policy = aws.iam.RolePolicy(
        part,
        name="start",
        role=role.name,
        policy=document(Statement("StartTheRun", ["states:StartExecution"], [machine.arn])),
        opts=opts,
    )
    transformer = aws.cloudwatch.EventTargetInputTransformerArgs(
        input_paths=dict(on.inputs.values()),
        input_template="{" + ", ".join(f'"{key}": <{name}>' for key, (name, _) in on.inputs.items()) + "}",
    )
    aws.cloudwatch.EventTarget(
        part,
        rule=rule.name,
        target_id="run",
        arn=machine.deployed_arn,
        role_arn=role.arn,
        input_transformer=transformer,
        dead_letter_config=aws.cloudwatch.EventTargetDeadLetterConfigArgs(arn=unstarted.arn),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[policy]),
    )


def rule_arn(part: str, account: AccountArgs) -> str:
    """The ARN that the rule has or will have."""
    return account.arn("events", f"rule/{names.rule(part)}")
