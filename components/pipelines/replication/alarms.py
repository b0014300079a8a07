"""The alarms of a replication, on S3's metrics of each rule
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-metrics.html), and what its queue's says.
"""

import pulumi

from components import names
from components.accounts import AccountArgs
from components.blocks.alarm import Threshold, alarm
from components.blocks.queue import receive_message
from components.pipelines.replication.args import ReplicationArgs


def watch_rule(
    rule: str,
    name: str,
    args: ReplicationArgs,
    replica_bucket: pulumi.Input[str],
    topic: pulumi.Input[str] | None,
    opts: pulumi.ResourceOptions,
) -> None:
    """Three alarms of one rule: objects wait, are late, or failed. `name`: the sending side's; `rule`: the id.

    `replica_bucket`: the receiving bucket's name. `topic`: the ARN of the topic that the alarms go to, None for none.
    """
    landing = args.landing
    dimensions = {"SourceBucket": landing.bucket, "DestinationBucket": replica_bucket, "RuleId": rule}
    newest = pulumi.Output.concat(
        "Ask for the status of an object that the replica lacks: PENDING means wait, S3 is behind; FAILED means see "
        "the alarm on failures. The command: aws s3api head-object --query ReplicationStatus --bucket ",
        landing.bucket,
        " --key <key>",
    )
    alarm(
        f"{rule}-pending",
        "AWS/S3/OperationsPendingReplication",
        dimensions,
        when=Threshold(
            statistic="Minimum",
            minutes=15,
            periods=2,
        ),
        topic=topic,
        meaning=pulumi.Output.concat(
            "For half an hour there were always objects that waited for replication: the replica lacks them, and "
            "nothing is lost. ",
            newest,
        ),
        opts=opts,
    )
    alarm(
        f"{rule}-latency",
        "AWS/S3/ReplicationLatency",
        dimensions,
        when=Threshold(
            above=900,
            statistic="Maximum",
            periods=3,
        ),
        topic=topic,
        meaning=pulumi.Output.concat(
            "Replication is more than 15 minutes behind: the replica lacks the newest objects, and nothing is lost. ",
            newest,
        ),
        opts=opts,
    )
    alarm(
        f"{rule}-failures",
        "AWS/S3/OperationsFailedReplication",
        dimensions,
        topic=topic,
        meaning="Objects were not replicated: the replica lacks them, and they stay in the source. The queue "
        f"{names.queue(f'{name}-failed')} names each, with the reason: "
        f"{receive_message(f'{name}-failed', landing.account)}. Correct the cause that it names, "
        f"most often a missing grant. To copy what failed: {_copy_what_failed(name, args)}",
        opts=opts,
    )


def _copy_what_failed(name: str, args: ReplicationArgs) -> str:
    """The command, by whether the function for existing objects is there already: another `pulumi up` would not call
    it, as its input stays the same."""
    if not args.existing_objects:
        return "set existing_objects: true, then: pulumi up"
    return (
        f"aws lambda invoke --function-name {names.function(f'{name}-backfill')} --cli-binary-format "
        'raw-in-base64-out --payload "{\\"tf\\":{\\"action\\":\\"create\\"},\\"run\\":$(date +%s)}" out.json'
    )


def export_not_announced(name: str, account: AccountArgs) -> str:
    """What the alarm says when an export was not whole after all attempts. `name`: of the receiving side."""
    return (
        "An export did not arrive whole in time, or is corrupt, and was not announced: its readers do not load it. The "
        f"log names the missing files: aws logs tail {names.log_group('/aws/lambda', f'{name}-arrival')} --since 1d. "
        "Correct the replication, then try again: aws sqs start-message-move-task --source-arn "
        f"{account.arn('sqs', names.queue(f'{name}-arrivals-dead'))}"
    )
