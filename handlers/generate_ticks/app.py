"""Puts stock ticks on a Kinesis stream, to try a pipeline.

Event: {"count": how many (10), "rate": records a second at the most (1,000)}. Returns {"run", "sent", "seconds"}; `run`
is in each tick, with its number `seq`, so that each run and each tick can be recognised where it arrives.
A tick: {"EVENT_TIME": "2026-01-01T16:00:00.000Z", "TICKER", "PRICE", "run", "seq"}.
A record that the stream refuses is put again, alone, with backoff; what is refused to the end, or what does not fit in
the function's time, is an error that says how many were sent.

Environment: components/shared/variables.py.
https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
"""

import os
import random
import time
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config
from ticks import Settings, batches, put_all, read_request, ticks

logger = Logger(service="generate_ticks")
settings = Settings.read(os.environ)
kinesis = boto3.client("kinesis", config=Config(retries={"mode": "standard", "total_max_attempts": 5}))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Puts ticks on the stream, `count` of them, `rate` a second."""
    count, rate = read_request(event)
    began, sent = time.monotonic(), 0
    for batch in batches(ticks(count, context.aws_request_id, random.Random()), rate):
        if context.get_remaining_time_in_millis() < 10_000:
            raise TimeoutError(f"the function's time is over: {sent} of {count} ticks were sent")
        time.sleep(max(0.0, began + sent / rate - time.monotonic()))
        put_all(kinesis, settings.stream, batch, time.sleep, sent)
        sent += len(batch)
    seconds = round(time.monotonic() - began, 3)
    logger.info("ticks sent", run=context.aws_request_id, sent=sent, seconds=seconds)
    return {"run": context.aws_request_id, "sent": sent, "seconds": seconds}
