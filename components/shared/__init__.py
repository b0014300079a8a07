"""What both sides of a deployment must know, written once: plain Python of the standard library.

Components import a module from here by its whole name; a handler imports it as a sibling (`import catalog_names`), and
the bundle of every handler that does so carries it (components/bundling/bundles.py).

landing_folders.py                     where a run's data lies
dynamodb_exports.py rds_folders.py     how an export of DynamoDB or RDS lies in S3, and its manifests
catalog_names.py                       how tables and columns are called
column_types.py hive_types.py          the type of a column: as a config declares it, as Hive writes it
metric_names.py                        the metrics that handlers put and alarms watch
scheduled_time.py                      the time that a run is for
run_sources.py run_steps.py            the sources of an export's run, and what its steps hand to each other
fold_steps.py                          the events of a fold's steps
step_keys.py                           the keys and paths of that, for the state machine
run_records.py                         what a run keeps in S3
run_commands.py                        the commands that start a run again
duckdb_rows.py                         the rows of a run's Parquet files, as DuckDB's SQL
loaded_tables.py                       the tables whose loads into BigQuery are checked
variables.py                           the variables of the functions' environments
announcement.py                        the event of an export that arrived in a replica
"""
