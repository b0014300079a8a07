"""Queues of a life, and those that a bucket fills."""

from __future__ import annotations

import json
from contextlib import ExitStack

from tests.live.place import Place


def queue(place: Place, name: str, undo: ExitStack, account: int = 0) -> tuple[str, str]:
    """The URL and the ARN of a new queue in the account of this number."""
    sqs = place("sqs", account)
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    undo.callback(sqs.delete_queue, QueueUrl=url)
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    return url, attributes["QueueArn"]


def queue_of_events(
    place: Place, name: str, bucket: str, event: str, undo: ExitStack, account: int = 0
) -> tuple[str, str]:
    """The URL and the ARN of a new queue with a bucket's events of this kind
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html)."""
    url, arn = queue(place, name, undo, account)
    lets_s3 = {
        "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn,
        "Condition": {"StringEquals": {"aws:SourceAccount": place.account(account)}},
    }  # fmt: skip
    policy = json.dumps({"Version": "2012-10-17", "Statement": [lets_s3]})
    place("sqs", account).set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    queues = {"QueueConfigurations": [{"QueueArn": arn, "Events": [event]}]}
    place("s3", account).put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration=queues
    )
    return url, arn
