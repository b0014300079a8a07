"""The languages that a config is written in besides YAML, each read before anything is deployed. Pure.

aws_schedules.py        cron and rate expressions, time zones
bigquery_schedules.py   schedules of the BigQuery Data Transfer Service
data_prepper.py         expressions of OpenSearch Ingestion's routes
athena_views.py         the SELECT of a view
column_types.py         the type of a declared column
glue_columns.py         declared attributes as columns of Glue
bigquery_types.py       columns as BigQuery calls and types them
types_page.py           the page of those types, docs/types.md
"""
