"""Zero-ETL: DynamoDB tables, item by item and change by change, searchable in OpenSearch Serverless.

DynamoDB table --export, stream--> OpenSearch Ingestion --> an index of a collection
                                        '--> dead letters in S3

args.py         the arguments and their checks
component.py    tables, bucket, collection, ingestion pipelines with their roles, grants and logs
body.py         what an ingestion pipeline does: source, processors, route, sink
statements.py   what its role may do
alarms.py       when documents fail to arrive

Guarded by: tests/unit/pipelines/zero_etl/, tests/contract/test_cloud_osis.py, tests/contract/test_cloud_osis_bodies.py,
tests/contract/iam/table_zero_etl.py, tests/e2e/test_zero_etl.py
"""
