"""Replication: a landing, file by file, in another account's bucket, with an event for each file that arrives.

landing's bucket ==S3 replication==> replicas' bucket --event--> queue --> arrival function
(its own account)                    (the receiving account)

args.py          the arguments, which both sides read
component.py     both sides as one pipeline
source.py        the landing's account: role, rules, alarms, and the job for what was there before the rules
statements.py    what that side's roles may do
destination.py   the receiving account: bucket, key, queue, arrival function
alarms.py        when objects wait or fail, and when an export is not whole
tables.py        with `catalog`, the run there that makes the export's tables of what has arrived (components/lake/)

Guarded by: tests/unit/pipelines/replication/, tests/contract/test_cloud_s3_replication.py,
tests/contract/iam/table_replication.py, tests/e2e/test_replication_grants.py, tests/e2e/test_lake.py
"""
