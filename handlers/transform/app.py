"""Transforms records for Firehose before they are delivered.

Event: {"records": [{"recordId", "data" (base64), "kinesisRecordMetadata"?, "approximateArrivalTimestamp"?}]}. Returns a
record for each: `Ok` with the document, `Dropped`, or `ProcessingFailed` with the data as it came, which Firehose
keeps below the error prefix. A record that fails never fails its neighbours.
https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html
Limits: an answer of 6 MB (Lambda's), so Firehose is configured to send at most 1 MB.

Environment: components/shared/variables.py.
"""

import os
from collections import Counter
from typing import Any

from aws_lambda_powertools import Logger
from transforming import Settings, transformed

logger = Logger(service="transform")
settings = Settings.read(os.environ)


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answers Firehose for each record."""
    answered: list[dict[str, str]] = []
    for record in event["records"]:
        answer, reason = transformed(record, settings)
        if reason:
            logger.warning("record not transformed", record_id=record["recordId"], reason=reason)
        answered.append(answer)
    logger.info("records transformed", results=Counter(answer["result"] for answer in answered))
    return {"records": answered}
