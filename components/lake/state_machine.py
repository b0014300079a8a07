"""A state machine with the one role it runs under."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from components import names
from components.accounts import AccountArgs
from components.blocks.alarm import alarm
from components.iam import Statement, document, trust


class StateMachine(pulumi.ComponentResource):
    """A standard state machine: its role with `statements`, and alarms on executions that failed or timed out. With
    `distributed` it may run its own Distributed Maps, whose children are executions of itself
    (https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html). Its executions are kept for
    90 days with every step's input and output, so it writes no log. It costs nothing at rest.

    `definition` is its Amazon States Language; `topic` is the SNS topic that the alarms notify, and `meaning` the part
    of their text that says what a failed execution means for the data, and what to do.

    `arn` is plain text, known before the machine exists.
    """

    arn: str
    deployed_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        account: AccountArgs,
        *,
        definition: pulumi.Input[Mapping[str, Any]],
        statements: Sequence[Statement],
        topic: pulumi.Input[str] | None,
        meanings: Mapping[str, str],
        distributed: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ):
        """`meanings`: what its two alarms say, `failed` and `timeout`."""
        super().__init__("tributary:blocks:StateMachine", name, None, opts)
        child_opts = pulumi.ResourceOptions(parent=self)
        physical = names.state_machine(name)
        self.arn = account.arn("states", f"stateMachine:{physical}")
        role = aws.iam.Role(
            name,
            name=names.role(name),
            permissions_boundary=account.permissions_boundary,
            description=f"What {physical} may do",
            # Any machine of the account, as the guide has it: what a Distributed Map's children send carries a label,
            # and no page says how (https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html).
            assume_role_policy=trust(
                "states.amazonaws.com", account.id, account.arn("states", "stateMachine:*")
            ),
            opts=child_opts,
        )
        # As the guide has it, and as the ARN of a child is written: execution:<machine>/<label>:<id>.
        children = [account.arn("states", f"execution:{physical}{part}:*") for part in ("", "/*")]
        own = [
            Statement("StartItsOwnChildren", ["states:StartExecution"], [self.arn]),
            Statement("FollowItsOwnChildren", ["states:DescribeExecution"], children),
            # A run that is started again where it failed redrives its Maps as this role.
            Statement("RedriveItsOwnChildren", ["states:RedriveExecution"], children[1:]),
        ]
        policy = aws.iam.RolePolicy(
            name,
            name="steps",
            role=role.name,
            policy=document(*statements, *(own if distributed else [])),
            opts=child_opts,
        )
        machine = aws.sfn.StateMachine(
            name,
            name=physical,
            type="STANDARD",
            role_arn=role.arn,
            definition=pulumi.Output.json_dumps(definition),
            # The service checks at creation what a Distributed Map's role may do.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        for part, metric in (("failed", "ExecutionsFailed"), ("timeout", "ExecutionsTimedOut")):
            alarm(
                f"{name}-{part}",
                f"AWS/States/{metric}",
                {"StateMachineArn": self.arn},
                topic=topic,
                meaning=meanings[part],
                opts=child_opts,
            )
        self.deployed_arn = machine.arn
        self.register_outputs({"arn": self.deployed_arn})
