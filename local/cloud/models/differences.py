"""Where a model and its service are known to differ: one line each, with the reason.

`WRONG` takes a trait away: (service, shape or `structure.member`, trait) -> why. `ALSO` adds values that a list of an
operation takes beside its enum: (service, operation, member) -> the shape whose enum has them, why, page.
`DOCUMENTED` adds what the service refuses and its model does not say: (service, operation, member) -> what it must
be, the words of the refusal, page.
Service names are botocore's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import patterns

WRONG: dict[tuple[str, str, str], str] = {
    ("firehose", "AmazonOpenSearchServerlessCollectionEndpoint", "pattern"): (
        "https: only; a collection here is on loopback, without TLS"
    ),
    ("s3", "ChecksumMode", "enum"): (
        "the SDKs for Java and C++, and so pyarrow, write 'enabled' in small letters: "
        "https://github.com/versity/versitygw/issues/1527"
    ),
    ("s3control", "S3ResourceArn", "pattern"): (
        "no bucket's ARN has an account, and the operation is for buckets, too: https://docs.aws.amazon.com/AmazonS3/"
        "latest/API/API_control_ListTagsForResource.html"
    ),
}
ALSO: dict[tuple[str, str, str], tuple[str, str, str]] = {
    ("sqs", "ReceiveMessage", "AttributeNames"): (
        "MessageSystemAttributeName",
        "the older name of MessageSystemAttributeNames; its enum in the model is that of a queue's attributes, while "
        "what it lists as its values are a message's",
        "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html"
        "#SQS-ReceiveMessage-request-AttributeNames",
    ),
}


@dataclass(frozen=True)
class Rule:
    """What a service refuses beyond its model: `holds` judges a value, `refusal` is the message, `page` its source."""

    holds: Callable[[Any], bool]
    refusal: str
    page: str


def pattern(text: str) -> Callable[[Any], bool]:
    """A check that a regular expression, written as the models write theirs, matches the whole of a text."""
    return lambda value: patterns.satisfies(text, value)


def between(**limits: tuple[int, int]) -> Callable[[Any], bool]:
    """Attributes that are numbers as text, each within its limits."""

    def holds(labels: dict[str, str]) -> bool:
        return all(
            str(labels[name]).isdigit() and least <= int(labels[name]) <= most
            for name, (least, most) in limits.items()
            if name in labels
        )

    return holds


SQS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/"
QUEUE = between(
    DelaySeconds=(0, 900),
    MaximumMessageSize=(1024, 1048576),
    MessageRetentionPeriod=(60, 1209600),
    ReceiveMessageWaitTimeSeconds=(0, 20),
    VisibilityTimeout=(0, 43200),
    KmsDataKeyReusePeriodSeconds=(60, 86400),
)
DOCUMENTED: dict[tuple[str, str, str], Rule] = {
    ("sqs", "CreateQueue", "QueueName"): Rule(
        pattern(r"(?=.{1,80}$)[A-Za-z0-9_-]+(\.fifo)?"),
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        SQS + "API_CreateQueue.html#SQS-CreateQueue-request-QueueName",
    ),
    ("sqs", "CreateQueue", "Attributes"): Rule(
        QUEUE, "Invalid value for the parameter Attributes.", SQS + "API_CreateQueue.html"
    ),
    ("sqs", "SetQueueAttributes", "Attributes"): Rule(
        QUEUE, "Invalid value for the parameter Attributes.", SQS + "API_SetQueueAttributes.html"
    ),
    ("sns", "CreateTopic", "Name"): Rule(
        pattern(r"(?=.{1,256}$)[A-Za-z0-9_-]+(\.fifo)?"),
        "Invalid parameter: Topic Name",
        "https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html",
    ),
    ("stepfunctions", "CreateStateMachine", "name"): Rule(
        pattern(r"""[^\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}"""),
        "Invalid Name: 'name' must have no whitespace, brackets, wildcards, special or control characters",
        "https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html",
    ),
    ("rds", "StartExportTask", "ExportTaskIdentifier"): Rule(
        pattern(r"(?=.{1,60}$)[A-Za-z](-?[A-Za-z0-9])*"),
        "The export task identifier must begin with a letter, have letters, digits and hyphens only, no two hyphens "
        "in a row and none at the end, and at most 60 characters",
        "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_StartExportTask.html",
    ),
    ("s3", "CreateBucket", "Bucket"): Rule(
        pattern(
            r"(?!xn--|sthree-|amzn-s3-demo-)(?!.*\.\.)(?!(\d+\.){3}\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
        ),
        "The specified bucket is not valid.",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html",
    ),
}
