"""Export: DynamoDB tables and RDS snapshots, on a schedule, in S3 and from there in Glue and Athena.

schedule --> state machine --> export to raw/ --> Parquet in lake/ --> Glue tables and views --> Athena
(or a new snapshot's event)                      (RDS exports are Parquet where they lie)

args.py sources.py     the arguments and their checks
component.py           tables, the landing with its key and events, and the run
start.py               what starts a run
run.py                 a run's first steps: start the exports and wait for them (components/lake/ has the others)
statements.py          what these steps may do
simple_run.py          `run: simple`: a function that only starts the exports

Guarded by: tests/unit/pipelines/export/, tests/contract/test_normaliser.py, tests/contract/test_normaliser_steps.py,
tests/contract/test_fold.py, tests/contract/test_rds_export.py, tests/contract/test_schema.py,
tests/contract/test_catalog_columns.py, tests/contract/test_hive_coercions.py, tests/contract/kills/,
tests/contract/iam/table_export_run.py, tests/e2e/test_lake.py
"""
