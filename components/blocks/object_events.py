"""A queue that gets an event from S3 for each new data file of a landing, for one consumer."""

import pulumi
import pulumi_aws as aws

from components import names
from components.accounts import AccountArgs
from components.blocks.queue import Queue
from components.landing import Landing

# What is data in a landing: the manifests of an export have notifications of their own.
SUFFIXES = {"dynamodb-export": ".json.gz", "objects": None}


class ObjectEvents(pulumi.ComponentResource):
    """The queue, and the part of the bucket's notifications that fills it. S3 keeps one set of notifications for a
    bucket, so the bucket's owner puts `notifications` among its own. The consumer raises an alarm if it takes
    nothing. `bucket_arn`: the bucket that may fill it. `landing`: which objects of the bucket are data files, raw and
    typed."""

    arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        account: AccountArgs,
        *,
        bucket_arn: pulumi.Input[str],
        landing: Landing,
        opts: pulumi.ResourceOptions | None = None,
    ):
        super().__init__("tributary:blocks:ObjectEvents", name, None, opts)
        self.queue = Queue(
            f"{name}-objects",
            account,
            topic=None,
            meaning=None,
            senders={"s3.amazonaws.com": bucket_arn},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = self.queue.arn
        keys = [key for table in landing.typed.values() for key in (table.files, table.copy_key) if key]
        typed = {(f"{key.split('/')[0]}/", ".parquet") for key in keys}
        files = [(landing.prefix, SUFFIXES[landing.layout]), *sorted(typed)]
        self.notifications = [
            aws.s3.BucketNotificationQueueArgs(
                id=f"objects-{index}",
                queue_arn=self.queue.arn,
                events=["s3:ObjectCreated:*"],
                filter_prefix=prefix or None,
                filter_suffix=suffix,
            )
            for index, (prefix, suffix) in enumerate(files)
        ]
        self.register_outputs({"arn": self.arn})

    @staticmethod
    def planned(name: str, account: AccountArgs) -> str:
        """The ARN that the queue has or will have."""
        return account.arn("sqs", names.queue(f"{name}-objects"))
