"""The variables of the functions' environments, by which a component hands settings to its function. Pure.

Every value is text, and all of a function's variables together have 4 KB at the most
(https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html). What Lambda sets itself, such as AWS_REGION,
is not here (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html).
"""

MOST_BYTES = 3500
"""Bytes of JSON that one variable may have, so that the others fit beside it into the 4 KB."""

# What several functions read.
PIPELINE = "PIPELINE"
"""The pipeline's name, as metrics have it."""
BUCKET = "BUCKET"
"""The landing's bucket; of `replay`, that of the failed records."""
BUCKET_OWNER = "BUCKET_OWNER"
"""The id of the bucket's account."""
PREFIX = "PREFIX"
"""What the keys that the function reads or writes begin with, such as `raw/`."""
KMS_KEY_ARN = "KMS_KEY_ARN"
"""The KMS key that exports are encrypted under; not set or empty: SSE-S3, and no export of RDS."""
TABLES = "TABLES"
"""A JSON list: of `export_start` the tables' ARNs, of `load_check` its tables (loaded_tables.py)."""
STREAM = "STREAM"
"""The Kinesis stream's name."""

# export_source
EXPORT_ROLE_ARN = "EXPORT_ROLE_ARN"
"""The role that RDS exports with; not set where no source is a database."""

# fold
MEMORY = "MEMORY"
"""The most memory that DuckDB takes, such as `2GB`; more is spilled to the disk."""
PART_BYTES = "PART_BYTES"
"""The most bytes of Parquet that one part of a fold reads of the snapshot, or writes of the changes."""

# iceberg
UPKEEP_ROLE_ARN = "UPKEEP_ROLE_ARN"
"""The role of the optimizers of its tables; not set: none are turned on."""
PAST_DAYS = "PAST_DAYS"
"""Days that a table can be read as it was."""
MERGE_TABLE_ROWS = "MERGE_TABLE_ROWS"
"""Rows of a table beyond which Athena merges what a run changes."""
COMPACT_AFTER = "COMPACT_AFTER"
"""Commits to a table after which Athena compacts it; 0: never."""
MERGE_CHANGES_MB = "MERGE_CHANGES_MB"
"""MB of Parquet of a run beyond which Athena merges it."""
COPIES = "COPIES"
"""A JSON list: the tables that a plain copy is kept of; not set: none."""

# catalog
DATABASE = "DATABASE"
"""The Glue database's name."""
CATALOG = "CATALOG"
"""Who keeps the catalog: `registered`, this function; or `crawler`, and the function keeps only the record of what is
published."""
HANDS_OVER = "HANDS_OVER"
"""Set where a published export is handed to the landing's replicas, too."""

# arrival
EVENT_BUS = "EVENT_BUS"
"""The event bus's name or ARN."""
IDEMPOTENCY_TABLE = "IDEMPOTENCY_TABLE"
"""The DynamoDB table of what was announced: key `id`, TTL attribute `expiration`."""

# backfill
ACCOUNT_ID = "ACCOUNT_ID"
"""The account that the job runs in."""
ROLE_ARN = "ROLE_ARN"
"""The role of the S3 Batch Operations job."""
JOB_TAG = "JOB_TAG"
"""`<key>=<value>`: the tag that each job gets, and that the jobs have which the function may cancel."""
REPORT_BUCKET = "REPORT_BUCKET"
"""The bucket that the job's report goes to."""
REPORT_PREFIX = "REPORT_PREFIX"
"""What the report's keys begin with, without '/' at its end."""
PREFIXES = "PREFIXES"
"""A JSON list: what the keys to replicate begin with; not set or empty: all that the rules cover."""

# load_check
LOAD_TIME = "LOAD_TIME"
"""The time of the day's load in UTC, `HH:MM`; not set where loads have no time of day."""
CHECKED_MINUTES_AFTER = "CHECKED_MINUTES_AFTER"
"""Minutes from a load to its check."""
RUN_WITHIN_MINUTES = "RUN_WITHIN_MINUTES"
"""Minutes before the check in which the load has to begin."""
COPIED_MINUTES_BEFORE = "COPIED_MINUTES_BEFORE"
"""Minutes from the copy of the files to the load; not set where nothing is copied."""
PROJECT = "PROJECT"
"""The id of the Google Cloud project."""
DATASET = "DATASET"
"""The BigQuery dataset's name."""
LOCATION = "LOCATION"
"""Where the dataset is, such as `EU`."""
AUDIENCE = "AUDIENCE"
"""The workload identity provider, as its token names it: `//iam.googleapis.com/projects/…/providers/…`."""
SERVICE_ACCOUNT = "SERVICE_ACCOUNT"
"""The e-mail address of the service account that the function acts as."""
GOOGLE_ENDPOINT = "GOOGLE_ENDPOINT"
"""Where Google's APIs are, instead of their public hosts: in tests, or a private endpoint. Usually not set."""

# index
PATIENCE_SECONDS = "PATIENCE_SECONDS"
"""Seconds that the function waits for a collection that is not ready."""

# transform
TIMESTAMP = "TIMESTAMP"
"""The field of a record's time."""
DROP = "DROP"
"""A JSON mapping: field -> the values of records that are dropped."""
