"""Queues: a work queue with its dead-letter queue, and a queue that only holds what failed."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from components import names
from components.accounts import AccountArgs
from components.blocks.alarm import Threshold, alarm
from components.iam import Statement, document

_FORTNIGHT = 14 * 24 * 3600  # the longest that SQS keeps a message


class Queue(pulumi.ComponentResource):
    """An encrypted (SSE-SQS) queue, TLS only, that the services in `senders` may send to, each from one source ARN of
    this account. With `max_receives` a message that was tried that often moves to `<name>-dead`, whose first message
    raises an alarm; without it failures end in this queue itself, and its own first message raises the alarm.
    `meaning` is the alarm's description; with none there is no alarm."""

    arn: pulumi.Output[str]
    url: pulumi.Output[str]
    dead_arn: pulumi.Output[str] | None

    def __init__(
        self,
        name: str,
        account: AccountArgs,
        *,
        topic: pulumi.Input[str] | None,
        meaning: str | None,
        senders: Mapping[str, pulumi.Input[str]] | None = None,
        visibility_seconds: int = 30,
        max_receives: int | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        """`topic`: the ARN of the topic that the alarm goes to, None for none. `visibility_seconds`: how long a
        message that was received stays hidden, 0 to 43,200."""
        super().__init__("tributary:blocks:Queue", name, None, opts)
        child_opts = pulumi.ResourceOptions(parent=self)
        redrive: pulumi.Output[str] | None = None
        dead: aws.sqs.Queue | None = None
        if max_receives:
            dead = self._queue(f"{name}-dead", account, {}, child_opts)
            redrive = pulumi.Output.json_dumps(
                {"deadLetterTargetArn": dead.arn, "maxReceiveCount": max_receives}
            )
        queue = self._queue(name, account, senders or {}, child_opts, visibility_seconds, redrive)
        last = dead or queue
        if meaning:
            alarm(
                f"{name}-dead" if dead else name,
                "AWS/SQS/ApproximateNumberOfMessagesVisible",
                {"QueueName": last.name},
                when=Threshold(statistic="Maximum"),
                topic=topic,
                meaning=meaning,
                opts=child_opts,
            )
        self.arn, self.url, self.dead_arn = queue.arn, queue.url, dead.arn if dead else None
        self.register_outputs({"arn": self.arn, "url": self.url, "dead_arn": self.dead_arn})

    @staticmethod
    def _queue(
        name: str,
        account: AccountArgs,
        senders: Mapping[str, pulumi.Input[str]],
        opts: pulumi.ResourceOptions,
        visibility_seconds: int = 30,
        redrive: pulumi.Output[str] | None = None,
    ) -> aws.sqs.Queue:
        physical = names.queue(name)
        arn = account.arn("sqs", physical)
        queue = aws.sqs.Queue(
            name,
            name=physical,
            sqs_managed_sse_enabled=True,
            message_retention_seconds=_FORTNIGHT,
            visibility_timeout_seconds=visibility_seconds,
            redrive_policy=redrive,
            opts=opts,
        )
        deny_plain = Statement(
            "DenyPlainHttp",
            ["sqs:*"],
            [arn],
            {"Bool": {"aws:SecureTransport": "false"}},
            {"AWS": "*"},
            effect="Deny",
        )
        sends = [
            Statement(
                f"SendFrom{service.split('.')[0].capitalize()}",
                ["sqs:SendMessage"],
                [arn],
                _for_this_account(service, account.id) | {"ArnLike": {"aws:SourceArn": source_arn}},
                {"Service": service},
            )
            for service, source_arn in senders.items()
        ]
        aws.sqs.QueuePolicy(name, queue_url=queue.url, policy=document(deny_plain, *sends), opts=opts)
        return queue


def receive_message(name: str, account: AccountArgs) -> str:
    """The command that shows a message of the queue, with what its sender has to say of the failure; the message is
    hidden for the queue's visibility time, and kept
    (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html)."""
    url = f"https://sqs.{account.region}.{account.dns_suffix}/{account.id}/{names.queue(name)}"
    return f"aws sqs receive-message --queue-url {url} --message-attribute-names All"


def _for_this_account(service: str, account_id: str) -> dict[str, dict[str, str]]:
    """The condition on the account; none for an EventBridge rule, whose policy in the guide names the rule's ARN alone
    (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sqs-permissions), which
    holds the account."""
    return {} if service == "events.amazonaws.com" else {"StringEquals": {"aws:SourceAccount": account_id}}
