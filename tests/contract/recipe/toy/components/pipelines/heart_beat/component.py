"""The component: a function that puts a beat on the stream, and its schedule."""

from typing import Any

import pulumi
from components.blocks.tick import tick
from components.pipelines.heart_beat.alarms import watch_beat
from components.pipelines.heart_beat.args import HeartBeatArgs

from components import names
from components.blocks.function import Execution, LambdaFunction, Task
from components.iam import Statement
from components.pipelines.pipeline import Accounts, Deployed
from components.shared import variables


class HeartBeatPipeline(pulumi.ComponentResource):
    """A schedule -> a function -> a record on a stream. At rest it costs its alarms."""

    function: pulumi.Output[str]
    """The function's name."""

    def __init__(self, name: str, args: HeartBeatArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("tributary:pipelines:HeartBeatPipeline", name, None, opts)
        child_opts = pulumi.ResourceOptions(parent=self)
        stream_arn = args.account.arn("kinesis", f"stream/{args.stream}")
        beat = LambdaFunction(
            f"{name}-beat",
            args.account,
            args.functions,
            Task(
                handler="beat",
                description=f"Puts a beat on {args.stream}",
                statements=[Statement("PutBeat", ["kinesis:PutRecord"], [stream_arn])],
                environment={variables.STREAM: args.stream, variables.BEAT: names.beat(name)},
            ),
            Execution(retries=2, reserved_concurrency=args.reserved_concurrency),
            topic=args.alarm_topic_arn,
            opts=child_opts,
        )
        assert beat.failed is not None  # it is called asynchronously
        tick(f"{name}-tick", args.account, args.every_minutes, beat.arn, beat.failed.arn, child_opts)
        watch_beat(name, args.stream, args.every_minutes, args.alarm_topic_arn, self)
        self.function = beat.name
        self.register_outputs({"function": self.function})


def deploy(name: str, args: HeartBeatArgs, accounts: Accounts) -> Deployed:
    """The pipeline of a stack."""
    pipeline = HeartBeatPipeline(name, args, pulumi.ResourceOptions(provider=accounts[args.account].provider))
    outputs: dict[str, Any] = {"function": pipeline.function}
    return Deployed(outputs)
