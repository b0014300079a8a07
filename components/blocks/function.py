"""A Lambda function with all that it needs to be run unattended."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import pulumi
import pulumi_aws as aws

from components import names
from components.accounts import AccountArgs
from components.arguments import arguments
from components.blocks.alarm import alarm
from components.blocks.network import VpcArgs, function_network_statements
from components.blocks.queue import Queue, receive_message
from components.bundling.bundles import Bundle, bundle
from components.iam import Statement, document, trust
from components.shared import variables
from components.shared.landing_folders import CODE

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]

_bundled = cache(bundle)  # a handler's files are read once a run, however many functions they become


@arguments
class FunctionSettings:
    """What all functions of a stack have in common."""

    # https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
    runtime: Literal["python3.11", "python3.12", "python3.13", "python3.14"] = "python3.13"
    """The Lambda runtime that handlers are bundled for."""
    architecture: Literal["arm64", "x86_64"] = "arm64"
    """The processor that handlers are bundled for; arm64 costs a fifth less."""
    log_retention_days: RetentionDays = 90
    """Days that a log is kept."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a function does, and what it may do for it."""

    handler: str
    """Its folder in handlers/."""
    description: str
    statements: Sequence[Statement]
    """Of its role, besides those that every function needs."""
    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])
    code_bucket: pulumi.Input[str] | None = None
    """The bucket that a bundle goes through which Lambda does not take directly."""


@dataclass(frozen=True, kw_only=True)
class Execution:
    """How a function is run."""

    timeout_seconds: int = 60
    memory_mb: int = 256
    storage_mb: int = 512
    """Of /tmp."""
    reserved_concurrency: int | None = None
    vpc: VpcArgs | None = None
    retries: int | None = None
    """Of an event, 0 to 2, where it is called asynchronously: then a queue keeps the event, and raises an alarm."""


