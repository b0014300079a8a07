"""Firehose: a Kinesis stream, record by record, searchable in OpenSearch Serverless; what fails is replayed.

Kinesis stream --> Data Firehose --> an index of a collection
                       '--> backup in S3 --replay--> the stream again

args.py           the arguments and their checks, with delivery_args.py
component.py      the pipeline, and the functions that transform, replay and generate records
stream.py         the Kinesis stream, made or adopted
delivery.py       the Firehose stream, its two roles, buffer, retries and log
search_index.py   the index, which Firehose does not make
dashboards.py     who reads the index in Dashboards
alarms.py         when records wait, are refused or get lost

Guarded by: tests/unit/pipelines/firehose/, tests/contract/test_cloud_aoss.py, tests/contract/test_cloud_kinesis.py,
tests/contract/iam/table_firehose.py, tests/e2e/test_firehose.py
"""
