"""Announces each DynamoDB export once, when all of its files are in the bucket that this function watches.

Event: a batch of SQS messages, each an S3 notification of the bucket (S3 straight to SQS). Of an export only
manifest-summary.json is acted on; other keys and S3's test event are done at once. Files come in any order
when they are replicated (15 minutes is usual for S3 Replication Time Control, hours are possible without), so
an export with missing files fails its message, which is hidden for 5 s, 10 s, 20 s, … at most 900 s after
each receive: with a maxReceiveCount of 12 in the queue's redrive policy an export has 1 h 20 min to arrive,
with 20 it has 3 h 20 min. A corrupt one is tried again every 30 s, to reach the dead-letter queue soon. Needs
ReportBatchItemFailures on the event source mapping.

Nothing depends on the order or number of notifications: what counts is the bucket's state when a message is
read, so an event's sequencer and versionId are not used. The announcement is written down by export in
IDEMPOTENCY_TABLE; only a crash between announcing and writing down announces again, so a consumer that must
not see that compares export_arn.

The event: components/shared/announcement.py. An export of no items is announced as well.

Where the replica has tables, what the source's run hands over with an export that it has published is acted on, too
(handed_over.py): once that export is whole, also one of RDS, detail-type `Published Export Arrived`, detail {record
(key of what was handed over), bucket, source, kind, export_id, exported_to}, once for each record.

Environment: components/shared/variables.py.
"""

import os
from functools import cache
from typing import Any

import boto3
import handed_over
import replica
from announcement import PUBLISHED_TYPE, ExportArrived
from arrival import Complete, Settings, announcement, arrivals, hidden_seconds, judge, refused
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities import batch
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from landing_folders import HANDED_OVER

logger = Logger(service="arrival")
settings = Settings.read(os.environ)
retries = Config(retries={"mode": "standard", "total_max_attempts": 5})
s3, sqs, events, dynamodb = (
    boto3.client(name, config=retries) for name in ("s3", "sqs", "events", "dynamodb")
)
# False: an exception would hide which messages failed, and the poller would count it as a failure of the
# function.
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
REMEMBERED = 15 * 24 * 3600  # seconds: SQS keeps a message for 14 days at most
idempotency, idempotency_published = (
    IdempotencyConfig(
        event_key_jmespath=key, raise_on_no_idempotency_key=True, expires_after_seconds=REMEMBERED
    )
    for key in ("export_arn", "record")
)
# Each keeps the key that it was first configured with.
announced_exports, announced_published = (
    DynamoDBPersistenceLayer(table_name=settings.idempotency_table, boto3_client=dynamodb) for _ in range(2)
)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> object:
    """Announces the exports that the messages name; returns the messages to be tried again."""
    for once in (idempotency, idempotency_published):
        once.register_lambda_context(context)  # what a time-out cut off may be taken up again after it
    batches: Any = batch  # the type of its record handler is not known
    return batches.process_partial_response(
        event=event, record_handler=receive, processor=processor, context=context
    )


def receive(record: SQSRecord) -> None:
    """Announces the exports of a message. Raises what hinders it, once the message is hidden for a while."""
    try:
        for bucket, key in arrivals(record.body, settings.prefix):
            if key.endswith(HANDED_OVER):
                receive_published(bucket, key)
            else:
                announce(detail=whole(bucket, key).detail)
    except Exception as error:
        logger.warning(
            "not announced",
            error=type(error).__name__,
            reason=text_with_notes(error),
            message_id=record.message_id,
        )
        hide(record, hidden_seconds(int(record.attributes.approximate_receive_count), error))
        raise


def whole(bucket: str, summary_key: str) -> Complete:
    """A table's export, if it has arrived whole. Raises Waiting or Corrupt."""
    with replica.export(s3, bucket, summary_key) as export:
        verdict = judge(export)
    if isinstance(verdict, Exception):
        raise verdict
    return verdict


def receive_published(bucket: str, key: str) -> None:
    """Announces an export that the source's run has published, once it has arrived whole. Raises Waiting or Corrupt."""
    record = handed_over.read(key, replica.content(s3, bucket, key), settings.prefix)
    if "files" in record:
        stored = replica.listing(s3, bucket, record["work"]["export_prefix"])
        if hindrance := handed_over.judge_files(key, record["files"], stored):
            raise hindrance
    else:
        whole(bucket, record["work"]["summary_key"])
    announce_published(detail=handed_over.detail(key, bucket, record))


def text_with_notes(error: BaseException) -> str:
    """The error and what was noted on it (https://peps.python.org/pep-0678/)."""
    return " ".join([str(error), *vars(error).get("__notes__", [])])


@idempotent_function(data_keyword_argument="detail", config=idempotency, persistence_store=announced_exports)
def announce(detail: ExportArrived) -> str:
    """Puts the event on the bus, once for each export; returns its id. Raises NotAnnounced."""
    answer = events.put_events(Entries=[announcement(detail, settings.event_bus)])
    if error := refused(answer):
        raise error
    logger.info("export announced", **detail)
    return answer["Entries"][0]["EventId"]


@idempotent_function(
    data_keyword_argument="detail", config=idempotency_published, persistence_store=announced_published
)
def announce_published(detail: dict[str, Any]) -> str:
    """Puts the event of a published export on the bus, once for each; returns its id. Raises NotAnnounced."""
    answer = events.put_events(Entries=[announcement(detail, settings.event_bus, PUBLISHED_TYPE)])
    if error := refused(answer):
        raise error
    logger.info("published export announced", **detail)
    return answer["Entries"][0]["EventId"]


def hide(record: SQSRecord, seconds: int) -> None:
    """Keeps a message from being received for a while."""
    try:
        sqs.change_message_visibility(
            QueueUrl=queue_url(record.event_source_arn),
            ReceiptHandle=record.receipt_handle,
            VisibilityTimeout=seconds,
        )
    except (ClientError, BotoCoreError) as error:  # the queue's own visibility timeout holds then
        logger.warning("message keeps the queue's visibility timeout", reason=str(error))


@cache
def queue_url(arn: str) -> str:
    """The queue's URL."""
    account, name = arn.split(":")[4:6]
    return sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