class LambdaFunction(pulumi.ComponentResource):
    """A task as a function: its own role and its own log, JSON with a retention; alarms on errors and throttles; and,
    where it is called asynchronously, a queue that keeps an event that failed, and raises an alarm.

    `arn` is plain text, known before the function exists, so that a policy or a schedule can name it.
    """

    arn: str
    name: pulumi.Output[str]
    role_arn: pulumi.Output[str]
    failed: Queue | None

    def __init__(
        self,
        name: str,
        account: AccountArgs,
        settings: FunctionSettings,
        task: Task,
        execution: Execution,
        *,
        topic: pulumi.Input[str] | None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        """`settings`: what all functions of the stack have in common. `task`: its handler and what it may do.
        `execution`: time-out, memory, environment. `topic`: the ARN of the topic that its alarms go to, None for
        none."""
        super().__init__("tributary:blocks:LambdaFunction", name, None, opts)
        child_opts = pulumi.ResourceOptions(parent=self)
        physical = names.function(name)
        self.arn = account.arn("lambda", f"function:{physical}")
        self.log_group = names.log_group("/aws/lambda", name)
        logs = aws.cloudwatch.LogGroup(
            name,
            name=self.log_group,
            retention_in_days=settings.log_retention_days,
            opts=child_opts,
        )
        self.failed = None
        if execution.retries is not None:
            self.failed = self._failed_events(name, account, execution.retries, topic)
        role, policy = self._role(name, account, task, execution.vpc)
        built = _bundled(task.handler, runtime=settings.runtime, architecture=settings.architecture)
        vpc = execution.vpc
        function = aws.lambda_.Function(
            name,
            name=physical,
            description=task.description,
            role=role.arn,
            runtime=settings.runtime,
            architectures=[settings.architecture],
            handler=built.handler,
            **_code(name, built, task.code_bucket, child_opts),
            timeout=execution.timeout_seconds,
            memory_size=execution.memory_mb,
            ephemeral_storage=aws.lambda_.FunctionEphemeralStorageArgs(size=execution.storage_mb)
            if execution.storage_mb > 512
            else None,
            reserved_concurrent_executions=execution.reserved_concurrency,
            environment=aws.lambda_.FunctionEnvironmentArgs(
                variables={key: _checked_length(name, key, value) for key, value in task.environment.items()}
            ),
            vpc_config=aws.lambda_.FunctionVpcConfigArgs(
                subnet_ids=vpc.subnet_ids, security_group_ids=vpc.security_group_ids
            )
            if vpc
            else None,
            logging_config=aws.lambda_.FunctionLoggingConfigArgs(log_format="JSON", log_group=logs.name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        if self.failed:
            aws.lambda_.FunctionEventInvokeConfig(
                name,
                function_name=function.name,
                maximum_retry_attempts=execution.retries,
                maximum_event_age_in_seconds=6 * 3600,
                destination_config=aws.lambda_.FunctionEventInvokeConfigDestinationConfigArgs(
                    on_failure=aws.lambda_.FunctionEventInvokeConfigDestinationConfigOnFailureArgs(
                        destination=self.failed.arn
                    )
                ),
                opts=child_opts,
            )
        self._alarms(name, physical, topic, execution.retries)
        self.name, self.role_arn = function.name, role.arn
        self.register_outputs({"arn": self.arn, "name": self.name, "role_arn": self.role_arn})

    def _failed_events(
        self, name: str, account: AccountArgs, retries: int, topic: pulumi.Input[str] | None
    ) -> Queue:
        times = ("once", "twice", "three times")[retries]
        return Queue(
            f"{name}-failed",
            account,
            topic=topic,
            meaning=f"{names.function(name)} failed {times} on an event: its work for that event is not done. Read the "
            f"log (aws logs tail {self.log_group} --since 1h) and correct the cause. A queue keeps the event for 14 "
            f"days: {receive_message(f'{name}-failed', account)}. Save the requestPayload in its Body, or the whole "
            "Body if it has none, as event.json, and call the function again: aws lambda invoke --function-name "
            f"{names.function(name)} --cli-binary-format raw-in-base64-out --payload file://event.json answer.json. "
            "Then delete the message.",
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _role(
        self, name: str, account: AccountArgs, task: Task, vpc: VpcArgs | None
    ) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        role = aws.iam.Role(
            name,
            name=names.role(name),
            permissions_boundary=account.permissions_boundary,
            description=f"What {names.function(name)} may do",
            # AWS documents the account for an execution role's trust, and no source ARN.
            assume_role_policy=trust("lambda.amazonaws.com", account.id),
            opts=pulumi.ResourceOptions(parent=self),
        )
        granted = [
            Statement(
                "WriteLog",
                ["logs:CreateLogStream", "logs:PutLogEvents"],
                [account.arn("logs", f"log-group:{self.log_group}:*")],
            ),
            *task.statements,
        ]
        if self.failed:
            granted.append(Statement("KeepWhatFailed", ["sqs:SendMessage"], [self.failed.arn]))
        if vpc:
            granted += function_network_statements(account, self.arn)
        policy = aws.iam.RolePolicy(
            name,
            name="function",
            role=role.name,
            policy=document(*granted),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return role, policy

    def _alarms(self, name: str, physical: str, topic: pulumi.Input[str] | None, retries: int | None) -> None:
        if retries is None:
            after = "Its caller has the error, and may try again."
        else:
            again = "Lambda tries the event again; if that fails, the" if retries else "The"
            after = f"{again} queue {names.queue(f'{name}-failed')} keeps the event."
        for metric, meaning in (
            (
                "Errors",
                f"{physical} failed in the last five minutes. {after} The log has the reason: aws logs tail "
                f"{self.log_group} --since 1h",
            ),
            (
                "Throttles",
                f"Lambda refused to start {physical}: it, or the account, reached its limit of concurrent executions. "
                "Its work is late. See the account's limit: aws lambda get-account-settings",
            ),
        ):
            alarm(
                f"{name}-{metric.lower()}",
                f"AWS/Lambda/{metric}",
                {"FunctionName": physical},
                topic=topic,
                meaning=meaning,
                opts=pulumi.ResourceOptions(parent=self),
            )


def _checked_length(name: str, key: str, value: pulumi.Input[str]) -> pulumi.Input[str]:
    """The variable's value. Raises pulumi.RunError where it leaves no room for the others (variables.MOST_BYTES)."""

    def short(known: str) -> str:
        if len(json.dumps(known)) > variables.MOST_BYTES:
            raise pulumi.RunError(
                f"{name}: its variable {key} has {len(known):,} characters, and {variables.MOST_BYTES:,} bytes of "
                "JSON fit beside the others into a function's environment; name fewer of what it lists, or spread them "
                "over two pipelines"
            )
        return known

    return short(value) if isinstance(value, str) else pulumi.Output.from_input(value).apply(short)


def _code(
    name: str, built: Bundle, bucket: pulumi.Input[str] | None, opts: pulumi.ResourceOptions
) -> dict[str, Any]:
    """The bundle, handed over as it is or, where it is too large for that, as an object `code/<sha256>.zip` of
    `bucket`: another bundle is another key, so that the function's change says so."""
    if built.uploads_directly:
        return {"code": pulumi.FileArchive(str(built.path))}
    if bucket is None:
        raise pulumi.RunError(
            f"{name}: the bundle has {built.size:,} bytes, more than is taken directly; give the function a code_bucket"
        )
    stored = aws.s3.BucketObjectv2(
        name,
        bucket=bucket,
        key=f"{CODE}{built.sha256}.zip",
        source=pulumi.FileAsset(str(built.path)),
        source_hash=built.sha256,
        # An object takes ten tags, and the stack's may be more.
        override_provider=aws.s3.BucketObjectv2OverrideProviderArgs(
            default_tags=aws.s3.BucketObjectv2OverrideProviderDefaultTagsArgs(tags={})
        ),
        opts=opts,
    )
    return {"s3_bucket": stored.bucket, "s3_key": stored.key}
