"""BigQuery transfer: a landing in S3, loaded into tables of BigQuery and checked against what was exported.

landing in S3 --[Storage Transfer --> Cloud Storage]--> Data Transfer Service --> BigQuery tables
              '--counts--> load check <--rows------------------------------------------'

args.py storage_copy_args.py tables.py    the arguments and their checks
iceberg.py           what of an Iceberg table can be loaded
component.py         a transfer into each table
landing_reader.py    the AWS user, where the transfer reads S3 itself
storage_copy.py      the copy into Cloud Storage by a role, where no key is to be stored
warehouse.py         dataset, tables, and the view of each newest load
load_check.py        checks every load: did it run, and do its rows match the exports that it read?
alarms.py            when a load fails or differs, or events are not read
job_account.py       the service accounts of loads and checks

Guarded by: tests/unit/pipelines/bigquery_transfer/, tests/contract/gcp/, tests/contract/iam/table_bigquery_transfer.py,
tests/contract/iam/table_storage_transfer.py, tests/e2e/test_bigquery_transfer.py, tests/e2e/test_storage_transfer.py
"""
