"""The variables of the functions' environments, by which a component hands settings to its function. Pure.

Every value is text, and all of a function's variables together have 4 KB at the most
(https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html). What Lambda sets itself, such as AWS_REGION,
is not here (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html).
"""

# What several functions read.
PIPELINE = "PIPELINE"
"""The pipeline's name, as metrics have it."""
BUCKET = "BUCKET"
"""The landing's bucket; of `replay`, that of the failed records."""
BUCKET_OWNER = "BUCKET_OWNER"
"""The id of the bucket's account."""
PREFIX = "PREFIX"
"""What the keys that the function reads or writes begin with."""
KMS_KEY_ARN = "KMS_KEY_ARN"
"""The key that exports are encrypted under; not set where there is none."""
TABLES = "TABLES"
"""A JSON list: of `export_start` the tables' ARNs, of `load_check` its tables (loaded_tables.py)."""
STREAM = "STREAM"
"""The Kinesis stream's name."""

# export_source
EXPORT_ROLE_ARN = "EXPORT_ROLE_ARN"
"""The role that RDS exports with; not set where no source is a database."""

# fold
MEMORY = "MEMORY"
"""The most memory that DuckDB takes, such as `2GB`."""

# catalog
DATABASE = "DATABASE"
"""The Glue database's name."""
CATALOG = "CATALOG"
"""Who keeps the catalog: `registered`, this function; or `crawler`."""

# arrival
EVENT_BUS = "EVENT_BUS"
IDEMPOTENCY_TABLE = "IDEMPOTENCY_TABLE"
"""The DynamoDB table of what was announced."""

# backfill
ACCOUNT_ID = "ACCOUNT_ID"
ROLE_ARN = "ROLE_ARN"
"""The role of the S3 Batch Operations job."""
JOB_TAG = "JOB_TAG"
"""`<key>=<value>`: the tag of the jobs that the function may end."""
REPORT_BUCKET = "REPORT_BUCKET"
REPORT_PREFIX = "REPORT_PREFIX"
PREFIXES = "PREFIXES"
"""A JSON list: what the keys to replicate begin with."""

# load_check
LOAD_TIME = "LOAD_TIME"
"""The time of the day's load in UTC, `HH:MM`; not set where loads have no time of day."""
COMPARED_MINUTES_AFTER = "COMPARED_MINUTES_AFTER"
"""Minutes from a load to its check."""
RUN_WITHIN_MINUTES = "RUN_WITHIN_MINUTES"
"""Minutes before the check in which the load has to begin."""
COPIED_MINUTES_BEFORE = "COPIED_MINUTES_BEFORE"
"""Minutes from the copy of the files to the load; not set where nothing is copied."""
PROJECT = "PROJECT"
DATASET = "DATASET"
LOCATION = "LOCATION"
"""Of the dataset."""
AUDIENCE = "AUDIENCE"
"""The workload identity provider, as its token names it."""
SERVICE_ACCOUNT = "SERVICE_ACCOUNT"
"""The address of the service account that the function acts as."""
GOOGLE_ENDPOINT = "GOOGLE_ENDPOINT"
"""Where Google's APIs are, for tests; not set otherwise."""

# index
PATIENCE_SECONDS = "PATIENCE_SECONDS"
"""How long a collection that is not ready is waited for."""

# transform
TIMESTAMP = "TIMESTAMP"
"""The field of a record's time."""
DROP = "DROP"
"""A JSON mapping: field -> the values of records that are dropped."""
