"""Puts a beat on a Kinesis stream. Event: none. Returns {"beat": its text}.

Environment: STREAM and BEAT (names).
https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html
"""

import os
import time

import boto3
import variables
from beats import beat
from botocore.config import Config

kinesis = boto3.client("kinesis", config=Config(retries={"mode": "standard", "total_max_attempts": 5}))


def handler(event, context):
    """Puts one beat on the stream."""
    text = beat(os.environ[variables.BEAT], time.time())
    kinesis.put_record(
        StreamName=os.environ[variables.STREAM], Data=text, PartitionKey=os.environ[variables.BEAT]
    )
    return {"beat": text.decode()}
