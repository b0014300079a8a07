"""Firehose from a Kinesis stream to an OpenSearch Serverless collection: what ministack's control plane lacks.

A stream's records, and what becomes of them, are in delivery.py.
Refused on creation: an index name over 80, buffering and retries out of range, a role that Firehose may not assume.
Limits: nothing outlives the process; VpcConfiguration is kept, not used. Other destinations are ministack's.
Source: docs.aws.amazon.com/firehose/latest/APIReference/API_CreateDeliveryStream.html.
"""

from local.plain import within

from ..iam import authorization
from ..seams import firehose
from ..seams.parts import Answer, Record
from ..seams.responses import error_response_json
from .delivery import KIND, SERVICE, Delivery
from .described import described

stock_create, stock_description = firehose.create_delivery_stream, firehose.destination_description.current


def refusal(data: Record, config: Record) -> str | None:
    """Why CreateDeliveryStream refuses a destination in a collection, as the error's message; None if it does not."""
    hints, s3 = within(config, "BufferingHints"), within(config, "S3Configuration")
    retry = within(config, "RetryOptions").get("DurationInSeconds", 300)
    if not 1 <= len(config.get("IndexName") or "") <= 80:
        return "IndexName must have 1 to 80 characters"
    if not 0 <= hints.get("IntervalInSeconds", 300) <= 900 or not 1 <= hints.get("SizeInMBs", 5) <= 100:
        return "BufferingHints must be 0 to 900 seconds and 1 to 100 MB"
    if not 0 <= retry <= 7200:
        return "RetryOptions.DurationInSeconds must be 0 to 7200"
    if not config.get("CollectionEndpoint") or not s3.get("BucketARN"):
        return "CollectionEndpoint and S3Configuration.BucketARN are required"
    source = within(data, "KinesisStreamSourceConfiguration").get("RoleARN")
    for role in filter(None, (config.get("RoleARN"), s3.get("RoleARN"), source)):
        try:
            authorization.check_trust(role, SERVICE, firehose.stream_arn(data["DeliveryStreamName"]))
        except authorization.Denied as denied:
            return f"Firehose is unable to assume role {role}: {denied}"
    return None


def create(data: Record) -> Answer:
    """CreateDeliveryStream, which checks a destination in a collection first, and starts to deliver from Kinesis."""
    config = data.get(f"{KIND}DestinationConfiguration")
    if config and (why := refusal(data, config)):
        return error_response_json("InvalidArgumentException", why, 400)
    answer = stock_create(data)
    stream = firehose.streams.get(data.get("DeliveryStreamName", ""))
    if config and answer[0] == 200 and stream and stream["kinesis_source"]:
        Delivery(stream).start()
    return answer


def description(destination: Record) -> Record:
    """A destination as DescribeDeliveryStream shows it; one in a collection by described.py."""
    described_stream = stock_description(destination)
    if config := described_stream.pop(f"{KIND}DestinationDescription", None):
        described_stream[f"{KIND}DestinationDescription"] = described(config)
    return described_stream


def install() -> None:
    """Puts `create` and `description` in the places of ministack's functions."""
    firehose.handlers["CreateDeliveryStream"] = create
    firehose.destination_description.replace(description)
